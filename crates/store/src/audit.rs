//! The audit log: who changed which piece of configuration.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;

use crate::entity::audit_entry;
use crate::error::Result;
use crate::id::AuditId;
use crate::tenant::TenantStore;

/// The audit log of one tenant.
#[derive(Clone, Debug)]
pub struct Audit {
    pub(crate) tenant: TenantStore,
}

impl Audit {
    /// Adds an entry. `detail` must hold no secret.
    pub async fn insert(
        &self,
        actor: &str,
        action: &str,
        object_kind: &str,
        object_id: String,
        detail: Option<Value>,
    ) -> Result<()> {
        let row = audit_entry::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(AuditId::generate()),
            at: Set(self.tenant.now()),
            actor: Set(actor.to_owned()),
            action: Set(action.to_owned()),
            object_kind: Set(object_kind.to_owned()),
            object_id: Set(object_id),
            detail: Set(detail),
        };
        let transaction = self.tenant.store.write().await?;
        row.insert(&*transaction).await?;
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
        Ok(query.all(&self.tenant.store.connection).await?)
    }
}
