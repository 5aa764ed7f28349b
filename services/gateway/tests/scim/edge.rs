//! What gateways of other processes reach: handlers believe a pass and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use proto::NOT_BEGUN;
use proto::pass::PassKeys;
use scim::edge::{Edge, edge};
use scim::routing::RoutingService;
use scim::stall::StallWatch;
use store::caller::ScimCaller;
use store::clock::Clock;
use store::id::TokenId;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::harness::{self, Idp, PUBLIC_URL, on_both};

on_both!(
    handlers_believe_a_pass_and_nothing_else,
    only_gateways_ask_the_routing_service,
    a_process_says_when_it_stops
);

fn keys(byte: u8) -> PassKeys {
    PassKeys::one(&[byte; 32]).unwrap()
}

fn router(place: &harness::Edge) -> (Router, Arc<std::sync::atomic::AtomicBool>) {
    let scim = scim::Scim::new((*place.store).clone(), PUBLIC_URL);
    let routing = RoutingService::new(&scim, CancellationToken::new());
    let draining = Arc::default();
    let made = Edge {
        scim,
        routing,
        passes: keys(1),
        stalls: StallWatch::default(),
        draining: Arc::clone(&draining),
    };
    (edge(made), draining)
}

fn caller(idp: &Idp) -> ScimCaller {
    ScimCaller {
        tenant_id: idp.tenant,
        connection_id: idp.connection,
        token_id: TokenId::generate(),
        strict: false,
        schemas: 0,
        request_id: "request".into(),
    }
}

async fn ask(router: &Router, path: &str, bearer: Option<&str>) -> http::Response<Body> {
    let mut request = Request::builder().uri(path).header("content-type", "application/grpc");
    if path.contains("Routing") {
        request = request.method("POST");
    }
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    // An empty message.
    let body = if path.contains("Routing") { Body::from(vec![0; 5]) } else { Body::empty() };
    router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
}

async fn handlers_believe_a_pass_and_nothing_else(place: harness::Edge) {
    let acme = place.idp("acme").await;
    acme.user("ann").await;
    let globex = place.idp("globex").await;
    let (router, _) = router(&place);
    let now = Clock::default().now();
    let own = keys(1).sign_own(now).unwrap();
    let forged = keys(2).sign(&caller(&acme), now).unwrap();
    let late = keys(1).sign(&caller(&acme), now.minus(Duration::from_mins(10))).unwrap();
    for bearer in [None, Some("x"), Some(&acme.token), Some(&own), Some(&forged), Some(&late)] {
        let answer = ask(&router, "/Users", bearer.map(|text: &str| text)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{bearer:?}");
        assert!(answer.headers().contains_key(NOT_BEGUN), "a gateway must not hand this to a provider");
    }
    for (idp, users) in [(&acme, 1), (&globex, 0)] {
        let pass = keys(1).sign(&caller(idp), now).unwrap();
        let answer = ask(&router, "/Users", Some(&pass)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["totalResults"], users);
    }
    // A tenant and a connection that do not belong together lead to nothing.
    let mixed = ScimCaller { tenant_id: globex.tenant, ..caller(&acme) };
    let answer = ask(&router, "/Users", Some(&keys(1).sign(&mixed, now).unwrap())).await;
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["totalResults"], 0);
}

async fn only_gateways_ask_the_routing_service(place: harness::Edge) {
    let acme = place.idp("acme").await;
    let (router, _) = router(&place);
    let now = Clock::default().now();
    let (resolve, watch) = ("/rollcall.routing.v1.Routing/Resolve", "/rollcall.routing.v1.Routing/Watch");
    let request = keys(1).sign(&caller(&acme), now).unwrap();
    let forged = keys(2).sign_own(now).unwrap();
    for path in [resolve, watch] {
        for bearer in [None, Some(&acme.token), Some(&request), Some(&forged)] {
            let answer = ask(&router, path, bearer.map(String::as_str)).await;
            assert_eq!(answer.headers()["grpc-status"], "16", "{path}");
        }
    }
    let answer = ask(&router, resolve, Some(&keys(1).sign_own(now).unwrap())).await;
    assert!(!answer.headers().contains_key("grpc-status"), "{answer:?}");
}

async fn a_process_says_when_it_stops(place: harness::Edge) {
    let (router, draining) = router(&place);
    assert_eq!(ask(&router, "/ready", None).await.status(), StatusCode::NO_CONTENT);
    draining.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(ask(&router, "/ready", None).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}
