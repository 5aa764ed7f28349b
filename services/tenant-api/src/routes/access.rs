//! `/auth/token`: API keys exchanged for short-lived access tokens.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::authentication::{ACCESS_TOKEN_SECONDS, exchange};
use crate::error::ApiError;
use crate::refusals::Refusals;
use crate::state::ApiState;

/// An access token, as RFC 6749 §5.1 names its parts.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the RFC's names")]
pub struct AccessToken {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds that it lives.
    expires_in: u64,
}

/// Exchange an API key for an access token
///
/// The API key goes into `Authorization: Bearer`. The access token has the key's role, lives 15
/// minutes, and ends at once when the key is revoked. The operator's key is used as it is.
#[utoipa::path(
    post, path = "/auth/token", tag = "access",
    responses((status = 200, description = "The access token", body = AccessToken), Refusals),
)]
pub(crate) async fn create_access_token(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Json<AccessToken>, ApiError> {
    let access_token = exchange(&state, &headers).await?;
    Ok(Json(AccessToken { access_token, token_type: "Bearer", expires_in: ACCESS_TOKEN_SECONDS }))
}
