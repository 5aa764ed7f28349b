//! What a page of users is judged by, indexed: the ledger's accounts, and everybody who claims them.

use std::collections::{BTreeMap, HashMap, HashSet};

use store::accounts::LedgerPage;
use store::entity::{account, claim, membership, user};
use store::id::{AccountId, ConnectionId, UserId};
use store::tenant::TenantStore;
use store::users::HoldingGroup;

/// A part of the ledger.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accounts: HashMap<AccountId, account::Model>,
    by_user: HashMap<UserId, AccountId>,
    by_name: HashMap<String, AccountId>,
    claims: HashMap<AccountId, Vec<claim::Model>>,
    memberships: HashMap<AccountId, Vec<membership::Model>>,
    denied: HashSet<(UserId, AccountId)>,
}

impl Ledger {
    /// Takes in what was read. An account that is read twice is there once.
    pub(crate) fn add(&mut self, page: LedgerPage) {
        let LedgerPage { mut accounts, mut claims, mut memberships } = page;
        accounts.retain(|account| !self.accounts.contains_key(&account.id));
        claims.retain(|claim| !self.accounts.contains_key(&claim.account_id));
        memberships.retain(|membership| !self.accounts.contains_key(&membership.account_id));
        for claim in claims {
            self.by_user.insert(claim.user_id, claim.account_id);
            self.claims.entry(claim.account_id).or_default().push(claim);
        }
        for membership in memberships {
            self.memberships.entry(membership.account_id).or_default().push(membership);
        }
        for account in accounts {
            self.by_name.insert(account.username_folded.clone(), account.id);
            self.accounts.insert(account.id, account);
        }
    }

    /// Takes in which accounts are said not to be users' own.
    pub(crate) fn deny(&mut self, denied: Vec<(UserId, AccountId)>) {
        self.denied.extend(denied);
    }

    /// Whether somebody has said that a user is not an account's person.
    pub(crate) fn denies(&self, user: UserId, account: AccountId) -> bool {
        self.denied.contains(&(user, account))
    }

    /// The account that a user claims.
    pub(crate) fn claimed_by(&self, user: UserId) -> Option<&account::Model> {
        self.accounts.get(self.by_user.get(&user)?)
    }

    /// The account of a folded user name.
    pub(crate) fn named(&self, folded: &str) -> Option<&account::Model> {
        self.accounts.get(self.by_name.get(folded)?)
    }

    /// All claims on an account.
    pub(crate) fn claims(&self, account: AccountId) -> &[claim::Model] {
        self.claims.get(&account).map(Vec::as_slice).unwrap_or_default()
    }

    /// The memberships of an account that links manage.
    pub(crate) fn memberships(&self, account: AccountId) -> &[membership::Model] {
        self.memberships.get(&account).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What directories say of users.
#[derive(Debug, Default)]
pub(crate) struct Directories {
    users: HashMap<UserId, user::Model>,
    groups: HashMap<UserId, Vec<HoldingGroup>>,
}

impl Directories {
    /// Takes in users of one directory, and reads the groups that hold them.
    pub(crate) async fn add(
        &mut self,
        tenant: &TenantStore,
        connection: ConnectionId,
        users: Vec<user::Model>,
    ) -> store::Result<()> {
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        self.groups.extend(tenant.users(connection).holding_groups(&ids).await?);
        self.users.extend(users.into_iter().map(|user| (user.id, user)));
        Ok(())
    }

    /// Reads everybody who claims an account of the ledger and is not known yet.
    pub(crate) async fn complete(&mut self, tenant: &TenantStore, ledger: &Ledger) -> store::Result<()> {
        let mut missing: BTreeMap<ConnectionId, Vec<UserId>> = BTreeMap::new();
        for claim in ledger.claims.values().flatten() {
            if !self.users.contains_key(&claim.user_id) {
                missing.entry(claim.connection_id).or_default().push(claim.user_id);
            }
        }
        for (connection, ids) in missing {
            let users = tenant.users(connection).find_all(&ids).await?;
            self.add(tenant, connection, users).await?;
        }
        Ok(())
    }

    /// A user, unless its directory has deleted it.
    pub(crate) fn user(&self, id: UserId) -> Option<&user::Model> {
        self.users.get(&id)
    }

    /// The groups that hold a user.
    pub(crate) fn groups(&self, id: UserId) -> &[HoldingGroup] {
        self.groups.get(&id).map(Vec::as_slice).unwrap_or_default()
    }
}
