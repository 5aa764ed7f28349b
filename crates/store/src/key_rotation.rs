//! Exchanging keys while everything is served.
//!
//! Another master key wraps the tenants' keys anew, and the secrets stay as they are. Another key of a tenant seals each
//! of its secrets anew, in one transaction: whoever seals a secret meanwhile holds the tenant's row, and whoever opens one
//! and meets the other key reads both again. Either can be stopped anywhere and begun again.

use std::time::Duration;

use crate::entity::tenant;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::sealed;
use crate::statement::{execute, for_change, rows};
use crate::tenants::Tenants;
use crate::vault::WrappedKey;

/// What was done of a page of tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// The last tenant of the page; `None` when there was none.
    pub last: Option<TenantId>,
    /// How many keys were under another master key.
    pub changed: u64,
}

impl Tenants {
    /// Wraps the keys of up to `limit` tenants after `after` by the first master key; those that are stay.
    /// [`Error::Sealed`] when one is under a master key that the vault does not have.
    pub async fn rewrap_keys(&self, after: Option<TenantId>, limit: u64) -> Result<Rewrapped> {
        let page = self.list(after, limit).await?;
        let vault = &self.store().vault;
        let mut done = Rewrapped { last: page.last().map(|row| row.id), changed: 0 };
        let transaction = self.store().write().await?;
        for row in page {
            let key = WrappedKey(row.wrapped_key);
            if vault.is_under_the_first_key(row.id, &key) {
                continue;
            }
            let next = vault.rewrap(row.id, &key, vault)?;
            // Whoever gives the tenant another key meanwhile wraps it by the first one, too.
            let sql = "UPDATE tenants SET wrapped_key = $2 WHERE id = $1 AND wrapped_key = $3";
            done.changed +=
                execute(&*transaction, sql, vec![row.id.into(), next.0.into(), key.0.into()]).await?;
        }
        transaction.commit().await?;
        Ok(done)
    }

    /// Gives the tenant another key and seals its secrets anew, unless its key is younger than `older_than`; how many
    /// secrets that were, `None` when the key stayed. [`Error::Sealed`] when a secret does not open: then nothing was done.
    pub async fn renew_key(&self, id: TenantId, older_than: Duration) -> Result<Option<u64>> {
        let store = self.store();
        let transaction = store.write().await?;
        let sql = format!("SELECT * FROM tenants WHERE id = $1 {}", for_change(store.backend()));
        let row = rows(&*transaction, sql, vec![id.into()]).await?.into_iter().next();
        let row = row.ok_or(Error::NotFound("tenant"))?;
        let row = <tenant::Model as sea_orm::FromQueryResult>::from_query_result(&row, "")?;
        let now = store.clock().now();
        if now.since(row.key_made_at.unwrap_or(row.created_at)) < older_than {
            return Ok(None);
        }
        let old = WrappedKey(row.wrapped_key);
        let new = store.vault.new_tenant_key(id)?;
        let mut secrets = 0;
        for sealed in sealed::ALL {
            secrets += sealed.reseal(&transaction, store, id, (&old, &new)).await?;
        }
        let sql = "UPDATE tenants SET wrapped_key = $2, key_made_at = $3 WHERE id = $1";
        execute(&*transaction, sql, vec![id.into(), new.0.into(), now.into()]).await?;
        transaction.commit().await?;
        Ok(Some(secrets))
    }
}
