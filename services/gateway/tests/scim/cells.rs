//! A gateway before several cells: each tenant's requests go to the cell that it lives in, and a cell that is away
//! takes nothing from the others.

use gateway::Gateway;
use gateway::admission::Limits;
use gateway::cell::Cell;
use http::StatusCode;
use scim::routing::RoutingService;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::harness::{Edge, Idp, PUBLIC_URL};

pub(crate) fn cell(name: &str, store: Store) -> Cell {
    let scim = scim::Scim::new(store, PUBLIC_URL);
    let routing = RoutingService::new(&scim, CancellationToken::new());
    Cell::here(name, routing.server(), scim::router(scim))
}

/// Two cells, a tenant of the same name in each, and one gateway before both.
async fn two_cells() -> ([Edge; 2], [Idp; 2]) {
    let edges = [Edge::sqlite().await, Edge::sqlite().await];
    let cells = [cell("eu", (*edges[0].store).clone()), cell("us", (*edges[1].store).clone())];
    let gateway = Gateway::new(&cells, edges[0].clock.clone(), Limits::default(), None);
    let router = gateway::router(gateway);
    let mut tenants = Vec::new();
    for edge in &edges {
        tenants.push(Idp { router: router.clone(), ..edge.idp("acme").await });
    }
    (edges, tenants.try_into().unwrap_or_else(|_| unreachable!("there are two")))
}

#[tokio::test]
async fn each_request_goes_to_the_cell_that_its_tenant_lives_in() {
    let (edges, [eu, us]) = two_cells().await;
    let ann = eu.user("ann").await;
    let bob = us.user("bob").await;
    assert_eq!(eu.find("/Users", "userName pr").await.ids(), std::slice::from_ref(&ann));
    assert_eq!(us.find("/Users", "userName pr").await.ids(), [bob]);
    // It really lies in the database of its own cell.
    for (edge, idp, count) in [(&edges[0], &eu, 1), (&edges[1], &eu, 0)] {
        let users = edge.store.tenant(idp.tenant).users(idp.connection);
        assert_eq!(usize::from(users.find(ann.parse().unwrap()).await.unwrap().is_some()), count);
    }
    // A token of the other cell's tenant opens nothing here.
    let stranger = Idp { token: us.token.clone(), ..eu.clone() };
    assert_eq!(stranger.get("/Users").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn cell_that_is_away_takes_nothing_from_the_others_and_nobody_is_called_a_stranger_for_it() {
    let (edges, [eu, us]) = two_cells().await;
    us.get("/Users").await.ok();
    (*edges[0].store).clone().close().await.unwrap();
    us.get("/Users").await.ok();
    let successor = edges[1].token(us.tenant, us.connection, None).await;
    Idp { token: successor, ..us.clone() }.get("/Users").await.ok();
    // Which cell knows this token cannot be said while one of them does not answer: a provider that is told 401 may
    // give up for good.
    for token in [&eu.token, "unknown"] {
        let answer = Idp { token: token.to_owned(), ..eu.clone() }.get("/Users").await;
        answer.refused(503, "");
        assert!(!answer.header("retry-after").is_empty());
    }
}
