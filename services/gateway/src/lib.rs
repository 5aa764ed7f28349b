//! The SCIM edge. A request comes in at `{public_url}/scim/{connection_id}/v2/…`; the gateway finds out
//! whose token it carries, checks that the token opens exactly this connection, and hands the request to
//! the SCIM handlers with a [`ScimCaller`](store::caller::ScimCaller) that they believe.
//!
//! Reading order: [`router`], then [`tokens`] (who is it), then [`refusal`] (how a no is said).

pub mod refusal;
mod route;
pub mod tokens;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderName};
use store::caller::ScimCaller;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use crate::refusal::Refusal;
use crate::tokens::Tokens;

/// The SCIM handlers, wherever they run.
pub type Handlers = BoxCloneSyncService<Request<Body>, Response, Infallible>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the gateway needs.
#[derive(Clone)]
pub struct Gateway {
    /// Tokens and what they open.
    pub tokens: Tokens,
    /// Where authenticated requests go.
    pub handlers: Handlers,
}

/// The router for everything under `/scim`.
pub fn router(gateway: Gateway) -> Router {
    Router::new().route("/scim/{*path}", axum::routing::any(forward)).with_state(gateway)
}

async fn forward(State(gateway): State<Gateway>, request: Request) -> Response {
    let request_id = request_id(&request);
    let mut response = match admit(&gateway, request, &request_id).await {
        Ok(request) => match gateway.handlers.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        Err(refusal) => refusal.into_response(),
    };
    if let Ok(value) = request_id.parse() {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Authenticates the request and turns it into what the handlers see: a path below the base URL, and the
/// caller as an extension instead of the token.
async fn admit(gateway: &Gateway, mut request: Request, request_id: &str) -> Result<Request, Refusal> {
    let target = route::split(request.uri()).ok_or(Refusal::Unauthorized)?;
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let opened = gateway.tokens.resolve(header).await?;
    // A token of another connection must learn nothing, not even that this connection exists.
    if opened.connection_id != target.connection_id {
        return Err(Refusal::Unauthorized);
    }
    opened.check_served()?;
    *request.uri_mut() = target.below;
    request.headers_mut().remove(AUTHORIZATION);
    request.extensions_mut().insert(ScimCaller {
        tenant_id: opened.tenant_id,
        connection_id: opened.connection_id,
        token_id: opened.token_id,
        strict: opened.strict,
        request_id: request_id.to_owned(),
    });
    Ok(request)
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
