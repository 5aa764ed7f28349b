//! What a change of a group asks, sees and says.

use crate::entity::group;
use crate::members::{Member, MemberChanges};
use crate::naming::{MemberName, Named, UnknownMembers};

/// What a change needs to know of the members.
#[derive(Clone, Debug, Default)]
pub struct MemberRequest {
    /// Everybody whom the change may add.
    pub named: Vec<MemberName>,
    /// Whether these are the whole list to be, most of whom are members already.
    pub whole_list: bool,
    /// What becomes of those that are not known.
    pub unknown: UnknownMembers,
    /// What it must see.
    pub reads: Reads,
}

/// How much of the members a change must see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// Nothing, whatever their number.
    #[default]
    Nothing,
    /// Whether there is any.
    WhetherAny,
    /// All of them.
    All,
}

/// A group under its lock, before a change.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The row.
    pub row: &'a group::Model,
    /// All its members, where [`Reads::All`] asked for them.
    pub members: &'a [Member],
    /// Whether it has members: known where it was asked for, and where nobody who is named is known.
    pub has_members: Option<bool>,
    /// Whether members are named who may wait, and none of them is known.
    pub nobody_known: bool,
}

/// A rule's no.
#[derive(Clone, Debug)]
pub struct Refusal<E> {
    /// What the caller is answered.
    pub error: E,
    /// What the group's timeline tells of it, if it is to be seen by people.
    pub told: Option<String>,
}

impl<E> From<E> for Refusal<E> {
    fn from(error: E) -> Self {
        Self { error, told: None }
    }
}

/// The sentence of a change, with what became of the members.
pub(super) fn told(summary: String, changes: &MemberChanges, meant: &Named) -> String {
    let known = match (changes.added.len(), changes.removed.len()) {
        (0, 0) => None,
        (added, removed) => Some(format!("{added} members added, {removed} removed")),
    };
    let waiting = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 member {what}")),
        _ => Some(format!("{count} members {what}")),
    };
    let parts: Vec<String> = known
        .into_iter()
        .chain(meant.repairs())
        .chain(waiting(changes.parked, "not known yet: parked"))
        .chain(waiting(changes.unparked, "no longer parked"))
        .collect();
    if parts.is_empty() { summary } else { format!("{summary}: {}", parts.join("; ")) }
}
