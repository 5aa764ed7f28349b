//! `PUT /Groups/{id}` (RFC 7644 §3.5.1).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::{etag, resource, schema};
use serde_json::Value;
use store::groups::GroupWrite;
use store::members::MemberDelta;

use super::{id, represent, take_members, whole_list};
use crate::answer::{self, if_match};
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::routes::users::repairs_detail;
use crate::search::projection;

/// Replaces a group. A body that does not speak of `members` leaves them as they are, which RFC 7644
/// §3.5.1 allows ("not asserted"); only `members: []` says that the group is to be empty.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let projection = projection(query.as_deref(), &directory.resource_types.group)?;
    let precondition = if_match(&headers);
    let strictness = directory.strictness;
    let speaks_of_members = speaks_of_members(&body);
    let modified = directory
        .groups
        .modify(id(&text)?, &directory.context, false, |row, _| {
            etag::if_match(precondition.as_deref(), &etag::weak(row.version))?;
            let (mut document, repairs) =
                resource::replace(&row.document, body, &directory.resource_types.group, strictness)?;
            let members = take_members(&mut document)?.unwrap_or_default();
            let members = if speaks_of_members { whole_list(members) } else { MemberDelta::default() };
            Ok::<_, ScimError>(GroupWrite {
                document,
                members,
                summary: "Replaced by the identity provider".into(),
                detail: repairs_detail(&repairs),
            })
        })
        .await?;
    let resource = represent(&directory, &modified.row, &projection).await?;
    Ok(answer::resource(StatusCode::OK, resource, &projection))
}

/// Whether the body has `members`, in any case, also as `[]`; `null` says nothing.
fn speaks_of_members(body: &Value) -> bool {
    let urn = format!("{}:members", schema::GROUP);
    body.as_object().is_some_and(|object| {
        object.iter().any(|(name, value)| {
            !value.is_null() && (name.eq_ignore_ascii_case("members") || name.eq_ignore_ascii_case(&urn))
        })
    })
}
