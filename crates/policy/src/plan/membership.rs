//! The steps for an account's memberships.

use std::collections::BTreeSet;

use super::steps::{change, skipped};
use super::{Action, Change, ObservedAccount, Skipped};
use crate::account::{DesiredAccount, DesiredGroup, Management};

/// What differs between desired and observed memberships.
pub(super) struct Memberships {
    /// Steps that take the account out of groups.
    pub(super) removals: Vec<Change>,
    /// Steps that put it into groups, each group made sure of first where that is allowed.
    pub(super) additions: Vec<Change>,
    /// Names of desired groups that the site has just shown it to be in.
    pub(super) in_place: Vec<String>,
    /// Folded names of groups whose membership links no longer manage.
    pub(super) forgotten: Vec<String>,
}

/// Compares memberships. An account that does not exist yet is about to be created by us.
pub(super) fn memberships(desired: &DesiredAccount, observed: Option<&ObservedAccount>) -> Memberships {
    let nothing = ObservedAccount::default();
    let created_by_us = observed.is_none_or(|account| account.created_by_us);
    let observed = observed.unwrap_or(&nothing);
    let wanted = |group: &&DesiredGroup| created_by_us || !group.new_accounts_only;
    let mut result = Memberships { removals: vec![], additions: vec![], in_place: vec![], forgotten: vec![] };

    for (folded, group) in desired.groups.iter().filter(|(_, group)| wanted(group)) {
        if !observed.groups.contains(folded) || observed.unproven.contains(folded) {
            result.additions.extend(addition(group));
        } else if observed.groups_known || !observed.managed.contains(folded) {
            result.in_place.push(group.name.clone());
        }
    }
    let standing: BTreeSet<&String> = observed.groups.union(&observed.managed).collect();
    for folded in standing {
        if !desired.groups.get(folded).as_ref().is_some_and(wanted) {
            removal(folded, desired, observed, &mut result);
        }
    }
    result
}

/// What takes all access away that groups give.
pub(super) struct Withdrawal {
    /// Steps that take the account out of its groups.
    pub(super) removals: Vec<Change>,
    /// Groups that it stays in, as they are protected.
    pub(super) kept: Vec<Skipped>,
}

/// Takes the account out of every group that it is in, whoever put it there: what is left of an account that cannot be
/// deactivated would let the person in.
pub(super) fn withdrawal(desired: &DesiredAccount, observed: &ObservedAccount) -> Withdrawal {
    let mut result = Withdrawal { removals: vec![], kept: vec![] };
    let unsure = if observed.groups_known { None } else { Some(&observed.managed) };
    let standing: BTreeSet<&String> = observed.groups.iter().chain(unsure.into_iter().flatten()).collect();
    for group in standing {
        if let Management::Protected { reason } = desired.managed_groups.management(group) {
            let reason =
                format!("{reason}; take the account out by hand if it is to lose what the group gives");
            result.kept.push(skipped(&format!("group {group}"), &reason));
            continue;
        }
        let reason = "The account is to be deactivated, which here means that its access is taken away";
        let action = Action::RemoveMember { group: group.clone() };
        result.removals.push(change(action, reason, desired.decided_by.as_ref()));
    }
    result
}

fn addition(group: &DesiredGroup) -> Vec<Change> {
    let source = group.sources.first();
    let rules: Vec<&str> = group.sources.iter().map(|source| source.rule.as_str()).collect();
    let mut steps = Vec::with_capacity(2);
    if group.create_missing {
        let action = Action::EnsureGroup { name: group.name.clone() };
        steps.push(change(action, "The group is needed and group_sync.create_missing is on", source));
    }
    let reason = format!("The group is asked for: {}", rules.join("; "));
    steps.push(change(Action::AddMember { group: group.name.clone() }, &reason, source));
    steps
}

/// What becomes of a membership that nothing asks for.
fn removal(folded: &str, desired: &DesiredAccount, observed: &ObservedAccount, result: &mut Memberships) {
    let is_managed = observed.managed.contains(folded);
    // A managed membership that the site has not shown may exist all the same, until it answers in full.
    let may_exist = observed.groups.contains(folded) || !observed.groups_known;
    match desired.managed_groups.management(folded) {
        Management::Paused => {}
        // The rules let go of the group: its members stay, and are no longer ours to take out.
        Management::Protected { .. } | Management::Unmanaged => {
            if is_managed {
                result.forgotten.push(folded.to_owned());
            }
        }
        Management::Managed { .. } if is_managed && !may_exist => result.forgotten.push(folded.to_owned()),
        Management::Managed { source, removes_unmanaged } => {
            let reason = if is_managed {
                "No rule asks for this membership any more"
            } else if removes_unmanaged {
                "No rule asks for this membership and group_sync.keep_existing is off"
            } else {
                return;
            };
            let action = Action::RemoveMember { group: folded.to_owned() };
            result.removals.push(change(action, reason, Some(&source)));
        }
    }
}
