//! What directory groups have led to, remembered where links rename them.

use std::collections::BTreeMap;

use policy::account::{Claim, DesiredAccount, DirectoryGroup, Feed};
use policy::group::{Mapping, site_groups_for};
use policy::plan::{AccountPlan, Action, ObservedAccount};
use policy::product::ProductRules;
use scim_protocol::fold;
use store::id::ConnectionId;

use crate::links::SiteLink;
use crate::workplace::Workplace;

/// Tells the rules what has led to the groups that the account is in and that nothing asks for now.
pub(crate) async fn recall(
    workplace: &Workplace,
    desired: &mut DesiredAccount,
    observed: &ObservedAccount,
) -> store::Result<()> {
    if !workplace.links.all().iter().any(|link| link.settings.renames_groups()) {
        return Ok(());
    }
    let standing = observed.groups.union(&observed.managed);
    let unasked: Vec<String> =
        standing.filter(|group| !desired.groups.contains_key(*group)).cloned().collect();
    let feeds = workplace.tenant.accounts(workplace.site.id).group_feeds(&unasked).await?;
    desired.managed_groups.learn(feeds.into_iter().map(|feed| Feed {
        connection: feed.connection_id.0,
        site_group: feed.site_group_folded,
        directory_group: feed.directory_group,
    }));
    Ok(())
}

/// Notes what leads to the groups that the account is about to be put into.
pub(crate) async fn remember(
    workplace: &Workplace,
    claims: &[Claim],
    plan: &AccountPlan,
    rules: &ProductRules,
) -> store::Result<()> {
    let added = |name: &str| {
        plan.changes
            .iter()
            .any(|change| matches!(&change.action, Action::AddMember { group } if fold(group) == fold(name)))
    };
    let mut feeds: BTreeMap<ConnectionId, Vec<(String, String)>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.enabled && claim.settings.renames_groups()) {
        for group in &claim.groups {
            if let Mapping::Mapped { site_groups } = site_groups_for(group, &claim.settings, rules) {
                let known = feeds.entry(ConnectionId(claim.connection)).or_default();
                known.extend(renamed(&site_groups, group).filter(|(site_group, _)| added(site_group)));
            }
        }
    }
    for (connection, feeds) in feeds {
        workplace.tenant.accounts(workplace.site.id).put_group_feeds(connection, &feeds).await?;
    }
    Ok(())
}

/// Notes what a directory group leads to.
pub(crate) async fn remember_group(
    workplace: &Workplace,
    link: &SiteLink,
    group: &DirectoryGroup,
    site_groups: &[String],
) -> store::Result<()> {
    if !link.settings.renames_groups() {
        return Ok(());
    }
    let feeds: Vec<_> = renamed(site_groups, group).collect();
    workplace.tenant.accounts(workplace.site.id).put_group_feeds(link.row.connection_id, &feeds).await
}

/// Site group and directory group, where the one does not follow from the other.
fn renamed(site_groups: &[String], group: &DirectoryGroup) -> impl Iterator<Item = (String, String)> {
    let name = group.name.trim().to_owned();
    site_groups
        .iter()
        .filter(move |site_group| fold(site_group) != fold(group.name.trim()))
        .map(move |site_group| (site_group.clone(), name.clone()))
}
