//! Carrying a plan out, one call after the other.

use std::collections::BTreeSet;

use atlassian::error::SiteError;
use atlassian::site::{AccountQuery, AccountUpdate, NewAccount};
use policy::account::DesiredAccount;
use policy::breaker::{self, Verdict, Window};
use policy::plan::{AccountPlan, Action, Change};
use policy::settings::SafetyWindow;
use scim_protocol::fold;
use store::accounts::{HeldAccount, Intent};
use store::clock::Timestamp;
use store::deprovisions::{DeprovisionWindow, Limit, TakenAway};
use store::entity::task;
use store::id::LinkId;
use uuid::Uuid;

use crate::group::ensure;
use crate::leads;
use crate::progress::Progress;
use crate::workplace::{Interruption, Workplace};

/// Why the plan must wait for an admin, if it ends the account beyond the link's threshold.
pub async fn hold_reason(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    plan: &AccountPlan,
) -> store::Result<Option<String>> {
    match plan.changes.iter().find(|change| change.action.ends_account()) {
        Some(change) => judge(workplace, task, held, TakenAway::Account, change.link).await,
        None => Ok(None),
    }
}

/// Takes the steps out of the plan that would take memberships away beyond the link's threshold, and says why they must
/// wait. What the plan gives goes on.
pub async fn hold_withdrawals(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    plan: &mut AccountPlan,
) -> store::Result<Option<String>> {
    let takes = |change: &Change| matches!(change.action, Action::RemoveMember { .. });
    // Who is deactivated by losing all groups was judged as that.
    if plan.changes.iter().any(|change| change.action.ends_account()) {
        return Ok(None);
    }
    let Some(change) = plan.changes.iter().find(|change| takes(change)) else { return Ok(None) };
    let reason = judge(workplace, task, held, TakenAway::Memberships, change.link).await?;
    if reason.is_some() {
        plan.changes.retain(|change| !takes(change));
    }
    Ok(reason)
}

/// Judges what is taken away by the threshold of the link that asks for it, and counts it if it goes on.
async fn judge(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    taken: TakenAway,
    asked_by: Option<Uuid>,
) -> store::Result<Option<String>> {
    let connection = held
        .claims
        .iter()
        .map(|claim| claim.connection_id)
        .find(|&id| workplace.links.of(id).is_some_and(|link| Some(link.row.id.0) == asked_by))
        .unwrap_or(task.connection_id);
    let Some(link) = workplace.links.of(connection) else { return Ok(None) };
    let windows = link.settings.safety.windows();
    let accounts = workplace.tenant.accounts(task.site_id);
    let free = |window: &SafetyWindow| match taken {
        TakenAway::Account => window.max_deactivations,
        TakenAway::Memberships => window.max_withdrawals,
    };
    let limits: Vec<Limit> =
        windows.iter().map(|window| Limit { window: window.length(), free: free(window).into() }).collect();
    let decide = |position: usize, judged: DeprovisionWindow| {
        // What an admin approved counts for the windows as well.
        verdict(taken, &windows[position], &judged).filter(|_| !task.approved)
    };
    accounts.reserve(taken, LinkId(link.row.id.0), connection, held.account.id, &limits, decide).await
}

/// Why what is taken away must wait, if it does.
pub(crate) fn verdict(taken: TakenAway, limits: &SafetyWindow, judged: &DeprovisionWindow) -> Option<String> {
    let window =
        Window { executed: judged.executed, pending: judged.pending, active_accounts: judged.active };
    let verdict = match taken {
        TakenAway::Account => breaker::check(limits, &window),
        TakenAway::Memberships => breaker::check_withdrawal(limits, &window),
    };
    match verdict {
        Verdict::Hold { reason } => Some(reason),
        Verdict::Proceed => None,
    }
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
    let lease = workplace.engine.options.account_lease;
    workplace.tenant.accounts(held.account.site_id).intend(held, &intent, lease).await
}

/// Makes the changes one after the other. A failure ends it, and so does a refusal of what later steps build
/// on; other refusals do not keep the rest from being done. What was done stands in `progress`.
pub(crate) async fn carry_out(
    workplace: &Workplace,
    desired: &DesiredAccount,
    plan: &AccountPlan,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    // Groups that are not there, and may not be made.
    let mut missing = BTreeSet::new();
    for change in &plan.changes {
        match step(workplace, desired, change, &mut missing, progress).await {
            Ok(true) => progress.did(change),
            Ok(false) => {}
            Err(Interruption::Site(SiteError::NotFound { .. })) => {
                progress.vanished();
                return Ok(());
            }
            Err(Interruption::Site(error)) if leads::may_be_hidden(workplace, &change.action, &error) => {
                progress.put_off();
                return Ok(());
            }
            Err(Interruption::Site(error))
                if stands_alone(&change.action) && workplace.is_objects_own(&error).await =>
            {
                if let Action::EnsureGroup { name } = &change.action {
                    missing.insert(fold(name));
                }
                progress.refused(change, error);
            }
            Err(interruption) => return Err(interruption),
        }
    }
    progress.gone_through().await?;
    Ok(())
}

