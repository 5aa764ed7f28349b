//! Users of whom it is in doubt whose account they claim: what each answer would come to; and accounts that an admin names.

use atlassian::site::{Account, AccountQuery};
use policy::account::{Claim, NamedBy};
use policy::explanation::Outlook;
use store::entity::account;
use store::id::{ConnectionId, SiteId, UserId};
use store::tenant::TenantStore;

use crate::planning::page::{Directories, Ledger};
use crate::planning::{PlanError, Planner, Scene};

/// What would come of each answer to a conflict.
#[derive(Clone, Debug)]
pub struct ConflictOutlook {
    /// The user is the account's person.
    pub same_person: Outlook,
    /// The user is somebody else.
    pub another_person: Outlook,
}

impl Planner {
    /// What would come of each answer to whether a user is the person of the account that it claims; `None` when it claims
    /// none. Nothing is asked of the site.
    pub async fn conflict_outlook(
        &self,
        tenant: &TenantStore,
        site: SiteId,
        user: UserId,
    ) -> Result<Option<ConflictOutlook>, PlanError> {
        let scene = self.scene(tenant, site, None).await?;
        let accounts = tenant.accounts(site);
        let mut ledger = Ledger::default();
        ledger.add(accounts.claimed_by(&[user]).await?);
        let Some(row) = ledger.claimed_by(user) else { return Ok(None) };
        let mut directories = Directories::default();
        directories.complete(tenant, &ledger).await?;
        let mut claims = scene.claims(ledger.claims(row.id), &directories);
        for claim in claims.iter_mut().filter(|claim| claim.user_id == user.0) {
            claim.doubt = None;
        }
        let observed = scene.observed(row, ledger.memberships(row.id));
        let same_person = Outlook::of(&policy::plan::account(&scene.desired(&claims), observed.as_ref()));
        let own = claims.into_iter().find(|claim| claim.user_id == user.0);
        let Some(own) = own else { return Err(PlanError::not_linked()) };
        let another_person = self.outlook_of_another(tenant, &scene, row, own).await?;
        Ok(Some(ConflictOutlook { same_person, another_person }))
    }

    /// What would come of it if the user of a claim were not the person of the account.
    async fn outlook_of_another(
        &self,
        tenant: &TenantStore,
        scene: &Scene,
        row: &account::Model,
        mut own: Claim,
    ) -> Result<Outlook, PlanError> {
        if own.calls_it(&row.username_folded) && !scene.connected.names_by_email() {
            let taken = row.username.as_str();
            let mut free = None;
            if let Some(link) = scene.links.of(ConnectionId(own.connection)) {
                for name in link.other_names(tenant, UserId(own.user_id), taken).await? {
                    if tenant.accounts(row.site_id).of_name(&name).await?.is_none() {
                        free = Some(name);
                        break;
                    }
                }
            }
            let (Some(name), Some(user)) = (free, &mut own.user) else {
                return Ok(Outlook::nothing(format!(
                    "{taken} is the account's user name, and the user gets no account until it has another: the answer \
                     may give one"
                )));
            };
            (user.user_name, user.named_by) = (name, NamedBy::Rule);
        }
        Ok(Outlook::of(&policy::plan::account(&scene.desired(&[own]), None)))
    }

    /// The account of a user name at a site, or of an e-mail address where accounts go by theirs. Never our own.
    pub async fn find_account(
        &self,
        tenant: &TenantStore,
        site: SiteId,
        username: &str,
    ) -> Result<Option<Account>, PlanError> {
        let scene = self.scene(tenant, site, None).await?;
        if let Some(reason) = &scene.paused {
            return Err(PlanError::Settings(format!("The site is paused, and is not called: {reason}")));
        }
        let query = if scene.connected.names_by_email() {
            AccountQuery::Email(username.to_owned())
        } else {
            AccountQuery::Username(username.to_owned())
        };
        let own_key = scene.connected.own_key().await?;
        let found = scene.connected.connector.find_account(&query).await?;
        if found.as_ref().is_some_and(|account| account.key == own_key) {
            let reason = "That is the account whose credentials are used, which is never touched";
            return Err(PlanError::Settings(reason.to_owned()));
        }
        Ok(found)
    }
}
