//! `/tenants/{tenant}/connections`: the identity providers of a tenant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::connections::{ConnectionEdit, NewConnection};
use store::entity::connection;
use store::entity::words::{ConnectionMethod, ConnectionStatus};
use store::id::ConnectionId;
use url::Position;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Admin, Auditor, ConnectionCaller, TenantCaller};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{ConnectionPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{CreateRefusals, EditRefusals, QueryRefusals, TenantRefusals};
use crate::state::ApiState;
use crate::validation::Problems;

/// A new connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateConnection {
    /// Name for people.
    name: String,
    /// Which product it is: `oracle`, `okta`, `entra`, … or `generic`.
    provider: String,
    /// Whether the provider pushes (`scim`, the default) or is read (`pull`, not offered yet).
    #[serde(default = "scim")]
    method: ConnectionMethod,
    /// Refuse requests that stray from the RFC instead of repairing them.
    #[serde(default)]
    strict: bool,
}

fn scim() -> ConnectionMethod {
    ConnectionMethod::Scim
}

/// A change of a connection; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConnection {
    name: Option<String>,
    /// A paused connection's requests are answered with 503.
    status: Option<ConnectionStatus>,
    strict: Option<bool>,
}

/// One identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct Connection {
    id: ConnectionId,
    name: String,
    provider: String,
    method: ConnectionMethod,
    status: ConnectionStatus,
    strict: bool,
    scim: ScimAddress,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Where the provider sends its SCIM requests: whole, and in the two parts that Oracle asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScimAddress {
    /// `{host_name}{base_uri}`, with the path of the public URL between them if it has one.
    base_url: String,
    /// Scheme, host, and port if it is not the scheme's own.
    host_name: String,
    /// The path.
    base_uri: String,
}

impl ScimAddress {
    fn of(state: &ApiState, id: ConnectionId) -> Self {
        let base_url = format!("{}/scim/{id}/v2", state.public_base());
        let host_name = state.public_url[..Position::BeforePath].to_owned();
        Self { base_uri: base_url[host_name.len()..].to_owned(), base_url, host_name }
    }
}

fn shown(state: &ApiState, row: connection::Model) -> Connection {
    Connection {
        scim: ScimAddress::of(state, row.id),
        id: row.id,
        name: row.name,
        provider: row.provider,
        method: row.method,
        status: row.status,
        strict: row.strict,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// Register a connection
#[utoipa::path(
    post, path = "/tenants/{tenant}/connections", tag = "connections", request_body = CreateConnection,
    params(TenantPath, IdempotencyHeader),
    responses((status = 201, description = "The new connection", body = Connection, headers(("ETag" = String))), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_connection(
    caller: TenantCaller<Admin>,
    State(state): State<ApiState>,
    Body(body): Body<CreateConnection>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    problems.name("name", &body.name);
    problems.slug("provider", &body.provider);
    if body.method == ConnectionMethod::Pull {
        problems.add("method", "pull is not supported yet; use scim");
    }
    problems.check()?;
    let new =
        NewConnection { name: body.name, provider: body.provider, method: body.method, strict: body.strict };
    let edit = caller.edit().await?;
    let row = edit.store.connections().insert(new).await?;
    let detail = json!({"name": row.name, "provider": row.provider, "strict": row.strict});
    edit.commit("connection.create", row.id, Some(detail)).await?;
    Ok((StatusCode::CREATED, etag(row.version), Json(shown(&state, row))))
}

/// List the connections
#[utoipa::path(
    get, path = "/tenants/{tenant}/connections", tag = "connections",
    params(TenantPath, PageQuery),
    responses((status = 200, description = "A page of connections", body = Page<Connection>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_connections(
    caller: TenantCaller<Auditor>,
    State(state): State<ApiState>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<Connection>>, ApiError> {
    let window = query.window::<ConnectionId>()?;
    let rows = caller.store.connections().list(window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, |row| shown(&state, row))))
}

/// Show a connection
#[utoipa::path(
    get, path = "/tenants/{tenant}/connections/{connection}", tag = "connections",
    params(TenantPath, ConnectionPath),
    responses((status = 200, description = "The connection", body = Connection, headers(("ETag" = String))), TenantRefusals),
)]
pub(crate) async fn get_connection(
    ConnectionCaller { caller, .. }: ConnectionCaller<Auditor>,
    State(state): State<ApiState>,
    PathParameters(ConnectionPath { connection: id }): PathParameters<ConnectionPath>,
) -> Result<impl IntoResponse, ApiError> {
    let row = caller.store.connections().get(id).await?;
    Ok((etag(row.version), Json(shown(&state, row))))
}

/// Change a connection
#[utoipa::path(
    patch, path = "/tenants/{tenant}/connections/{connection}", tag = "connections",
    request_body = UpdateConnection,
    params(
        TenantPath,
        ConnectionPath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on"),
    ),
    responses(
        (status = 200, description = "The connection as it is now", body = Connection, headers(("ETag" = String))), TenantRefusals, EditRefusals
    ),
)]
pub(crate) async fn update_connection(
    caller: TenantCaller<Admin>,
    State(state): State<ApiState>,
    PathParameters(ConnectionPath { connection: id }): PathParameters<ConnectionPath>,
    if_match: IfMatch,
    Body(body): Body<UpdateConnection>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    body.name.iter().for_each(|name| problems.name("name", name));
    problems.check()?;
    let current = caller.store.connections().get(id).await?;
    let expected = if_match.expect(current.version)?;
    let change = ConnectionEdit { name: body.name, status: body.status, strict: body.strict };
    let edit = caller.edit().await?;
    let row = edit.store.connections().update(id, expected, change).await?;
    let (version, before, after) = (row.version, shown(&state, current), shown(&state, row));
    edit.commit_change("connection.update", id, json!({}), &before, &after).await?;
    // The gateway's cache holds a token together with its connection.
    for token in caller.store.tokens(id).list().await? {
        (state.revocations)(&token.digest);
    }
    Ok((etag(version), Json(after)))
}
