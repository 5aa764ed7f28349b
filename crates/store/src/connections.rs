//! Connections: the identity providers of a tenant.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::entity::connection;
use crate::entity::words::{ConnectionMethod, ConnectionStatus};
use crate::error::{Error, Result};
use crate::id::ConnectionId;
use crate::routes::RouteChange;
use crate::tenant::TenantStore;

/// The connections of one tenant.
#[derive(Clone, Debug)]
pub struct Connections {
    pub(crate) tenant: TenantStore,
}

/// What an admin says of a new connection.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Name for people.
    pub name: String,
    /// `oracle`, `okta`, `entra`, … or `generic`.
    pub provider: String,
    /// Whether the provider pushes or is read.
    pub method: ConnectionMethod,
    /// Refuse dialects instead of repairing them.
    pub strict: bool,
}

/// What an admin changes; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct ConnectionEdit {
    /// Name for people.
    pub name: Option<String>,
    /// Served or paused.
    pub status: Option<ConnectionStatus>,
    /// Refuse dialects instead of repairing them.
    pub strict: Option<bool>,
}

impl Connections {
    /// Registers a connection.
    pub async fn insert(&self, new: NewConnection) -> Result<connection::Model> {
        let now = self.tenant.now();
        let row = connection::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(ConnectionId::generate()),
            name: Set(new.name),
            provider: Set(new.provider),
            method: Set(new.method),
            status: Set(ConnectionStatus::Active),
            strict: Set(new.strict),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let transaction = self.tenant.store.write().await?;
        let row = row.insert(&*transaction).await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// The connection.
    pub async fn get(&self, id: ConnectionId) -> Result<connection::Model> {
        connection::Entity::find_by_id((self.tenant.id, id))
            .one(&self.tenant.store.reader())
            .await?
            .ok_or(Error::NotFound("connection"))
    }

    /// A page in order of creation, after `after`.
    pub async fn list(&self, after: Option<ConnectionId>, limit: u64) -> Result<Vec<connection::Model>> {
        let mut query = connection::Entity::find()
            .filter(connection::Column::TenantId.eq(self.tenant.id))
            .order_by_asc(connection::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(connection::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// Edits the connection. [`Error::Stale`] when it is no longer at version `expected`.
    pub async fn update(
        &self,
        id: ConnectionId,
        expected: Option<i64>,
        edit: ConnectionEdit,
    ) -> Result<connection::Model> {
        let transaction = self.tenant.store.write().await?;
        let row = connection::Entity::find_by_id((self.tenant.id, id))
            .lock_exclusive()
            .one(&*transaction)
            .await?
            .ok_or(Error::NotFound("connection"))?;
        if expected.is_some_and(|version| version != row.version) {
            return Err(Error::Stale);
        }
        let version = row.version;
        let mut row = row.into_active_model();
        if let Some(name) = edit.name {
            row.name = Set(name);
        }
        if let Some(status) = edit.status {
            row.status = Set(status);
        }
        if let Some(strict) = edit.strict {
            row.strict = Set(strict);
        }
        row.version = Set(version + 1);
        row.updated_at = Set(self.tenant.now());
        let row = row.update(&*transaction).await?;
        RouteChange::Connection(id).note(&transaction, self.tenant.id).await?;
        transaction.commit().await?;
        Ok(row)
    }
}
