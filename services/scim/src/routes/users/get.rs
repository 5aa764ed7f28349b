//! `GET /Users/{id}` (RFC 7644 §3.4.1).

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::schema;

use super::{id, represent};
use crate::answer;
use crate::caller::Directory;
use crate::error::Failure;
use crate::search::projection;

/// Returns a user, active or not.
pub async fn handle(
    directory: Directory,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), schema::user())?;
    let row = directory
        .users
        .find(id(&text)?)
        .await?
        .ok_or_else(|| ScimError::not_found("No such user".to_owned()))?;
    let resource = represent(&directory, &row, &projection).await?;
    Ok(answer::resource_unless_known(&headers, row.version, || {
        answer::resource(StatusCode::OK, resource, &projection)
    }))
}
