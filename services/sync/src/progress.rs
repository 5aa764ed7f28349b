//! What has happened to an account so far, and what is to be written down of it.

use std::collections::BTreeSet;

use atlassian::error::SiteError;
use atlassian::site::{Account, AccountRef};
use policy::account::Claim;
use policy::plan::{AccountPlan, Change};
use scim_protocol::fold;
use serde_json::{Value, json};
use store::accounts::{Conclusion, HeldAccount, Observation};
use store::clock::Timestamp;
use store::entity::task;
use store::entity::words::{ObjectKind, RunOutcome, TimelineKind};
use store::id::UserId;
use store::tasks::TaskEnd;
use store::timeline::NewEntry;

use crate::failure::Consequence;
use crate::workplace::Workplace;

/// What has happened to an account so far.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    workplace: &'a Workplace,
    task: &'a task::Model,
    observed: Option<Account>,
    /// Whether the site showed `observed`, or that there is none.
    asked: bool,
    /// Set from before the call that creates the account until its outcome is known.
    creating: bool,
    /// The first refusal that did not keep the rest from being done.
    refusal: Option<SiteError>,
    /// How the task ends when everything else was gone through.
    waits: Option<TaskEnd>,
    /// Folded names of the groups that links gave, as the ledger has them.
    managed: BTreeSet<String>,
    confirmed: BTreeSet<String>,
    dropped: BTreeSet<String>,
    released: Vec<UserId>,
    /// What speaks against claims that were in doubt.
    doubts: Vec<(UserId, Option<String>)>,
    entries: Vec<NewEntry>,
    actions: Vec<Value>,
    /// What the plan leaves undone, for the timeline.
    left: Option<String>,
    outcome: RunOutcome,
    in_doubt: bool,
    end: TaskEnd,
}

impl<'a> Progress<'a> {
    /// Nothing yet: the account as the ledger has it.
    pub(crate) fn new(
        workplace: &'a Workplace,
        task: &'a task::Model,
        held: &HeldAccount,
        claims: &[Claim],
    ) -> Self {
        let gone = claims.iter().filter(|claim| claim.enabled && claim.user.is_none());
        let gone = gone.map(|claim| UserId(claim.user_id));
        let of = |user: UserId| claims.iter().find(|claim| claim.user_id == user.0);
        let doubts = held.claims.iter().filter(|row| row.doubt.is_some());
        let doubts = doubts.filter_map(|row| Some((row.user_id, of(row.user_id)?.doubt.clone())));
        let ledger = &held.account;
        let observed = ledger.key.as_ref().map(|key| Account {
            key: key.clone(),
            username: ledger.username.clone(),
            display_name: ledger.display_name.clone().unwrap_or_default(),
            email: ledger.email.clone(),
            active: ledger.active.unwrap_or(true),
            groups: None,
        });
        Self {
            workplace,
            task,
            observed,
            asked: false,
            creating: false,
            refusal: None,
            waits: None,
            managed: held.memberships.iter().map(|member| member.group_folded.clone()).collect(),
            confirmed: BTreeSet::new(),
            dropped: BTreeSet::new(),
            released: gone.collect(),
            doubts: doubts.collect(),
            entries: Vec::new(),
            actions: Vec::new(),
            left: None,
            outcome: RunOutcome::Unchanged,
            in_doubt: ledger.in_doubt,
            end: TaskEnd::Finished,
        }
    }

    /// What was done cannot be written down, since another row of the ledger stands in the way.
    pub(crate) fn clash(
        workplace: &'a Workplace,
        task: &'a task::Model,
        held: &HeldAccount,
        rule: &str,
    ) -> Self {
        let mut progress = Self::new(workplace, task, held, &[]);
        let error = format!("Another account of the ledger stands in the way ({rule})");
        progress.in_doubt = true;
        progress.end = workplace.again(task, &error);
        progress
    }

    /// The account is another person's.
    pub(crate) fn taken(&mut self, name: &str) {
        let error = format!("{name} is another user's account at this site");
        self.outcome = RunOutcome::Failed;
        self.released.clear();
        self.entry_once(&error);
        self.end = self.workplace.refused(self.task, &error);
    }

    /// Whether the account is the user's is in doubt: it is left to those whose it is for sure.
    pub(crate) fn steps_aside(&mut self, own: &Claim, doubt: &str) {
        self.released.retain(|user| user.0 == self.task.object_id);
        if own.user.as_ref().is_some_and(|user| user.active && user.in_scope) {
            let error = format!("{doubt}. Say which among the site's conflicts");
            self.outcome = RunOutcome::Failed;
            self.entry_once(&error);
            self.end = self.workplace.refused(self.task, &error);
        }
    }

