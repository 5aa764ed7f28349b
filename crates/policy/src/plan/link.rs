//! The plan of a whole link: every change with its reason, what is left alone, and what it comes to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{AccountPlan, Action, Skipped};

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedObject {
    /// What it is in the directory.
    pub kind: PlannedKind,
    /// The directory's user or group.
    pub id: Uuid,
    /// `userName` or `displayName`, as the directory has it; for a user that it has deleted, the account's name.
    pub name: String,
}

/// A directory's user or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlannedKind {
    /// A user, and the account that it claims.
    User,
    /// A group, and the site groups that it is mapped to.
    Group,
}

/// One step that a run would make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedChange {
    /// What would be done, such as `create_account` or `add_member`.
    pub action: String,
    /// For whom.
    pub object: PlannedObject,
    /// With what: the new attributes, or the site group.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub values: Value,
    /// Why: a sentence for the admin.
    pub reason: String,
    /// The link that asks for it.
    pub link_id: Option<Uuid>,
    /// Whether it would wait for an approval, as the link's safety threshold is passed.
    pub held: bool,
}

/// Something that differs and would stay so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedOmission {
    /// For whom.
    pub object: PlannedObject,
    /// What would not be done, such as `create` or `rename`.
    pub what: String,
    /// Why, in words.
    pub reason: String,
}

/// What a plan comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanSummary {
    /// Users looked at, those included that the directory has deleted and that have an account.
    pub users: u64,
    /// Groups looked at.
    pub groups: u64,
    /// Users and groups about which nothing would change.
    pub unchanged: u64,
    /// Accounts at the site that would be taken over by the link's match rules.
    pub adopted: u64,
    /// Steps by action.
    pub by_action: BTreeMap<String, u64>,
    /// Things that differ and would stay so.
    pub not_done: u64,
    /// Steps that would wait for an approval.
    pub held: u64,
    /// Calls at the site that it takes, about.
    pub calls: u64,
    /// Seconds that those calls take within the budget that the site grants; null where it tells none.
    pub seconds: Option<u64>,
}

/// The plan of a link. Changes and omissions may be cut; the summary counts all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkPlan {
    /// Steps, in order of the objects.
    pub changes: Vec<PlannedChange>,
    /// What is left alone.
    pub not_done: Vec<PlannedOmission>,
    /// All in numbers.
    pub summary: PlanSummary,
    /// Users whose account stays and loses memberships.
    withdrawals: u64,
    /// Memberships that those lose.
    withdrawn: u64,
    limit: usize,
}

impl LinkPlan {
    /// An empty plan that keeps `limit` changes and as many omissions.
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds what is to be done for a user. `looks` calls are made before anything is done.
    pub fn add_user(&mut self, object: &PlannedObject, plan: &AccountPlan, looks: u64) {
        self.summary.users += 1;
        let taken = plan.changes.iter().filter(|change| is_withdrawal(change.action.name())).count();
        if taken > 0 && !plan.changes.iter().any(|change| change.action.ends_account()) {
            self.withdrawals += 1;
            self.withdrawn += u64::try_from(taken).unwrap_or(u64::MAX);
        }
        // That a group exists is the business of its own object.
        let changes =
            plan.changes.iter().filter(|change| !matches!(change.action, Action::EnsureGroup { .. }));
        let steps =
            self.add(object, changes.map(|change| (&change.action, change.reason.as_str(), change.link)));
        self.summary.calls += looks;
        self.omit(object, &plan.not_done);
        if steps == 0 {
            self.summary.unchanged += 1;
        }
    }

    /// Adds what is to be done for a group: site groups that have to be made, and why others are not.
    pub fn add_group(
        &mut self,
        object: &PlannedObject,
        made: &[(Action, String)],
        not_done: &[Skipped],
        link: Uuid,
    ) {
        self.summary.groups += 1;
        let steps =
            self.add(object, made.iter().map(|(action, reason)| (action, reason.as_str(), Some(link))));
        // Whether the group is there is asked before it is made.
        self.summary.calls += steps;
        self.omit(object, not_done);
        if steps == 0 {
            self.summary.unchanged += 1;
        }
    }

