//! `PUT /Users/{id}` (RFC 7644 §3.5.1).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::{etag, resource};
use store::users::UserWrite;

use super::{id, repairs_detail, represent};
use crate::answer::{self, if_match};
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::search::projection;

/// Replaces a user. There is no upsert: an unknown id is 404.
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
    let modified = directory
        .users
        .modify(id(&text)?, &directory.context, |row| {
            etag::if_match(precondition.as_deref(), &etag::weak(row.version))?;
            let (document, repairs) =
                resource::replace(&row.document, body, &directory.resource_types.user, strictness)?;
            Ok(UserWrite {
                document,
                summary: "Replaced by the identity provider".into(),
                detail: repairs_detail(&repairs),
            })
        })
        .await?;
    let resource = represent(&directory, &modified.row, &projection).await?;
    Ok(answer::resource(StatusCode::OK, resource, &projection))
}
