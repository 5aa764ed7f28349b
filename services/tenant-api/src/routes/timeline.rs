//! `…/users/{user}/timeline` and `…/groups/{group}/timeline`: what was asked for, and what came of it.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use store::entity::timeline_entry;
use store::entity::words::{ObjectKind, TimelineKind};
use store::id::{ConnectionId, SiteId, TimelineId};
use store::{TenantStore, Timestamp};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::caller::{Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, PageQuery};
use crate::parameters::{GroupPath, PathParameters, QueryParameters, TenantPath, UserPath};
use crate::refusals::{QueryRefusals, TenantRefusals};
use crate::routes::{groups, users};

/// Something that happened to a user or group.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    id: TimelineId,
    at: Timestamp,
    /// A request from the identity provider, or something at a site.
    kind: TimelineKind,
    connection_id: Option<ConnectionId>,
    site_id: Option<SiteId>,
    /// The SCIM request's `x-request-id`.
    request_id: Option<String>,
    /// One sentence.
    summary: String,
    /// More, for those who look.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

impl From<timeline_entry::Model> for TimelineEntry {
    fn from(row: timeline_entry::Model) -> Self {
        Self {
            id: row.id,
            at: row.at,
            kind: row.kind,
            connection_id: row.connection_id,
            site_id: row.site_id,
            request_id: row.request_id,
            summary: row.summary,
            detail: row.detail,
        }
    }
}

/// List what happened to a user, the newest first
///
/// A deleted user's timeline stays.
#[utoipa::path(
    get, path = "/tenants/{tenant}/users/{user}/timeline", tag = "users",
    params(TenantPath, UserPath, PageQuery),
    responses((status = 200, description = "A page of entries", body = Page<TimelineEntry>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_user_timeline(
    caller: TenantCaller<Auditor, People>,
    PathParameters(UserPath { user: id }): PathParameters<UserPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<TimelineEntry>>, ApiError> {
    let page = entries(&caller.store, ObjectKind::User, id.0, &query).await?;
    if page.items.is_empty() && query.cursor.is_none() && users::find(&caller.store, id).await?.is_none() {
        return Err(ApiError::NotFound("user"));
    }
    Ok(Json(page))
}

/// List what happened to a group, the newest first
///
/// A deleted group's timeline stays.
#[utoipa::path(
    get, path = "/tenants/{tenant}/groups/{group}/timeline", tag = "groups",
    params(TenantPath, GroupPath, PageQuery),
    responses((status = 200, description = "A page of entries", body = Page<TimelineEntry>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_group_timeline(
    caller: TenantCaller<Auditor, People>,
    PathParameters(GroupPath { group: id }): PathParameters<GroupPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<TimelineEntry>>, ApiError> {
    let page = entries(&caller.store, ObjectKind::Group, id.0, &query).await?;
    if page.items.is_empty() && query.cursor.is_none() && groups::find(&caller.store, id).await?.is_none() {
        return Err(ApiError::NotFound("group"));
    }
    Ok(Json(page))
}

async fn entries(
    store: &TenantStore,
    kind: ObjectKind,
    object_id: Uuid,
    query: &PageQuery,
) -> Result<Page<TimelineEntry>, ApiError> {
    let window = query.window::<TimelineId>()?;
    let mut rows = store.timeline().list(object_id, window.after, window.fetch()).await?;
    // An id is a user's or a group's, so this drops all or nothing.
    rows.retain(|row| row.object_kind == kind);
    Ok(window.page(rows, |row| row.id, TimelineEntry::from))
}
