//! `PATCH /Users/{id}` (RFC 7644 §3.5.2).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::etag;
use scim_protocol::patch::{self, PatchRequest};
use store::users::UserWrite;

use super::{id, repairs_detail, represent};
use crate::answer::{self, if_match};
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::search::projection;

/// Applies all operations or none, and answers with the user as it is then.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.user)?;
    let precondition = if_match(&headers);
    let strictness = directory.strictness;
    let (request, mut repairs) = PatchRequest::parse(body, strictness)?;
    let modified = directory
        .users
        .modify(id(&text)?, &directory.context, |row| {
            etag::if_match(precondition.as_deref(), &etag::weak(row.version))?;
            let patched = patch::apply(&row.document, &request, &directory.resource_types.user, strictness)?;
            repairs.extend(patched.repairs);
            Ok(UserWrite {
                document: patched.resource,
                summary: format!("Changed by PATCH: {}", request.summary()),
                detail: repairs_detail(&repairs),
            })
        })
        .await?;
    let resource = represent(&directory, &modified.row, &projection).await?;
    Ok(answer::resource(StatusCode::OK, resource, &projection))
}
