//! One directory user at one site: read, compare, act, write down.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use policy::account::{Claim, DesiredAccount, DirectoryUser};
use policy::plan::{AccountPlan, ObservedAccount};
use scim_protocol::fold;
use serde_json::json;
use store::accounts::{Acquired, HeldAccount, Observation};
use store::entity::task;
use store::entity::words::RunOutcome;
use store::id::UserId;
use store::tasks::TaskEnd;

use crate::execution::{self, Progress};
use crate::lookup::{self, Wanted};
use crate::site::{Workplace, finish_idle};

/// How long an account may be held; work on it is cut off before.
const ACCOUNT_LEASE: Duration = Duration::from_secs(180);
/// When work on one account is cut off; its outcome is then in doubt.
const WORK_LIMIT: Duration = Duration::from_secs(150);
/// When to come back to an account that another worker holds.
const BUSY_WAIT: Duration = Duration::from_millis(250);

/// Brings the account that a user claims to the state that all its claims ask for.
pub async fn perform(workplace: &Workplace, task: &task::Model) -> store::Result<()> {
    let user_id = UserId(task.object_id);
    let user = workplace.tenant.users(task.connection_id).find(user_id).await?;
    let linked = workplace.links.of(task.connection_id).is_some_and(|link| link.row.enabled);
    if user.is_some() && !linked {
        return finish_idle(workplace, task).await;
    }
    let username = user.as_ref().map(|user| DirectoryUser::from_scim(&user.document).user_name);
    let accounts = workplace.tenant.accounts(task.site_id);
    let acquired = accounts.acquire(user_id, task.connection_id, username.as_deref(), ACCOUNT_LEASE).await?;
    match acquired {
        Acquired::Nothing => finish_idle(workplace, task).await,
        Acquired::Busy => {
            let end = TaskEnd::Retry {
                due_at: workplace.tenant.now().plus(BUSY_WAIT),
                error: "Another worker is at this account".into(),
                counts: false,
            };
            workplace.tenant.tasks(task.site_id).end(task, end, Vec::new()).await
        }
        Acquired::Held(held) => {
            let progress = work(workplace, task, &held).await?;
            match progress {
                Some(progress) => conclude(workplace, task, &held, progress).await,
                None => Ok(()),
            }
        }
    }
}

/// Everything between taking and giving back the account. `None` when the claim was moved to another
/// account: the task stays marked and is worked on again.
async fn work<'a>(
    workplace: &'a Workplace,
    task: &'a task::Model,
    held: &HeldAccount,
) -> store::Result<Option<Progress<'a>>> {
    let claims = claims(workplace, held).await?;
    let desired = policy::account::fold(&claims, &workplace.connected.rules);
    let mut progress = Progress::new(workplace, task, held, &claims);
    let attempt = tokio::time::timeout(WORK_LIMIT, attempt(workplace, task, held, &desired, &mut progress));
    match attempt.await {
        Ok(Ok(Attempt::Done)) => {}
        Ok(Ok(Attempt::Moved)) => return Ok(None),
        Ok(Err(Interruption::Site(error))) => progress.failed(&error).await?,
        Ok(Err(Interruption::Store(error))) => return Err(error),
        Err(_) => progress.cut_off(),
    }
    Ok(Some(progress))
}

/// How an attempt ended, when nothing interrupted it.
enum Attempt {
    /// Everything that can be done was done, or is held.
    Done,
    /// The claim belongs to another account row.
    Moved,
}

/// What interrupts work on an account.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// The site refused or did not answer.
    Site(atlassian::error::SiteError),
    /// The database failed.
    Store(store::Error),
}

impl From<atlassian::error::SiteError> for Interruption {
    fn from(error: atlassian::error::SiteError) -> Self {
        Self::Site(error)
    }
}

