//! Corrections of the ledger by a person: whose an account is, where the match rules were wrong or could not know.
//!
//! A correction changes claims, never the site; every user whom it concerns is marked, and the work brings the site
//! along. It waits for nobody: an account that is being worked on is refused as busy.

use std::collections::BTreeSet;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait as _,
};

use super::Accounts;
use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::words::{TaskKind, TaskRank};
use crate::entity::{account, claim, denied_claim};
use crate::error::{Error, Result};
use crate::id::{AccountId, ConnectionId, UserId};
use crate::lookup;
use crate::marking::{Mark, Place, mark_at};
use crate::statement::{count, database_now, execute};

/// An account at the site, as it was just seen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAccount {
    /// The product's stable identity.
    pub key: String,
    /// Its user name.
    pub username: String,
    /// Its display name.
    pub display_name: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether it may log in.
    pub active: bool,
}

/// Which accounts of the ledger are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// What the user name begins with, in any case.
    pub username: Option<String>,
    /// The e-mail address, in any case.
    pub email: Option<String>,
    /// The product's identity.
    pub key: Option<String>,
    /// Whether any user claims it.
    pub claimed: Option<bool>,
}

/// How a user is linked to another account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relinking {
    /// Whether a user of the same directory who has the account loses it.
    pub takes_over: bool,
    /// Whether the account keeps its user name instead of getting the directory's.
    pub keeps_username: bool,
}

/// Who was moved where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// The account that it was about.
    pub account: AccountId,
    /// The account that the user claimed before, if it was another.
    pub left: Option<AccountId>,
    /// Users who lost their claim by it.
    pub released: Vec<UserId>,
}

/// The rules that stand against a correction, as [`Error::Conflict`] names them.
pub mod rules {
    /// A worker is at the account.
    pub const BUSY: &str = "accounts_busy";
    /// Another user of the same directory has the account.
    pub const COLLEAGUES: &str = "claims_colleagues";
    /// The user claims no account.
    pub const UNCLAIMED: &str = "claims_none";
    /// Another account has the user name.
    pub const NAME: &str = "accounts_username";
}

