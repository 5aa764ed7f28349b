//! Carrying a plan out, and keeping count of what is known after each call.

use std::collections::BTreeSet;
use std::time::Duration;

use atlassian::error::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef, AccountUpdate, NewAccount};
use policy::account::{Claim, DesiredAccount};
use policy::breaker::{self, Verdict, Window};
use policy::plan::{AccountPlan, Action, Change};
use scim_protocol::fold;
use serde_json::{Value, json};
use store::accounts::{Conclusion, HeldAccount, Intent, Observation};
use store::entity::task;
use store::entity::words::{ObjectKind, RunOutcome, TimelineKind};
use store::id::{LinkId, UserId};
use store::tasks::TaskEnd;
use store::timeline::NewEntry;

use crate::account::{Interruption, is_empty};
use crate::failure::Consequence;
use crate::group::{Ensured, ensure};
use crate::site::Workplace;

const LEASE: Duration = Duration::from_secs(180);

/// What has happened to an account so far.
#[derive(Debug)]
pub struct Progress<'a> {
    workplace: &'a Workplace,
    task: &'a task::Model,
    observed: Option<Account>,
    asked: bool,
    touched: bool,
    confirmed: BTreeSet<String>,
    dropped: BTreeSet<String>,
    released: Vec<UserId>,
    entries: Vec<NewEntry>,
    actions: Vec<Value>,
    outcome: RunOutcome,
    in_doubt: bool,
    end: TaskEnd,
}