impl From<store::Error> for Interruption {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

async fn attempt(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    desired: &DesiredAccount,
    progress: &mut Progress<'_>,
) -> Result<Attempt, Interruption> {
    let known = held.account.key.is_some() && !held.account.in_doubt && !task.verify;
    let observed = if known {
        Some(from_ledger(held))
    } else {
        let wanted = Wanted {
            ledger: &held.account,
            username: &desired.username.value,
            email: desired.email.as_ref().map(|email| email.value.as_str()),
            match_by: &desired.match_by,
        };
        let found = lookup::find(workplace, &wanted).await?;
        progress.saw(found.as_ref());
        found.map(|account| from_site(&account, held))
    };
    let observed = match observed {
        Some(mut observed) => {
            let own_key = workplace.connected.own_key().await?;
            observed.protected = progress.key() == Some(own_key);
            Some(observed)
        }
        None => None,
    };
    let plan = policy::plan::account(desired, observed.as_ref());
    progress.planned(&plan);
    if let Some(reason) = execution::hold_reason(workplace, task, held, &plan).await? {
        progress.held(reason);
        return Ok(Attempt::Done);
    }
    match execution::write_down_intent(workplace, held, desired, &plan).await {
        Ok(()) => {}
        // Another row of the ledger has that user name: it is the account to work on.
        Err(store::Error::Conflict(_)) => {
            let user = UserId(task.object_id);
            let accounts = workplace.tenant.accounts(task.site_id);
            accounts.reattach(held, user, &desired.username.value).await?;
            let end = TaskEnd::Retry {
                due_at: workplace.tenant.now(),
                error: "The user name belongs to another account of the ledger".into(),
                counts: true,
            };
            workplace.tenant.tasks(task.site_id).end(task, end, Vec::new()).await?;
            return Ok(Attempt::Moved);
        }
        Err(error) => return Err(error.into()),
    }
    execution::carry_out(workplace, desired, &plan, progress).await?;
    Ok(Attempt::Done)
}

/// All claims on the account, with what their directories say now.
async fn claims(workplace: &Workplace, held: &HeldAccount) -> store::Result<Vec<Claim>> {
    let mut claims = Vec::with_capacity(held.claims.len());
    for claim in &held.claims {
        let Some(link) = workplace.links.of(claim.connection_id) else { continue };
        let users = workplace.tenant.users(claim.connection_id);
        let user = users.find(claim.user_id).await?;
        let groups = match &user {
            Some(_) => users.holding_groups(&[claim.user_id]).await?.remove(&claim.user_id),
            None => None,
        };
        claims.push(Claim {
            link: link.row.id.0,
            connection: claim.connection_id.0,
            precedence: link.row.precedence,
            settings: Arc::clone(&link.settings),
            enabled: link.row.enabled,
            user_id: claim.user_id.0,
            user: user.map(|user| DirectoryUser::from_scim(&user.document)),
            groups: groups.unwrap_or_default().into_iter().map(|group| group.display_name).collect(),
        });
    }
    Ok(claims)
}

/// What the ledger knows, for an account that no call has left in doubt.
fn from_ledger(held: &HeldAccount) -> ObservedAccount {
    let account = &held.account;
    let managed: BTreeSet<String> =
        held.memberships.iter().map(|membership| membership.group_folded.clone()).collect();
    let confirmed = held.memberships.iter().filter(|membership| membership.confirmed);
    ObservedAccount {
        username: account.username.clone(),
        display_name: account.display_name.clone().unwrap_or_default(),
        email: account.email.clone(),
        active: account.active.unwrap_or(true),
        groups: confirmed.map(|membership| membership.group_folded.clone()).collect(),
        managed,
        groups_known: false,
        protected: false,
        created_by_us: account.created_by_us,
    }
}

/// What the site has just shown.
fn from_site(account: &atlassian::site::Account, held: &HeldAccount) -> ObservedAccount {
    let groups = account.groups.as_ref();
    ObservedAccount {
        username: account.username.clone(),
        display_name: account.display_name.clone(),
        email: account.email.clone(),
        active: account.active,
        groups: groups.into_iter().flatten().map(|group| fold(group)).collect(),
        managed: held.memberships.iter().map(|membership| membership.group_folded.clone()).collect(),
        groups_known: groups.is_some(),
        protected: false,
        created_by_us: held.account.created_by_us,
    }
}

async fn conclude(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    progress: Progress<'_>,
) -> store::Result<()> {
    let accounts = workplace.tenant.accounts(task.site_id);
    let conclusion = progress.into_conclusion();
    let latency = workplace.tenant.now().since(task.marked_at);
    let finished = conclusion.end == TaskEnd::Finished;
    match accounts.conclude(held, task, conclusion).await {
        Ok(()) => {
            if finished {
                metrics::histogram!("rollcall_sync_latency_seconds").record(latency.as_secs_f64());
            }
            Ok(())
        }
        // The site's account is another row's already: two directory users are one person there, and
        // the match rule brought them together. The admin decides; nothing is overwritten.
        Err(store::Error::Conflict(rule)) => {
            let mut clash = Progress::clash(workplace, task, held, rule).into_conclusion();
            clash.observation = Observation::Unchanged;
            clash.outcome = RunOutcome::Failed;
            clash.detail = json!({ "conflict": rule });
            accounts.conclude(held, task, clash).await
        }
        Err(error) => Err(error),
    }
}

/// Whether the plan leaves nothing to do.
pub(crate) fn is_empty(plan: &AccountPlan) -> bool {
    plan.changes.is_empty()
}
