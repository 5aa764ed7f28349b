//! Tenant-scoped SCIM handlers (RFC 7644). They see requests below a connection's base URL, and believe
//! the [`ScimCaller`](store::caller::ScimCaller) that the gateway put there, and nothing else.
//!
//! A request takes four hops: [`routes`] finds the handler, [`caller`] binds it to one directory, a pure
//! function of `scim_protocol` says what the resource becomes, and one transaction of `store` writes it.

pub mod answer;
pub mod body;
pub mod caller;
pub mod error;
pub mod path;
mod representation;
pub mod routes;
mod search;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use store::Store;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::Failure;

/// How long a request may take before it is answered with 503.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Scim {
    /// The database of this cell.
    pub store: Store,
    /// Scheme, host and port under which providers see us, without a trailing slash.
    pub public_url: String,
}

/// The handlers. Paths are those below the base URL: `/Users`, `/Groups/{id}`, ….
pub fn router(scim: Scim) -> Router {
    routes::router(scim).layer(
        ServiceBuilder::new()
            // Outermost, so that a panic anywhere below is still answered in SCIM's form.
            .layer(CatchPanicLayer::custom(|_| Failure::Internal.into_response()))
            // A stuck database must not hold the provider's connection for ever.
            .layer(axum::middleware::from_fn(limit_time)),
    )
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::Unavailable.into_response(),
    }
}
