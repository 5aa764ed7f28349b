//! `/tenants/{tenant}/groups`: the groups that the identity providers have provisioned.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use serde::{Deserialize, Serialize};
use store::entity::{group, parked_member};
use store::id::{ConnectionId, GroupId};
use store::{TenantStore, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::caller::{Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, PageQuery, window};
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
    /// What the name begins with, in any case. The answer is one page, in order of names; with more of them, search for
    /// more letters.
    search: Option<String>,
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

/// A group, and how many of its members are not there yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupDetail {
    #[serde(flatten)]
    group: Group,
    /// Members that the provider named before it provisioned them; they join when they arrive.
    parked_members: u64,
}

/// A member that the provider named before it provisioned it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParkedMember {
    /// What the provider sent as its value: an id, an externalId or a userName.
    value: String,
    /// When the group was first sent with it.
    since: Timestamp,
}

impl From<parked_member::Model> for ParkedMember {
    fn from(row: parked_member::Model) -> Self {
        Self { value: row.value_text, since: row.since }
    }
}

/// A place in the list of parked members: the key of the last one, in hex, since it may be any text.
struct ParkedPlace(String);

impl fmt::Display for ParkedPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl FromStr for ParkedPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // PostgreSQL has no text with NUL, and we give no such cursor.
        let key = String::from_utf8(hex::decode(text).map_err(|_| ())?).map_err(|_| ())?;
        if key.contains('\0') { Err(()) } else { Ok(Self(key)) }
    }
}

/// List the groups of a connection
#[utoipa::path(
    get, path = "/tenants/{tenant}/groups", tag = "groups",
    params(TenantPath, GroupQuery),
    responses((status = 200, description = "A page of groups", body = Page<Group>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_groups(
    caller: TenantCaller<Auditor, People>,
    QueryParameters(query): QueryParameters<GroupQuery>,
) -> Result<Json<Page<Group>>, ApiError> {
    let window = window::<GroupId>(query.limit, query.cursor.as_deref())?;
    caller.store.connections().get(query.connection_id).await?;
    let groups = caller.store.groups(query.connection_id);
    let rows = match (query.display_name, query.search) {
        (Some(name), _) => groups.named(&name, window.after, window.fetch()).await?,
        (None, Some(start)) => {
            let rows = groups.beginning_with(&start, window.fetch() - 1).await?;
            return Ok(Json(Page::whole(rows.into_iter().map(Group::from).collect())));
        }
        (None, None) => groups.after(window.after, window.fetch()).await?,
    };
    Ok(Json(window.page(rows, |row| row.id, Group::from)))
}

/// Show a group
#[utoipa::path(
    get, path = "/tenants/{tenant}/groups/{group}", tag = "groups",
    params(TenantPath, GroupPath),
    responses((status = 200, description = "The group", body = GroupDetail), TenantRefusals),
)]
pub(crate) async fn get_group(
    caller: TenantCaller<Auditor, People>,
    PathParameters(GroupPath { group: id }): PathParameters<GroupPath>,
) -> Result<Json<GroupDetail>, ApiError> {
    let row = find(&caller.store, id).await?.ok_or(ApiError::NotFound("group"))?;
    let parked_members = caller.store.groups(row.connection_id).parked_count(id).await?;
    Ok(Json(GroupDetail { group: row.into(), parked_members }))
}

/// List the members of a group that are not there yet
///
/// The provider named them as members before it provisioned them. Each becomes a member when a user or group
/// arrives whose id, externalId or userName is its value.
#[utoipa::path(
    get, path = "/tenants/{tenant}/groups/{group}/parked-members", tag = "groups",
    params(TenantPath, GroupPath, PageQuery),
    responses((status = 200, description = "A page of parked members", body = Page<ParkedMember>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_parked_members(
    caller: TenantCaller<Auditor, People>,
    PathParameters(GroupPath { group: id }): PathParameters<GroupPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<ParkedMember>>, ApiError> {
    let window = query.window::<ParkedPlace>()?;
    let row = find(&caller.store, id).await?.ok_or(ApiError::NotFound("group"))?;
    let groups = caller.store.groups(row.connection_id);
    let after = window.after.as_ref().map(|place| place.0.as_str());
    let rows = groups.parked_after(id, after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| ParkedPlace(row.value.clone()), ParkedMember::from)))
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
