//! Requests of a tenant that went to another cell while they were at work: what is not found then is elsewhere, and
//! must not be answered as gone. A provider that is told so makes its users anew.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use store::Store;
use store::caller::ScimCaller;

use crate::error::Failure;

/// Answers 503 in place of what only looks so because everything of the tenant has gone.
///
/// A single resource that was found, and a write that was carried out, prove that it had not: they cost no look.
pub(crate) async fn look_again(State(store): State<Store>, request: Request, next: Next) -> Response {
    let tenant = request.extensions().get::<ScimCaller>().map(|caller| caller.tenant_id);
    let path = request.uri().path().trim_end_matches('/');
    let many = request.method() == Method::GET || request.method() == Method::POST;
    let many = many && !path.trim_start_matches('/').contains('/') || path.ends_with(".search");
    let response = next.run(request).await;
    let Some(tenant) = tenant.filter(|_| proves_nothing(response.status(), many)) else { return response };
    match store.tenants().stands(tenant).await {
        Ok(true) => response,
        Ok(false) => Failure::Unavailable.into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Whether an answer may be what it is because nothing is there; `many` are lists and bulk requests.
fn proves_nothing(status: StatusCode, many: bool) -> bool {
    match status {
        StatusCode::CREATED | StatusCode::NO_CONTENT => false,
        status if status.is_success() => many,
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => true,
        status => status.is_server_error() || status == StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_could_not_be_without_its_tenant_is_believed() {
        for (status, many, doubtful) in [
            (200, false, false),
            (201, true, false),
            (204, false, false),
            (304, false, false),
            (401, false, false),
            (200, true, true),
            (400, false, true),
            (404, false, true),
            (409, false, true),
            (412, false, true),
            (500, false, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(proves_nothing(status, many), doubtful, "{status} {many}");
        }
    }
}
