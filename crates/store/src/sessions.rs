//! Sessions: who is signed in, for how long, and by which secret, which changes while a session lasts.
//!
//! A session's secret is replaced every few minutes. Whoever shows the one before is the browser that did not hear of the
//! new one yet, and is let in for [`GRACE`]; later it is somebody who has copied a cookie, or whose cookie was copied, and
//! the session ends for both.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::session;
use crate::entity::words::Role;
use crate::error::Result;
use crate::id::{ApiKeyId, SessionId, TenantId};
use crate::secret::{self, SecretKind};
use crate::statement::execute;

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
    /// Begins a session. The secret is returned here and never again.
    pub async fn insert(&self, who: SignedIn) -> Result<(session::Model, SecretString)> {
        let secret = secret::generate(SecretKind::Session)?;
        let now = self.store.clock.now();
        let (tenant_id, operator_digest, key_id, person) = match who {
            SignedIn::Operator(digest) => (None, Some(digest), None, None),
            SignedIn::Key(tenant, key) => (Some(tenant), None, Some(key), None),
            SignedIn::Person { tenant, subject, name, role } => {
                (Some(tenant), None, None, Some((subject, name, role)))
            }
        };
        let (subject, name, role) = match person {
            Some((subject, name, role)) => (Some(subject), Some(name), Some(role)),
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
        let transaction = self.store.write().await?;
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
        let Some(row) = session::Entity::find().filter(either).one(&self.store.connection).await? else {
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
        self.end_where("id = $1", vec![id.into()]).await
    }

    /// Ends the sessions of everyone who signed in by the tenant's identity provider: the rules that gave them their roles
    /// are others now.
    pub async fn end_of_people(&self, tenant: TenantId) -> Result<()> {
        self.end_where("tenant_id = $1 AND subject IS NOT NULL", vec![tenant.into()]).await
    }

    async fn end_where(&self, condition: &str, mut values: Vec<sea_orm::Value>) -> Result<()> {
        values.push(self.now().into());
        let sql = format!("UPDATE sessions SET ended_at = $2 WHERE {condition} AND ended_at IS NULL");
        let transaction = self.store.write().await?;
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    fn now(&self) -> Timestamp {
        self.store.clock.now()
    }
}
