//! Sessions: who is signed in, for how long, and by which secret, which changes while a session lasts.
//!
//! A session's secret is replaced every few minutes. Whoever shows the one before is the browser that did not hear of the
//! new one yet, and is let in for [`GRACE`]; later it is somebody who has copied a cookie, or whose cookie was copied, and
//! the session ends for both.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret as _, SecretString};

use crate::database::{Store, WriteTransaction};
use crate::entity::session;
use crate::entity::words::Role;
use crate::error::{Error, Result};
use crate::id::{ApiKeyId, SessionId, TenantId};
use crate::secret::{self, SecretKind};
use crate::statement::{execute, for_share, rows};
use crate::tenant::TenantStore;

/// How long a session lasts at the most.
pub const LIFETIME: Duration = Duration::from_hours(12);

/// How long the secret before the present one is still taken.
pub const GRACE: Duration = Duration::from_mins(2);

/// Who signed in.
#[derive(Clone, Debug)]
pub enum SignedIn {
    /// The operator, with the key of this keyed digest.
    Operator(Vec<u8>),
    /// The bearer of an API key.
    Key(TenantId, ApiKeyId),
    /// A person of the tenant's identity provider.
    Person {
        /// The tenant.
        tenant: TenantId,
        /// What the provider calls them.
        subject: String,
        /// Their name for people.
        name: String,
        /// What they may do.
        role: Role,
        /// The version of the rules that say so.
        rules: i64,
    },
}

/// What a session's secret led to.
#[derive(Clone, Debug)]
pub enum Found {
    /// A session that is open.
    Open(session::Model),
    /// A session whose secret was replaced some time ago. It is over.
    Replayed(session::Model),
}

/// The sessions of an installation.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
}

impl Store {
    /// The sessions of the cell.
    pub fn sessions(&self) -> Sessions {
        Sessions { store: self.clone() }
    }
}

impl Sessions {
    /// Begins a session. The secret is returned here and never again. [`Error::Stale`] when the rules that gave a person
    /// their role are others by now.
    pub async fn insert(&self, who: SignedIn) -> Result<(session::Model, SecretString)> {
        let secret = secret::generate(SecretKind::Session)?;
        let now = self.store.clock.now();
        let (tenant_id, operator_digest, key_id, person) = match who {
            SignedIn::Operator(digest) => (None, Some(digest), None, None),
            SignedIn::Key(tenant, key) => (Some(tenant), None, Some(key), None),
            SignedIn::Person { tenant, subject, name, role, rules } => {
                (Some(tenant), None, None, Some((subject, name, role, rules)))
            }
        };
        let transaction = self.store.write().await?;
        if let (Some(tenant), Some((.., rules))) = (tenant_id, &person) {
            check_rules(&transaction, &self.store, tenant, *rules).await?;
        }
        let (subject, name, role) = match person {
            Some((subject, name, role, _)) => (Some(subject), Some(name), Some(role)),
            None => (None, None, None),
        };
        let row = session::ActiveModel {
            id: Set(SessionId::generate()),
            tenant_id: Set(tenant_id),
            digest: Set(secret::digest(secret.expose_secret())),
            replaced_digest: Set(None),
            replaced_at: Set(None),
            operator_digest: Set(operator_digest),
            key_id: Set(key_id),
            subject: Set(subject),
            name: Set(name),
            role: Set(role),
            created_at: Set(now),
            expires_at: Set(now.plus(LIFETIME)),
            ended_at: Set(None),
        };
        // Nobody asks for what is over, and each sign-in clears a little of it away.
        let over =
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT 100)";
        execute(&*transaction, over, vec![now.into()]).await?;
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok((row, secret))
    }

    /// The session that a secret of this digest opens, or opened.
    pub async fn find(&self, digest: &[u8]) -> Result<Option<Found>> {
        let either = Condition::any()
            .add(session::Column::Digest.eq(digest))
            .add(session::Column::ReplacedDigest.eq(digest));
        let Some(row) = session::Entity::find().filter(either).one(&self.store.reader()).await? else {
            return Ok(None);
        };
        let now = self.store.clock.now();
        if row.ended_at.is_some() || now >= row.expires_at {
            return Ok(None);
        }
        let replaced_long_ago = row.replaced_at.is_some_and(|at| now.since(at) >= GRACE);
        if row.digest != digest && replaced_long_ago {
            self.end(row.id).await?;
            return Ok(Some(Found::Replayed(row)));
        }
        Ok(Some(Found::Open(row)))
    }

    /// Gives the session another secret; `None` when `digest` is no longer the present one, and the other request that
    /// replaced it has the new one.
    pub async fn replace_secret(&self, id: SessionId, digest: &[u8]) -> Result<Option<SecretString>> {
        let secret = secret::generate(SecretKind::Session)?;
        let transaction = self.store.write().await?;
        let sql = "UPDATE sessions SET digest = $3, replaced_digest = $2, replaced_at = $4 \
                   WHERE id = $1 AND digest = $2 AND ended_at IS NULL";
        let next = secret::digest(secret.expose_secret());
        let values = vec![id.into(), digest.to_vec().into(), next.into(), self.store.clock.now().into()];
        let replaced = execute(&*transaction, sql, values).await?;
        transaction.commit().await?;
        Ok((replaced == 1).then_some(secret))
    }

    /// Ends a session at once. Ending it again changes nothing.
    pub async fn end(&self, id: SessionId) -> Result<()> {
        let transaction = self.store.write().await?;
        let sql = "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
        execute(&*transaction, sql, vec![id.into(), self.store.clock.now().into()]).await?;
        transaction.commit().await
    }
}

/// Ends the sessions of everyone who signed in by the tenant's identity provider, as a part of what makes others of the
/// rules that gave them their roles.
pub(crate) async fn end_of_people(transaction: &WriteTransaction, tenant: &TenantStore) -> Result<()> {
    let sql = "UPDATE sessions SET ended_at = $2 \
               WHERE tenant_id = $1 AND subject IS NOT NULL AND ended_at IS NULL";
    execute(&**transaction, sql, vec![tenant.id.into(), tenant.now().into()]).await?;
    Ok(())
}

/// Whether the rules are still those by which somebody was given a role; they stay so until the transaction ends.
async fn check_rules(
    transaction: &WriteTransaction,
    store: &Store,
    tenant: TenantId,
    version: i64,
) -> Result<()> {
    let lock = for_share(store.backend());
    let sql = format!("SELECT version FROM sign_in WHERE tenant_id = $1 AND version = $2 {lock}");
    let found = rows(&**transaction, sql, vec![tenant.into(), version.into()]).await?;
    if found.is_empty() { Err(Error::Stale) } else { Ok(()) }
}
