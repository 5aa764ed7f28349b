//! The end of a tenant: first nothing of it opens or works any more, then its rows go, some at a time.
//!
//! Whoever is stopped in between begins again, and goes on.

use sea_orm::DatabaseBackend;

use crate::database::Store;
use crate::entity::words::TenantStatus;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::moving::{TABLES, tenant_column};
use crate::statement::{execute, for_change, rows};
use crate::tenants::Tenants;

/// What opens a tenant to anybody. It goes at once.
const DOORS: &[&str] = &["sessions", "sign_in", "setup_links", "scim_tokens", "api_keys"];

/// A tenant whose rows are being deleted.
#[derive(Debug)]
pub struct Erasure {
    store: Store,
    tenant: TenantId,
    /// Tables that may still have rows, the next one last.
    tables: Vec<&'static str>,
}

/// Rows that were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Of this table.
    pub table: &'static str,
    /// So many.
    pub rows: u64,
}

impl Tenants {
    /// Makes a suspended tenant useless: its key is destroyed, so that no secret of its sites opens any more, every
    /// credential is gone, and its links are off. [`Error::Conflict`] when it is served or being moved.
    pub async fn begin_erasure(&self, id: TenantId) -> Result<Erasure> {
        let store = self.store();
        let transaction = store.write().await?;
        let sql =
            format!("SELECT id FROM tenants WHERE id = $1 AND status = $2 {}", for_change(store.backend()));
        if rows(&*transaction, sql, vec![id.into(), TenantStatus::Suspended.into()]).await?.is_empty() {
            self.get(id).await?;
            return Err(Error::Conflict("tenants_served"));
        }
        // Another key in its place: whatever looks at keys goes on as ever, and what the old one sealed stays shut.
        let sql = "UPDATE tenants SET wrapped_key = $2 WHERE id = $1";
        execute(&*transaction, sql, vec![id.into(), store.vault.new_tenant_key(id)?.0.into()]).await?;
        for table in DOORS {
            let sql = format!("DELETE FROM {table} WHERE tenant_id = $1");
            execute(&*transaction, sql, vec![id.into()]).await?;
        }
        let sql = "UPDATE links SET enabled = $2 WHERE tenant_id = $1";
        execute(&*transaction, sql, vec![id.into(), false.into()]).await?;
        transaction.commit().await?;
        Ok(Erasure { store: store.clone(), tenant: id, tables: TABLES.to_vec() })
    }
}

impl Erasure {
    /// Deletes some rows, `limit` at the most; `None` when nothing of the tenant is left.
    pub async fn go_on(&mut self, limit: u64) -> Result<Option<Erased>> {
        let place = if self.store.backend() == DatabaseBackend::Postgres { "ctid" } else { "rowid" };
        while let Some(table) = self.tables.last().copied() {
            let column = tenant_column(table);
            let sql = format!(
                "DELETE FROM {table} WHERE {place} IN \
                 (SELECT {place} FROM {table} WHERE {column} = $1 LIMIT {limit})"
            );
            let transaction = self.store.write().await?;
            let deleted = execute(&*transaction, sql, vec![self.tenant.into()]).await?;
            transaction.commit().await?;
            if deleted > 0 {
                return Ok(Some(Erased { table, rows: deleted }));
            }
            self.tables.pop();
        }
        Ok(None)
    }
}
