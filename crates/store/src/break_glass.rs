//! Times in which the operator may see a tenant's people and open its doors. Each has a reason, and an end.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::clock::Timestamp;
use crate::entity::break_glass;
use crate::error::{Error, Result};
use crate::id::BreakGlassId;
use crate::statement::{execute, rows};
use crate::tenant::TenantStore;

/// When the operator could come in to one tenant.
#[derive(Clone, Debug)]
pub struct BreakGlass {
    pub(crate) tenant: TenantStore,
}

impl break_glass::Model {
    /// Whether it stands open at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closed_at.is_none() && now < self.expires_at
    }
}

impl BreakGlass {
    /// Opens the tenant to the operator for `lasts`.
    pub async fn insert(&self, reason: &str, lasts: Duration) -> Result<break_glass::Model> {
        let now = self.tenant.now();
        let row = break_glass::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(BreakGlassId::generate()),
            reason: Set(reason.to_owned()),
            opened_at: Set(now),
            expires_at: Set(now.plus(lasts)),
            closed_at: Set(None),
        };
        let transaction = self.tenant.store.write().await?;
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// All of them in order, those that are over included.
    pub async fn list(&self) -> Result<Vec<break_glass::Model>> {
        Ok(break_glass::Entity::find()
            .filter(break_glass::Column::TenantId.eq(self.tenant.id))
            .order_by_asc(break_glass::Column::Id)
            .all(&self.tenant.store.reader())
            .await?)
    }

    /// The one that stands open longest, if any does.
    pub async fn find_open(&self) -> Result<Option<break_glass::Model>> {
        Ok(break_glass::Entity::find()
            .filter(break_glass::Column::TenantId.eq(self.tenant.id))
            .filter(break_glass::Column::ClosedAt.is_null())
            .filter(break_glass::Column::ExpiresAt.gt(self.tenant.now()))
            .order_by_desc(break_glass::Column::ExpiresAt)
            .one(&self.tenant.store.reader())
            .await?)
    }

    /// Ends it at once. Ending it again changes nothing.
    pub async fn close(&self, id: BreakGlassId) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql =
            "UPDATE break_glass SET closed_at = COALESCE(closed_at, $3) WHERE tenant_id = $1 AND id = $2";
        let values = vec![self.tenant.id.into(), id.into(), self.tenant.now().into()];
        if execute(&*transaction, sql, values).await? == 0 {
            return Err(Error::NotFound("break-glass"));
        }
        transaction.commit().await
    }

    /// Whether anybody of the tenant has come in yet. Before that somebody has to set it up for them.
    pub async fn is_inhabited(&self) -> Result<bool> {
        let sql = "SELECT 1 AS n FROM api_keys WHERE tenant_id = $1 AND last_used_at IS NOT NULL \
            UNION ALL SELECT 1 AS n FROM sign_in WHERE tenant_id = $1 LIMIT 1";
        let found = rows(&self.tenant.store.reader(), sql, vec![self.tenant.id.into()]).await?;
        Ok(!found.is_empty())
    }
}
