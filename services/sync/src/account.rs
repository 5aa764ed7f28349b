//! One directory user at one site: read, compare, act, write down.

use std::collections::BTreeSet;
use std::time::Duration;

use atlassian::error::SiteError;
use atlassian::site::AccountQuery;
use policy::account::{Claim, DesiredAccount, DirectoryUser, Existence};
use policy::identity;
use policy::plan::{Action, ObservedAccount};
use policy::settings::MatchBy;
use scim_protocol::fold;
use serde_json::json;
use store::accounts::{Acquired, GivenName, HeldAccount, Observation, OtherRow, SameAs};
use store::clock::Timestamp;
use store::entity::words::{ObjectKind, RunOutcome, TimelineKind};
use store::entity::{account, claim, membership, task};
use store::id::UserId;
use store::tasks::TaskEnd;
use store::timeline::NewEntry;
use store::users::HoldingGroup;

use crate::execution;
use crate::failure::{count, refusal_wait};
use crate::feeds;
use crate::hold::while_held;
use crate::leads;
use crate::links::SiteLink;
use crate::lookup::{self, Found, Wanted};
use crate::naming;
use crate::progress::Progress;
use crate::site::finish_idle;
use crate::workplace::{Interruption, Workplace};

/// The shortest and the longest wait before coming back to an account that another worker holds.
const BUSY_WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The longest wait before looking again whether a name is free that the directory has given to somebody else.
const RENAME_WAIT: Duration = Duration::from_secs(30);

