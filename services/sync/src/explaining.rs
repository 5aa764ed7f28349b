//! Why a user's account at a site is as it is, from what is known: the site is not asked about it.

use policy::account::{DirectoryGroup, DirectoryUser};
use policy::explanation::{ExplainedGroup, Explanation, explain, explain_group};
use policy::group::{Mapping, site_groups_for};
use policy::identity;
use policy::plan::Skipped;
use store::entity::link;
use store::id::{ConnectionId, SiteId, UserId};
use store::tenant::TenantStore;

use crate::links::SiteLinks;
use crate::planning::page::{Directories, Ledger};
use crate::planning::{PlanError, Planner, Scene, doubt_of};

impl Planner {
    /// Explains the account that a user claims at a site, and one site group of it if that is asked.
    pub async fn explain(
        &self,
        tenant: &TenantStore,
        site: SiteId,
        connection: ConnectionId,
        user: UserId,
        group: Option<&str>,
    ) -> Result<(Explanation, Option<ExplainedGroup>), PlanError> {
        let scene = self.scene(tenant, site, None).await?;
        let mut ledger = Ledger::default();
        ledger.add(tenant.accounts(site).claimed_by(&[user]).await?);
        let mut directories = Directories::default();
        directories.complete(tenant, &ledger).await?;
        if directories.user(user).is_none() {
            let found = tenant.users(connection).find_all(&[user]).await?;
            directories.add(tenant, connection, found).await?;
        }
        let account = ledger.claimed_by(user);
        let claimed = account.map(|account| ledger.claims(account.id)).unwrap_or_default();
        let mut claims = scene.claims(claimed, &directories);
        if claims.iter().all(|claim| claim.user_id != user.0) {
            claims.extend(scene.newcomer(connection, user, &directories, !claims.is_empty()));
        }
        identity::weigh(&mut claims, account.and_then(|account| account.email.as_deref()));
        let desired = scene.desired(&claims);
        let observed = account.and_then(|account| scene.observed(account, ledger.memberships(account.id)));
        let plan = policy::plan::account(&desired, observed.as_ref());
        let mut explained = explain(&claims, &desired, observed.as_ref(), &plan);
        if let Some(doubt) = doubt_of(&claims, user) {
            // What is planned for the account is for those whose it is.
            explained.pending.clear();
            explained.not_done = vec![Skipped { what: "account".to_owned(), reason: doubt }];
        }
        let group = group.map(|name| explain_group(&claims, &desired, observed.as_ref(), name));
        Ok((explained, group))
    }

    /// A user of a link's directory as the link, as it is given, sees it; `None` when there is none of that id.
    pub async fn read_user(
        &self,
        tenant: &TenantStore,
        link: &link::Model,
        user: UserId,
    ) -> Result<Option<DirectoryUser>, PlanError> {
        let links = SiteLinks::of_rows(tenant, vec![link.clone()]).await?.map_err(PlanError::Settings)?;
        let link = links.of(link.connection_id).ok_or_else(PlanError::not_linked)?;
        let users = tenant.users(link.row.connection_id);
        let Some(found) = users.find(user).await? else { return Ok(None) };
        let groups = users.holding_groups(&[user]).await?.remove(&user).unwrap_or_default();
        Ok(Some(links.read_user(link, &found, &groups)))
    }

    /// What a link, as it is given, makes of directory groups.
    pub async fn map_groups(
        &self,
        tenant: &TenantStore,
        link: &link::Model,
        groups: &[DirectoryGroup],
    ) -> Result<Vec<Mapping>, PlanError> {
        let scene: Scene = self.scene(tenant, link.site_id, Some(link)).await?;
        let link = scene.links.of(link.connection_id);
        let settings = link.map(|link| &link.settings).ok_or_else(PlanError::not_linked)?;
        Ok(groups.iter().map(|group| site_groups_for(group, settings, &scene.rules)).collect())
    }
}
