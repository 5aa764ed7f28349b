//! One directory group at one site: the site groups that its link maps it to exist.

use atlassian::error::SiteError;
use policy::group::{Mapping, site_groups_for};
use serde_json::json;
use store::entity::task;
use store::entity::words::{ObjectKind, TimelineKind};
use store::id::GroupId;
use store::tasks::TaskEnd;
use store::timeline::NewEntry;

use crate::account::Interruption;
use crate::site::{Workplace, finish_idle};

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
    let rules = &workplace.connected.rules;
    let mut entries = Vec::new();
    match site_groups_for(&group.display_name, &link.settings, rules) {
        Mapping::Excluded { reason } => {
            entries.push(entry(workplace, task, format!("Not synchronized: {reason}")));
        }
        Mapping::Mapped { site_groups } => {
            let create = link.settings.group_sync.create_missing;
            for name in site_groups {
                match ensure_group(workplace, &name, create, task.verify).await {
                    Ok(Ensured::There) => {}
                    Ok(Ensured::Created) => {
                        entries.push(entry(workplace, task, format!("Created group {name}")));
                    }
                    Ok(Ensured::Missing) => {
                        let said = format!("Group {name} is not there, and create_missing is off");
                        entries.push(entry(workplace, task, said));
                    }
                    Err(Interruption::Store(error)) => return Err(error),
                    Err(Interruption::Site(error)) => return fail(workplace, task, &error, entries).await,
                }
            }
        }
    }
    workplace.tenant.tasks(task.site_id).end(task, TaskEnd::Finished, entries).await
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
    let ensured = if connector.find_group(name).await?.is_some() {
        Ensured::There
    } else if create {
        match connector.create_group(name).await {
            Ok(()) => Ensured::Created,
            // Another worker was faster.
            Err(SiteError::AlreadyExists { .. }) => Ensured::There,
            Err(error) => return Err(error.into()),
        }
    } else {
        accounts.forget_site_group(name).await?;
        return Ok(Ensured::Missing);
    };
    accounts.put_site_group(name, ensured == Ensured::Created).await?;
    Ok(ensured)
}

async fn fail(
    workplace: &Workplace,
    task: &task::Model,
    error: &SiteError,
    mut entries: Vec<NewEntry>,
) -> store::Result<()> {
    let consequence = workplace.judge(error, task).await?;
    if matches!(consequence.end, TaskEnd::Refused { .. }) || task.attempts == 0 {
        entries.push(entry(workplace, task, format!("Not done: {error}")));
    }
    workplace.tenant.tasks(task.site_id).end(task, consequence.end, entries).await
}

fn entry(workplace: &Workplace, task: &task::Model, summary: String) -> NewEntry {
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
