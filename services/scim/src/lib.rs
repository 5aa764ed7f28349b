//! Tenant-scoped SCIM handlers (RFC 7644). They see requests below a connection's base URL, and believe
//! the [`ScimCaller`](store::caller::ScimCaller) that the gateway put there, and nothing else.
//!
//! A request takes four hops: [`routes`] finds the handler, [`caller`] binds it to one directory, a pure
//! function of `scim_protocol` says what the resource becomes, and one transaction of `store` writes it.
//!
//! Gateways of other processes come in through [`edge`](mod@edge), which takes the caller from a signed pass, and ask
//! [`routing`] whom a token belongs to.

pub mod answer;
pub mod body;
pub mod caller;
mod departure;
pub mod edge;
pub mod error;
pub mod path;
mod representation;
pub mod requests;
pub mod routes;
pub mod routing;
pub mod schemas;
mod search;
pub mod stall;

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use store::Store;
use telemetry::trace;
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use crate::error::Failure;
use crate::requests::Requests;
use crate::schemas::Schemas;

/// How long a request may take before it is answered with 503.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// When a request is cut off. What does much in one request stops before, and says what it did.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    arrived: Instant,
    limit: Duration,
}

impl Deadline {
    /// When the last piece of work must be done, so that there is time to answer.
    pub(crate) fn of_work(self) -> Instant {
        self.arrived + self.limit.mul_f64(0.8)
    }
}

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Scim {
    /// The database of this cell.
    pub store: Store,
    /// Scheme, host and port under which providers see us, without a trailing slash.
    pub public_url: String,
    /// What users and groups may hold.
    pub schemas: Schemas,
    /// Notes what comes.
    pub requests: Requests,
}

impl Scim {
    /// What handlers of this database need that providers see under `public_url`.
    pub fn new(store: Store, public_url: impl Into<String>) -> Self {
        let requests = Requests::new(store.clone());
        Self { store, public_url: public_url.into(), schemas: Schemas::default(), requests }
    }
}

/// The handlers. Paths are those below the base URL: `/Users`, `/Groups/{id}`, ….
pub fn router(scim: Scim) -> Router {
    router_within(TIME_LIMIT, scim)
}

/// The handlers, with another limit to the time that a request may take.
pub fn router_within(limit: Duration, scim: Scim) -> Router {
    // A stuck database must not hold the provider's connection for ever.
    let limited = axum::middleware::from_fn(move |request, next| limit_time(limit, request, next));
    let look_again = axum::middleware::from_fn_with_state(scim.store.clone(), departure::look_again);
    let note = axum::middleware::from_fn_with_state(scim.requests.clone(), requests::note);
    guarded(routes::router(scim).layer(look_again).layer(limited).layer(note))
}

/// A panic anywhere below is still answered in SCIM's form.
pub(crate) fn guarded(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(|_| Failure::Internal.into_response()))
}

async fn limit_time(limit: Duration, mut request: Request, next: Next) -> Response {
    let arrived = Instant::now();
    request.extensions_mut().insert(Deadline { arrived, limit });
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let (method, route) = routes::label(request.method(), matched);
    let span = tracing::info_span!("scim_handler", otel.kind = "server", http.route = route);
    if let Some(gateway) = request.headers().get("traceparent").and_then(|value| value.to_str().ok()) {
        trace::continue_from(&span, gateway);
    }
    let handled = next.run(request).instrument(span);
    let response = match tokio::time::timeout_at(arrived + limit, handled).await {
        Ok(response) => response,
        Err(_) => Failure::Unavailable.into_response(),
    };
    metrics::histogram!("rollcall_scim_handler_seconds", "method" => method, "route" => route)
        .record(arrived.elapsed().as_secs_f64());
    response
}
