//! Stands for the sync service, whose rules are tried with it: what comes back shows what it was asked.

use policy::account::DirectoryUser;
use policy::explanation::{ExplainedGroup, Explanation, Outlook};
use policy::group::{DirectoryGroup, Mapping};
use policy::plan::link::LinkPlan;
use policy::settings::LinkSettings;
use store::TenantStore;
use store::accounts::correction::SeenAccount;
use store::entity::link;
use store::id::{ConnectionId, SiteId, UserId};
use tenant_api::{Answer, PlanFailure, PlannedLink, SyncRules};

/// A link of this precedence leads to a site that does not answer.
pub(crate) const UNREACHABLE: i32 = 502;

pub(crate) struct ScriptedRules;

impl SyncRules for ScriptedRules {
    fn plan(&self, _: TenantStore, link: link::Model, limit: usize) -> Answer<'_, PlannedLink> {
        Box::pin(async move {
            if link.precedence == UNREACHABLE {
                return Err(PlanFailure::Site("the site was asked and did not answer".into()));
            }
            // The digest's parts tell the precedence and how many safety windows fit in a year.
            let window = link.settings["safety"]["window_hours"].as_u64().unwrap();
            let digest = format!("{:016x}-{window:016x}-{:016x}", link.precedence, 0);
            Ok(PlannedLink { plan: LinkPlan::new(limit), digest: digest.parse().unwrap() })
        })
    }

    fn explain(
        &self,
        _: TenantStore,
        _: SiteId,
        _: ConnectionId,
        _: UserId,
        group: Option<String>,
    ) -> Answer<'_, (Explanation, Option<ExplainedGroup>)> {
        Box::pin(async move {
            let explanation = Explanation {
                values: vec![],
                groups: vec![],
                excluded_groups: vec![],
                pending: vec![],
                not_done: vec![],
            };
            let group = group.map(|name| ExplainedGroup {
                name,
                wanted: false,
                member: false,
                reasons: vec!["nothing leads to it".into()],
                link_ids: vec![],
            });
            Ok((explanation, group))
        })
    }

    fn read_user(
        &self,
        tenant: TenantStore,
        link: link::Model,
        user: UserId,
    ) -> Answer<'_, Option<DirectoryUser>> {
        Box::pin(async move {
            let found = tenant.users(link.connection_id).find(user).await.map_err(PlanFailure::Store)?;
            let settings: LinkSettings = serde_json::from_value(link.settings).unwrap();
            let compiled = settings.compile().unwrap();
            Ok(found.map(|user| compiled.read_user(&user.document, scim_protocol::schema::user())))
        })
    }

    fn conflict_outlook(
        &self,
        tenant: TenantStore,
        site: SiteId,
        user: UserId,
    ) -> Answer<'_, Option<(Outlook, Outlook)>> {
        Box::pin(async move {
            let claim = tenant.accounts(site).claim_of(user).await.map_err(PlanFailure::Store)?;
            Ok(claim.map(|_| (Outlook::nothing("they are one"), Outlook::nothing("they are two"))))
        })
    }

    fn find_account(&self, _: TenantStore, _: SiteId, username: String) -> Answer<'_, Option<SeenAccount>> {
        Box::pin(async move {
            Ok((username != "nobody").then(|| SeenAccount {
                key: format!("key of {username}"),
                display_name: "Seen at the site".into(),
                email: None,
                active: true,
                username,
            }))
        })
    }

    fn map_groups(
        &self,
        _: TenantStore,
        link: link::Model,
        groups: Vec<DirectoryGroup>,
    ) -> Answer<'_, Vec<Mapping>> {
        Box::pin(async move {
            let mode = link.settings["group_sync"]["mode"].as_str().unwrap().to_owned();
            let mapped = groups.into_iter().map(|group| match mode.as_str() {
                "off" => Mapping::Excluded { reason: "group_sync.mode is off".into() },
                _ => Mapping::Mapped { site_groups: vec![group.name] },
            });
            Ok(mapped.collect())
        })
    }
}
