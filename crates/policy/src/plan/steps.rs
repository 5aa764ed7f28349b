//! The steps for an account as a whole: existence and attributes.

use super::membership::{Memberships, Withdrawal, memberships, withdrawal};
use super::{AccountPlan, Action, Change, ObservedAccount, Skipped};
use crate::account::{DesiredAccount, Existence, Source};

/// The plan, as if nothing were protected.
pub(super) fn steps(desired: &DesiredAccount, observed: Option<&ObservedAccount>) -> AccountPlan {
    match (desired.existence, observed) {
        (Existence::Active, None) => create(desired),
        (Existence::Active, Some(observed)) => bring_up(desired, observed),
        (Existence::Inactive, Some(observed)) if desired.product.withdraws_access => {
            withdraw(desired, observed)
        }
        (Existence::Inactive, Some(observed)) if observed.active => {
            let obstacle = desired.product.obstacles.deactivate_account.as_deref();
            deprovision(desired, Action::Deactivate, "The account is deactivated", obstacle)
        }
        (Existence::Deleted, Some(_)) => {
            let obstacle = desired.product.obstacles.delete_account.as_deref();
            deprovision(desired, Action::DeleteAccount, "The account is deleted", obstacle)
        }
        (Existence::StripGroups, Some(observed)) => {
            let memberships = memberships(desired, Some(observed));
            AccountPlan {
                changes: memberships.removals,
                forgotten: memberships.forgotten,
                ..AccountPlan::default()
            }
        }
        (Existence::Keep, Some(_)) => {
            let rule = desired.decided_by.as_ref().map(|source| source.rule.as_str());
            let reason = rule.unwrap_or("no enabled link claims the account");
            AccountPlan { not_done: vec![skipped("account", reason)], ..AccountPlan::default() }
        }
        (Existence::Inactive, _) | (Existence::Deleted | Existence::StripGroups | Existence::Keep, None) => {
            AccountPlan::default()
        }
    }
}

fn create(desired: &DesiredAccount) -> AccountPlan {
    let reason = if let Some(obstacle) = &desired.product.obstacles.create_account {
        &not_possible(obstacle)
    } else if let Some(problem) = desired.problems.first() {
        &problem.to_string()
    } else if desired.username.value.is_empty() && desired.product.username_is_email {
        "the directory gives the user no e-mail address, and accounts here go by theirs"
    } else if desired.username.value.is_empty() {
        "the directory gives the user no userName"
    } else if let Some(source) = &desired.may_create {
        let reason = "The user is active in the directory and the site has no account for it";
        let Memberships { additions, .. } = memberships(desired, None);
        let mut changes = vec![change(Action::CreateAccount, reason, Some(source))];
        changes.extend(additions);
        return AccountPlan { changes, not_done: refused_groups(desired), ..AccountPlan::default() };
    } else {
        "user_sync.create is off"
    };
    AccountPlan { not_done: vec![skipped("create", reason)], ..AccountPlan::default() }
}

/// An account that stands at the site and is to be active.
fn bring_up(desired: &DesiredAccount, observed: &ObservedAccount) -> AccountPlan {
    let memberships = memberships(desired, Some(observed));
    let mut plan = AccountPlan {
        changes: memberships.removals,
        not_done: refused_groups(desired),
        in_place: memberships.in_place,
        forgotten: memberships.forgotten,
        ..AccountPlan::default()
    };
    // An account that stays deactivated is given nothing; what it must lose it loses.
    if !observed.active && desired.may_reactivate.is_none() {
        let reason = "the account is deactivated at the site and user_sync.reactivate is off";
        plan.not_done.push(skipped("reactivate", reason));
        return plan;
    }
    update(desired, observed, &mut plan);
    if observed.active {
        // It is as it is to be.
    } else if let Some(obstacle) = &desired.product.obstacles.deactivate_account {
        plan.not_done.push(skipped("reactivate", &not_possible(obstacle)));
    } else {
        let reason = "The user is active in the directory and the account is deactivated";
        plan.changes.push(change(Action::Reactivate, reason, desired.may_reactivate.as_ref()));
    }
    plan.changes.extend(memberships.additions);
    plan
}

