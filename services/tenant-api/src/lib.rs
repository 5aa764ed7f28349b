//! The REST control plane: tenants, keys, connections, tokens, sites, links, runs, and what became of
//! each user, all under `/v1`.
//!
//! Start at [`router`]. A request passes the layers ([`layers`]), then the extractor in the handler's
//! signature ([`caller`]), which authenticates, loads the tenant of the path and hands over the
//! tenant's own store; then the handler in [`routes`], one file a resource. Every failure is an
//! [`error::ApiError`], the only thing that becomes an error body.

use axum::Router;
use axum::middleware;
use axum::routing::{any, get};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub mod authentication;
pub mod body;
pub mod caller;
pub mod changes;
pub mod documentation;
pub mod error;
pub mod etag;
pub mod examples;
pub mod idempotency;
pub mod layers;
pub mod oidc;
pub mod paging;
pub mod parameters;
pub mod refusals;
pub mod routes;
pub mod state;
pub mod validation;

pub use authentication::JwtKeys;
pub use layers::MAX_BODY_BYTES;
pub use state::{Answer, ApiState, PlanFailure, PlannedLink, Revocations, SyncRules};

use error::ApiError;
use routes::openapi::{get_docs, get_openapi};

/// The API, with every path under `/v1`. It answers unknown paths there itself and leaves all others to
/// the router that it is merged into.
pub fn router(state: ApiState) -> Router {
    let (operations, _) = routes::operations().split_for_parts();
    let once = middleware::from_fn_with_state(state.clone(), idempotency::once);
    let version_one = operations
        .layer(once)
        .layer(middleware::from_fn_with_state(layers::guesses(), layers::limit_guesses))
        .route("/openapi.json", get(get_openapi))
        .route("/docs", get(get_docs))
        .fallback(unknown_path)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(state);
    // The one path below `/v1` that nesting leaves out.
    let slash = Router::new().route("/v1/", any(unknown_path));
    Router::new().nest("/v1", layers::apply(version_one)).merge(layers::apply(slash))
}

async fn unknown_path() -> ApiError {
    ApiError::NotFound("path")
}

/// The OpenAPI document of [`router`], with the paths as they are served.
pub fn openapi() -> OpenApi {
    let mut document = OpenApiRouter::with_openapi(routes::openapi::Description::openapi())
        .nest("/v1", routes::operations())
        .into_openapi();
    examples::illustrate(&mut document);
    document
}

/// [`openapi`] as it is served and committed: indented JSON with a line break at the end.
pub fn openapi_json() -> String {
    documentation::json(&openapi())
}
