//! Users for whom no account is known: which account at the site they would take over, or whether one would be made.

use std::collections::BTreeMap;

use atlassian::site::Account;
use policy::account::{Claim, DesiredAccount, Existence, NamedBy};
use policy::identity;
use policy::plan::ObservedAccount;
use policy::plan::link::PlannedObject;
use policy::settings::MatchBy;
use store::entity::{account, membership};
use store::id::UserId;

use super::page::{Directories, Ledger};
use super::{PlanError, Planning, doubt_of};
use crate::account::from_ledger;

/// A user for whom no account is known for sure.
#[derive(Debug)]
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
                && unknown.claims.iter().all(Claim::leaves_unknown_alone);
            // Nor is one looked for of whom it cannot be said what it should be called.
            let is_nameless = unknown.row.is_none() && unknown.desired.username.value.is_empty();
            let account = if is_idle || is_nameless { None } else { self.recognise(&unknown).await? };
            if let Some(account) = &account {
                match self.standing(&unknown, account).await? {
                    Standing::Free => {}
                    Standing::Anothers => {
                        self.omit_as_anothers(&unknown, account);
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
            match account {
                Some(account) if !self.names.take_account(&account.key) => {
                    // A colleague of this very plan takes it over.
                    match self.under_another_name(unknown).await? {
                        Ok(renamed) => recognised.push((renamed, None)),
                        Err(unknown) => self.omit_as_anothers(&unknown, &account),
                    }
                }
                Some(account) => recognised.push((unknown, Some(account))),
                None if is_idle || is_nameless || self.is_free(&unknown).await? => {
                    recognised.push((unknown, None));
                }
                None => match self.under_another_name(unknown).await? {
                    Ok(renamed) => recognised.push((renamed, None)),
                    Err(unknown) => {
                        let reason = "an account has the user name that is not to be taken over by user_sync.match, or \
                                      another user is to be called so";
                        self.omit(&unknown.object, reason.to_owned(), 1);
                    }
                },
            }
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

    fn omit_as_anothers(&mut self, unknown: &Unknown, account: &Account) {
        let reason = format!("{} is another user's account at this site", account.username);
        self.omit(&unknown.object, reason, 1);
    }

    /// Whether an account may be made under the name that is wanted; it is given away then.
    async fn is_free(&mut self, unknown: &Unknown) -> Result<bool, PlanError> {
        let Unknown { row, desired, .. } = unknown;
        // What the rule found is free, and given away.
        let is_found = unknown
            .claims
            .iter()
            .any(|claim| claim.user.as_ref().is_some_and(|user| user.named_by == NamedBy::Rule));
        if desired.existence != Existence::Active || is_found || row.as_ref().is_some_and(|row| row.in_doubt)
        {
            return Ok(true);
        }
        let by_name = self.scene.connected.names_by_email() || desired.match_by.contains(&MatchBy::Username);
        let name = &desired.username.value;
        Ok((by_name || !self.listing.has_account(name).await?) && self.names.take(name))
    }

    /// The user under another name, where the rule has one; as it was otherwise.
    async fn under_another_name(
        &mut self,
        mut unknown: Unknown,
    ) -> Result<Result<Unknown, Unknown>, PlanError> {
        let [claim] = &unknown.claims[..] else { return Ok(Err(unknown)) };
        let Some(renamed) = self.renamed(claim.clone()).await? else { return Ok(Err(unknown)) };
        unknown.claims = vec![renamed];
        unknown.desired = policy::account::fold(&unknown.claims, &self.scene.rules);
        Ok(Ok(unknown))
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
        // An account that nobody claims any more is taken over by the match rules alone.
        if !claimed.is_empty() {
            for claim in &mut claims {
                claim.doubt = Some(String::new());
            }
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
