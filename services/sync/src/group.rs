//! One directory group at one site: the site groups that its link maps it to exist.

use atlassian::error::SiteError;
use policy::group::{DirectoryGroup, Mapping, site_groups_for};
use serde_json::json;
use store::entity::task;
use store::entity::words::{ObjectKind, RunOutcome, TimelineKind};
use store::id::GroupId;
use store::tasks::TaskEnd;
use store::timeline::NewEntry;

use crate::feeds;
use crate::links::SiteLink;
use crate::site::finish_idle;
use crate::workplace::{Interruption, Workplace};

/// Whether a site group is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// It was there.
    There,
    /// We made it.
    Created,
    /// It is not there, and settings forbid making it.
    Missing,
}

/// Sees to it that the site groups of a directory group exist. Memberships are the users' own tasks.
pub async fn perform(workplace: &Workplace, task: &task::Model) -> store::Result<()> {
    let group = workplace.tenant.groups(task.connection_id).find(GroupId(task.object_id)).await?;
    let link = workplace.links.of(task.connection_id).filter(|link| link.row.enabled);
    // A deleted group leaves its site group standing: permissions may hang on it.
    let (Some(group), Some(link)) = (group, link) else { return finish_idle(workplace, task).await };
    let group = DirectoryGroup { id: group.id.0, name: group.display_name };
    let mut entries = Vec::new();
    let tasks = workplace.tenant.tasks(task.site_id);
    let ensured = tokio::select! {
        ensured = ensure_all(workplace, task, &group, link, &mut entries) => ensured,
        // A look tells whether a group was made; nothing is in doubt.
        () = workplace.stop.cut_off.cancelled() => Err(Interruption::PutOff),
    };
    let (end, outcome) = match ensured {
        Ok(outcome) => (TaskEnd::Finished, outcome),
        Err(Interruption::Store(error)) => return Err(error),
        Err(Interruption::PutOff) => (workplace.later(task), RunOutcome::Unchanged),
        Err(Interruption::Site(error)) => {
            let consequence = workplace.judge(&error, task).await?;
            if task.last_error.as_deref() != Some(&error.to_string()) {
                entries.push(entry(workplace, task, &format!("Not done: {error}")));
            }
            (consequence.end, RunOutcome::Failed)
        }
    };
    if let [entry] = &entries[..]
        && outcome == RunOutcome::Skipped
        && workplace.has_told(task, &entry.summary).await?
    {
        entries.clear();
    }
    tasks.end(task, end, entries, outcome).await
}

async fn ensure_all(
    workplace: &Workplace,
    task: &task::Model,
    group: &DirectoryGroup,
    link: &SiteLink,
    entries: &mut Vec<NewEntry>,
) -> Result<RunOutcome, Interruption> {
    let site_groups = match site_groups_for(group, &link.settings, &*workplace.rules().await?) {
        Mapping::Mapped { site_groups } => site_groups,
        Mapping::Excluded { reason } => {
            entries.push(entry(workplace, task, &format!("Not synchronized: {reason}")));
            return Ok(RunOutcome::Skipped);
        }
    };
    feeds::remember_group(workplace, link, group, &site_groups).await?;
    let create = link.settings.group_sync.create_missing;
    let mut outcome = RunOutcome::Unchanged;
    for name in &site_groups {
        let (became, said) = match ensure_group(workplace, name, create, task.verify).await? {
            Ensured::There => continue,
            Ensured::Created => (RunOutcome::Changed, format!("Created group {name}")),
            Ensured::Missing => {
                (RunOutcome::Skipped, format!("Group {name} is not there, and create_missing is off"))
            }
        };
        outcome = became;
        entries.push(entry(workplace, task, &said));
    }
    Ok(outcome)
}

/// Sees to it that a site group exists, for a member that is about to be added.
pub(crate) async fn ensure(workplace: &Workplace, name: &str, verify: bool) -> Result<Ensured, Interruption> {
    ensure_group(workplace, name, true, verify).await
}

async fn ensure_group(
    workplace: &Workplace,
    name: &str,
    create: bool,
    verify: bool,
) -> Result<Ensured, Interruption> {
    let accounts = workplace.tenant.accounts(workplace.site.id);
    if !verify && accounts.knows_site_group(name).await? {
        return Ok(Ensured::There);
    }
    let connector = &workplace.connected.connector;
    let ensured = if workplace.call(connector.find_group(name)).await?.is_some() {
        Ensured::There
    } else if create {
        match workplace.call(connector.create_group(name)).await {
            Ok(()) => {
                metrics::counter!(
                    "rollcall_sync_changes_total",
                    "product" => workplace.connected.product(), "action" => "create_group"
                )
                .increment(1);
                Ensured::Created
            }
            // Another worker was faster.
            Err(Interruption::Site(SiteError::AlreadyExists { .. })) => Ensured::There,
            Err(interruption) => return Err(interruption),
        }
    } else {
        accounts.forget_site_group(name).await?;
        return Ok(Ensured::Missing);
    };
    accounts.put_site_group(name, ensured == Ensured::Created).await?;
    Ok(ensured)
}

fn entry(workplace: &Workplace, task: &task::Model, summary: &str) -> NewEntry {
    NewEntry {
        object_kind: ObjectKind::Group,
        object_id: task.object_id,
        connection_id: Some(task.connection_id),
        site_id: Some(task.site_id),
        kind: TimelineKind::Site,
        request_id: None,
        summary: format!("{}: {summary}", workplace.site.name),
        detail: Some(json!({ "site": workplace.site.name })),
    }
}
