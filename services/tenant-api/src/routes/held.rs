//! `…/links/{link}/held`: work that passed the link's safety threshold and waits for an approval.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::task;
use store::entity::words::TaskKind;
use store::held::Chosen;
use store::id::{ConnectionId, GroupId, SiteId, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Body;
use crate::caller::{Admin, Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{LinkPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{CreateRefusals, QueryRefusals, TenantRefusals};
use crate::routes::names;

/// A user or group whose change at the site is held.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldTask {
    /// What the object is.
    kind: TaskKind,
    /// The directory's user or group.
    object_id: Uuid,
    /// Its `userName` or `displayName`; null when the directory has deleted it.
    name: Option<String>,
    connection_id: ConnectionId,
    site_id: SiteId,
    /// Why it is held.
    reason: Option<String>,
    /// Since when it has been waiting to be looked at.
    marked_at: Timestamp,
}

/// What an answer is for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldChoice {
    /// Users and groups by their ids in the directory, 1 to 10000; everything that is held when absent.
    object_ids: Option<Vec<Uuid>>,
}

impl HeldChoice {
    fn chosen(&self) -> Result<Chosen<'_>, ApiError> {
        match &self.object_ids {
            None => Ok(Chosen::All),
            Some(ids) if (1..=MAX_CHOICE).contains(&ids.len()) => Ok(Chosen::Only(ids)),
            Some(_) => Err(ApiError::invalid(
                "object_ids",
                format!("must have 1 to {MAX_CHOICE} entries; leave it out for all"),
            )),
        }
    }
}

/// Objects that one answer can name.
const MAX_CHOICE: usize = 10_000;

/// How many tasks were let pass.
#[derive(Debug, Serialize, ToSchema)]
pub struct Approval {
    approved: u64,
}

/// How many tasks were turned down.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejection {
    rejected: u64,
}

impl HeldTask {
    fn new(row: task::Model, names: &HashMap<Uuid, String>) -> Self {
        Self {
            name: names.get(&row.object_id).cloned(),
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
    caller: TenantCaller<Auditor, People>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<HeldTask>>, ApiError> {
    let window = query.window::<Place>()?;
    let link = caller.store.links().get(link).await?;
    let after = window.after.map(|Place(at, object_id)| (at, object_id));
    let tasks = caller.store.tasks(link.site_id);
    let rows = tasks.held_after(link.connection_id, after, window.fetch()).await?;
    let of_kind = |kind| rows.iter().filter(move |row| row.kind == kind).map(|row| row.object_id);
    let users: Vec<UserId> = of_kind(TaskKind::User).map(UserId).collect();
    let groups: Vec<GroupId> = of_kind(TaskKind::Group).map(GroupId).collect();
    let names = names::of(&caller.store, link.connection_id, &users, &groups).await?;
    let page = window.page(rows, |row| Place(row.marked_at, row.object_id), |row| HeldTask::new(row, &names));
    Ok(Json(page))
}

/// Let what waits for approval pass, once
///
/// All of it, or some users and groups.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/held/approve", tag = "held", request_body = Option<HeldChoice>,
    params(TenantPath, LinkPath, IdempotencyHeader),
    responses((status = 200, description = "How many tasks were let pass", body = Approval), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn approve_held(
    caller: TenantCaller<Admin, People>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
    Body(body): Body<HeldChoice>,
) -> Result<Json<Approval>, ApiError> {
    let link = caller.store.links().get(link).await?;
    let (chosen, edit) = (body.chosen()?, caller.edit().await?);
    let approved = edit.store.tasks(link.site_id).approve_held(link.connection_id, chosen).await?;
    let detail = json!({"approved": approved, "object_ids": body.object_ids});
    edit.commit("held.approve", link.id, Some(detail)).await?;
    Ok(Json(Approval { approved }))
}

/// Turn down what waits for approval
///
/// All of it, or some users and groups. Their accounts stay as they are until the directory changes them again, or a run
/// looks at them: then the threshold judges anew.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/held/reject", tag = "held", request_body = Option<HeldChoice>,
    params(TenantPath, LinkPath, IdempotencyHeader),
    responses((status = 200, description = "How many tasks were turned down", body = Rejection), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn reject_held(
    caller: TenantCaller<Admin, People>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
    Body(body): Body<HeldChoice>,
) -> Result<Json<Rejection>, ApiError> {
    let link = caller.store.links().get(link).await?;
    let site = caller.store.sites().get(link.site_id).await?;
    let (chosen, edit) = (body.chosen()?, caller.edit().await?);
    let tasks = edit.store.tasks(link.site_id);
    let rejected = tasks.reject_held(link.connection_id, chosen, &site.name, &caller.actor).await?;
    drop(tasks);
    let detail = json!({"rejected": rejected, "object_ids": body.object_ids});
    edit.commit("held.reject", link.id, Some(detail)).await?;
    Ok(Json(Rejection { rejected }))
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