/// Whether other steps make sense without this one.
fn stands_alone(action: &Action) -> bool {
    match action {
        Action::UpdateAccount { .. }
        | Action::EnsureGroup { .. }
        | Action::AddMember { .. }
        | Action::RemoveMember { .. } => true,
        Action::CreateAccount
        | Action::Reactivate
        | Action::HandOver { .. }
        | Action::Deactivate
        | Action::DeleteAccount => false,
    }
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
            workplace.call(connector.delete_account(&reference)).await?;
            progress.deleted();
        }
        Action::HandOver { led, to } => {
            match workplace.call(connector.set_lead(&leads::at_site(led), to)).await {
                // It is gone, and nobody leads it.
                Ok(()) | Err(Interruption::Site(SiteError::NotFound { .. })) => {}
                Err(interruption) => return Err(interruption),
            }
        }
        Action::EnsureGroup { name } => {
            ensure(workplace, name, false).await?;
            return Ok(false);
        }
        Action::AddMember { group } => {
            if missing.contains(&fold(group)) {
                progress.left(group);
                return Ok(false);
            }
            return add_member(workplace, desired, group, progress).await;
        }
        Action::RemoveMember { group } => {
            let reference = progress.reference()?;
            match workplace.call(connector.remove_member(group, &reference)).await {
                Ok(()) => {}
                Err(Interruption::Site(SiteError::NotFound { .. })) => {
                    if let Some(until) = may_show_until(workplace, group).await? {
                        progress.wait_for_group(group, until);
                        return Ok(false);
                    }
                    // No such group: nobody is in it.
                }
                Err(interruption) => return Err(interruption),
            }
            progress.left(group);
        }
    }
    Ok(true)
}

/// Until when a group that the site does not show may be there all the same, at a site that may show what was: it was
/// there a moment ago.
async fn may_show_until(workplace: &Workplace, group: &str) -> store::Result<Option<Timestamp>> {
    if !workplace.connected.capabilities.shows_the_past {
        return Ok(None);
    }
    let seen_at = workplace.tenant.accounts(workplace.site.id).site_group_seen_at(group).await?;
    let until = seen_at.map(|at| at.plus(workplace.engine.options.shown_within));
    Ok(until.filter(|until| workplace.tenant.now() < *until))
}

async fn create(
    workplace: &Workplace,
    desired: &DesiredAccount,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    let connector = &workplace.connected.connector;
    let new = NewAccount {
        username: desired.username.value.clone(),
        display_name: desired.display_name.value.clone(),
        email: desired.email.as_ref().map(|email| email.value.clone()),
    };
    progress.creates();
    let mut created = match workplace.call(connector.create_account(&new)).await {
        Ok(created) => created,
        Err(interruption) => {
            if matches!(interruption, Interruption::PutOff) {
                progress.saw(None);
            }
            return Err(interruption);
        }
    };
    // A product that makes nobody twice may answer with an account that it did not show before.
    if created.key == workplace.connected.own_key().await? {
        progress.saw(None);
        let detail = "it is the account whose credentials are used, which is never touched".to_owned();
        return Err(SiteError::AlreadyExists { detail }.into());
    }
    if workplace.connected.hides_email() {
        created.email = created.email.or(new.email);
    }
    progress.saw(Some(&created));
    Ok(())
}

async fn update_account(
    workplace: &Workplace,
    update: &AccountUpdate,
    progress: &mut Progress<'_>,
) -> Result<(), Interruption> {
    let reference = progress.reference()?;
    let updated = workplace.call(workplace.connected.connector.update_account(&reference, update)).await?;
    progress.updated(updated);
    Ok(())
}

/// Adds the account to a group; says whether it did. A group that the ledger believed in and that is gone is
/// made again once, where that is allowed.
async fn add_member(
    workplace: &Workplace,
    desired: &DesiredAccount,
    group: &str,
    progress: &mut Progress<'_>,
) -> Result<bool, Interruption> {
    let connector = &workplace.connected.connector;
    let reference = progress.reference()?;
    match workplace.call(connector.add_member(group, &reference)).await {
        Ok(()) => {}
        Err(Interruption::Site(SiteError::NotFound { detail })) => {
            let accounts = workplace.tenant.accounts(workplace.site.id);
            let query = AccountQuery::Known(reference.clone());
            if workplace.call(connector.find_account(&query)).await?.is_none() {
                return Err(SiteError::NotFound { detail }.into());
            }
            accounts.forget_site_group(group).await?;
            if !desired.groups.get(&fold(group)).is_some_and(|desired| desired.create_missing) {
                progress.left(group);
                progress.skipped(&format!("Group {group} is not there, and create_missing is off"));
                return Ok(false);
            }
            ensure(workplace, group, true).await?;
            match workplace.call(connector.add_member(group, &reference)).await {
                Ok(()) => {}
                // The group is there and cannot be used: its own trouble, not the account's.
                Err(Interruption::Site(SiteError::NotFound { detail })) => {
                    return Err(SiteError::Rejected { status: 404, detail }.into());
                }
                Err(interruption) => return Err(interruption),
            }
        }
        Err(interruption) => return Err(interruption),
    }
    progress.joined(group);
    Ok(true)
}