impl Accounts {
    /// A page of the ledger after `after`, in order of id.
    pub async fn search(
        &self,
        filter: &AccountFilter,
        after: Option<AccountId>,
        limit: u64,
    ) -> Result<Vec<account::Model>> {
        let mut query = self.rows().order_by_asc(account::Column::Id).limit(limit);
        if let Some(name) = &filter.username {
            // An underscore is common in names, and means any character to LIKE.
            let begins = lookup::folded(name).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let begins = LikeExpr::new(format!("{begins}%")).escape('\\');
            query = query.filter(account::Column::UsernameFolded.like(begins));
        }
        if let Some(key) = &filter.key {
            query = query.filter(account::Column::Key.eq(lookup::without_nul(key).as_ref()));
        }
        if let Some(email) = &filter.email {
            let lower = Expr::expr(Func::lower(Expr::col(account::Column::Email)));
            query = query.filter(lower.eq(lookup::without_nul(email).to_lowercase()));
        }
        if let Some(claimed) = filter.claimed {
            let claims = claim::Entity::find()
                .select_only()
                .column(claim::Column::AccountId)
                .filter(claim::Column::TenantId.eq(self.tenant.id))
                .filter(claim::Column::SiteId.eq(self.site));
            let claims = claims.into_query();
            query = query.filter(if claimed {
                account::Column::Id.in_subquery(claims)
            } else {
                account::Column::Id.not_in_subquery(claims)
            });
        }
        if let Some(after) = after {
            query = query.filter(account::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// An account of the ledger.
    pub async fn get(&self, id: AccountId) -> Result<account::Model> {
        let found = account::Entity::find_by_id((self.tenant.id, self.site, id));
        found.one(&self.tenant.store.reader()).await?.ok_or(Error::NotFound("account"))
    }

    /// A page of the claims that are in doubt, in order of user, after `after`.
    pub async fn doubtful_claims(&self, after: Option<UserId>, limit: u64) -> Result<Vec<claim::Model>> {
        let mut query = self
            .claims()
            .filter(claim::Column::Doubt.ne(""))
            .order_by_asc(claim::Column::UserId)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(claim::Column::UserId.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// How many claims are in doubt.
    pub async fn count_doubtful_claims(&self) -> Result<u64> {
        let sql = "SELECT COUNT(*) AS n FROM claims WHERE tenant_id = $1 AND site_id = $2 AND doubt <> ''";
        let values = vec![self.tenant.id.into(), self.site.into()];
        let n = count(&self.tenant.store.reader(), sql, values).await?;
        Ok(u64::try_from(n).unwrap_or(0))
    }

    /// The claim of a user, if it has one.
    pub async fn claim_of(&self, user: UserId) -> Result<Option<claim::Model>> {
        let key = (self.tenant.id, self.site, user);
        Ok(claim::Entity::find_by_id(key).one(&self.tenant.store.reader()).await?)
    }

    /// Settles claims that are in doubt: each user is the person of the account that it claims. Of all that are in doubt
    /// when `users` is `None`, 10,000 at once. Returns how many were.
    pub async fn confirm_claims(&self, users: Option<&[UserId]>) -> Result<u64> {
        let claims = match users {
            Some(users) => {
                let mut claims = Vec::new();
                for users in users.chunks(crate::statement::IDS_PER_STATEMENT) {
                    let these = self.claims().filter(claim::Column::UserId.is_in(users.iter().copied()));
                    let doubtful = these.filter(claim::Column::Doubt.is_not_null());
                    claims.extend(doubtful.all(&self.tenant.store.reader()).await?);
                }
                claims
            }
            None => self.doubtful_claims(None, MOST_AT_ONCE).await?,
        };
        let mut confirmed = 0;
        for claims in claims.chunks(PAGE) {
            let transaction = self.tenant.store.write().await?;
            let mut concerned = Concerned::default();
            for claim in claims {
                let mut values = self.key(claim.account_id);
                values.push(claim.user_id.into());
                let sql = "UPDATE claims SET doubt = NULL WHERE tenant_id = $1 AND site_id = $2 \
                    AND account_id = $3 AND user_id = $4 AND doubt IS NOT NULL";
                confirmed += execute(&*transaction, sql, values).await?;
                concerned.add(claim);
            }
            self.mark(&transaction, &concerned).await?;
            transaction.commit().await?;
            self.tenant.store.wake_all();
        }
        Ok(confirmed)
    }

    /// Notes that a user is not the person of the account that it claims, and takes the claim away. Under `username`, if
    /// it is given, the user claims an account of its own from now on. [`Error::Conflict`] with one of [`rules`].
    pub async fn deny_claim(
        &self,
        user: UserId,
        username: Option<&str>,
        denied_by: &str,
    ) -> Result<Corrected> {
        let transaction = self.tenant.store.write().await?;
        let claim = self.claim_in(&transaction, user).await?.ok_or(Error::Conflict(rules::UNCLAIMED))?;
        self.take(&transaction, claim.account_id).await?;
        let row = denied_claim::ActiveModel {
            tenant_id: Set(self.tenant.id),
            site_id: Set(self.site),
            user_id: Set(user),
            account_id: Set(claim.account_id),
            denied_by: Set(denied_by.to_owned()),
            denied_at: Set(self.tenant.now()),
        };
        denied_claim::Entity::insert(row).exec_without_returning(&*transaction).await?;
        self.remove_claim(&transaction, user).await?;
        let mut concerned = Concerned::default();
        concerned.add(&claim);
        if let Some(username) = username {
            let own = self.row_named(&transaction, username).await?;
            if own == claim.account_id
                || self.claimants_of(&transaction, own).await?.iter().any(|other| other.user_id != user)
            {
                return Err(Error::Conflict(rules::NAME));
            }
            self.put_claim(&transaction, (user, claim.connection_id), own, Some(username)).await?;
        }
        for other in self.claimants_of(&transaction, claim.account_id).await? {
            concerned.add(&other);
        }
        self.drop_if_unclaimed(&transaction, claim.account_id).await?;
        self.mark(&transaction, &concerned).await?;
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(Corrected { account: claim.account_id, left: None, released: vec![user] })
    }

    /// Lets a user claim another account: one of the ledger, or one that was just seen at the site. A user of the same
    /// directory who has it loses it if the relinking takes over; otherwise that is [`Error::Conflict`] with one of
    /// [`rules`].
    pub async fn relink(
        &self,
        (user, connection): (UserId, ConnectionId),
        to: &Target,
        how: Relinking,
    ) -> Result<Corrected> {
        let transaction = self.tenant.store.write().await?;
        let before = self.claim_in(&transaction, user).await?;
        let account = match to {
            Target::Known(id) => *id,
            Target::Seen(seen) => self.row_of(&transaction, seen).await?,
        };
        let left = before.as_ref().map(|claim| claim.account_id).filter(|left| *left != account);
        // In one order, so that corrections the other way round wait for each other.
        let both: BTreeSet<AccountId> = [account].into_iter().chain(left).collect();
        for id in both {
            self.take(&transaction, id).await?;
        }
        let mut concerned = Concerned::default();
        concerned.users.insert((connection, user));
        let mut released = Vec::new();
        for claim in self.claimants_of(&transaction, account).await? {
            concerned.add(&claim);
            if claim.connection_id == connection && claim.user_id != user {
                if !how.takes_over {
                    return Err(Error::Conflict(rules::COLLEAGUES));
                }
                self.remove_claim(&transaction, claim.user_id).await?;
                released.push(claim.user_id);
            }
        }
        self.remove_claim(&transaction, user).await?;
        let kept = if how.keeps_username { Some(self.name_of(&transaction, account).await?) } else { None };
        self.put_claim(&transaction, (user, connection), account, kept.as_deref()).await?;
        let mut values = self.key(account);
        values.push(user.into());
        let sql = "DELETE FROM denied_claims WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3 \
            AND user_id = $4";
        execute(&*transaction, sql, values).await?;
        if let Some(left) = left {
            for claim in self.claimants_of(&transaction, left).await? {
                concerned.add(&claim);
            }
            self.drop_if_unclaimed(&transaction, left).await?;
        }
        self.mark(&transaction, &concerned).await?;
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(Corrected { account, left, released })
    }

    /// Joins two accounts of the ledger that are one person's: everybody who claims `from` claims `into`, and what stands
    /// behind `from` is left alone from now on. [`Error::Conflict`] with one of [`rules`] when that would give two users
    /// of one directory one account.
    pub async fn merge(&self, from: AccountId, into: AccountId) -> Result<Corrected> {
        let transaction = self.tenant.store.write().await?;
        for id in BTreeSet::from([from, into]) {
            self.take(&transaction, id).await?;
        }
        let mut concerned = Concerned::default();
        let (there, moved) =
            (self.claimants_of(&transaction, into).await?, self.claimants_of(&transaction, from).await?);
        for claim in &moved {
            if there.iter().any(|other| other.connection_id == claim.connection_id) {
                return Err(Error::Conflict(rules::COLLEAGUES));
            }
        }
        there.iter().chain(&moved).for_each(|claim| concerned.add(claim));
        let mut values = self.key(from);
        values.push(into.into());
        let sql = "UPDATE claims SET account_id = $4, doubt = NULL, given_name = NULL, given_for = NULL \
            WHERE tenant_id = $1 AND site_id = $2 AND account_id = $3";
        execute(&*transaction, sql, values.clone()).await?;
        let sql = "DELETE FROM denied_claims WHERE tenant_id = $1 AND site_id = $2 AND account_id IN ($3, $4) \
            AND user_id IN (SELECT c.user_id FROM claims c WHERE c.tenant_id = $1 AND c.site_id = $2 \
            AND c.account_id = $4)";
        execute(&*transaction, sql, values).await?;
        self.drop_if_unclaimed(&transaction, from).await?;
        self.mark(&transaction, &concerned).await?;
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(Corrected { account: into, left: Some(from), released: Vec::new() })
    }

    /// Takes an account that nobody works at for the length of the transaction. One whose holder vanished is in doubt.
    async fn take(&self, transaction: &WriteTransaction, id: AccountId) -> Result<()> {
        let now = database_now(transaction.get_database_backend());
        let sql = format!(
            "UPDATE accounts SET in_doubt = (in_doubt OR lease_owner IS NOT NULL), lease_owner = NULL, \
             lease_until = NULL WHERE tenant_id = $1 AND site_id = $2 AND id = $3 \
             AND (lease_owner IS NULL OR lease_until <= {now})"
        );
        if execute(&**transaction, sql, self.key(id)).await? == 0 {
            let key = (self.tenant.id, self.site, id);
            let exists = account::Entity::find_by_id(key).one(&**transaction).await?.is_some();
            return Err(if exists { Error::Conflict(rules::BUSY) } else { Error::NotFound("account") });
        }
        Ok(())
    }

    async fn claim_in(&self, transaction: &WriteTransaction, user: UserId) -> Result<Option<claim::Model>> {
        Ok(claim::Entity::find_by_id((self.tenant.id, self.site, user)).one(&**transaction).await?)
    }

    /// Everybody who claims an account.
    async fn claimants_of(&self, transaction: &WriteTransaction, id: AccountId) -> Result<Vec<claim::Model>> {
        let claims = self.claims().filter(claim::Column::AccountId.eq(id));
        Ok(claims.order_by_asc(claim::Column::UserId).all(&**transaction).await?)
    }

    async fn name_of(&self, transaction: &WriteTransaction, id: AccountId) -> Result<String> {
        let row = account::Entity::find_by_id((self.tenant.id, self.site, id)).one(&**transaction).await?;
        Ok(row.ok_or(Error::NotFound("account"))?.username)
    }

    async fn remove_claim(&self, transaction: &WriteTransaction, user: UserId) -> Result<()> {
        let sql = "DELETE FROM claims WHERE tenant_id = $1 AND site_id = $2 AND user_id = $3";
        let values = vec![self.tenant.id.into(), self.site.into(), user.into()];
        execute(&**transaction, sql, values).await.map(drop)
    }

    async fn put_claim(
        &self,
        transaction: &WriteTransaction,
        (user, connection): (UserId, ConnectionId),
        account: AccountId,
        given_name: Option<&str>,
    ) -> Result<()> {
        let row = claim::ActiveModel {
            tenant_id: Set(self.tenant.id),
            site_id: Set(self.site),
            user_id: Set(user),
            connection_id: Set(connection),
            account_id: Set(account),
            created_at: Set(self.tenant.now()),
            doubt: Set(None),
            given_name: Set(given_name.map(str::to_owned)),
            given_for: Set(None),
        };
        claim::Entity::insert(row).exec_without_returning(&**transaction).await?;
        Ok(())
    }

    /// The row of a user name, made if there is none.
    async fn row_named(&self, transaction: &WriteTransaction, username: &str) -> Result<AccountId> {
        let folded = lookup::folded(username);
        let found =
            self.rows().filter(account::Column::UsernameFolded.eq(&folded)).one(&**transaction).await?;
        if let Some(row) = found {
            return Ok(row.id);
        }
        let row = new_row(self, username, folded, self.tenant.now());
        let id = row.id.clone().unwrap();
        account::Entity::insert(row).exec_without_returning(&**transaction).await?;
        Ok(id)
    }

    /// The row of an account that stands at the site, made if there is none.
    async fn row_of(&self, transaction: &WriteTransaction, seen: &SeenAccount) -> Result<AccountId> {
        let of_key = self.rows().filter(account::Column::Key.eq(&seen.key)).one(&**transaction).await?;
        if let Some(row) = of_key {
            return Ok(row.id);
        }
        let id = self.row_named(transaction, &seen.username).await?;
        let row = account::Entity::find_by_id((self.tenant.id, self.site, id)).one(&**transaction).await?;
        // The name is that of an account which was renamed behind our back, or is being made.
        if row.is_some_and(|row| row.key.is_some() || row.in_doubt) {
            return Err(Error::Conflict(rules::NAME));
        }
        let mut values = self.key(id);
        values.extend([
            seen.key.as_str().into(),
            seen.username.as_str().into(),
            seen.display_name.as_str().into(),
            seen.email.clone().into(),
            seen.active.into(),
            self.tenant.now().into(),
        ]);
        let sql = "UPDATE accounts SET key = $4, username = $5, display_name = $6, email = $7, active = $8, \
            observed_at = $9 WHERE tenant_id = $1 AND site_id = $2 AND id = $3";
        execute(&**transaction, sql, values).await?;
        Ok(id)
    }

    /// Marks everybody whom a correction concerns, to be looked at there.
    async fn mark(&self, transaction: &WriteTransaction, concerned: &Concerned) -> Result<()> {
        let place = Place { site: self.site, run: None, verify: true };
        let at = self.tenant.now();
        for (connection, user) in &concerned.users {
            let mark = Mark {
                tenant: self.tenant.id,
                connection: *connection,
                rank: TaskRank::Change,
                at,
                trace_context: None,
            };
            mark_at(transaction, &mark, TaskKind::User, place, &[user.0]).await?;
        }
        Ok(())
    }
}

/// The account that a user is to claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One of the ledger.
    Known(AccountId),
    /// One that was just seen at the site.
    Seen(SeenAccount),
}

/// Claims that one answer settles.
const MOST_AT_ONCE: u64 = 10_000;
/// Claims settled in one transaction.
const PAGE: usize = 500;

/// Users whom a correction concerns, in the order in which all writers mark.
#[derive(Debug, Default)]
struct Concerned {
    users: BTreeSet<(ConnectionId, UserId)>,
}

impl Concerned {
    fn add(&mut self, claim: &claim::Model) {
        self.users.insert((claim.connection_id, claim.user_id));
    }
}

fn new_row(
    accounts: &Accounts,
    username: &str,
    username_folded: String,
    at: Timestamp,
) -> account::ActiveModel {
    account::ActiveModel {
        tenant_id: Set(accounts.tenant.id),
        site_id: Set(accounts.site),
        id: Set(AccountId::generate()),
        key: Set(None),
        username: Set(username.to_owned()),
        username_folded: Set(username_folded),
        display_name: Set(None),
        email: Set(None),
        active: Set(None),
        created_by_us: Set(false),
        creation_asked_at: Set(None),
        in_doubt: Set(false),
        lease_owner: Set(None),
        lease_until: Set(None),
        observed_at: Set(None),
        created_at: Set(at),
    }
}