/// Brings the account that a user claims to the state that all its claims ask for.
pub async fn perform(workplace: &Workplace, task: &task::Model) -> store::Result<()> {
    let user_id = UserId(task.object_id);
    // What a disabled link's directory says is carried out when the link is enabled again, and all of it is
    // looked at; a user that was deleted is remembered by its claim.
    let link = workplace.links.of(task.connection_id).filter(|link| link.row.enabled);
    let Some(link) = link else { return finish_idle(workplace, task).await };
    let reads_groups = link.settings.asks_for_groups_of_users();
    let known = read_user(workplace, link, user_id, reads_groups).await?.map(|(user, _)| user);
    let by_email = workplace.connected.names_by_email();
    // Who was never in scope is left alone, and so is an account of that name which stands at the site.
    let is_new = || async { workplace.tenant.accounts(task.site_id).find_by_user(user_id).await };
    if known.as_ref().is_some_and(|user| !user.in_scope) && is_new().await?.is_none() {
        let reason = "The user is out of the link's user_sync.scope";
        return leave(workplace, task, &[reason.to_owned()]).await;
    }
    let mut problems: Vec<String> =
        known.iter().flat_map(|user| &user.problems).map(ToString::to_string).collect();
    if by_email
        && known.as_ref().is_some_and(|user| user.active && user.email.is_none())
        && problems.is_empty()
    {
        problems.push(
            "The directory gives the user no e-mail address, and accounts here go by theirs".to_owned(),
        );
    }
    let is_wanted = known.as_ref().is_some_and(|user| user.active && user.in_scope);
    let username = known.and_then(|user| if by_email { user.email } else { Some(user.user_name) });
    let username = username.filter(|name| !name.is_empty());
    let accounts = workplace.tenant.accounts(task.site_id);
    let lease = workplace.engine.options.account_lease;
    let mut acquired = accounts.acquire(user_id, task.connection_id, username.as_deref(), lease).await?;
    if let (Acquired::Taken, Some(taken)) = (&acquired, username.as_deref().filter(|_| is_wanted)) {
        match naming::acquire_under_another(workplace, task, link, taken).await {
            Ok(under_another) => acquired = under_another,
            Err(interruption) => return interrupted(workplace, task, interruption).await,
        }
    }
    let tasks = workplace.tenant.tasks(task.site_id);
    match acquired {
        Acquired::Nothing if problems.is_empty() => finish_idle(workplace, task).await,
        Acquired::Nothing => leave(workplace, task, &problems).await,
        Acquired::Busy { until } => {
            let end = TaskEnd::Retry {
                due_at: when_free(workplace.tenant.now(), until),
                error: "Another worker is at this account".into(),
                counts: false,
            };
            tasks.end(task, end, Vec::new(), RunOutcome::Unchanged).await
        }
        // Whoever has no account and is to have none needs none of that name.
        Acquired::Taken if !is_wanted => finish_idle(workplace, task).await,
        Acquired::Taken => {
            // The directory has given the name to somebody new: its account is about to be renamed, and to look
            // whether it was costs no call.
            let wait = refusal_wait(count(task.attempts), &workplace.engine.options).min(RENAME_WAIT);
            let end = TaskEnd::Refused {
                due_at: workplace.tenant.now().plus(wait),
                error: "The user name is that of another user's account at this site".to_owned(),
            };
            tasks.end(task, end, Vec::new(), RunOutcome::Failed).await
        }
        Acquired::Held(held) => {
            let done = match work(workplace, task, &held).await {
                Ok(Some(progress)) => conclude(workplace, task, &held, progress).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if done.is_err() {
                accounts.abandon(&held).await?;
            }
            done
        }
    }
}

/// Ends a task before any account was taken for it.
async fn interrupted(
    workplace: &Workplace,
    task: &task::Model,
    interruption: Interruption,
) -> store::Result<()> {
    let end = match interruption {
        Interruption::Store(error) => return Err(error),
        Interruption::PutOff => workplace.later(task),
        Interruption::Site(error) => workplace.judge(&error, task).await?.end,
    };
    workplace.tenant.tasks(task.site_id).end(task, end, Vec::new(), RunOutcome::Failed).await
}

/// A user as a link sees it, and the groups that hold it if they are read; `None` when the directory has deleted it.
async fn read_user(
    workplace: &Workplace,
    link: &SiteLink,
    id: UserId,
    reads_groups: bool,
) -> store::Result<Option<(DirectoryUser, Vec<HoldingGroup>)>> {
    let users = workplace.tenant.users(link.row.connection_id);
    let Some(user) = users.find(id).await? else { return Ok(None) };
    let groups = if reads_groups { users.holding_groups(&[id]).await?.remove(&id) } else { None };
    let groups = groups.unwrap_or_default();
    Ok(Some((workplace.links.read_user(link, &user, &groups), groups)))
}

/// Ends the task without an account, and says why.
async fn leave(workplace: &Workplace, task: &task::Model, reasons: &[String]) -> store::Result<()> {
    let summary = format!("{}: No account is made: {}", workplace.site.name, reasons.join("; "));
    let mut entries = Vec::new();
    if !workplace.has_told(task, &summary).await? {
        entries.push(NewEntry {
            object_kind: ObjectKind::User,
            object_id: task.object_id,
            connection_id: Some(task.connection_id),
            site_id: Some(task.site_id),
            kind: TimelineKind::Site,
            request_id: None,
            summary,
            detail: Some(json!({ "site": workplace.site.name })),
        });
    }
    let tasks = workplace.tenant.tasks(task.site_id);
    tasks.end(task, TaskEnd::Finished, entries, RunOutcome::Skipped).await
}

/// Work on an account is short unless its holder is gone: then the whole lease is waited for, with few looks.
fn when_free(now: Timestamp, until: Timestamp) -> Timestamp {
    now.plus((until.since(now) / 32).clamp(BUSY_WAIT.0, BUSY_WAIT.1))
}

/// Everything between taking and giving back the account. `None` when its claims were moved to another
/// account: the task stays marked and is worked on again.
async fn work<'a>(
    workplace: &'a Workplace,
    task: &'a task::Model,
    held: &HeldAccount,
) -> store::Result<Option<Progress<'a>>> {
    let claims = claims_on(workplace, &held.claims, held.account.email.as_deref()).await?;
    let mut progress = Progress::new(workplace, task, held, &claims);
    let until = workplace.began + workplace.engine.options.account_lease * 5 / 6;
    let attempt = tokio::select! {
        attempt = while_held(until, attempt(workplace, task, held, &claims, &mut progress)) => attempt,
        () = workplace.stop.cut_off.cancelled() => None,
    };
    match attempt {
        Some(Ok(Attempt::Done)) => {}
        Some(Ok(Attempt::Moved)) => return Ok(None),
        Some(Err(Interruption::Site(error))) => progress.failed(&error).await?,
        Some(Err(Interruption::Store(error))) => return Err(error),
        Some(Err(Interruption::PutOff)) => progress.put_off(),
        None => progress.cut_off(),
    }
    Ok(Some(progress))
}

/// How an attempt ended, when nothing interrupted it.
enum Attempt {
    /// Everything that can be done was done, or is held.
    Done,
    /// The claims belong to another account row.
    Moved,
}

