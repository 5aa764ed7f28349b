//! `POST /Groups` (RFC 7644 §3.3).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::resource;
use store::groups::GroupWrite;

use super::{represent, take_members, whole_list};
use crate::answer;
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::routes::users::repairs_detail;
use crate::search::projection;

/// Creates a group with its members. Names need not be unique: providers have duplicates.
pub async fn handle(
    directory: Directory,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.group)?;
    let (mut document, repairs) =
        resource::from_request(body, &directory.resource_types.group, directory.strictness)?;
    let members = take_members(&mut document)?.unwrap_or_default();
    let write = GroupWrite {
        document,
        members: whole_list(members),
        summary: "Created by the identity provider".into(),
        detail: repairs_detail(&repairs),
    };
    let row = directory.groups.insert(write, &directory.context).await?;
    let resource = represent(&directory, &row, &projection).await?;
    Ok(answer::resource(StatusCode::CREATED, resource, &projection))
}
