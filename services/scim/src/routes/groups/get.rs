//! `GET /Groups/{id}` (RFC 7644 §3.4.1).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::{etag, schema};

use super::{id, represent};
use crate::answer;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::search::projection;

/// Returns a group.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), schema::group())?;
    let row = directory
        .groups
        .find(id(&text)?)
        .await?
        .ok_or_else(|| ScimError::not_found("No such group".to_owned()))?;
    // Before the members are read, who may be many.
    if let Some(response) = answer::not_modified(&headers, &etag::weak(row.version)) {
        return Ok(response);
    }
    let resource = represent(&directory, &row, &projection).await?;
    Ok(answer::resource(StatusCode::OK, resource, &projection))
}