async fn attempt(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    claims: &[Claim],
    progress: &mut Progress<'_>,
) -> Result<Attempt, Interruption> {
    let own = claims.iter().find(|claim| claim.user_id == task.object_id);
    if let Some(own) = own
        && let Some(doubt) = &own.doubt
    {
        progress.steps_aside(own, doubt);
        return Ok(Attempt::Done);
    }
    let rules = workplace.rules().await?;
    let mut desired = policy::account::fold(claims, &rules);
    // What an account must lose that cannot be deactivated is more than what the ledger knows of.
    let withdraws = workplace.connected.withdraws_access()
        && desired.existence == Existence::Inactive
        && held.account.active != Some(false);
    // Whoever comes back may have lost on the way what the ledger knows of.
    let returns = !workplace.connected.capabilities.inactive_keep_groups
        && desired.existence == Existence::Active
        && held.account.active == Some(false);
    // Who left the scope before there was an account has none to lose: one of that name is somebody's own.
    let is_unknown = held.account.key.is_none() && !held.account.in_doubt;
    if is_unknown && desired.existence != Existence::Active && claims.iter().all(Claim::leaves_unknown_alone)
    {
        return Ok(Attempt::Done);
    }
    let looks = held.account.key.is_none() || held.account.in_doubt || task.verify || withdraws || returns;
    let observed = if looks {
        let wanted = Wanted {
            task,
            held,
            username: &desired.username.value,
            email: desired.email.as_ref().map(|email| email.value.as_str()),
            match_by: &desired.match_by,
        };
        match lookup::find(workplace, &wanted).await? {
            Found::Account(account) => {
                progress.saw(Some(&account));
                Some(from_site(workplace, &account, held))
            }
            Found::Nothing => {
                if let Some(until) = lookup::may_show_until(workplace, held) {
                    progress.not_shown_yet(until);
                    return Ok(Attempt::Done);
                }
                progress.saw(None);
                None
            }
            Found::OtherRow(same) => return join(workplace, task, held, progress, &same).await,
            Found::Taken(username) => {
                progress.taken(&username);
                return Ok(Attempt::Done);
            }
        }
    } else {
        Some(from_ledger(&held.account, &held.memberships))
    };
    let observed = match observed {
        Some(mut observed) => {
            let own_key = workplace.connected.own_key().await?;
            observed.protected = progress.key() == Some(own_key);
            feeds::recall(workplace, &mut desired, &observed).await?;
            Some(observed)
        }
        None => None,
    };
    let desired = &desired;
    let mut plan = policy::plan::account(desired, observed.as_ref());
    progress.planned(&plan);
    if let Some(reason) = execution::hold_reason(workplace, task, held, &plan).await? {
        progress.held(reason);
        return Ok(Attempt::Done);
    }
    if let Some(reason) = leads::hand_over(workplace, held, desired, &mut plan, progress).await? {
        progress.held(reason);
        return Ok(Attempt::Done);
    }
    if plan.changes.iter().any(|change| change.action == Action::CreateAccount)
        && is_strangers(workplace, desired).await?
    {
        return name_anew(workplace, task, held, desired, progress).await;
    }
    let withheld = execution::hold_withdrawals(workplace, task, held, &mut plan).await?;
    feeds::remember(workplace, claims, &plan, &rules).await?;
    match execution::write_down_intent(workplace, held, desired, &plan).await {
        Ok(()) => {}
        // Another row of the ledger has that user name: it is the account to work on.
        Err(store::Error::Conflict(_)) => {
            let same = SameAs::Username(desired.username.value.clone());
            return join(workplace, task, held, progress, &same).await;
        }
        Err(error) => return Err(error.into()),
    }
    execution::carry_out(workplace, desired, &plan, progress).await?;
    if let Some(reason) = withheld {
        progress.withheld(reason);
    }
    Ok(Attempt::Done)
}

/// Whether the name that an account is to be made under is that of one which is not to be taken over. Were that not
/// known, it would be taken for ours after a creation whose outcome is unknown.
async fn is_strangers(workplace: &Workplace, desired: &DesiredAccount) -> Result<bool, Interruption> {
    if desired.match_by.contains(&MatchBy::Username) {
        return Ok(false);
    }
    let query = AccountQuery::Username(desired.username.value.clone());
    Ok(workplace.call(workplace.connected.connector.find_account(&query)).await?.is_some())
}

/// Gives an account that is not made yet another name, where the rule has one that is free.
async fn name_anew(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    desired: &DesiredAccount,
    progress: &mut Progress<'_>,
) -> Result<Attempt, Interruption> {
    let taken = &desired.username.value;
    let own = held.claims.iter().find(|claim| claim.user_id.0 == task.object_id);
    let link = workplace.links.of(task.connection_id);
    // Whose link names the account has the rule.
    let link = link.filter(|link| link.row.id.0 == desired.username.source.link);
    if let (Some(own), Some(link)) = (own, link) {
        // The rule goes by what was wanted first.
        let wanted = own.given_for.clone().unwrap_or_else(|| taken.clone());
        if let Some(name) = naming::free_name(workplace, link, own.user_id, &wanted).await? {
            let name = GivenName { name: &name, instead_of: &wanted };
            return match workplace.tenant.accounts(task.site_id).give_name(held, own.user_id, name).await {
                // Another worker was faster: the next try finds another name.
                Ok(()) | Err(store::Error::Conflict(_)) => {
                    progress.put_off();
                    Ok(Attempt::Done)
                }
                Err(error) => Err(error.into()),
            };
        }
    }
    Err(SiteError::AlreadyExists { detail: taken.clone() }.into())
}

