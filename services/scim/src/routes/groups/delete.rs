//! `DELETE /Groups/{id}` (RFC 7644 §3.6).

use http::{HeaderMap, StatusCode};
use scim_protocol::etag;

use super::id;
use crate::answer::if_match;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;

/// Deletes a group; its members stay users, and lose what the group gave them at the sites.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let precondition = if_match(&headers);
    directory
        .groups
        .delete(id(&text)?, &directory.context, |row| {
            etag::if_match(precondition.as_deref(), &etag::weak(row.version))
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
