//! `PATCH /Groups/{id}` (RFC 7644 §3.5.2).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::patch::{self, Members, PatchRequest};
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;
use scim_protocol::{Strictness, etag};
use serde_json::Value;
use store::entity::group;
use store::groups::GroupWrite;
use store::members::{Member, MemberDelta};

use super::{id, member_ids, represent, take_members, whole_list};
use crate::answer::{self, if_match};
use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::path::Name;
use crate::representation;
use crate::routes::users::repairs_detail;
use crate::search::projection;

/// Members that the answer to a PATCH shows without being asked for them by name.
const MAX_MEMBERS_ANSWERED: usize = 1_000;

/// Applies all operations or none. Operations that add or remove members by id become row changes and
/// never read the other members.
pub async fn handle(
    directory: Directory,
    Name(text): Name,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let group = &directory.resource_types.group;
    let projection = projection(query.as_deref(), group)?;
    let precondition = if_match(&headers);
    let strictness = directory.strictness;
    let (request, mut repairs) = PatchRequest::parse(body, strictness)?;
    let summary = format!("Changed by PATCH: {}", request.summary());
    let (rest, members, more) = patch::split_members(request.clone(), group, strictness)?;
    repairs.extend(more);
    let reads_members = matches!(members, Members::NeedsDocument);
    let base_url = directory.base_url.clone();
    let modified = directory
        .groups
        .modify(id(&text)?, &directory.context, reads_members, |row, present| {
            etag::if_match(precondition.as_deref(), &etag::weak(row.version))?;
            let (document, members) = match &members {
                Members::Changes(changes) => {
                    let delta = patch::fold_members(changes);
                    let delta = MemberDelta {
                        replaces_all: delta.replaces_all,
                        add: member_ids(&delta.add)?,
                        // An id that is none of ours cannot be a member: removing it changes nothing.
                        remove: delta.remove.iter().filter_map(|id| id.parse().ok()).collect(),
                    };
                    (apply(&row.document, &rest, group, strictness, &mut repairs)?, delta)
                }
                Members::NeedsDocument => {
                    whole((row, present), &base_url, &request, group, strictness, &mut repairs)?
                }
            };
            Ok::<_, ScimError>(GroupWrite { document, members, summary, detail: repairs_detail(&repairs) })
        })
        .await?;
    changed(&directory, &modified.row, &projection).await
}

/// The group as it is now; or 204, which RFC 7644 §3.5.2 allows as well, when the answer would show so
/// many members that reading them would cost more than the change.
async fn changed(
    directory: &Directory,
    row: &group::Model,
    projection: &Projection,
) -> Result<Response, Failure> {
    if projection.is_chosen() || !projection.wants("members") {
        let resource = represent(directory, row, projection).await?;
        return Ok(answer::resource(StatusCode::OK, resource, projection));
    }
    let members = directory.groups.members_up_to(row.id, MAX_MEMBERS_ANSWERED).await?;
    let resource = representation::group(row, members.as_deref(), &directory.base_url);
    if members.is_none() {
        return Ok(answer::no_content(&resource));
    }
    Ok(answer::resource(StatusCode::OK, resource, projection))
}

fn apply(
    document: &Value,
    request: &PatchRequest,
    group: &ResourceType,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Result<Value, ScimError> {
    if request.operations.is_empty() {
        return Ok(document.clone());
    }
    let patched = patch::apply(document, request, group, strictness)?;
    repairs.extend(patched.repairs);
    Ok(patched.resource)
}

/// The general way, for operations that cannot be said as ids: over the document with all its members.
fn whole(
    (row, present): (&group::Model, &[Member]),
    base_url: &str,
    request: &PatchRequest,
    group: &ResourceType,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Result<(Value, MemberDelta), ScimError> {
    let mut document = row.document.clone();
    if let Some(object) = document.as_object_mut().filter(|_| !present.is_empty()) {
        object.insert("members".into(), representation::members_json(present, base_url));
    }
    let mut document = apply(&document, request, group, strictness, repairs)?;
    let members = take_members(&mut document)?.unwrap_or_default();
    Ok((document, whole_list(members)))
}
