//! `PATCH /Groups/{id}` (RFC 7644 §3.5.2).

use axum::extract::RawQuery;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use scim_protocol::error::ScimError;
use scim_protocol::patch::{self, MemberChange, Members, PatchRequest, Unclear};
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;
use scim_protocol::{Strictness, etag};
use serde_json::Value;
use store::entity::group;
use store::groups::{Before, GroupWrite, MemberRequest, Reads, Refusal};
use store::members::MemberDelta;

use super::{check_plain, delta, id, named, represent, unknown_members};
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
    let (rest, members, more) = patch::split_members(request, group, strictness)?;
    repairs.extend(more);
    let (asked, unclear, named_only) = match members {
        Members::Changes(changes) => {
            let asked = patch::fold_members(&changes);
            let unclear = asked.unclear;
            (Some(delta(asked)), unclear, Vec::new())
        }
        Members::NeedsDocument { named: members, unclear } => (None, unclear, named(members)),
    };
    let member_request = MemberRequest {
        named: asked.as_ref().map_or(named_only, |asked| asked.add.clone()),
        whole_list: asked.as_ref().is_some_and(|asked| asked.replaces_all),
        unknown: unknown_members(strictness),
        reads: match (&asked, unclear) {
            (None, _) => Reads::All,
            (Some(_), Some(_)) => Reads::WhetherAny,
            (Some(_), None) => Reads::Nothing,
        },
    };
    let base_url = &directory.base_url;
    let modified = directory
        .groups
        .modify(id(&text)?, &directory.context, &member_request, |before| {
            etag::if_match(precondition.as_deref(), &etag::weak(before.row.version))?;
            let mut repairs = repairs.clone();
            let (document, members, nameless) = match &asked {
                Some(asked) => {
                    let document = apply(&before.row.document, &rest, group, strictness, &mut repairs)?;
                    (document, asked.clone(), None)
                }
                None => whole(before, base_url, &rest, group, strictness, &mut repairs)?,
            };
            check_plain(unclear.or(nameless), &before, &members)?;
            Ok::<_, Refusal<ScimError>>(GroupWrite {
                document,
                members,
                summary: summary.clone(),
                detail: repairs_detail(&repairs),
            })
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
    before: Before<'_>,
    base_url: &str,
    request: &PatchRequest,
    group: &ResourceType,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Result<(Value, MemberDelta, Option<Unclear>), ScimError> {
    let mut document = before.row.document.clone();
    if let Some(object) = document.as_object_mut().filter(|_| !before.members.is_empty()) {
        object.insert("members".into(), representation::members_json(before.members, base_url));
    }
    let mut document = apply(&document, request, group, strictness, repairs)?;
    let (members, _) = patch::take_members(&mut document, strictness)?;
    // A document without members has none: it is the whole, and no request that leaves them out.
    let members = members.unwrap_or(MemberChange::Replace(Vec::new()));
    let members = patch::fold_members(&[members]);
    let unclear = members.unclear;
    Ok((document, delta(members), unclear))
}
