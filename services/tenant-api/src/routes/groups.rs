//! `/tenants/{tenant}/groups`: the groups that the identity providers have provisioned.

use axum::Json;
use serde::{Deserialize, Serialize};
use store::entity::group;
use store::id::{ConnectionId, GroupId};
use store::{TenantStore, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::caller::{Auditor, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, window};
use crate::parameters::{GroupPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{QueryRefusals, TenantRefusals};
use crate::routes::users::connections;

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GroupQuery {
    /// The connection whose directory is listed.
    connection_id: ConnectionId,
    /// Only groups of this name, in any case.
    display_name: Option<String>,
    /// Items at the most, 1 to 1000; 100 when absent.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A group as the identity provider wants it to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// The SCIM id.
    id: GroupId,
    connection_id: ConnectionId,
    display_name: String,
    external_id: Option<String>,
    created_at: Timestamp,
    last_modified_at: Timestamp,
}

impl From<group::Model> for Group {
    fn from(row: group::Model) -> Self {
        Self {
            id: row.id,
            connection_id: row.connection_id,
            display_name: row.display_name,
            external_id: row.external_id,
            created_at: row.created_at,
            last_modified_at: row.last_modified_at,
        }
    }
}

/// List the groups of a connection
#[utoipa::path(
    get, path = "/tenants/{tenant}/groups", tag = "groups",
    params(TenantPath, GroupQuery),
    responses((status = 200, description = "A page of groups", body = Page<Group>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_groups(
    caller: TenantCaller<Auditor>,
    QueryParameters(query): QueryParameters<GroupQuery>,
) -> Result<Json<Page<Group>>, ApiError> {
    let window = window::<GroupId>(query.limit, query.cursor.as_deref())?;
    caller.store.connections().get(query.connection_id).await?;
    let groups = caller.store.groups(query.connection_id);
    let rows = match query.display_name {
        Some(name) => groups.named(&name, window.after, window.fetch()).await?,
        None => groups.after(window.after, window.fetch()).await?,
    };
    Ok(Json(window.page(rows, |row| row.id, Group::from)))
}

/// Show a group
#[utoipa::path(
    get, path = "/tenants/{tenant}/groups/{group}", tag = "groups",
    params(TenantPath, GroupPath),
    responses((status = 200, description = "The group", body = Group), TenantRefusals),
)]
pub(crate) async fn get_group(
    caller: TenantCaller<Auditor>,
    PathParameters(GroupPath { group: id }): PathParameters<GroupPath>,
) -> Result<Json<Group>, ApiError> {
    let row = find(&caller.store, id).await?.ok_or(ApiError::NotFound("group"))?;
    Ok(Json(row.into()))
}

/// The group, in whichever of the tenant's directories it is.
pub(super) async fn find(store: &TenantStore, id: GroupId) -> Result<Option<group::Model>, ApiError> {
    for connection in connections(store).await? {
        if let Some(row) = store.groups(connection).find(id).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
