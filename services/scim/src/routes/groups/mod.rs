//! `/Groups`: one file a verb. Members are rows of the store and never part of the stored document.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod replace;

use scim_protocol::Strictness;
use scim_protocol::error::ScimError;
use scim_protocol::patch::{MemberDelta as AskedDelta, MemberRef, Unclear};
use scim_protocol::projection::Projection;
use serde_json::Value;
use store::entity::group;
use store::entity::words::MemberKind;
use store::groups::{Before, Refusal};
use store::id::GroupId;
use store::members::MemberDelta;
use store::naming::{MemberName, UnknownMembers};

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

/// What becomes of members that are not known: they wait, except in strict mode.
pub(crate) fn unknown_members(strictness: Strictness) -> UnknownMembers {
    if strictness.is_lenient() { UnknownMembers::Parked } else { UnknownMembers::Refused }
}

/// Members as the store is asked for them.
pub(crate) fn named(members: Vec<MemberRef>) -> Vec<MemberName> {
    let kind = |word: &str| match word.to_ascii_lowercase().as_str() {
        "user" => Some(MemberKind::User),
        "group" => Some(MemberKind::Group),
        _ => None,
    };
    let named = members
        .into_iter()
        .map(|member| MemberName { kind: member.kind.as_deref().and_then(kind), text: member.value });
    named.collect()
}

/// Net changes as the store is asked for them; their doubts are the caller's to settle.
pub(crate) fn delta(members: AskedDelta) -> MemberDelta {
    MemberDelta { replaces_all: members.replaces_all, add: named(members.add), remove: members.remove }
}

/// Refuses changes that would empty a group without saying so plainly, and has the refusal told.
pub(crate) fn check_plain(
    unclear: Option<Unclear>,
    before: &Before<'_>,
    after: &MemberDelta,
) -> Result<(), Refusal<ScimError>> {
    // What was not asked for is taken for the worse.
    let had_members = before.has_members.unwrap_or(true);
    let keeps_any = !after.replaces_all || !after.add.is_empty();
    let unclear = unclear.or_else(|| {
        let is_foreign = before.nobody_known && after.replaces_all && keeps_any;
        is_foreign.then_some(Unclear::NobodyKnown)
    });
    let Some(unclear) = unclear else { return Ok(()) };
    unclear.check(had_members, keeps_any).map_err(|error| Refusal { told: Some(error.detail.clone()), error })
}