    /// The site was asked, and showed this.
    pub(crate) fn saw(&mut self, account: Option<&Account>) {
        self.asked = true;
        self.in_doubt = false;
        self.creating = false;
        let before = self.observed.take().map(|account| account.key);
        self.observed = account.cloned();
        if let (Some(before), Some(account)) = (before, account)
            && before != account.key
        {
            // What links gave to the account that was there before is of no meaning for this one.
            self.dropped.extend(self.managed.iter().cloned());
        }
    }

    /// The site is about to be asked to create the account.
    pub(crate) fn creates(&mut self) {
        self.creating = true;
    }

    /// The product's key of the account, once it is known.
    pub(crate) fn key(&self) -> Option<&str> {
        self.observed.as_ref().map(|account| account.key.as_str())
    }

    /// Takes over what the plan leaves undone and why, and which memberships it finds in place.
    pub(crate) fn planned(&mut self, plan: &AccountPlan) {
        for skipped in &plan.not_done {
            self.outcome = RunOutcome::Skipped;
            self.actions.push(json!({ "not_done": skipped.what, "reason": skipped.reason }));
        }
        if !plan.not_done.is_empty() {
            let said = plan.not_done.iter().map(|skipped| match skipped.what.as_str() {
                "account" => skipped.reason.clone(),
                what => format!("{}: {}", what.replace('_', " "), skipped.reason),
            });
            self.left = Some(format!("Left as it is: {}", said.collect::<Vec<String>>().join("; ")));
        }
        self.confirmed.extend(plan.in_place.iter().cloned());
        self.dropped.extend(plan.forgotten.iter().cloned());
    }

    /// Tells what the plan leaves undone, unless that was the last that was told.
    pub(crate) async fn tell_what_is_left(&mut self) -> store::Result<()> {
        let Some(left) = self.left.take() else { return Ok(()) };
        let summary = format!("{}: {left}", self.workplace.site.name);
        if !self.entries.is_empty() || !self.workplace.has_told(self.task, &summary).await? {
            self.entry(&left, None);
        }
        Ok(())
    }

    /// The safety threshold holds it back.
    pub(crate) fn held(&mut self, reason: String) {
        self.entry(&format!("Held for approval: {reason}"), None);
        self.outcome = RunOutcome::Held;
        self.released.clear();
        self.end = TaskEnd::Held { reason };
    }

    /// The safety threshold holds back what would be taken away; the rest was gone through.
    pub(crate) fn withheld(&mut self, reason: String) {
        // What failed is tried again, and judged again then.
        if self.end == TaskEnd::Finished {
            self.held(reason);
        }
    }

    /// A call failed.
    pub(crate) async fn failed(&mut self, error: &SiteError) -> store::Result<()> {
        let Consequence { end, in_doubt, .. } = self.workplace.judge(error, self.task).await?;
        self.in_doubt = self.in_doubt || in_doubt;
        self.creating = self.creating && in_doubt;
        self.outcome = RunOutcome::Failed;
        self.released.clear();
        self.entry_once(&error.to_string());
        self.end = end;
        Ok(())
    }

    /// The site refused one step, and the others were gone on with.
    pub(crate) fn refused(&mut self, change: &Change, error: SiteError) {
        let reason = error.to_string();
        self.actions.push(json!({ "action": change.action, "refused": reason }));
        self.refusal.get_or_insert(error);
    }

    /// All steps were gone through.
    pub(crate) async fn gone_through(&mut self) -> store::Result<()> {
        if let Some(error) = self.refusal.take() {
            return self.failed(&error).await;
        }
        if let Some(end) = self.waits.take() {
            self.released.clear();
            self.end = end;
        }
        Ok(())
    }

    /// One step is not possible as the settings are.
    pub(crate) fn skipped(&mut self, reason: &str) {
        self.entry_once(reason);
        self.actions.push(json!({ "not_done": reason }));
        if self.outcome == RunOutcome::Unchanged {
            self.outcome = RunOutcome::Skipped;
        }
    }

    /// The work has come to rest between two calls.
    pub(crate) fn put_off(&mut self) {
        self.released.clear();
        self.end = self.workplace.later(self.task);
    }

    /// The account may have been made and not be shown yet: neither made again nor given up before `until`.
    pub(crate) fn not_shown_yet(&mut self, until: Timestamp) {
        self.released.clear();
        let error = "Whether the account was made is not shown yet".to_owned();
        self.end = TaskEnd::Retry { due_at: until, error, counts: false };
    }

