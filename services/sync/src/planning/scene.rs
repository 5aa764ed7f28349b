//! What everything at a site is judged by: its links, the product's rules, and what has led to its groups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use policy::account::{Claim, DesiredAccount, Feed};
use policy::plan::ObservedAccount;
use policy::product::ProductRules;
use store::entity::words::SiteStatus;
use store::entity::{account, claim, link, membership};
use store::id::{ConnectionId, SiteId, UserId};
use store::tenant::TenantStore;

use super::page::Directories;
use super::{PlanError, Planner};
use crate::account::from_ledger;
use crate::connectors::ConnectedSite;
use crate::links::SiteLinks;

/// How long a site is waited for that an explanation would only be the better for.
const PATIENCE: Duration = Duration::from_secs(3);

impl Planner {
    /// What everything at a site is judged by. `replaced` stands for the stored link of its id, and counts as enabled.
    pub(crate) async fn scene(
        &self,
        tenant: &TenantStore,
        site: SiteId,
        replaced: Option<&link::Model>,
    ) -> Result<Scene, PlanError> {
        let row = tenant.sites().get(site).await?;
        let connected = self.connectors.of(tenant, &row).await?;
        let rules = match connected.known_rules() {
            Some(rules) => rules,
            // It refused our credentials: more calls with them can end in a CAPTCHA.
            None if row.status == SiteStatus::Paused => connected.last_rules(),
            None => {
                let asked = tokio::time::timeout(PATIENCE, connected.read_rules()).await;
                asked.ok().and_then(Result::ok).unwrap_or_else(|| connected.last_rules())
            }
        };
        let mut rows = tenant.links().of_site(site).await?;
        if let Some(link) = replaced {
            rows.retain(|row| row.id != link.id);
            rows.push(link::Model { enabled: true, ..link.clone() });
            rows.sort_by_key(|row| row.id);
        }
        let links = SiteLinks::of_rows(tenant, rows).await?.map_err(PlanError::Settings)?;
        let feeds = feeds(tenant, site, &links).await?;
        let own_key = connected.known_own_key();
        let paused = (row.status == SiteStatus::Paused).then(|| row.status_reason.unwrap_or_default());
        Ok(Scene { connected, paused, rules, own_key, links, feeds })
    }
}

/// What everything at a site is judged by.
pub(crate) struct Scene {
    pub(crate) connected: Arc<ConnectedSite>,
    /// Why the site is paused, if it is.
    pub(crate) paused: Option<String>,
    pub(crate) rules: Arc<ProductRules>,
    /// The account whose credentials we use, where it is known.
    pub(crate) own_key: Option<String>,
    pub(crate) links: SiteLinks,
    /// What has led to site groups, by folded name; empty where no link renames groups.
    pub(crate) feeds: HashMap<String, Vec<Feed>>,
}

impl Scene {
    /// What a connection's directory says of a user who claims no account yet; `None` when no link leads from it to the
    /// site. `is_shared` when others claim the account that it is about.
    pub(crate) fn newcomer(
        &self,
        connection: ConnectionId,
        id: UserId,
        directories: &Directories,
        is_shared: bool,
    ) -> Option<Claim> {
        let link = self.links.of(connection)?;
        let groups = directories.groups(id);
        let user = directories.user(id).map(|user| self.links.read_user(link, user, groups));
        let claim = link.claim(id, user, groups.to_vec());
        Some(Claim { doubt: is_shared.then(String::new), ..claim })
    }

    /// What claims come to, with everything that has led to site groups.
    pub(crate) fn desired(&self, claims: &[Claim]) -> DesiredAccount {
        let mut desired = policy::account::fold(claims, &self.rules);
        desired.managed_groups.learn(self.feeds.values().flatten().cloned());
        desired
    }

    /// An account as the ledger has it; `None` until it was seen.
    pub(crate) fn observed(
        &self,
        row: &account::Model,
        memberships: &[membership::Model],
    ) -> Option<ObservedAccount> {
        let key = row.key.as_deref()?;
        let protected = Some(key) == self.own_key.as_deref();
        Some(ObservedAccount { protected, ..from_ledger(row, memberships) })
    }

    /// All claims on an account of the ledger, with what their directories say.
    pub(crate) fn claims(&self, rows: &[claim::Model], directories: &Directories) -> Vec<Claim> {
        let claims = rows.iter().filter_map(|row| {
            let link = self.links.of(row.connection_id)?;
            let groups = directories.groups(row.user_id);
            let user = directories.user(row.user_id).map(|user| self.links.read_user(link, user, groups));
            Some(link.standing_claim(row, user, groups.to_vec()))
        });
        claims.collect()
    }
}

/// What has led to site groups, by folded name; empty where no link renames groups.
async fn feeds(
    tenant: &TenantStore,
    site: SiteId,
    links: &SiteLinks,
) -> store::Result<HashMap<String, Vec<Feed>>> {
    let mut feeds: HashMap<String, Vec<Feed>> = HashMap::new();
    if links.all().iter().any(|link| link.settings.renames_groups()) {
        for feed in tenant.accounts(site).all_group_feeds().await? {
            feeds.entry(feed.site_group_folded.clone()).or_default().push(Feed {
                connection: feed.connection_id.0,
                site_group: feed.site_group_folded,
                directory_group: feed.directory_group,
            });
        }
    }
    Ok(feeds)
}
