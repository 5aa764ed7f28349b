//! Request bodies: JSON of bounded size, whatever content type a provider gives it.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use scim_protocol::error::ScimError;
use serde_json::Value;

use crate::error::Failure;

/// Bytes of a body at the most: 20,000 members in one request and some room.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A request body as JSON.
#[derive(Debug)]
pub struct Body(pub Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        check_content_type(&request)?;
        let too_large = || ScimError::payload_too_large(format!("A body may have {MAX_BODY_BYTES} bytes"));
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()) > Some(MAX_BODY_BYTES as u64) {
            return Err(too_large().into());
        }
        let bytes = to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|_| too_large())?;
        // serde_json refuses nesting deeper than 128 and text that is not UTF-8.
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| ScimError::invalid_syntax(format!("The body is not JSON: {error}")))?;
        Ok(Self(value))
    }
}

/// `application/scim+json` and `application/json`, with or without parameters, or none at all.
fn check_content_type(request: &Request) -> Result<(), Failure> {
    let Some(value) = request.headers().get(CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if ["", "application/scim+json", "application/json"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    Err(ScimError::new(415, "Send application/scim+json or application/json").into())
}