    fn add<'a>(
        &mut self,
        object: &PlannedObject,
        steps: impl Iterator<Item = (&'a Action, &'a str, Option<Uuid>)>,
    ) -> u64 {
        let mut added = 0;
        for (action, reason, link_id) in steps {
            added += 1;
            self.summary.calls += 1;
            *self.summary.by_action.entry(action.name().to_owned()).or_default() += 1;
            if self.changes.len() < self.limit {
                self.changes.push(PlannedChange {
                    action: action.name().to_owned(),
                    object: object.clone(),
                    values: values(action),
                    reason: reason.to_owned(),
                    link_id,
                    held: false,
                });
            }
        }
        added
    }

    fn omit(&mut self, object: &PlannedObject, skipped: &[Skipped]) {
        for Skipped { what, reason } in skipped {
            self.summary.not_done += 1;
            if self.not_done.len() < self.limit {
                self.not_done.push(PlannedOmission {
                    object: object.clone(),
                    what: what.clone(),
                    reason: reason.clone(),
                });
            }
        }
    }

    /// Accounts that would be deactivated or deleted.
    pub fn deprovisions(&self) -> u64 {
        [&Action::Deactivate, &Action::DeleteAccount]
            .iter()
            .filter_map(|action| self.summary.by_action.get(action.name()))
            .sum()
    }

    /// Users whose account stays and loses memberships.
    pub fn withdrawals(&self) -> u64 {
        self.withdrawals
    }

    /// Marks what ends an account as held: the safety threshold would keep it back.
    pub fn hold_deprovisions(&mut self, reason: &str) {
        self.summary.held += self.deprovisions();
        self.changes
            .iter_mut()
            .filter(|change| ends_account(&change.action))
            .for_each(|change| change.hold(reason));
    }

    /// Marks what takes memberships away from accounts that stay as held.
    pub fn hold_withdrawals(&mut self, reason: &str) {
        self.summary.held += self.withdrawn;
        let ended: BTreeSet<Uuid> = self
            .changes
            .iter()
            .filter(|change| ends_account(&change.action))
            .map(|change| change.object.id)
            .collect();
        self.changes
            .iter_mut()
            .filter(|change| is_withdrawal(&change.action) && !ended.contains(&change.object.id))
            .for_each(|change| change.hold(reason));
    }
}

impl PlannedChange {
    fn hold(&mut self, reason: &str) {
        self.held = true;
        self.reason = format!("{}. It would be held: {reason}", self.reason);
    }
}

fn ends_account(action: &str) -> bool {
    [Action::Deactivate.name(), Action::DeleteAccount.name()].contains(&action)
}

fn is_withdrawal(action: &str) -> bool {
    action == Action::RemoveMember { group: String::new() }.name()
}

/// An action's fields, without its name.
fn values(action: &Action) -> Value {
    let mut fields = serde_json::to_value(action).unwrap_or_default();
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("name");
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::Change;

    fn object(name: &str) -> PlannedObject {
        PlannedObject { kind: PlannedKind::User, id: Uuid::from_u128(1), name: name.into() }
    }

    fn step(action: Action) -> AccountPlan {
        let change = Change { action, reason: "because".into(), link: None };
        AccountPlan { changes: vec![change], ..AccountPlan::default() }
    }

    #[test]
    fn everything_is_counted_although_the_lists_are_cut() {
        let mut plan = LinkPlan::new(2);
        for number in 0..5 {
            let mut account = step(Action::AddMember { group: format!("g{number}") });
            account.not_done.push(Skipped { what: "rename".into(), reason: "not here".into() });
            plan.add_user(&object("ada"), &account, 1);
        }
        plan.add_user(&object("bob"), &AccountPlan::default(), 0);
        assert_eq!((plan.changes.len(), plan.not_done.len()), (2, 2));
        assert_eq!(plan.changes[0].values, json!({"group": "g0"}));
        let PlanSummary { users, unchanged, not_done, calls, by_action, .. } = &plan.summary;
        assert_eq!((*users, *unchanged, *not_done, *calls), (6, 1, 5, 10));
        assert_eq!(by_action["add_member"], 5);
    }

    #[test]
    fn held_is_what_ends_an_account() {
        let mut plan = LinkPlan::new(10);
        plan.add_user(&object("ada"), &step(Action::Deactivate), 0);
        plan.add_user(&object("bob"), &step(Action::Reactivate), 0);
        plan.hold_deprovisions("too many");
        let held: Vec<bool> = plan.changes.iter().map(|change| change.held).collect();
        assert_eq!((held, plan.summary.held), (vec![true, false], 1));
        assert_eq!(plan.changes[0].reason, "because. It would be held: too many");
    }

    #[test]
    fn memberships_of_an_account_that_ends_are_not_judged_by_themselves() {
        let mut plan = LinkPlan::new(10);
        let removal = || step(Action::RemoveMember { group: "devs".into() });
        let mut ending = removal();
        ending.changes.extend(step(Action::Deactivate).changes);
        plan.add_user(&PlannedObject { id: Uuid::from_u128(2), ..object("bob") }, &ending, 0);
        plan.add_user(&object("ada"), &removal(), 0);
        assert_eq!(plan.withdrawals(), 1);
        plan.hold_withdrawals("too many");
        let held: Vec<bool> = plan.changes.iter().map(|change| change.held).collect();
        assert_eq!((held, plan.summary.held), (vec![false, false, true], 1));
    }

    #[test]
    fn a_group_that_has_to_be_made_is_asked_for_first() {
        let mut plan = LinkPlan::new(10);
        let made = [(Action::EnsureGroup { name: "devs".into() }, "it is not there".into())];
        plan.add_group(&object("devs"), &made, &[], Uuid::from_u128(9));
        assert_eq!((plan.summary.calls, plan.summary.groups, plan.summary.users), (2, 1, 0));
        assert_eq!(plan.changes[0].link_id, Some(Uuid::from_u128(9)));
    }
}
