//! Users for whom no account is known: which account at the site they would take over, or whether one would be made.

use std::collections::BTreeMap;

use atlassian::site::Account;
use policy::account::{Claim, DesiredAccount, Existence};
use policy::identity;
use policy::plan::ObservedAccount;
use policy::plan::link::PlannedObject;
use store::entity::{account, membership};
use store::id::UserId;

use super::page::{Directories, Ledger};
use super::{PlanError, Planning, doubt_of};
use crate::account::from_ledger;

/// A user for whom no account is known for sure.
pub(super) struct Unknown {
    pub(super) object: PlannedObject,
    /// The ledger's row, where there is one.
    pub(super) row: Option<account::Model>,
    pub(super) memberships: Vec<membership::Model>,
    pub(super) claims: Vec<Claim>,
    pub(super) desired: DesiredAccount,
}

/// Whose an account is that was recognised at the site.
enum Standing {
    /// Nobody's that we know of.
    Free,
    /// Another user's of the same directory.
    Anothers,
    /// Another directory's user's, who may be another person.
    Doubtful(String),
    /// Another directory's user's: the same person, by the match rules.
    Shared { claims: Vec<Claim>, observed: Box<ObservedAccount> },
}

impl Planning<'_> {
    /// Plans the users for whom no account is known: the site is asked which stand there.
    pub(super) async fn adopt_or_create(&mut self) -> Result<(), PlanError> {
        let unknown = std::mem::take(&mut self.unknown);
        let mut recognised: Vec<(Unknown, Option<Account>)> = Vec::with_capacity(unknown.len());
        for unknown in unknown {
            // Who left before there was an account has none to lose; one of that name is somebody's own.
            let is_idle = unknown.row.as_ref().is_none_or(|row| row.key.is_none() && !row.in_doubt)
                && unknown.desired.existence != Existence::Active
                && unknown.claims.iter().all(Claim::is_out_of_scope);
            // Nor is one looked for of whom it cannot be said what it should be called.
            let is_nameless = unknown.row.is_none() && unknown.desired.username.value.is_empty();
            let account = if is_idle || is_nameless { None } else { self.recognise(&unknown).await? };
            if let Some(account) = &account {
                match self.standing(&unknown, account).await? {
                    Standing::Free => {}
                    Standing::Anothers => {
                        let reason = format!("{} is another user's account at this site", account.username);
                        self.omit(&unknown.object, reason, 1);
                        continue;
                    }
                    Standing::Doubtful(doubt) => {
                        self.omit(&unknown.object, doubt, 1);
                        continue;
                    }
                    Standing::Shared { claims, observed } => {
                        self.plan.summary.adopted += 1;
                        let desired = policy::account::fold(&claims, &self.scene.rules);
                        self.compare(&unknown.object, desired, Some(&account.key), Some(*observed), 1);
                        continue;
                    }
                }
            }
            recognised.push((unknown, account));
        }
        let mut groups: BTreeMap<String, String> = BTreeMap::new();
        for (unknown, _) in recognised.iter().filter(|(_, account)| account.is_some()) {
            let desired = unknown.desired.groups.iter();
            groups.extend(desired.map(|(folded, group)| (folded.clone(), group.name.clone())));
        }
        let members = self.listing.members(&groups).await?;
        for (unknown, account) in recognised {
            let Unknown { object, row, memberships, desired, .. } = unknown;
            let observed = account.as_ref().map(|account| {
                let known = row.as_ref().map(|row| from_ledger(row, &memberships)).unwrap_or_default();
                let holding = members.iter().filter(|(_, keys)| keys.contains(&account.key));
                ObservedAccount {
                    username: account.username.clone(),
                    display_name: account.display_name.clone(),
                    email: account.email.clone().or_else(|| {
                        // Where addresses are hidden, it was found by the one that it has.
                        desired
                            .email
                            .as_ref()
                            .filter(|_| self.scene.connected.hides_email())
                            .map(|e| e.value.clone())
                    }),
                    active: account.active,
                    groups: holding.map(|(folded, _)| folded.clone()).collect(),
                    ..known
                }
            });
            self.plan.summary.adopted += u64::from(observed.is_some());
            let key = account.as_ref().map(|account| account.key.as_str());
            self.compare(&object, desired, key, observed, 1);
        }
        Ok(())
    }

    async fn recognise(&mut self, unknown: &Unknown) -> Result<Option<Account>, PlanError> {
        let Unknown { row, desired, .. } = unknown;
        let recognised = self
            .listing
            .recognise(
                row.as_ref().and_then(|row| row.key.as_deref()),
                &desired.username.value,
                desired.email.as_ref().map(|email| email.value.as_str()),
                &desired.match_by,
            )
            .await;
        Ok(recognised?)
    }

    /// How the ledger stands to an account that was recognised.
    async fn standing(&self, unknown: &Unknown, account: &Account) -> store::Result<Standing> {
        let accounts = self.tenant.accounts(self.link.row.site_id);
        let page = accounts.keyed(std::slice::from_ref(&account.key)).await?;
        let own = unknown.row.as_ref().map(|row| row.id);
        let Some(row) = page.accounts.iter().find(|row| Some(row.id) != own).cloned() else {
            return Ok(Standing::Free);
        };
        let mut ledger = Ledger::default();
        ledger.add(page);
        let claimed = ledger.claims(row.id);
        let connection = self.link.row.connection_id;
        let colleagues = claimed.iter().filter(|claim| claim.connection_id == connection);
        let colleagues: Vec<UserId> = colleagues.map(|claim| claim.user_id).collect();
        let denied = accounts.denied_to(&[UserId(unknown.object.id)]).await?;
        if denied.iter().any(|(_, account)| *account == row.id)
            || !self.tenant.users(connection).find_all(&colleagues).await?.is_empty()
        {
            return Ok(Standing::Anothers);
        }
        let mut directories = Directories::default();
        directories.complete(self.tenant, &ledger).await?;
        let mut claims = unknown.claims.clone();
        for claim in &mut claims {
            claim.doubt = Some(String::new());
        }
        claims.extend(self.scene.claims(claimed, &directories));
        identity::weigh(&mut claims, row.email.as_deref());
        if let Some(doubt) = doubt_of(&claims, UserId(unknown.object.id)) {
            return Ok(Standing::Doubtful(doubt));
        }
        let observed = Box::new(from_ledger(&row, ledger.memberships(row.id)));
        Ok(Standing::Shared { claims, observed })
    }
}
