//! The audit log: who changed which piece of configuration.
//!
//! The entries of a tenant are a chain: each has a number and a digest of itself and of the digest before it, so that
//! whoever takes one out, changes one or puts one in must make every later digest anew, and differs from whatever digest
//! somebody else has kept. See [`chain`].

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

use crate::entity::audit_entry;
use crate::error::{Error, Result};
use crate::id::AuditId;
use crate::statement::{execute, for_change, rows};
use crate::tenant::TenantStore;

pub mod chain;

/// The audit log of one tenant.
#[derive(Clone, Debug)]
pub struct Audit {
    pub(crate) tenant: TenantStore,
}

impl Audit {
    /// Adds an entry to the end of the chain. `detail` must hold no secret.
    pub async fn insert(
        &self,
        actor: &str,
        action: &str,
        object_kind: &str,
        object_id: String,
        detail: Option<Value>,
    ) -> Result<()> {
        let (id, store) = (self.tenant.id, &self.tenant.store);
        let transaction = store.write().await?;
        // Whoever adds another entry waits; whoever only refers to the tenant does not.
        let lock = for_change(store.backend());
        let sql = format!("SELECT audit_sequence, audit_digest FROM tenants WHERE id = $1 {lock}");
        let end = rows(&*transaction, sql, vec![id.into()]).await?.into_iter().next();
        let end = end.ok_or(Error::NotFound("tenant"))?;
        let number = end.try_get::<Option<i64>>("", "audit_sequence")?.unwrap_or(0) + 1;
        let before = end.try_get::<Option<Vec<u8>>>("", "audit_digest")?;
        let mut row = audit_entry::Model {
            tenant_id: id,
            id: AuditId::generate(),
            at: self.tenant.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            object_kind: object_kind.to_owned(),
            object_id,
            detail,
            sequence: Some(number),
            digest: None,
        };
        let before = before.unwrap_or_else(|| chain::beginning(id));
        let digest = chain::next(&before, &chain::Entry::from(&row))
            .map_err(|error| Error::Inconsistent(format!("an audit entry cannot be digested: {error}")))?;
        row.digest = Some(digest.clone());
        // Every column is to be written, although it comes from a whole row.
        let row = row.into_active_model().reset_all();
        row.insert(&*transaction).await?;
        let sql = "UPDATE tenants SET audit_sequence = $2, audit_digest = $3 WHERE id = $1";
        execute(&*transaction, sql, vec![id.into(), number.into(), digest.into()]).await?;
        transaction.commit().await
    }

    /// A page, newest first, before `before`.
    pub async fn list(&self, before: Option<AuditId>, limit: u64) -> Result<Vec<audit_entry::Model>> {
        let mut query = audit_entry::Entity::find()
            .filter(audit_entry::Column::TenantId.eq(self.tenant.id))
            .order_by_desc(audit_entry::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(audit_entry::Column::Id.lt(before));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }
}
