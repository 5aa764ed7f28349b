//! The sync service's rules for the API of the same process.

use futures::FutureExt as _;
use policy::account::DirectoryUser;
use policy::explanation::{ExplainedGroup, Explanation, Outlook};
use policy::group::{DirectoryGroup, Mapping};
use store::TenantStore;
use store::accounts::correction::SeenAccount;
use store::entity::link;
use store::id::{ConnectionId, SiteId, UserId};
use sync::connectors::Connectors;
use sync::{PlanError, Planned, Planner};
use tenant_api::{Answer, PlanFailure, PlannedLink, SyncRules};

/// Plans and explains in this process, through the connectors that its work uses.
pub(crate) struct RulesInProcess {
    planner: Planner,
}

impl RulesInProcess {
    pub(crate) fn new(connectors: Connectors) -> Self {
        Self { planner: Planner::new(connectors) }
    }
}

fn failure(error: PlanError) -> PlanFailure {
    match error {
        PlanError::Store(error) => PlanFailure::Store(error),
        PlanError::Settings(problem) => PlanFailure::Settings(problem),
        PlanError::Site(_) => PlanFailure::Site(error.to_string()),
    }
}

impl SyncRules for RulesInProcess {
    fn plan(&self, tenant: TenantStore, link: link::Model, limit: usize) -> Answer<'_, PlannedLink> {
        async move {
            let planned = self.planner.plan(&tenant, &link, limit).await;
            planned.map(|Planned { plan, digest }| PlannedLink { plan, digest }).map_err(failure)
        }
        .boxed()
    }

    fn explain(
        &self,
        tenant: TenantStore,
        site: SiteId,
        connection: ConnectionId,
        user: UserId,
        group: Option<String>,
    ) -> Answer<'_, (Explanation, Option<ExplainedGroup>)> {
        async move {
            self.planner.explain(&tenant, site, connection, user, group.as_deref()).await.map_err(failure)
        }
        .boxed()
    }

    fn read_user(
        &self,
        tenant: TenantStore,
        link: link::Model,
        user: UserId,
    ) -> Answer<'_, Option<DirectoryUser>> {
        async move { self.planner.read_user(&tenant, &link, user).await.map_err(failure) }.boxed()
    }

    fn conflict_outlook(
        &self,
        tenant: TenantStore,
        site: SiteId,
        user: UserId,
    ) -> Answer<'_, Option<(Outlook, Outlook)>> {
        async move {
            let outlook = self.planner.conflict_outlook(&tenant, site, user).await.map_err(failure)?;
            Ok(outlook.map(|outlook| (outlook.same_person, outlook.another_person)))
        }
        .boxed()
    }

    fn find_account(
        &self,
        tenant: TenantStore,
        site: SiteId,
        username: String,
    ) -> Answer<'_, Option<SeenAccount>> {
        async move {
            let found = self.planner.find_account(&tenant, site, &username).await.map_err(failure)?;
            Ok(found.map(|account| SeenAccount {
                key: account.key,
                username: account.username,
                display_name: account.display_name,
                email: account.email,
                active: account.active,
            }))
        }
        .boxed()
    }

    fn map_groups(
        &self,
        tenant: TenantStore,
        link: link::Model,
        groups: Vec<DirectoryGroup>,
    ) -> Answer<'_, Vec<Mapping>> {
        async move { self.planner.map_groups(&tenant, &link, &groups).await.map_err(failure) }.boxed()
    }
}
