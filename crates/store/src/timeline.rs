//! The timeline: what the identity provider asked of a user or group, and what became of it at each site.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::timeline_entry;
use crate::entity::words::{ObjectKind, TimelineKind};
use crate::error::Result;
use crate::id::{ConnectionId, SiteId, TenantId, TimelineId};
use crate::lookup::{json_without_nul, without_nul};
use crate::statement::{execute, placeholders};
use crate::tenant::TenantStore;

/// Rows of one insert: ten columns each stay far below SQLite's limit of bound values.
const ENTRIES_PER_STATEMENT: usize = 500;

/// The timeline of one tenant.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub(crate) tenant: TenantStore,
}

/// An entry to be written along with the change it tells of.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// What it is about.
    pub object_kind: ObjectKind,
    /// The directory user or group.
    pub object_id: Uuid,
    /// The directory.
    pub connection_id: Option<ConnectionId>,
    /// The site, for what happened there.
    pub site_id: Option<SiteId>,
    /// Request from the provider, or work at a site.
    pub kind: TimelineKind,
    /// The SCIM request.
    pub request_id: Option<String>,
    /// One sentence.
    pub summary: String,
    /// More, for those who look.
    pub detail: Option<Value>,
}

impl Timeline {
    /// A page about one user or group, newest first, before `before`.
    pub async fn list(
        &self,
        object_id: Uuid,
        before: Option<TimelineId>,
        limit: u64,
    ) -> Result<Vec<timeline_entry::Model>> {
        let mut query = timeline_entry::Entity::find()
            .filter(timeline_entry::Column::TenantId.eq(self.tenant.id))
            .filter(timeline_entry::Column::ObjectId.eq(object_id))
            .order_by_desc(timeline_entry::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(timeline_entry::Column::Id.lt(before));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// The last that was told of an object at a site.
    pub async fn last_at(&self, object_id: Uuid, site: SiteId) -> Result<Option<String>> {
        let last = timeline_entry::Entity::find()
            .filter(timeline_entry::Column::TenantId.eq(self.tenant.id))
            .filter(timeline_entry::Column::ObjectId.eq(object_id))
            .filter(timeline_entry::Column::SiteId.eq(site))
            .order_by_desc(timeline_entry::Column::Id)
            .one(&self.tenant.store.reader())
            .await?;
        Ok(last.map(|entry| entry.summary))
    }
}

/// The columns of an entry; see [`values`].
pub(crate) const COLUMNS: &str = "tenant_id, id, at, object_kind, object_id, connection_id, site_id, kind, \
    request_id, summary, detail";

/// Writes entries in the transaction of the change that they tell of.
pub(crate) async fn insert(
    transaction: &WriteTransaction,
    tenant: TenantId,
    at: Timestamp,
    entries: Vec<NewEntry>,
) -> Result<()> {
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let (mut bound, mut rows) = (Vec::new(), Vec::new());
        for entry in entries.by_ref().take(ENTRIES_PER_STATEMENT) {
            let entry = values(tenant, at, entry);
            rows.push(format!("({})", placeholders(bound.len() + 1, entry.len())));
            bound.extend(entry);
        }
        let sql = format!("INSERT INTO timeline ({COLUMNS}) VALUES {}", rows.join(","));
        execute(&**transaction, sql, bound).await?;
    }
    Ok(())
}

/// An entry's values for [`COLUMNS`].
pub(crate) fn values(tenant: TenantId, at: Timestamp, entry: NewEntry) -> Vec<sea_orm::Value> {
    vec![
        tenant.into(),
        TimelineId::generate().into(),
        at.into(),
        entry.object_kind.into(),
        entry.object_id.into(),
        entry.connection_id.into(),
        entry.site_id.into(),
        entry.kind.into(),
        entry.request_id.into(),
        // Both may quote what a provider or a site sent.
        without_nul(&entry.summary).into_owned().into(),
        entry.detail.map(json_without_nul).into(),
    ]
}
