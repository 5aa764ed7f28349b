//! Accounts at a site: the ledger of which account belongs to which directory users, what the site last
//! showed of it, and which memberships links manage.
//!
//! Work on an account is done under its lease, because several directory users may claim one account. A
//! lease that ran out tells the next worker that calls may have been made whose outcome nobody wrote
//! down: the account is then `in_doubt`, and the site is asked before anything is done.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::{account, claim, denied_claim, membership};
use crate::error::{Error, Result};
use crate::id::{AccountId, ConnectionId, SiteId, UserId};
use crate::lookup;
use crate::statement::{count, database_now, execute, statement};
use crate::tasks::milliseconds;
use crate::tenant::TenantStore;

mod conclusion;
pub mod correction;
mod reading;

pub use conclusion::{Conclusion, Observation};
pub use reading::LedgerPage;

/// The accounts at one site.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(crate) tenant: TenantStore,
    pub(crate) site: SiteId,
}

/// An account under lease, with all that claims it.
#[derive(Clone, Debug)]
pub struct HeldAccount {
    /// The row as it was taken over; `in_doubt` is set when an earlier holder vanished.
    pub account: account::Model,
    /// Every directory user that claims it, in order of user id.
    pub claims: Vec<claim::Model>,
    /// Memberships that links manage.
    pub memberships: Vec<membership::Model>,
    lease: Uuid,
}

/// Whether an account could be taken.
#[derive(Clone, Debug)]
pub enum Acquired {
    /// It is ours until the lease ends.
    Held(Box<HeldAccount>),
    /// Another worker holds it, at the longest until then.
    Busy {
        /// When the hold ends by itself.
        until: Timestamp,
    },
    /// The ledger's account of that user name is another user's of the same directory, which still exists, or was
    /// said not to be the user's.
    Taken,
    /// The user is gone and claims nothing here.
    Nothing,
}

/// A user name that stands in for one that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenName<'a> {
    /// The name.
    pub name: &'a str,
    /// The user's own, which is taken.
    pub instead_of: &'a str,
}

/// What is about to be asked of the site, written down before the first call.
#[derive(Clone, Debug, Default)]
pub struct Intent {
    /// The user name that the account is about to get; `None` leaves it.
    pub username: Option<String>,
    /// Whether an account is about to be created.
    pub creates: bool,
    /// Names of site groups that it is about to be added to.
    pub adds: Vec<String>,
}

/// Another row of the ledger that a row turned out to be the same account as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SameAs {
    /// The one that has this user name.
    Username(String),
    /// The one that has this key of the product.
    Key(String),
}

/// How the other row stands to a held one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherRow {
    /// There is none.
    None,
    /// It is the same person's: the claims of both belong together.
    SamePerson,
    /// It is claimed by another user of a directory that also claims the held one, or they were said to be two people.
    AnotherPerson,
}

impl Accounts {
    /// Takes the lease of the account that `user` claims. A user without a claim gets one: on the account
    /// that has `username` already in the ledger, or on a new row.
    pub async fn acquire(
        &self,
        user: UserId,
        connection: ConnectionId,
        username: Option<&str>,
        lease: Duration,
    ) -> Result<Acquired> {
        self.take_lease(user, connection, username.map(|name| (name, None)), lease).await
    }

    /// The same for a user whose own name is taken: without a claim it gets one on a new row of the given name.
    /// [`Acquired::Taken`] when there is a row of that name already: a name that was made up is nobody's.
    pub async fn acquire_under(
        &self,
        user: UserId,
        connection: ConnectionId,
        name: GivenName<'_>,
        lease: Duration,
    ) -> Result<Acquired> {
        self.take_lease(user, connection, Some((name.name, Some(name.instead_of))), lease).await
    }

