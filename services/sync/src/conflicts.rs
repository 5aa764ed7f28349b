//! Users of whom it is in doubt whose account they claim: what each answer would come to; and accounts that an admin names.

use atlassian::site::{Account, AccountQuery};
use policy::explanation::Outlook;
use policy::plan::ObservedAccount;
use scim_protocol::fold;
use store::id::{SiteId, UserId};
use store::tenant::TenantStore;

use crate::account::from_ledger;
use crate::planning::page::{Directories, Ledger};
use crate::planning::{PlanError, Planner};

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
        let mut desired = policy::account::fold(&claims, &scene.rules);
        desired.managed_groups.learn(scene.feeds.values().flatten().cloned());
        let observed = row.key.is_some().then(|| ObservedAccount {
            protected: row.key.as_deref() == scene.own_key.as_deref(),
            ..from_ledger(row, ledger.memberships(row.id))
        });
        let same_person = Outlook::of(&policy::plan::account(&desired, observed.as_ref()));
        claims.retain(|claim| claim.user_id == user.0);
        let own = policy::account::fold(&claims, &scene.rules);
        let name = &own.username.value;
        let another_person = if fold(name.trim()) == row.username_folded {
            Outlook::nothing(format!(
                "{name} is the account's user name, and the user gets no account until it has another: the answer may \
                 give one"
            ))
        } else {
            Outlook::of(&policy::plan::account(&own, None))
        };
        Ok(Some(ConflictOutlook { same_person, another_person }))
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