/// Brings the claims on two rows that are one account together, unless two people claim them.
async fn join(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    progress: &mut Progress<'_>,
    same: &SameAs,
) -> Result<Attempt, Interruption> {
    match workplace.tenant.accounts(task.site_id).join(held, same).await? {
        OtherRow::SamePerson => {
            let end = workplace.later(task);
            let tasks = workplace.tenant.tasks(task.site_id);
            tasks.end(task, end, Vec::new(), RunOutcome::Unchanged).await?;
            Ok(Attempt::Moved)
        }
        OtherRow::AnotherPerson => {
            let (SameAs::Username(name) | SameAs::Key(name)) = same;
            progress.taken(name);
            Ok(Attempt::Done)
        }
        // It was renamed or dropped meanwhile.
        OtherRow::None => {
            progress.put_off();
            Ok(Attempt::Done)
        }
    }
}

/// All claims on an account, with what their directories say now.
pub(crate) async fn claims_on(
    workplace: &Workplace,
    rows: &[claim::Model],
    email: Option<&str>,
) -> store::Result<Vec<Claim>> {
    let mut claims = Vec::with_capacity(rows.len());
    for claim in rows {
        let Some(link) = workplace.links.of(claim.connection_id) else { continue };
        let (user, groups) = read_user(workplace, link, claim.user_id, true).await?.unzip();
        claims.push(link.standing_claim(claim, user, groups.unwrap_or_default()));
    }
    identity::weigh(&mut claims, email);
    Ok(claims)
}

/// What the ledger knows, for an account that no call has left in doubt.
pub(crate) fn from_ledger(account: &account::Model, memberships: &[membership::Model]) -> ObservedAccount {
    ObservedAccount {
        username: account.username.clone(),
        display_name: account.display_name.clone().unwrap_or_default(),
        email: account.email.clone(),
        active: account.active.unwrap_or(true),
        groups: confirmed(memberships),
        managed: managed(memberships),
        groups_known: false,
        unproven: BTreeSet::new(),
        protected: false,
        created_by_us: account.created_by_us,
    }
}

/// What the site has just shown.
fn from_site(
    workplace: &Workplace,
    account: &atlassian::site::Account,
    held: &HeldAccount,
) -> ObservedAccount {
    // Another account than before: what links gave to the other one is not theirs to take from this one.
    let replaced = held.account.key.as_ref().is_some_and(|key| *key != account.key);
    let confirmed = confirmed(&held.memberships);
    let groups: BTreeSet<String> = account
        .groups
        .as_ref()
        .map_or_else(|| confirmed.clone(), |groups| groups.iter().map(|group| fold(group)).collect());
    let unproven = if workplace.connected.capabilities.shows_the_past {
        groups.difference(&confirmed).cloned().collect()
    } else {
        BTreeSet::new()
    };
    ObservedAccount {
        username: account.username.clone(),
        display_name: account.display_name.clone(),
        email: account.email.clone(),
        active: account.active,
        groups,
        managed: if replaced { BTreeSet::new() } else { managed(&held.memberships) },
        groups_known: account.groups.is_some() && !workplace.connected.capabilities.shows_the_past,
        unproven,
        protected: false,
        created_by_us: held.account.created_by_us && !replaced,
    }
}

fn managed(memberships: &[membership::Model]) -> BTreeSet<String> {
    memberships.iter().map(|membership| membership.group_folded.clone()).collect()
}

fn confirmed(memberships: &[membership::Model]) -> BTreeSet<String> {
    let confirmed = memberships.iter().filter(|membership| membership.confirmed);
    confirmed.map(|membership| membership.group_folded.clone()).collect()
}

async fn conclude(
    workplace: &Workplace,
    task: &task::Model,
    held: &HeldAccount,
    mut progress: Progress<'_>,
) -> store::Result<()> {
    progress.tell_what_is_left().await?;
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
        // The ledger still has the key or the new user name on another row: that one is about to change, or
        // was changed behind our back. What was done stands at the site; the next look sorts it out.
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
