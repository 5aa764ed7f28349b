//! Several changes of one tenant that are carried out together or not at all: an edit and its entry in the audit log.
//!
//! The repositories of [`Together::tenant`] read and write in one transaction. It begins by holding the tenant's row, as
//! the entry in the audit log does in the end: two edits of a tenant follow each other instead of waiting for each
//! other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::database::{OwnTransaction, Store, Whole};
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::statement::{for_change, rows};
use crate::tenant::TenantStore;

/// What is being changed together. Dropping it undoes everything.
#[derive(Debug)]
pub struct Together {
    /// The tenant's repositories, all in one transaction. While it goes on, others of the same process may have to wait
    /// for it: nothing is to be written beside it, and nobody outside to be asked.
    pub tenant: TenantStore,
    whole: Arc<Whole>,
    outside: Store,
}

impl TenantStore {
    /// Begins changes that are carried out together. [`Error::NotFound`] when the tenant has gone.
    pub async fn together(&self) -> Result<Together> {
        let transaction = self.store.begin().await?;
        let sql = format!("SELECT id FROM tenants WHERE id = $1 {}", for_change(self.store.backend()));
        if rows(&*transaction, sql, vec![self.id.into()]).await?.is_empty() {
            return Err(Error::NotFound("tenant"));
        }
        Ok(Together::of(&self.store, transaction, self.id))
    }
}

impl Together {
    /// Has everything of a tenant be a part of a transaction.
    pub(crate) fn of(store: &Store, transaction: OwnTransaction, id: TenantId) -> Self {
        let whole = Arc::new(Whole { transaction, is_broken: AtomicBool::new(false) });
        let tenant = TenantStore { store: store.within(Arc::clone(&whole)), id };
        Self { tenant, whole, outside: store.clone() }
    }

    /// Makes everything durable, and wakes whoever waits for work. [`Error::Inconsistent`] when a part of it failed and
    /// was passed over.
    pub async fn commit(self) -> Result<()> {
        let Self { tenant, whole, outside } = self;
        drop(tenant);
        if whole.is_broken.load(Ordering::Relaxed) {
            return Err(Error::Inconsistent("a part of what belongs together failed".into()));
        }
        let whole = Arc::into_inner(whole)
            .ok_or_else(|| Error::Inconsistent("what belongs together is still being written".into()))?;
        whole.transaction.commit().await?;
        outside.wake_all();
        Ok(())
    }
}
