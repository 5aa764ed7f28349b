//! `POST /Groups` (RFC 7644 §3.3).

use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use scim_protocol::{patch, resource};
use store::groups::GroupWrite;

use super::{delta, represent, unknown_members};
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
    Body(mut body): Body,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.group)?;
    let strictness = directory.strictness;
    let (members, mut repairs) = patch::take_members(&mut body, strictness)?;
    let (document, more) = resource::from_request(body, &directory.resource_types.group, strictness)?;
    repairs.extend(more);
    let members = patch::fold_members(&members.into_iter().collect::<Vec<_>>());
    if let Some(unclear) = members.unclear {
        unclear.check(false, false)?;
    }
    let write = GroupWrite {
        document,
        members: delta(members),
        summary: "Created by the identity provider".into(),
        detail: repairs_detail(&repairs),
    };
    let row = directory.groups.insert(write, unknown_members(strictness), &directory.context).await?;
    let resource = represent(&directory, &row, &projection).await?;
    Ok(answer::resource(StatusCode::CREATED, resource, &projection))
}
