//! Requests of a tenant that went to another cell while they were at work: what is not found then is elsewhere, and
//! must not be answered as gone. A provider that is told so makes its users anew.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use store::Store;
use store::caller::ScimCaller;

use crate::answer::FoundNothing;
use crate::error::Failure;

/// Answers 503 in place of what only looks so because everything of the tenant has gone.
///
/// What was found or carried out proves that it had not, and costs no look.
pub(crate) async fn look_again(State(store): State<Store>, request: Request, next: Next) -> Response {
    let tenant = request.extensions().get::<ScimCaller>().map(|caller| caller.tenant_id);
    let is_bulk = request.uri().path() == "/Bulk";
    let response = next.run(request).await;
    let is_empty = is_bulk || response.extensions().get::<FoundNothing>().is_some();
    let Some(tenant) = tenant.filter(|_| is_empty || proves_nothing(response.status())) else {
        return response;
    };
    match store.tenants().stands(tenant).await {
        Ok(true) => response,
        Ok(false) => Failure::Unavailable.into_response(),
        // It says of each operation what became of it, and some may have been carried out.
        Err(_) if is_bulk => response,
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Whether a failure may be one because nothing is there.
fn proves_nothing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED
    ) || status.is_server_error()
}
