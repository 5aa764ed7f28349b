//! A tenant that goes from one cell to another under the eyes of its identity provider.

use axum::body::Body;
use axum::extract::Request;
use gateway::Gateway;
use gateway::admission::Limits;
use http::StatusCode;
use serde_json::json;
use std::time::Duration;
use store::caller::ScimCaller;
use store::entity::words::TenantStatus;
use store::id::TokenId;
use store::moving::TenantMove;
use tower::ServiceExt as _;

use crate::cells::cell;
use crate::harness::{Edge, Idp, PUBLIC_URL, USER};

#[tokio::test]
async fn provider_is_told_to_come_back_and_then_served_by_the_other_cell_with_the_same_token() {
    let [here, there] = [Edge::postgres().await, Edge::postgres().await];
    let cells = [cell("eu", (*here.store).clone()), cell("us", (*there.store).clone())];
    let router = gateway::router(Gateway::new(&cells, here.clock.clone(), Limits::default(), None));
    let idp = Idp { router, ..here.idp("acme").await };
    let ann = idp.user("ann").await;
    let mut moving = TenantMove::prepare(&here.store, &there.store, "acme").await.unwrap();
    moving.quiesce(Duration::ZERO).await.unwrap();
    let come_back = async || {
        let answer = idp.get(&format!("/Users/{ann}")).await;
        answer.refused(503, "");
        assert_eq!(answer.header("retry-after"), "1");
    };
    come_back().await;
    moving.copy(|_| {}).await.unwrap();
    assert_eq!(there.store.tenants().get(idp.tenant).await.unwrap().status, TenantStatus::Arriving);
    come_back().await;
    moving.finish().await.unwrap();
    // At once: nobody remembers that it was refused.
    idp.get(&format!("/Users/{ann}")).await.ok();
    idp.user("bob").await;
    assert!(!here.store.tenants().stands(idp.tenant).await.unwrap());
}

#[tokio::test]
async fn request_that_outlasts_the_move_is_not_told_that_nothing_is_there() {
    let edge = Edge::postgres().await;
    let idp = edge.idp("acme").await;
    let scim = scim::Scim::new((*edge.store).clone(), PUBLIC_URL);
    let handlers = scim::router(scim);
    let ask = async |method: &str, path: &str| {
        let caller = ScimCaller {
            tenant_id: idp.tenant,
            connection_id: idp.connection,
            token_id: TokenId::generate(),
            strict: false,
            schemas: 0,
            request_id: "late".into(),
        };
        let body = json!({"schemas": [USER], "userName": "late"});
        let request = Request::builder().method(method).uri(path).extension(caller);
        let request = request.header("content-type", "application/scim+json");
        let body = if path.ends_with(".search") { json!({}) } else { body };
        let body = if method == "GET" { Body::empty() } else { Body::from(body.to_string()) };
        handlers.clone().oneshot(request.body(body).unwrap()).await.unwrap().status()
    };
    let late = [
        ("GET", "/Users"),
        ("GET", "/Groups?count=1"),
        ("POST", "/Users/.search"),
        ("GET", "/Users/0192e4a0-0000-7000-8000-000000000001"),
        ("PUT", "/Users/0192e4a0-0000-7000-8000-000000000001"),
        ("DELETE", "/Users/0192e4a0-0000-7000-8000-000000000001"),
        ("POST", "/Users"),
    ];
    let (creates, others) = late.split_last().unwrap();
    assert_eq!(creates.0, "POST");
    for (method, path) in others {
        assert_ne!(ask(method, path).await, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
    }
    let there = Edge::postgres().await;
    let mut moving = TenantMove::prepare(&edge.store, &there.store, "acme").await.unwrap();
    moving.copy(|_| {}).await.unwrap();
    for (method, path) in late {
        assert_eq!(ask(method, path).await, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
    }
}
