//! `GET /Users/{id}` (RFC 7644 §3.4.1).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;

use super::{id, represent};
use crate::answer;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::representation;
use crate::search::projection;

/// Returns a user, active or not.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.user)?;
    let found = directory
        .users
        .find_to_show(id(&text)?, projection.wants("groups"))
        .await?
        .ok_or_else(|| ScimError::not_found("No such user".to_owned()))?;
    let resource = match found.groups {
        Some(groups) => representation::user(&found.row, &groups, &directory.base_url),
        None => represent(&directory, &found.row, &projection).await?,
    };
    let version = resource["meta"]["version"].as_str().unwrap_or_default();
    if let Some(response) = answer::not_modified(&headers, version) {
        return Ok(response);
    }
    Ok(answer::resource(StatusCode::OK, resource, &projection))
}
