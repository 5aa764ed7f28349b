//! Whoever sends more than its share is told when to come back, and holds up nobody else.

use std::num::NonZeroU32;
use std::time::Duration;

use gateway::admission::{Limits, SharedRates};
use http::StatusCode;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::harness::{Edge, Idp, edge_of};

/// As many as may come at once are ten seconds' worth.
const PER_SECOND: u32 = 1;

fn limits() -> Limits {
    Limits { per_tenant: NonZeroU32::new(PER_SECOND), per_token: None, ..Limits::default() }
}

#[expect(clippy::disallowed_methods, reason = "only tests read this variable; it is no configuration")]
fn redis(url: Option<&str>) -> ConnectionManager {
    let given = std::env::var("ROLLCALL_TEST_REDIS_URL").unwrap_or_default();
    assert!(!given.is_empty(), "ROLLCALL_TEST_REDIS_URL is not set; run through `make test`");
    let url = url.map_or(given, str::to_owned);
    let config = ConnectionManagerConfig::new().set_connection_timeout(Some(Duration::from_secs(1)));
    redis::Client::open(url).unwrap().get_connection_manager_lazy(config).unwrap()
}

/// The same provider behind a gateway with limits.
fn behind(edge: &Edge, idp: &Idp, limits: Limits, shared: Option<ConnectionManager>) -> Idp {
    let (_, router) =
        edge_of(Duration::from_secs(30), limits, shared.map(SharedRates::new), (*edge.store).clone());
    Idp { router, ..idp.clone() }
}

/// How many of 30 requests, shared out among gateways, are let in, and how many more may be since time passes.
async fn let_in(gateways: &[&Idp]) -> (usize, usize) {
    let (mut let_in, began) = (0, std::time::Instant::now());
    for number in 0..30 {
        let answer = gateways[number % gateways.len()].get("/Users").await;
        if answer.status == StatusCode::OK {
            let_in += 1;
        } else {
            answer.refused(429, "");
            let wait: u32 = answer.header("retry-after").parse().unwrap();
            assert!((1..=2).contains(&wait), "{wait}");
        }
    }
    (let_in, usize::try_from(began.elapsed().as_secs()).unwrap() + 1)
}

#[tokio::test]
async fn a_tenants_rate_is_its_own() {
    let edge = Edge::sqlite().await;
    let (acme, globex) = (edge.idp("acme").await, edge.idp("globex").await);
    let busy = behind(&edge, &acme, limits(), None);
    let other = Idp { router: busy.router.clone(), ..globex };
    let (first, more) = let_in(&[&busy]).await;
    assert!((10..=10 + more).contains(&first), "{first}");
    assert_eq!(other.get("/Users").await.status, StatusCode::OK);
}

#[tokio::test]
async fn gateways_count_together_in_redis_and_alone_without_it() {
    let edge = Edge::sqlite().await;
    let acme = edge.idp("acme").await;
    let both = [0, 1].map(|_| behind(&edge, &acme, limits(), Some(redis(None))));
    let (together, more) = let_in(&[&both[0], &both[1]]).await;
    assert!((10..=10 + more).contains(&together), "{together} through two gateways");
    // Nobody listens there.
    let nowhere = "redis://127.0.0.1:1/0";
    let alone = [0, 1].map(|_| behind(&edge, &acme, limits(), Some(redis(Some(nowhere)))));
    let (apart, more) = let_in(&[&alone[0], &alone[1]]).await;
    assert!((20..=20 + 2 * more).contains(&apart), "{apart} through two gateways without Redis");
}

#[tokio::test]
async fn what_would_only_queue_is_told_to_come_back() {
    let edge = Edge::sqlite().await;
    let acme = edge.idp("acme").await;
    for (limits, status) in [
        (Limits { at_once: 0, ..Limits::default() }, 503),
        (Limits { at_once_per_tenant: 0, ..Limits::default() }, 429),
    ] {
        let answer = behind(&edge, &acme, limits, None).get("/Users").await;
        answer.refused(status, "");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let twice = Limits { at_once: 2, ..Limits::default() };
    let idp = behind(&edge, &acme, twice, None);
    for _ in 0..5 {
        assert_eq!(idp.get("/Users").await.status, StatusCode::OK, "a place is given back");
    }
}
