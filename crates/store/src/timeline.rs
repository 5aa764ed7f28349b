//! The timeline: what the identity provider asked of a user or group, and what became of it at each site.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::timeline_entry;
use crate::entity::words::{ObjectKind, TimelineKind};
use crate::error::Result;
use crate::id::{ConnectionId, SiteId, TenantId, TimelineId};
use crate::lookup::{json_without_nul, without_nul};
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
        Ok(query.all(&self.tenant.store.connection).await?)
    }
}

/// Writes entries in the transaction of the change that they tell of.
pub(crate) async fn insert(
    transaction: &WriteTransaction,
    tenant: TenantId,
    at: Timestamp,
    entries: Vec<NewEntry>,
) -> Result<()> {
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let rows = entries.by_ref().take(ENTRIES_PER_STATEMENT).map(|entry| row(tenant, at, entry));
        timeline_entry::Entity::insert_many(rows).exec_without_returning(&**transaction).await?;
    }
    Ok(())
}

/// Writes one entry and has a question answered by the same statement: 1 is yes.
pub(crate) async fn insert_asking(
    transaction: &WriteTransaction,
    tenant: TenantId,
    at: Timestamp,
    entry: NewEntry,
    question: Expr,
) -> Result<bool> {
    let mut insert = timeline_entry::Entity::insert(row(tenant, at, entry)).into_query();
    insert.returning(Query::returning().expr(question));
    let Some(answer) = transaction.query_one(&insert).await? else { return Ok(false) };
    Ok(answer.try_get_by_index::<i32>(0)? == 1)
}

fn row(tenant: TenantId, at: Timestamp, entry: NewEntry) -> timeline_entry::ActiveModel {
    timeline_entry::ActiveModel {
        tenant_id: Set(tenant),
        id: Set(TimelineId::generate()),
        at: Set(at),
        object_kind: Set(entry.object_kind),
        object_id: Set(entry.object_id),
        connection_id: Set(entry.connection_id),
        site_id: Set(entry.site_id),
        kind: Set(entry.kind),
        request_id: Set(entry.request_id),
        // Both may quote what a provider or a site sent.
        summary: Set(without_nul(&entry.summary).into_owned()),
        detail: Set(entry.detail.map(json_without_nul)),
    }
}