    /// `name` is the user name, and the one that it stands in for.
    async fn take_lease(
        &self,
        user: UserId,
        connection: ConnectionId,
        name: Option<(&str, Option<&str>)>,
        lease: Duration,
    ) -> Result<Acquired> {
        let transaction = self.tenant.store.write().await?;
        let account_id = match (self.claimed(&transaction, user).await?, name) {
            (Some(id), _) => id,
            (None, Some(name)) => match self.attach(&transaction, user, connection, name).await? {
                Some(id) => id,
                None => return Ok(Acquired::Taken),
            },
            (None, None) => return Ok(Acquired::Nothing),
        };
        let lease_id = Uuid::now_v7();
        let backend = transaction.get_database_backend();
        let now = database_now(backend);
        let sql = format!(
            "UPDATE accounts SET in_doubt = (in_doubt OR lease_owner IS NOT NULL), \
             lease_owner = $4, lease_until = {now} + $5 \
             WHERE tenant_id = $1 AND site_id = $2 AND id = $3 \
             AND (lease_owner IS NULL OR lease_until <= {now}) RETURNING *"
        );
        let mut values = self.key(account_id);
        values.extend([lease_id.into(), milliseconds(lease).into()]);
        let account =
            account::Entity::find().from_raw_sql(statement(backend, sql, values)).one(&*transaction).await?;
        let Some(account) = account else {
            let busy = account::Entity::find_by_id((self.tenant.id, self.site, account_id))
                .one(&*transaction)
                .await?;
            transaction.commit().await?;
            let until = busy.and_then(|account| account.lease_until).unwrap_or_else(|| self.tenant.now());
            return Ok(Acquired::Busy { until });
        };
        let claims = claim::Entity::find()
            .filter(claim::Column::TenantId.eq(self.tenant.id))
            .filter(claim::Column::SiteId.eq(self.site))
            .filter(claim::Column::AccountId.eq(account_id))
            .order_by_asc(claim::Column::UserId)
            .all(&*transaction)
            .await?;
        let memberships = membership::Entity::find()
            .filter(membership::Column::TenantId.eq(self.tenant.id))
            .filter(membership::Column::SiteId.eq(self.site))
            .filter(membership::Column::AccountId.eq(account_id))
            .all(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(Acquired::Held(Box::new(HeldAccount { account, claims, memberships, lease: lease_id })))
    }

    /// Writes down what is about to be asked of the site. [`Error::Conflict`] when another account has
    /// the user name; [`Error::Stale`] when the lease was lost.
    pub async fn intend(&self, held: &HeldAccount, intent: &Intent, lease: Duration) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let now = database_now(transaction.get_database_backend());
        let sql = format!(
            "UPDATE accounts SET username = $5, username_folded = $6, \
             created_by_us = (created_by_us OR $7), \
             creation_asked_at = CASE WHEN $7 THEN {now} ELSE creation_asked_at END, lease_until = {now} + $8 \
             WHERE tenant_id = $1 AND site_id = $2 AND id = $3 AND lease_owner = $4"
        );
        let username = intent.username.as_ref().unwrap_or(&held.account.username);
        let mut values = self.key(held.account.id);
        values.extend([
            held.lease.into(),
            username.as_str().into(),
            lookup::folded(username).into(),
            intent.creates.into(),
            milliseconds(lease).into(),
        ]);
        if execute(&*transaction, sql, values).await? == 0 {
            return Err(Error::Stale);
        }
        self.put_memberships(&transaction, held.account.id, &intent.adds, false).await?;
        transaction.commit().await
    }

