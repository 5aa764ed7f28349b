//! Requests that clients may send again: each is carried out once, and its answer kept for a day.
//!
//! A client names its request by a key of its own. The first one with that key takes it before anything is
//! done, and leaves its answer there. Whoever comes with the same key meanwhile or later is told so; a key
//! whose request ended without an answer stays taken, since nobody knows what it did.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, EntityTrait};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::idempotency_key;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::statement::{execute, for_update_skip_locked};
use crate::tenant::TenantStore;

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_hours(24);

/// Outdated rows that one request clears away at the most.
const CLEARED: i64 = 100;

/// The keys of one caller within one tenant, or of the operator outside any.
#[derive(Clone, Debug)]
pub struct IdempotencyKeys {
    store: Store,
    tenant: TenantId,
    actor: String,
}

/// An answer that may be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its body; `None` when it held a secret, which is not kept.
    pub body: Option<Vec<u8>>,
}

/// What a key stands for when a request comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing yet: the key is now this request's.
    First,
    /// Another request than this one.
    Other,
    /// This request, which has no answer yet, or ended without one.
    Unanswered {
        /// When it came first.
        since: Timestamp,
    },
    /// This request, answered.
    Answered(Answer),
}

impl Store {
    /// The keys of the operator's requests that belong to no tenant.
    pub fn idempotency_keys(&self, actor: &str) -> IdempotencyKeys {
        IdempotencyKeys { store: self.clone(), tenant: TenantId(Uuid::nil()), actor: actor.to_owned() }
    }
}

impl TenantStore {
    /// The keys of one caller's requests.
    pub fn idempotency_keys(&self, actor: &str) -> IdempotencyKeys {
        IdempotencyKeys { store: self.store.clone(), tenant: self.id, actor: actor.to_owned() }
    }
}

impl IdempotencyKeys {
    /// Takes the key for the request of `fingerprint`, or says what it stands for already.
    pub async fn begin(&self, key: &str, fingerprint: &[u8]) -> Result<Begun> {
        let now = self.store.clock.now();
        let outdated = now.minus(KEPT);
        let transaction = self.store.write().await?;
        let sql = format!(
            "DELETE FROM idempotency_keys WHERE (tenant_id, actor, key) IN ( \
               SELECT tenant_id, actor, key FROM idempotency_keys WHERE created_at <= $1 \
               ORDER BY created_at LIMIT $2 {})",
            for_update_skip_locked(transaction.get_database_backend()),
        );
        execute(&*transaction, sql, vec![outdated.into(), CLEARED.into()]).await?;
        // The row of an outdated request that was not cleared away is this request's as well.
        let sql = "INSERT INTO idempotency_keys (tenant_id, actor, key, fingerprint, created_at) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, actor, key) DO UPDATE SET \
            fingerprint = excluded.fingerprint, created_at = excluded.created_at, \
            status = NULL, etag = NULL, body = NULL WHERE idempotency_keys.created_at <= $6";
        let mut values = self.row(key);
        values.extend([fingerprint.into(), now.into(), outdated.into()]);
        let taken = execute(&*transaction, sql, values).await? > 0;
        let id = (self.tenant, self.actor.clone(), key.to_owned());
        let row = idempotency_key::Entity::find_by_id(id).one(&*transaction).await?;
        transaction.commit().await?;
        Ok(match row {
            _ if taken => Begun::First,
            // Given back between the two statements: let the client try again.
            None => Begun::Unanswered { since: now },
            Some(row) if row.fingerprint != fingerprint => Begun::Other,
            Some(row) => match row.status {
                None => Begun::Unanswered { since: row.created_at },
                Some(status) => Begun::Answered(Answer {
                    status: u16::try_from(status)
                        .map_err(|_| Error::Inconsistent(format!("status {status} of a kept answer")))?,
                    etag: row.etag,
                    body: row.body,
                }),
            },
        })
    }

    /// Keeps the answer to the request that took the key.
    pub async fn answer(&self, key: &str, answer: &Answer) -> Result<()> {
        let sql = "UPDATE idempotency_keys SET status = $4, etag = $5, body = $6 \
            WHERE tenant_id = $1 AND actor = $2 AND key = $3";
        let mut values = self.row(key);
        let (etag, body) = (answer.etag.clone(), answer.body.clone());
        values.extend([i32::from(answer.status).into(), etag.into(), body.into()]);
        self.write(sql, values).await
    }

    /// Gives back the key of a request that was refused: nothing was done, so it may come again.
    pub async fn give_back(&self, key: &str) -> Result<()> {
        let sql = "DELETE FROM idempotency_keys \
            WHERE tenant_id = $1 AND actor = $2 AND key = $3 AND status IS NULL";
        self.write(sql, self.row(key)).await
    }

    async fn write(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<()> {
        let transaction = self.store.write().await?;
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    fn row(&self, key: &str) -> Vec<sea_orm::Value> {
        vec![self.tenant.into(), self.actor.as_str().into(), key.into()]
    }
}
