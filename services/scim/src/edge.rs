//! The handlers as gateways of other processes reach them: one address for the routing service, requests with a
//! pass, and whether this process takes any.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use proto::NOT_BEGUN;
use proto::pass::PassKeys;
use store::Store;

use crate::error::Failure;
use crate::routing::RoutingService;
use crate::stall::{StallWatch, guarded};
use crate::{Scim, router};

/// How long the database may take before requests had better go elsewhere.
const PATIENCE: Duration = Duration::from_millis(500);

/// What answers the gateways.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The handlers' state.
    pub scim: Scim,
    /// Routes of this cell.
    pub routing: RoutingService,
    /// Keys that open passes.
    pub passes: PassKeys,
    /// Whether this process runs without a pause.
    pub stalls: StallWatch,
    /// Set when this process is about to stop: no new requests, please.
    pub draining: Arc<AtomicBool>,
}

/// The router of the address that only gateways reach. `/ready` says whether requests had better go elsewhere;
/// everything else needs a pass, of a request or of a gateway itself.
pub fn edge(edge: Edge) -> Router {
    let Edge { scim, routing, passes, stalls, draining } = edge;
    let ready = get(ready).with_state((scim.store.clone(), stalls.clone(), draining));
    let own = axum::middleware::from_fn_with_state(passes.clone(), admit_gateway);
    let handlers = router(scim).layer(axum::middleware::from_fn_with_state(passes, admit));
    let handlers = guarded(handlers, stalls);
    Router::new()
        .route_service("/rollcall.routing.v1.Routing/{*method}", routing.server())
        .layer(own)
        .route("/ready", ready)
        .fallback_service(handlers)
}

async fn ready(State((store, stalls, draining)): State<(Store, StallWatch, Arc<AtomicBool>)>) -> StatusCode {
    if draining.load(Ordering::Relaxed) || stalls.is_wary() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT,
        Ok(Err(_)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Lets a gateway ask that has our key.
async fn admit_gateway(State(passes): State<PassKeys>, mut request: Request, next: Next) -> Response {
    match passes.open_own(&pass(&mut request)) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            tracing::warn!(error = &refused as &dyn std::error::Error, "a gateway without a valid pass");
            tonic::Status::unauthenticated("no valid pass").into_http::<Body>()
        }
    }
}

/// Takes the pass out of a request; empty when there is none.
fn pass(request: &mut Request) -> String {
    let header = request.headers_mut().remove(AUTHORIZATION);
    let text = header.as_ref().and_then(|value| value.to_str().ok());
    text.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
}

/// Lets a request in that a gateway signed, as whoever the pass says, and nobody else.
async fn admit(State(passes): State<PassKeys>, mut request: Request, next: Next) -> Response {
    match passes.open(&pass(&mut request)) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => {
            tracing::warn!(error = &refused as &dyn std::error::Error, "a request without a valid pass");
            let mut response = Failure::Unsigned.into_response();
            // A gateway of ours whose key or clock is wrong must not tell providers that their tokens are.
            response.headers_mut().insert(NOT_BEGUN, HeaderValue::from_static("unsigned"));
            response
        }
    }
}