impl<'a> Progress<'a> {
    /// Nothing yet: the account as the ledger has it.
    pub fn new(
        workplace: &'a Workplace,
        task: &'a task::Model,
        held: &HeldAccount,
        claims: &[Claim],
    ) -> Self {
        let gone = claims.iter().filter(|claim| claim.user.is_none()).map(|claim| UserId(claim.user_id));
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
            touched: false,
            confirmed: BTreeSet::new(),
            dropped: BTreeSet::new(),
            released: gone.collect(),
            entries: Vec::new(),
            actions: Vec::new(),
            outcome: RunOutcome::Unchanged,
            in_doubt: ledger.in_doubt,
            end: TaskEnd::Finished,
        }
    }

    /// Two directory users turned out to be one account at the site.
    pub fn clash(workplace: &'a Workplace, task: &'a task::Model, held: &HeldAccount, rule: &str) -> Self {
        let mut progress = Self::new(workplace, task, held, &[]);
        let error = format!("Another user's account at this site is the same one ({rule})");
        progress.entry(error.clone(), None);
        let due_at = workplace.tenant.now().plus(Duration::from_secs(3600));
        progress.end = TaskEnd::Refused { due_at, error };
        progress
    }

    /// The site was asked, and showed this.
    pub fn saw(&mut self, account: Option<&Account>) {
        self.asked = true;
        self.in_doubt = false;
        self.observed = account.cloned();
    }

    /// The product's key of the account, once it is known.
    pub fn key(&self) -> Option<&str> {
        self.observed.as_ref().map(|account| account.key.as_str())
    }

    /// Takes over what the plan leaves undone and why, and which memberships it finds in place.
    pub fn planned(&mut self, plan: &AccountPlan) {
        for skipped in &plan.not_done {
            self.outcome = RunOutcome::Skipped;
            self.actions.push(json!({ "not_done": skipped.what, "reason": skipped.reason }));
        }
        if is_empty(plan) && !plan.not_done.is_empty() {
            let said: Vec<&str> = plan.not_done.iter().map(|skipped| skipped.reason.as_str()).collect();
            self.entry(format!("Left as it is: {}", said.join("; ")), None);
        }
        self.confirmed.extend(plan.in_place.iter().cloned());
        self.dropped.extend(plan.forgotten.iter().cloned());
    }

    /// The safety threshold holds it back.
    pub fn held(&mut self, reason: String) {
        self.entry(format!("Held for approval: {reason}"), None);
        self.outcome = RunOutcome::Held;
        self.released.clear();
        self.end = TaskEnd::Held { reason };
    }

    /// A call failed.
    pub async fn failed(&mut self, error: &SiteError) -> store::Result<()> {
        let Consequence { end, in_doubt, .. } = self.workplace.judge(error, self.task).await?;
        self.in_doubt = self.in_doubt || in_doubt;
        self.outcome = RunOutcome::Failed;
        self.released.clear();
        // A site that is down would fill the timeline with the same sentence.
        if matches!(end, TaskEnd::Refused { .. }) || self.task.attempts == 0 {
            self.entry(format!("Not done: {error}"), None);
        }
        self.end = end;
        Ok(())
    }

    /// The work took too long.
    pub fn cut_off(&mut self) {
        self.in_doubt = true;
        self.outcome = RunOutcome::Failed;
        self.released.clear();
        let error = "The work took too long and was cut off".to_owned();
        self.end = TaskEnd::Retry { due_at: self.workplace.tenant.now(), error, counts: true };
    }

    /// The account turned out to be gone from the site: look again, at once.
    fn vanished(&mut self) {
        self.asked = true;
        self.observed = None;
        self.released.clear();
        let error = "The account is gone from the site".to_owned();
        self.end = TaskEnd::Retry { due_at: self.workplace.tenant.now(), error, counts: true };
    }

    fn did(&mut self, change: &Change) {
        self.touched = true;
        self.outcome = RunOutcome::Changed;
        let detail = json!({ "action": change.action, "reason": change.reason, "link": change.link });
        self.entry(change.action.to_string(), Some(detail.clone()));
        self.actions.push(detail);
        metrics::counter!("rollcall_sync_changes_total", "action" => change.action.name()).increment(1);
    }

    fn entry(&mut self, summary: String, detail: Option<Value>) {
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

    fn reference(&self) -> Result<AccountRef, SiteError> {
        self.observed.as_ref().map(AccountRef::of).ok_or_else(|| SiteError::Protocol {
            detail: "the plan speaks of an account that was never seen".into(),
        })
    }

    /// What is to be written down.
    pub fn into_conclusion(self) -> Conclusion {
        let observation = match (&self.observed, self.asked || self.touched) {
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
        Conclusion {
            observation,
            in_doubt: self.in_doubt,
            confirmed: self.confirmed.into_iter().collect(),
            dropped: self.dropped.into_iter().collect(),
            released_claims: if finished { self.released } else { Vec::new() },
            entries: self.entries,
            outcome: self.outcome,
            detail: json!({ "changes": self.actions }),
            end: self.end,
        }
    }
}

/// Why the plan must wait for an admin, if it takes access away beyond the link's threshold.
pub async fn hold_reason(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    plan: &AccountPlan,
) -> store::Result<Option<String>> {
    let takes = |change: &&Change| matches!(change.action, Action::Deactivate | Action::DeleteAccount);
    let Some(change) = plan.changes.iter().find(takes) else { return Ok(None) };
    if task.approved {
        return Ok(None);
    }
    let connection = held
        .claims
        .iter()
        .map(|claim| claim.connection_id)
        .find(|&id| workplace.links.of(id).is_some_and(|link| Some(link.row.id.0) == change.link))
        .unwrap_or(task.connection_id);
    let Some(link) = workplace.links.of(connection) else { return Ok(None) };
    let safety = &link.settings.safety;
    let accounts = workplace.tenant.accounts(task.site_id);
    let window = Duration::from_secs(u64::from(safety.window_hours) * 3600);
    let decide = |judged: store::accounts::DeprovisionWindow| {
        let window =
            Window { executed: judged.executed, pending: judged.pending, active_accounts: judged.active };
        match breaker::check(safety, &window) {
            Verdict::Proceed => None,
            Verdict::Hold { reason } => Some(reason),
        }
    };
    let free = u64::from(safety.max_deactivations);
    accounts
        .reserve_deprovision(LinkId(link.row.id.0), connection, held.account.id, window, free, decide)
        .await
}

/// Writes down what is about to be asked of the site, so that a crash leaves a trace of it.
pub async fn write_down_intent(
    workplace: &Workplace,
    held: &HeldAccount,
    desired: &DesiredAccount,
    plan: &AccountPlan,
) -> store::Result<()> {
    let mut intent = Intent::default();
    for change in &plan.changes {
        match &change.action {
            Action::CreateAccount => {
                intent.creates = true;
                intent.username = Some(desired.username.value.clone());
            }
            Action::AddMember { group } => intent.adds.push(group.clone()),
            _ => {}
        }
    }
    if !intent.creates && intent.adds.is_empty() {
        return Ok(());
    }
    workplace.tenant.accounts(held.account.site_id).intend(held, &intent, LEASE).await
}

/// Makes the changes one after the other. The first failure ends it; what was done before stands in
/// `progress`.
pub(crate) async fn carry_out(
    workplace: &Workplace,
    desired: &DesiredAccount,
    plan: &AccountPlan,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for change in &plan.changes {
        if workplace.stopped.load(std::sync::atomic::Ordering::Relaxed) && progress.touched {
            // The site asked us to stop: the rest waits, the task stays marked.
            let error = "The site asked for a pause".to_owned();
            progress.end = TaskEnd::Retry { due_at: workplace.tenant.now(), error, counts: false };
            progress.released.clear();
            return Ok(());
        }
        match step(workplace, desired, change, &mut missing, progress).await {
            Ok(true) => progress.did(change),
            Ok(false) => {}
            Err(Interruption::Site(SiteError::NotFound { .. })) => {
                progress.vanished();
                return Ok(());
            }
            Err(interruption) => return Err(interruption),
        }
    }
    Ok(())
}

/// Makes one change; says whether the site was changed.
async fn step(
    workplace: &Workplace,
    desired: &DesiredAccount,
    change: &Change,
    missing: &mut BTreeSet<String>,
    progress: &mut Progress<'_>,
) -> Result<bool, Interruption> {
    let connector = &workplace.connected.connector;
    match &change.action {
        Action::CreateAccount => create(workplace, desired, progress).await?,
        Action::UpdateAccount { username, display_name, email } => {
            let update = AccountUpdate {
                username: username.clone(),
                display_name: display_name.clone(),
                email: email.clone(),
                active: None,
            };
            update_account(workplace, &update, progress).await?;
        }
        Action::Reactivate | Action::Deactivate => {
            let active = matches!(change.action, Action::Reactivate);
            let update = AccountUpdate { active: Some(active), ..AccountUpdate::default() };
            update_account(workplace, &update, progress).await?;
        }
        Action::DeleteAccount => {
            let reference = progress.reference()?;
            connector.delete_account(&reference).await?;
            progress.asked = true;
            progress.observed = None;
            progress.confirmed.clear();
        }
        Action::EnsureGroup { name } => {
            if ensure(workplace, name, false).await? == Ensured::Missing {
                missing.insert(fold(name));
            }
            return Ok(false);
        }
        Action::AddMember { group } => {
            if missing.contains(&fold(group)) {
                progress.dropped.insert(fold(group));
                return Ok(false);
            }
            add_member(workplace, group, progress).await?;
        }
        Action::RemoveMember { group } => {
            let reference = progress.reference()?;
            match connector.remove_member(group, &reference).await {
                // No such group: nobody is in it.
                Ok(()) | Err(SiteError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            progress.dropped.insert(fold(group));
        }
    }
    Ok(true)
}

async fn create(
    workplace: &Workplace,
    desired: &DesiredAccount,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    let new = NewAccount {
        username: desired.username.value.clone(),
        display_name: desired.display_name.value.clone(),
        email: desired.email.as_ref().map(|email| email.value.clone()),
    };
    let created = workplace.connected.connector.create_account(&new).await?;
    progress.saw(Some(&created));
    Ok(())
}

async fn update_account(
    workplace: &Workplace,
    update: &AccountUpdate,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    let reference = progress.reference()?;
    let updated = workplace.connected.connector.update_account(&reference, update).await?;
    progress.touched = true;
    progress.observed = Some(updated);
    Ok(())
}

/// Adds the account to a group. A group that the ledger believed in and that is gone is made again once.
async fn add_member(
    workplace: &Workplace,
    group: &str,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    let connector = &workplace.connected.connector;
    let reference = progress.reference()?;
    match connector.add_member(group, &reference).await {
        Ok(()) => {}
        Err(SiteError::NotFound { detail }) => {
            let accounts = workplace.tenant.accounts(workplace.site.id);
            if connector.find_account(&AccountQuery::Key(reference.key.clone())).await?.is_none() {
                return Err(SiteError::NotFound { detail }.into());
            }
            accounts.forget_site_group(group).await?;
            ensure(workplace, group, false).await?;
            connector.add_member(group, &reference).await?;
        }
        Err(error) => return Err(error.into()),
    }
    progress.confirmed.insert(group.to_owned());
    Ok(())
}