/// Attributes that differ; one that the directory leaves empty stays as the site has it.
fn update(desired: &DesiredAccount, observed: &ObservedAccount, plan: &mut AccountPlan) {
    plan.not_done
        .extend(desired.problems.iter().map(|problem| skipped(problem.attribute, &problem.to_string())));
    let wanted = &desired.username.value;
    // An address that differs is told as such, below.
    let mut renamed = !desired.product.username_is_email
        && !wanted.is_empty()
        && !desired.product.same_username(wanted, &observed.username);
    if let (true, Some(obstacle)) = (renamed, &desired.product.obstacles.rename_account) {
        plan.not_done.push(skipped("rename", &not_possible(obstacle)));
        renamed = false;
    }
    let shown = desired.display_name.value.trim();
    let mut reworded = !shown.is_empty() && shown != observed.display_name.trim();
    let email = desired.email.as_ref().map(|email| &email.value);
    let mut readdressed = email.filter(|email| !same_address(email, observed.email.as_deref()));
    if let Some(obstacle) = &desired.product.obstacles.change_profile {
        let differing = [(reworded, "display name"), (readdressed.is_some(), "email")];
        let differing = differing.into_iter().filter(|(differs, _)| *differs);
        plan.not_done.extend(differing.map(|(_, what)| skipped(what, &not_possible(obstacle))));
        (reworded, readdressed) = (false, None);
    }
    if !renamed && !reworded && readdressed.is_none() {
        return;
    }
    let Some(source) = &desired.may_update else {
        plan.not_done.push(skipped("update", "user_sync.update is off"));
        return;
    };
    let action = Action::UpdateAccount {
        username: renamed.then(|| wanted.clone()),
        display_name: reworded.then(|| shown.to_owned()),
        email: readdressed.cloned(),
    };
    plan.changes.push(change(action, "The directory has other values than the site", Some(source)));
}

/// Sites may lower-case addresses; a change of case alone would be written again and again.
fn same_address(wanted: &str, observed: Option<&str>) -> bool {
    observed
        .is_some_and(|observed| scim_protocol::fold(wanted.trim()) == scim_protocol::fold(observed.trim()))
}

fn deprovision(desired: &DesiredAccount, action: Action, what: &str, obstacle: Option<&str>) -> AccountPlan {
    if let Some(obstacle) = obstacle {
        let not_done = vec![skipped(action.name(), &not_possible(obstacle))];
        return AccountPlan { not_done, ..AccountPlan::default() };
    }
    let source = desired.decided_by.as_ref();
    let rule = source.map_or("no link claims it", |source| source.rule.as_str());
    let changes = vec![change(action, &format!("{what}, because {rule}"), source)];
    AccountPlan { changes, ..AccountPlan::default() }
}

/// Takes an account's access away, unless that was done and nobody has given any back.
fn withdraw(desired: &DesiredAccount, observed: &ObservedAccount) -> AccountPlan {
    let Withdrawal { removals, kept } = withdrawal(desired, observed);
    if !observed.active && removals.is_empty() {
        return AccountPlan::default();
    }
    let mut plan = deprovision(desired, Action::Deactivate, "The account is deactivated", None);
    plan.changes.splice(0..0, removals);
    plan.not_done.extend(kept);
    plan
}

fn refused_groups(desired: &DesiredAccount) -> Vec<Skipped> {
    let refused = desired.refused_groups.values();
    refused.map(|group| skipped(&format!("group {}", group.name), &group.reason)).collect()
}

/// What the product cannot do is said alike in plans, in runs and by connectors.
fn not_possible(obstacle: &str) -> String {
    format!("not possible here, because {obstacle}")
}

pub(super) fn change(action: Action, reason: &str, source: Option<&Source>) -> Change {
    Change { action, reason: reason.to_owned(), link: source.map(|source| source.link) }
}

pub(super) fn skipped(what: &str, reason: &str) -> Skipped {
    Skipped { what: what.to_owned(), reason: reason.to_owned() }
}
