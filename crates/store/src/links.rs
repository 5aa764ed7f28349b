//! Links: which connection feeds which site, and how.
//!
//! A link that begins to be carried out, or is to be carried out in another way, asks for a run in the
//! same transaction: the site comes to what the link asks of all that the directory holds already.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::entity::link;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, LinkId, SiteId};
use crate::runs;
use crate::tenant::TenantStore;
use crate::turns;

/// The links of one tenant.
#[derive(Clone, Debug)]
pub struct Links {
    pub(crate) tenant: TenantStore,
}

/// What an admin says of a new link.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// Where people come from.
    pub connection_id: ConnectionId,
    /// Where they go.
    pub site_id: SiteId,
    /// The larger wins where links disagree.
    pub precedence: i32,
    /// Whether it is carried out.
    pub enabled: bool,
    /// Settings as JSON, checked by the caller.
    pub settings: Value,
    /// When its first run begins by itself, as the settings say.
    pub next_run_at: Option<Timestamp>,
}

/// What an admin changes; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct LinkEdit {
    /// The larger wins where links disagree.
    pub precedence: Option<i32>,
    /// Whether it is carried out.
    pub enabled: Option<bool>,
    /// Settings as JSON, checked by the caller.
    pub settings: Option<Value>,
    /// When its next run begins by itself, as the new settings say.
    pub next_run_at: Option<Option<Timestamp>>,
}

impl Links {
    /// Makes a link, and a run when it is enabled. [`Error::NotFound`] when the connection or site is not
    /// the tenant's, [`Error::Conflict`] when the two are linked already.
    pub async fn insert(&self, new: NewLink) -> Result<link::Model> {
        self.tenant.sites().get(new.site_id).await?;
        let now = self.tenant.now();
        let row = link::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(LinkId::generate()),
            connection_id: Set(new.connection_id),
            site_id: Set(new.site_id),
            precedence: Set(new.precedence),
            enabled: Set(new.enabled),
            settings: Set(new.settings),
            next_run_at: Set(new.next_run_at),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let transaction = self.tenant.store.write().await?;
        // Whoever is being created is marked for the site by its own transaction, or there when the run looks.
        turns::alone(&transaction, (self.tenant.id, new.connection_id)).await?;
        let row = row.insert(&*transaction).await?;
        if row.enabled {
            runs::insert(&transaction, &row, "link created", now).await?;
        }
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(row)
    }

    /// The link.
    pub async fn get(&self, id: LinkId) -> Result<link::Model> {
        link::Entity::find_by_id((self.tenant.id, id))
            .one(&self.tenant.store.reader())
            .await?
            .ok_or(Error::NotFound("link"))
    }

    /// A page in order of creation, after `after`.
    pub async fn list(&self, after: Option<LinkId>, limit: u64) -> Result<Vec<link::Model>> {
        let mut query = link::Entity::find()
            .filter(link::Column::TenantId.eq(self.tenant.id))
            .order_by_asc(link::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(link::Column::Id.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// All links that feed a site, disabled ones included.
    pub async fn of_site(&self, site: SiteId) -> Result<Vec<link::Model>> {
        Ok(link::Entity::find()
            .filter(link::Column::TenantId.eq(self.tenant.id))
            .filter(link::Column::SiteId.eq(site))
            .order_by_asc(link::Column::Id)
            .all(&self.tenant.store.reader())
            .await?)
    }

    /// All links of a connection, disabled ones included.
    pub async fn of_connection(&self, connection: ConnectionId) -> Result<Vec<link::Model>> {
        Ok(link::Entity::find()
            .filter(link::Column::TenantId.eq(self.tenant.id))
            .filter(link::Column::ConnectionId.eq(connection))
            .order_by_asc(link::Column::Id)
            .all(&self.tenant.store.reader())
            .await?)
    }

    /// Edits the link, and asks for a run when an enabled link now asks for something else, or is enabled
    /// only now. [`Error::Stale`] when it is no longer at version `expected`.
    pub async fn update(&self, id: LinkId, expected: Option<i64>, edit: LinkEdit) -> Result<link::Model> {
        let transaction = self.tenant.store.write().await?;
        let row = link::Entity::find_by_id((self.tenant.id, id))
            .lock_exclusive()
            .one(&*transaction)
            .await?
            .ok_or(Error::NotFound("link"))?;
        if expected.is_some_and(|version| version != row.version) {
            return Err(Error::Stale);
        }
        let before = row.clone();
        let mut row = row.into_active_model();
        if let Some(precedence) = edit.precedence {
            row.precedence = Set(precedence);
        }
        if let Some(enabled) = edit.enabled {
            row.enabled = Set(enabled);
        }
        if let Some(settings) = edit.settings {
            row.settings = Set(settings);
        }
        if let Some(next_run_at) = edit.next_run_at {
            row.next_run_at = Set(next_run_at);
        }
        let now = self.tenant.now();
        row.version = Set(before.version + 1);
        row.updated_at = Set(now);
        let row = row.update(&*transaction).await?;
        if row.enabled && asks(&row) != asks(&before) {
            turns::alone(&transaction, (self.tenant.id, row.connection_id)).await?;
            runs::insert(&transaction, &row, "link changed", now).await?;
        }
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(row)
    }
}

/// All of a link that a site's state depends on: when runs begin by themselves is not part of it.
fn asks(link: &link::Model) -> (bool, i32, Value) {
    let mut settings = link.settings.clone();
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("schedule");
    }
    (link.enabled, link.precedence, settings)
}