    /// Gives a held account that is not made yet another user name, which stands in for its user's own. [`Error::Conflict`]
    /// when another account has that; [`Error::Stale`] when the lease was lost.
    pub async fn give_name(&self, held: &HeldAccount, user: UserId, name: GivenName<'_>) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql = "UPDATE accounts SET username = $5, username_folded = $6 \
            WHERE tenant_id = $1 AND site_id = $2 AND id = $3 AND lease_owner = $4";
        let mut values = self.key(held.account.id);
        values.extend([held.lease.into(), name.name.into(), lookup::folded(name.name).into()]);
        if execute(&*transaction, sql, values).await? == 0 {
            return Err(Error::Stale);
        }
        let sql = "UPDATE claims SET given_name = $5, given_for = $6 \
            WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3 AND user_id = $4";
        let mut values = self.key(held.account.id);
        values.extend([user.into(), name.name.into(), lookup::folded(name.instead_of).into()]);
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    /// Whether another row of the ledger is the same account as a held one, and whose it is.
    pub async fn other_row(&self, held: &HeldAccount, same: &SameAs) -> Result<OtherRow> {
        let (_, stands) = self.find_other(&self.tenant.store.reader(), held, same).await?;
        Ok(stands)
    }

    /// Moves all claims of a held row to the other row if that is the same person's, and drops the row that
    /// they leave, and with it the lease. Changes nothing otherwise.
    pub async fn join(&self, held: &HeldAccount, same: &SameAs) -> Result<OtherRow> {
        let transaction = self.tenant.store.write().await?;
        let (other, stands) = self.find_other(&*transaction, held, same).await?;
        let Some(other) = other.filter(|_| stands == OtherRow::SamePerson) else { return Ok(stands) };
        self.doubt_if_forgotten(&transaction, other).await?;
        let mut values = self.key(held.account.id);
        values.push(other.into());
        // Whoever is there already may be somebody else.
        let sql = "UPDATE claims SET account_id = $4, doubt = CASE WHEN EXISTS (SELECT 1 FROM claims o \
            WHERE o.tenant_id = $1 AND o.site_id = $2 AND o.account_id = $4) THEN COALESCE(doubt, '') ELSE doubt END \
            WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3";
        execute(&*transaction, sql, values.clone()).await?;
        let sql = "INSERT INTO denied_claims (tenant_id, site_id, user_id, account_id, denied_by, denied_at) \
            SELECT tenant_id, site_id, user_id, $4, denied_by, denied_at FROM denied_claims \
            WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3 ON CONFLICT DO NOTHING";
        execute(&*transaction, sql, values).await?;
        let mut values = self.key(held.account.id);
        values.push(held.lease.into());
        let sql =
            "DELETE FROM accounts WHERE tenant_id = $1 AND site_id = $2 AND id = $3 AND lease_owner = $4";
        if execute(&*transaction, sql, values).await? == 0 {
            return Err(Error::Stale);
        }
        transaction.commit().await?;
        Ok(stands)
    }

    async fn find_other<C: ConnectionTrait>(
        &self,
        connection: &C,
        held: &HeldAccount,
        same: &SameAs,
    ) -> Result<(Option<AccountId>, OtherRow)> {
        let query = account::Entity::find()
            .filter(account::Column::TenantId.eq(self.tenant.id))
            .filter(account::Column::SiteId.eq(self.site))
            .filter(account::Column::Id.ne(held.account.id));
        let query = match same {
            SameAs::Username(name) => query.filter(account::Column::UsernameFolded.eq(lookup::folded(name))),
            SameAs::Key(key) => query.filter(account::Column::Key.eq(key)),
        };
        let Some(other) = query.one(connection).await? else { return Ok((None, OtherRow::None)) };
        for claim in &held.claims {
            if self.claimed_by_other(connection, other.id, claim.connection_id, claim.user_id).await? {
                return Ok((Some(other.id), OtherRow::AnotherPerson));
            }
        }
        let sql = "SELECT COUNT(*) AS n FROM denied_claims d JOIN claims c ON c.tenant_id = d.tenant_id \
            AND c.site_id = d.site_id AND c.user_id = d.user_id WHERE d.tenant_id = $1 AND d.site_id = $2 \
            AND ((d.account_id = $3 AND c.account_id = $4) OR (d.account_id = $4 AND c.account_id = $3))";
        let mut values = self.key(held.account.id);
        values.push(other.id.into());
        let is_denied = count(connection, sql, values).await? > 0;
        Ok((Some(other.id), if is_denied { OtherRow::AnotherPerson } else { OtherRow::SamePerson }))
    }

    /// Gives an account back whose work broke off: what was asked of the site is in doubt.
    pub async fn abandon(&self, held: &HeldAccount) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let mut values = self.key(held.account.id);
        values.push(held.lease.into());
        let sql = "UPDATE accounts SET in_doubt = TRUE, lease_owner = NULL, lease_until = NULL \
            WHERE tenant_id = $1 AND site_id = $2 AND id = $3 AND lease_owner = $4";
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    /// The account that a user claims, if any.
    pub async fn find_by_user(&self, user: UserId) -> Result<Option<account::Model>> {
        let sql = "SELECT a.* FROM accounts a JOIN claims c ON c.tenant_id = a.tenant_id \
            AND c.site_id = a.site_id AND c.account_id = a.id \
            WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.user_id = $3";
        let values = vec![self.tenant.id.into(), self.site.into(), user.into()];
        let query = statement(self.tenant.store.backend(), sql, values);
        Ok(account::Entity::find().from_raw_sql(query).one(&self.tenant.store.reader()).await?)
    }

    fn key(&self, account: AccountId) -> Vec<Value> {
        vec![self.tenant.id.into(), self.site.into(), account.into()]
    }

    async fn claimed(&self, transaction: &WriteTransaction, user: UserId) -> Result<Option<AccountId>> {
        let key = (self.tenant.id, self.site, user);
        Ok(claim::Entity::find_by_id(key).one(&**transaction).await?.map(|claim| claim.account_id))
    }

    async fn attach(
        &self,
        transaction: &WriteTransaction,
        user: UserId,
        connection: ConnectionId,
        (username, instead_of): (&str, Option<&str>),
    ) -> Result<Option<AccountId>> {
        let now = self.tenant.now();
        let folded = lookup::folded(username);
        let sql = "INSERT INTO accounts (tenant_id, site_id, id, username, username_folded, created_by_us, \
            in_doubt, created_at) VALUES ($1, $2, $3, $4, $5, FALSE, FALSE, $6) ON CONFLICT DO NOTHING";
        let mut values = self.key(AccountId::generate());
        values.extend([username.into(), folded.as_str().into(), now.into()]);
        let is_new = execute(&**transaction, sql, values).await? > 0;
        if instead_of.is_some() && !is_new {
            return Ok(None);
        }
        let account = account::Entity::find()
            .filter(account::Column::TenantId.eq(self.tenant.id))
            .filter(account::Column::SiteId.eq(self.site))
            .filter(account::Column::UsernameFolded.eq(folded))
            .one(&**transaction)
            .await?
            .ok_or(Error::Stale)?;
        if self.claimed_by_other(&**transaction, account.id, connection, user).await?
            || self.is_denied(transaction, account.id, user).await?
        {
            return Ok(None);
        }
        self.doubt_if_forgotten(transaction, account.id).await?;
        let is_shared = self.claimed_elsewhere(transaction, account.id, connection).await?;
        let row = claim::ActiveModel {
            tenant_id: Set(self.tenant.id),
            site_id: Set(self.site),
            user_id: Set(user),
            connection_id: Set(connection),
            account_id: Set(account.id),
            created_at: Set(now),
            doubt: Set(is_shared.then(String::new)),
            given_name: Set(instead_of.map(|_| username.to_owned())),
            given_for: Set(instead_of.map(lookup::folded)),
        };
        claim::Entity::insert(row).exec_without_returning(&**transaction).await?;
        Ok(Some(account.id))
    }

    /// Whether an account is claimed by a user of the same directory that is not `user` and still exists:
    /// one directory never has two users for one person.
    async fn claimed_by_other<C: ConnectionTrait>(
        &self,
        connection: &C,
        account: AccountId,
        directory: ConnectionId,
        user: UserId,
    ) -> Result<bool> {
        let mut values = self.key(account);
        values.extend([directory.into(), user.into()]);
        let sql = "SELECT COUNT(*) AS n FROM claims c JOIN users u ON u.tenant_id = c.tenant_id \
            AND u.connection_id = c.connection_id AND u.id = c.user_id \
            WHERE c.tenant_id = $1 AND c.site_id = $2 AND c.account_id = $3 \
            AND c.connection_id = $4 AND c.user_id <> $5";
        Ok(count(connection, sql, values).await? > 0)
    }

    /// Whether users of other directories claim an account.
    async fn claimed_elsewhere(
        &self,
        transaction: &WriteTransaction,
        account: AccountId,
        directory: ConnectionId,
    ) -> Result<bool> {
        let mut values = self.key(account);
        values.push(directory.into());
        let sql = "SELECT COUNT(*) AS n FROM claims WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3 \
            AND connection_id <> $4";
        Ok(count(&**transaction, sql, values).await? > 0)
    }

    /// Whether somebody has said that a user is not an account's person.
    async fn is_denied(
        &self,
        transaction: &WriteTransaction,
        account: AccountId,
        user: UserId,
    ) -> Result<bool> {
        let key = (self.tenant.id, self.site, user, account);
        Ok(denied_claim::Entity::find_by_id(key).one(&**transaction).await?.is_some())
    }

    /// What is known of an account that nobody claimed may be long out of date: the site is asked first.
    async fn doubt_if_forgotten(&self, transaction: &WriteTransaction, account: AccountId) -> Result<()> {
        let sql = "UPDATE accounts SET in_doubt = TRUE WHERE tenant_id = $1 AND site_id = $2 AND id = $3 \
            AND key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.tenant_id = $1 \
            AND c.site_id = $2 AND c.account_id = $3)";
        execute(&**transaction, sql, self.key(account)).await?;
        Ok(())
    }

    async fn put_memberships(
        &self,
        transaction: &WriteTransaction,
        account: AccountId,
        groups: &[String],
        confirmed: bool,
    ) -> Result<()> {
        for group in groups {
            let mut values = self.key(account);
            values.extend([lookup::folded(group).into(), group.as_str().into(), confirmed.into()]);
            let sql = "INSERT INTO memberships \
                (tenant_id, site_id, account_id, group_folded, group_name, confirmed) \
                VALUES ($1, $2, $3, $4, $5, $6) \
                ON CONFLICT (tenant_id, site_id, account_id, group_folded) DO UPDATE SET \
                confirmed = (memberships.confirmed OR excluded.confirmed)";
            execute(&**transaction, sql, values).await?;
        }
        Ok(())
    }

    /// A row that nobody claims is forgotten unless an account stands behind it: that one's memberships
    /// must be known to be taken away when a user of the same name comes back.
    async fn drop_if_unclaimed(&self, transaction: &WriteTransaction, account: AccountId) -> Result<()> {
        let sql = "DELETE FROM accounts WHERE tenant_id = $1 AND site_id = $2 AND id = $3 \
            AND key IS NULL AND NOT in_doubt AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.tenant_id = $1 AND c.site_id = $2 \
            AND c.account_id = $3)";
        execute(&**transaction, sql, self.key(account)).await?;
        Ok(())
    }
}
