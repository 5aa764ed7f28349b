//! `/Groups`: one file a verb. Members are rows of the store and never part of the stored document.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod replace;

use std::collections::BTreeSet;

use scim_protocol::error::ScimError;
use scim_protocol::patch::MemberRef;
use scim_protocol::projection::Projection;
use serde_json::Value;
use store::entity::group;
use store::id::GroupId;
use store::members::MemberDelta;
use uuid::Uuid;

use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;

/// The id in the path. One that is no id of ours is like one that does not exist.
pub(crate) fn id(text: &str) -> Result<GroupId, Failure> {
    text.parse().map_err(|_| ScimError::not_found("No such group".to_owned()).into())
}

/// The row as a resource; its members are read only if the answer shows them.
pub(crate) async fn represent(
    directory: &Directory,
    row: &group::Model,
    projection: &Projection,
) -> Result<Value, Failure> {
    let members =
        if projection.wants("members") { Some(directory.groups.members(row.id).await?) } else { None };
    Ok(representation::group(row, members.as_deref(), &directory.base_url))
}

/// Takes `members` out of a document, as ids. `None` when the document does not speak of members.
pub(crate) fn take_members(document: &mut Value) -> Result<Option<BTreeSet<Uuid>>, ScimError> {
    let Some(members) = document.as_object_mut().and_then(|object| object.shift_remove("members")) else {
        return Ok(None);
    };
    let values = members
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| member_id(member.get("value").and_then(Value::as_str).unwrap_or_default()));
    Ok(Some(values.collect::<Result<_, _>>()?))
}

/// Members to be added, as ids.
pub(crate) fn member_ids(members: &[MemberRef]) -> Result<BTreeSet<Uuid>, ScimError> {
    members.iter().map(|member| member_id(&member.value)).collect()
}

fn member_id(text: &str) -> Result<Uuid, ScimError> {
    text.parse().map_err(|_| {
        ScimError::invalid_value(format!("members: no user or group of this directory has the id {text:?}"))
    })
}

/// The whole list of members.
pub(crate) fn whole_list(members: BTreeSet<Uuid>) -> MemberDelta {
    MemberDelta { replaces_all: true, add: members, remove: BTreeSet::new() }
}
