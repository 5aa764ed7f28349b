//! `…/links/{link}/held`: work that passed the link's safety threshold and waits for an approval.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use serde::Serialize;
use serde_json::json;
use store::Timestamp;
use store::entity::task;
use store::entity::words::TaskKind;
use store::id::{ConnectionId, SiteId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::caller::{Admin, Auditor, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{LinkPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{QueryRefusals, RepeatRefusals, TenantRefusals};

/// A user or group whose change at the site is held.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldTask {
    /// What the object is.
    kind: TaskKind,
    /// The directory's user or group.
    object_id: Uuid,
    connection_id: ConnectionId,
    site_id: SiteId,
    /// Why it is held.
    reason: Option<String>,
    /// Since when it has been waiting to be looked at.
    marked_at: Timestamp,
}

/// How many tasks were let pass.
#[derive(Debug, Serialize, ToSchema)]
pub struct Approval {
    approved: u64,
}

impl From<task::Model> for HeldTask {
    fn from(row: task::Model) -> Self {
        Self {
            kind: row.kind,
            object_id: row.object_id,
            connection_id: row.connection_id,
            site_id: row.site_id,
            reason: row.last_error,
            marked_at: row.marked_at,
        }
    }
}

/// A place in the list of held tasks: in order of marking, then of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(Timestamp, Uuid);

/// A cursor that is none of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NoPlace;

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.0.0, self.1)
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, object_id) = text.split_once('_').ok_or(NoPlace)?;
        Ok(Self(Timestamp(at.parse().map_err(|_| NoPlace)?), object_id.parse().map_err(|_| NoPlace)?))
    }
}

/// List what waits for approval, the oldest first
#[utoipa::path(
    get, path = "/tenants/{tenant}/links/{link}/held", tag = "held",
    params(TenantPath, LinkPath, PageQuery),
    responses((status = 200, description = "A page of what waits", body = Page<HeldTask>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_held(
    caller: TenantCaller<Auditor>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<HeldTask>>, ApiError> {
    let window = query.window::<Place>()?;
    let link = caller.store.links().get(link).await?;
    let after = window.after.map(|Place(at, object_id)| (at, object_id));
    let tasks = caller.store.tasks(link.site_id);
    let rows = tasks.held_after(link.connection_id, after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| Place(row.marked_at, row.object_id), HeldTask::from)))
}

/// Let everything that waits for approval pass, once
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/held/approve", tag = "held",
    params(TenantPath, LinkPath, IdempotencyHeader),
    responses((status = 200, description = "How many tasks were let pass", body = Approval), TenantRefusals, RepeatRefusals),
)]
pub(crate) async fn approve_held(
    caller: TenantCaller<Admin>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
) -> Result<Json<Approval>, ApiError> {
    let link = caller.store.links().get(link).await?;
    let approved = caller.store.tasks(link.site_id).approve_held(link.connection_id).await?;
    caller.audit("held.approve", link.id, Some(json!({"approved": approved}))).await?;
    Ok(Json(Approval { approved }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_written() {
        let place = Place(Timestamp(1_700_000_000_007), Uuid::now_v7());
        assert_eq!(place.to_string().parse(), Ok(place));
        for garbage in ["", "_", "1_", "x_0", "1700000000007"] {
            assert!(garbage.parse::<Place>().is_err(), "{garbage}");
        }
    }
}
