//! What accounts are to be called where the wanted name is taken (`user_sync.username_if_taken`).

use std::collections::HashSet;

use policy::account::{Claim, NamedBy};
use policy::identity;
use policy::plan::link::PlannedObject;
use scim_protocol::fold;
use store::entity::account;
use store::id::UserId;

use super::adoption::Unknown;
use super::page::{Directories, Ledger};
use super::{PlanError, Planning};

/// Names, folded for case, and keys of accounts, that this plan has given to somebody.
#[derive(Debug, Default)]
pub(super) struct NamesToBe {
    names: HashSet<String>,
    keys: HashSet<String>,
}

impl NamesToBe {
    /// Gives a name to an account that is to be made; says whether it was free.
    pub(super) fn take(&mut self, name: &str) -> bool {
        self.names.insert(fold(name.trim()))
    }

    /// Gives an account that stands there to somebody; says whether nobody has it yet.
    pub(super) fn take_account(&mut self, key: &str) -> bool {
        self.keys.insert(key.to_owned())
    }
}

impl Planning<'_> {
    /// Plans an account of another name for a user whose own is that of somebody else's account; `false` when there is no
    /// rule, or that account is about to be called otherwise.
    pub(super) async fn named_otherwise(
        &mut self,
        object: &PlannedObject,
        row: &account::Model,
        ledger: &Ledger,
        directories: &Directories,
    ) -> Result<bool, PlanError> {
        let id = UserId(object.id);
        let mut others = self.scene.claims(ledger.claims(row.id), directories);
        identity::weigh(&mut others, row.email.as_deref());
        let stays = others.iter().any(|claim| claim.calls_it(&row.username_folded));
        let newcomer = self.scene.newcomer(self.link.row.connection_id, id, directories, false);
        let Some(newcomer) = newcomer
            .filter(|claim| stays && claim.user.as_ref().is_some_and(|user| user.active && user.in_scope))
        else {
            return Ok(false);
        };
        let Some(claim) = self.renamed(newcomer).await? else { return Ok(false) };
        self.digesting.directory(&(claim.link, claim.user_id, &claim.user, &claim.groups, &claim.doubt));
        let claims = vec![claim];
        let desired = policy::account::fold(&claims, &self.scene.rules);
        let object = object.clone();
        self.unknown.push(Unknown { object, row: None, memberships: Vec::new(), claims, desired });
        Ok(true)
    }

    /// A user without an account under the first name of the rule that is free; `None` when there is none.
    pub(super) async fn renamed(&mut self, mut claim: Claim) -> Result<Option<Claim>, PlanError> {
        if self.scene.connected.names_by_email() {
            return Ok(None);
        }
        let (id, Some(user)) = (UserId(claim.user_id), &mut claim.user) else { return Ok(None) };
        let accounts = self.tenant.accounts(self.link.row.site_id);
        for name in self.link.other_names(self.tenant, id, &user.user_name).await? {
            let is_free = accounts.of_name(&name).await?.is_none()
                && !self.listing.has_account(&name).await?
                && self.names.take(&name);
            if is_free {
                user.user_name = name;
                user.named_by = NamedBy::Rule;
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }
}
