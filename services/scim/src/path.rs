//! What stands in braces in a route.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use scim_protocol::error::ScimError;

use crate::error::Failure;

/// The one parameter of a route, as text. Text that is not UTF-8 names nothing of ours: 404.
#[derive(Debug)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(ScimError::not_found("No such resource").into()),
        }
    }
}
