//! The registry of tenants: who there is, and which rows outside any tenant lead to one.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::database::{Store, WriteTransaction};
use crate::entity::tenant;
use crate::entity::words::TenantStatus;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::routes::RouteChange;
use crate::statement::{database_now, execute, rows};
use crate::together::Together;
use crate::vault::WrappedKey;

/// The registry of tenants.
#[derive(Clone, Debug)]
pub struct Tenants {
    store: Store,
}

impl Store {
    /// The registry of tenants.
    pub fn tenants(&self) -> Tenants {
        Tenants { store: self.clone() }
    }
}

impl Tenants {
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Registers a tenant with a key of its own, as the first entry of its audit log says. [`Error::Conflict`] when the
    /// slug is taken.
    pub async fn register(&self, slug: &str, name: &str, actor: &str) -> Result<tenant::Model> {
        let id = TenantId::generate();
        let together = Together::of(&self.store, self.store.begin().await?, id);
        let row = together.tenant.tenants().insert_as(id, slug, name).await?;
        let detail = Some(json!({"slug": slug, "name": name}));
        together.tenant.audit().insert(actor, "tenant.create", "tenant", id.to_string(), detail).await?;
        together.commit().await?;
        Ok(row)
    }

    /// Registers a tenant with a key of its own. [`Error::Conflict`] when the slug is taken.
    pub async fn insert(&self, slug: &str, name: &str) -> Result<tenant::Model> {
        self.insert_as(TenantId::generate(), slug, name).await
    }

    async fn insert_as(&self, id: TenantId, slug: &str, name: &str) -> Result<tenant::Model> {
        let now = self.store.clock.now();
        let row = tenant::ActiveModel {
            id: Set(id),
            slug: Set(slug.to_owned()),
            name: Set(name.to_owned()),
            status: Set(TenantStatus::Active),
            wrapped_key: Set(self.store.vault.new_tenant_key(id)?.0),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
            key_made_at: Set(Some(now)),
            audit_sequence: Set(None),
            audit_digest: Set(None),
        };
        let transaction = self.store.write().await?;
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// The tenant.
    pub async fn get(&self, id: TenantId) -> Result<tenant::Model> {
        tenant::Entity::find_by_id(id).one(&self.store.reader()).await?.ok_or(Error::NotFound("tenant"))
    }

    /// Whether the tenant is in this cell, served or not.
    pub async fn stands(&self, id: TenantId) -> Result<bool> {
        let sql = "SELECT id FROM tenants WHERE id = $1";
        Ok(!rows(&self.store.reader(), sql, vec![id.into()]).await?.is_empty())
    }

    /// Whether a worker is at anything of the tenant.
    pub(crate) async fn is_worked_at(&self, id: TenantId) -> Result<bool> {
        let now = database_now(self.store.backend());
        let held =
            |table| format!("SELECT tenant_id FROM {table} WHERE tenant_id = $1 AND lease_until > {now}");
        let sql = ["tasks", "accounts", "runs"].map(held).join(" UNION ALL ") + " LIMIT 1";
        Ok(!rows(&self.store.reader(), sql, vec![id.into()]).await?.is_empty())
    }

    /// The tenant of a slug, if there is one.
    pub async fn find_by_slug(&self, slug: &str) -> Result<Option<tenant::Model>> {
        Ok(tenant::Entity::find().filter(tenant::Column::Slug.eq(slug)).one(&self.store.reader()).await?)
    }

    /// Renames the tenant, suspends it, or serves it again; what is absent stays. [`Error::Conflict`] while it is being
    /// moved, [`Error::Stale`] when it is no longer at version `expected`.
    pub async fn update(
        &self,
        id: TenantId,
        expected: Option<i64>,
        name: Option<&str>,
        status: Option<TenantStatus>,
    ) -> Result<tenant::Model> {
        let transaction = self.store.write().await?;
        let mut sql = "UPDATE tenants SET name = COALESCE($2, name), status = COALESCE($3, status), \
            version = version + 1, updated_at = $4 WHERE id = $1 AND status IN ('active', 'suspended')"
            .to_owned();
        let mut values = vec![id.into(), name.into(), status.into(), self.store.clock.now().into()];
        if let Some(version) = expected {
            sql.push_str(" AND version = $5");
            values.push(version.into());
        }
        if execute(&*transaction, sql, values).await? == 0 {
            let row = self.get(id).await?;
            let is_stale = expected.is_some_and(|version| version != row.version);
            return Err(if is_stale { Error::Stale } else { Error::Conflict("tenants_moving") });
        }
        RouteChange::Tenant(id).note(&transaction, id).await?;
        transaction.commit().await?;
        self.store.wake_all();
        self.get(id).await
    }

    /// Suspends the tenant, or serves it again.
    pub async fn set_status(&self, id: TenantId, status: TenantStatus) -> Result<()> {
        let transaction = self.store.write().await?;
        self.set_status_in(&transaction, id, status).await?;
        transaction.commit().await?;
        self.store.wake_all();
        Ok(())
    }

    /// The same as a part of what is committed by others.
    pub(crate) async fn set_status_in(
        &self,
        transaction: &WriteTransaction,
        id: TenantId,
        status: TenantStatus,
    ) -> Result<()> {
        let sql = "UPDATE tenants SET status = $2, version = version + 1, updated_at = $3 WHERE id = $1";
        let values = vec![id.into(), status.into(), self.store.clock.now().into()];
        if execute(&**transaction, sql, values).await? == 0 {
            return Err(Error::NotFound("tenant"));
        }
        RouteChange::Tenant(id).note(transaction, id).await
    }

    /// A page in order of creation, after `after`.
    pub async fn list(&self, after: Option<TenantId>, limit: u64) -> Result<Vec<tenant::Model>> {
        let mut query = tenant::Entity::find().order_by_asc(tenant::Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(tenant::Column::Id.gt(after));
        }
        Ok(query.all(&self.store.reader()).await?)
    }

    /// Whether the master key opens the tenants' keys, tried on the first tenants: [`Error::Sealed`] when
    /// it is another one than they were wrapped by.
    pub async fn check_keys(&self) -> Result<()> {
        const TRIED: u64 = 10;
        for row in self.list(None, TRIED).await? {
            self.store.vault.check(row.id, &WrappedKey(row.wrapped_key))?;
        }
        Ok(())
    }
}