    /// A group that a member is to be taken out of may be there and not be shown yet.
    pub(crate) fn wait_for_group(&mut self, group: &str, until: Timestamp) {
        let error = format!("Whether the group {group} is still there is not shown yet");
        self.waits = Some(TaskEnd::Retry { due_at: until, error, counts: false });
    }

    /// The work took too long, maybe in the middle of a call.
    pub(crate) fn cut_off(&mut self) {
        self.in_doubt = true;
        self.outcome = RunOutcome::Failed;
        self.released.clear();
        self.end = self.workplace.again(self.task, "The work took too long and was cut off");
    }

    /// The account seems to be gone from the site: look again, the first time at once.
    pub(crate) fn vanished(&mut self) {
        self.in_doubt = true;
        self.outcome = RunOutcome::Failed;
        self.released.clear();
        let error = "The account is gone from the site";
        self.end = match self.workplace.again(self.task, error) {
            TaskEnd::Retry { error, counts, .. } if self.task.attempts == 0 => {
                TaskEnd::Retry { due_at: self.workplace.tenant.now(), error, counts }
            }
            end => end,
        };
    }

    /// The account was changed, and stands so now.
    pub(crate) fn updated(&mut self, mut account: Account) {
        self.asked = true;
        if self.workplace.connected.hides_email() && account.email.is_none() {
            account.email = self.observed.take().and_then(|before| before.email);
        }
        self.observed = Some(account);
    }

    /// The account was deleted.
    pub(crate) fn deleted(&mut self) {
        self.asked = true;
        self.observed = None;
        self.confirmed.clear();
    }

    /// The account is in a group now.
    pub(crate) fn joined(&mut self, group: &str) {
        self.confirmed.insert(group.to_owned());
    }

    /// The account is in a group no more, or will not be.
    pub(crate) fn left(&mut self, group: &str) {
        self.dropped.insert(fold(group));
    }

    /// A step was made.
    pub(crate) fn did(&mut self, change: &Change) {
        self.outcome = RunOutcome::Changed;
        let detail = json!({ "action": change.action, "reason": change.reason, "link": change.link });
        self.entry(&change.action.to_string(), Some(detail.clone()));
        self.actions.push(detail);
        metrics::counter!(
            "rollcall_sync_changes_total",
            "product" => self.workplace.connected.product(), "action" => change.action.name()
        )
        .increment(1);
    }

    /// An entry about a failure, unless the task failed for the same reason before: a site that is down would
    /// fill the timeline with one sentence.
    fn entry_once(&mut self, reason: &str) {
        if self.task.last_error.as_deref() != Some(reason) {
            self.entry(&format!("Not done: {reason}"), None);
        }
    }

    fn entry(&mut self, summary: &str, detail: Option<Value>) {
        self.entries.push(NewEntry {
            object_kind: ObjectKind::User,
            object_id: self.task.object_id,
            connection_id: Some(self.task.connection_id),
            site_id: Some(self.task.site_id),
            kind: TimelineKind::Site,
            request_id: None,
            summary: format!("{}: {summary}", self.workplace.site.name),
            detail,
        });
    }

    /// The account for a call about it.
    pub(crate) fn reference(&self) -> Result<AccountRef, SiteError> {
        self.observed.as_ref().map(AccountRef::of).ok_or_else(|| SiteError::Protocol {
            detail: "the plan speaks of an account that was never seen".into(),
        })
    }

    /// What is to be written down.
    pub(crate) fn into_conclusion(self) -> Conclusion {
        let observation = match (&self.observed, self.asked) {
            // It may exist under the user name that was written down before the call.
            _ if self.creating => Observation::Unchanged,
            (_, false) => Observation::Unchanged,
            (None, true) => Observation::Absent,
            (Some(account), true) => Observation::Present {
                key: account.key.clone(),
                username: account.username.clone(),
                display_name: account.display_name.clone(),
                email: account.email.clone(),
                active: account.active,
            },
        };
        let finished = self.end == TaskEnd::Finished;
        let confirmed: BTreeSet<String> = self.confirmed.iter().map(|group| fold(group)).collect();
        Conclusion {
            observation,
            in_doubt: self.in_doubt || self.creating,
            dropped: self.dropped.difference(&confirmed).cloned().collect(),
            confirmed: self.confirmed.into_iter().collect(),
            doubts: self.doubts,
            released_claims: if finished { self.released } else { Vec::new() },
            entries: self.entries,
            outcome: self.outcome,
            detail: json!({ "changes": self.actions }),
            end: self.end,
        }
    }
}
