//! The SCIM edge. A request comes in at `{public_url}/scim/{connection_id}/v2/…`; the gateway finds out
//! whose token it carries, checks that the token opens exactly this connection, and hands the request to
//! the SCIM handlers of the tenant's cell with a [`store::caller::ScimCaller`] that they believe.
//!
//! Reading order: [`router`], then [`tokens`] (who is it) and `watched` (for how long that is believed), then
//! `admission` (how much is let in), [`cell`] and [`remote`] (where it goes), then [`refusal`] (how a no is said) and
//! `observation` (what is recorded of a request). There is no database here.

pub mod admission;
pub mod cell;
mod failures;
mod observation;
pub mod refusal;
pub mod remote;
mod route;
pub mod tokens;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use guard::Source;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName};
use http_body_util::Limited;
use proto::NOT_BEGUN;
use store::caller::ScimCaller;
use store::clock::Clock;
use telemetry::trace;
use tower::ServiceExt as _;
use tracing::Instrument as _;

use crate::admission::{Admission, Limits, Place, SharedRates};
use crate::cell::{Cell, Handlers};
use crate::observation::Observation;
use crate::refusal::Refusal;
use crate::route::Target;
use crate::tokens::{Opened, Tokens};

/// How long a request may take from its head to the head of its answer. The handlers have a shorter limit of
/// their own; this one also holds where they run elsewhere, and while a slow client sends its body.
const TIME_LIMIT: Duration = Duration::from_secs(40);
/// Bytes of a body at the most. What is announced as larger is refused unread.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The gateway's state.
#[derive(Clone, Debug)]
pub struct Gateway {
    tokens: Tokens,
    /// Where authenticated requests go, by the place of their cell.
    handlers: Arc<[Handlers]>,
    admission: Admission,
}

impl Gateway {
    /// A gateway before these cells; `shared` counts requests together with the other gateways.
    pub fn new(cells: &[Cell], clock: Clock, limits: Limits, shared: Option<SharedRates>) -> Self {
        Self {
            tokens: Tokens::new(cells, clock),
            handlers: cells.iter().map(|cell| cell.handlers.clone()).collect(),
            admission: Admission::new(limits, shared),
        }
    }

    /// Tokens and what they open.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

/// The router for everything under `/scim`.
pub fn router(gateway: Gateway) -> Router {
    let forward = axum::routing::any(forward);
    Router::new()
        .route("/scim", forward.clone())
        .route("/scim/", forward.clone())
        .route("/scim/{*path}", forward.clone())
        // Some providers join the host and the base URI with a slash of their own.
        .route("//scim/{*path}", forward)
        .with_state(gateway)
}

async fn forward(State(gateway): State<Gateway>, request: Request) -> Response {
    let request_id = request_id(&request);
    let target = route::split(request.uri());
    let came_from = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let observation = Observation::begin(request.method(), target.as_ref(), &request_id, came_from);
    let served = serve(&gateway, request, target, &request_id, &observation).instrument(observation.span());
    let mut response = match tokio::time::timeout(TIME_LIMIT, served).await {
        Ok(response) => response,
        Err(_) => Refusal::Unavailable.into_response(),
    };
    observation.end(response.status());
    // Between processes of ours.
    response.headers_mut().remove(NOT_BEGUN);
    if let Ok(value) = request_id.parse() {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn serve(
    gateway: &Gateway,
    request: Request,
    target: Option<Target>,
    request_id: &str,
    observation: &Observation,
) -> Response {
    match admit(gateway, request, target, request_id, observation).await {
        Ok(admitted) => {
            let handlers = gateway.handlers[admitted.opened.cell].clone();
            let Ok(response) = handlers.oneshot(admitted.request).await;
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// A request that is let in, and the places that it has until it is answered.
struct Admitted {
    request: Request,
    opened: Arc<Opened>,
    _places: [Place; 2],
}

/// Authenticates the request and turns it into what the handlers see: a path below the base URL, a body of
/// bounded size, and the caller as an extension instead of the token.
async fn admit(
    gateway: &Gateway,
    request: Request,
    target: Option<Target>,
    request_id: &str,
    observation: &Observation,
) -> Result<Admitted, Refusal> {
    let target = target.ok_or(Refusal::Unauthorized)?;
    // Before anything is asked for it.
    let among_all = gateway.admission.enter()?;
    let source = request.extensions().get::<Source>().copied();
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let opened = gateway.tokens.resolve(header, target.connection_id, source).await?;
    // A token of another connection must learn nothing, not even that this connection exists.
    if opened.connection_id != target.connection_id {
        return Err(Refusal::Unauthorized);
    }
    observation.authenticated(opened.tenant_id, opened.connection_id);
    opened.check_served()?;
    let of_tenant = gateway.admission.admit(&opened).await?;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return Err(Refusal::TooLarge);
    }
    let (mut parts, body) = request.into_parts();
    parts.uri = target.below;
    parts.headers.remove(AUTHORIZATION);
    if let Some(parent) = trace::traceparent(&observation.span()).and_then(|text| text.parse().ok()) {
        parts.headers.insert(TRACEPARENT, parent);
    }
    // What this router found in the path is no parameter of the handlers' routes.
    parts.extensions.clear();
    parts.extensions.insert(ScimCaller {
        tenant_id: opened.tenant_id,
        connection_id: opened.connection_id,
        token_id: opened.token_id,
        strict: opened.strict,
        schemas: opened.schemas,
        request_id: request_id.to_owned(),
    });
    let request = Request::from_parts(parts, Body::new(Limited::new(body, MAX_BODY_BYTES)));
    Ok(Admitted { request, opened, _places: [among_all, of_tenant] })
}

/// The provider's own request id when it is sane, or a new one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => {
            id.to_owned()
        }
        _ => uuid::Uuid::now_v7().to_string(),
    }
}
