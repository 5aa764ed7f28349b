//! `/tenants/{tenant}/users`: the people that the identity providers have provisioned.

use axum::Json;
use serde::{Deserialize, Serialize};
use store::entity::user;
use store::id::{ConnectionId, SiteId, UserId};
use store::{TenantStore, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::caller::{Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, window};
use crate::parameters::{PathParameters, QueryParameters, TenantPath, UserPath};
use crate::refusals::{QueryRefusals, TenantRefusals};

/// Rows of connections or links that are read at a time while looking through all of them.
const BATCH: u64 = 100;

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// The connection whose directory is listed.
    connection_id: ConnectionId,
    /// Only the user of this name, in any case.
    user_name: Option<String>,
    /// What the user name, display name or e-mail address begins with, in any case. The answer is one page, in order of
    /// user names; with more of them, search for more letters.
    search: Option<String>,
    /// Items at the most, 1 to 1000; 100 when absent.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A user as the identity provider wants it to be.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name of the SCIM attribute")]
pub struct User {
    /// The SCIM id.
    id: UserId,
    connection_id: ConnectionId,
    user_name: String,
    display_name: Option<String>,
    external_id: Option<String>,
    active: bool,
    created_at: Timestamp,
    last_modified_at: Timestamp,
}

/// A user, and what stands for it at each site.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserWithSites {
    #[serde(flatten)]
    user: User,
    sites: Vec<UserAccount>,
}

/// What stands for a user at a site, as last known.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserAccount {
    site_id: SiteId,
    username: String,
    /// Null until the site has shown the account.
    active: Option<bool>,
    /// The product's stable name for the account; null until the site has shown it.
    key: Option<String>,
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        let text = |name: &str| row.document.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Self {
            user_name: text("userName").unwrap_or_else(|| row.user_name_folded.clone()),
            display_name: text("displayName"),
            id: row.id,
            connection_id: row.connection_id,
            external_id: row.external_id,
            active: row.active,
            created_at: row.created_at,
            last_modified_at: row.last_modified_at,
        }
    }
}

/// List the users of a connection
#[utoipa::path(
    get, path = "/tenants/{tenant}/users", tag = "users",
    params(TenantPath, UserQuery),
    responses((status = 200, description = "A page of users", body = Page<User>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_users(
    caller: TenantCaller<Auditor, People>,
    QueryParameters(query): QueryParameters<UserQuery>,
) -> Result<Json<Page<User>>, ApiError> {
    let window = window::<UserId>(query.limit, query.cursor.as_deref())?;
    caller.store.connections().get(query.connection_id).await?;
    let users = caller.store.users(query.connection_id);
    let rows = match (query.user_name, query.search) {
        (Some(name), _) => users.find_by_user_name(&name).await?.into_iter().collect(),
        (None, Some(start)) => {
            let rows = users.beginning_with(&start, window.fetch() - 1).await?;
            return Ok(Json(Page::whole(rows.into_iter().map(User::from).collect())));
        }
        (None, None) => users.after(window.after, window.fetch()).await?,
    };
    Ok(Json(window.page(rows, |row| row.id, User::from)))
}

/// Show a user and its accounts at the sites
#[utoipa::path(
    get, path = "/tenants/{tenant}/users/{user}", tag = "users",
    params(TenantPath, UserPath),
    responses((status = 200, description = "The user", body = UserWithSites), TenantRefusals),
)]
pub(crate) async fn get_user(
    caller: TenantCaller<Auditor, People>,
    PathParameters(UserPath { user: id }): PathParameters<UserPath>,
) -> Result<Json<UserWithSites>, ApiError> {
    let row = find(&caller.store, id).await?.ok_or(ApiError::NotFound("user"))?;
    let sites = accounts(&caller.store, &row).await?;
    Ok(Json(UserWithSites { user: row.into(), sites }))
}

/// The user, in whichever of the tenant's directories it is.
pub(super) async fn find(store: &TenantStore, id: UserId) -> Result<Option<user::Model>, ApiError> {
    for connection in connections(store).await? {
        if let Some(row) = store.users(connection).find(id).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// All connections of the tenant.
pub(super) async fn connections(store: &TenantStore) -> Result<Vec<ConnectionId>, ApiError> {
    let mut ids: Vec<ConnectionId> = Vec::new();
    loop {
        let batch = store.connections().list(ids.last().copied(), BATCH).await?;
        if batch.is_empty() {
            return Ok(ids);
        }
        ids.extend(batch.into_iter().map(|row| row.id));
    }
}

async fn accounts(store: &TenantStore, user: &user::Model) -> Result<Vec<UserAccount>, ApiError> {
    let mut accounts = Vec::new();
    for link in store.links().of_connection(user.connection_id).await? {
        let site_id = link.site_id;
        if let Some(account) = store.accounts(site_id).find_by_user(user.id).await? {
            let (username, active, key) = (account.username, account.active, account.key);
            accounts.push(UserAccount { site_id, username, active, key });
        }
    }
    Ok(accounts)
}
