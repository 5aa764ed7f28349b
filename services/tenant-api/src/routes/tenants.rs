//! `/tenants`: the organizations of this installation.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::tenant;
use store::entity::words::TenantStatus;
use store::id::TenantId;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Auditor, Caller, Operator, TenantCaller};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{QueryParameters, TenantPath};
use crate::refusals::{CreateRefusals, EditRefusals, QueryRefusals, Refusals, TenantRefusals};
use crate::state::ApiState;
use crate::validation::Problems;

/// A new tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTenant {
    /// Stands for the tenant in paths: small letters, digits, hyphens.
    slug: String,
    /// Name for people.
    name: String,
}

/// A change of a tenant; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTenant {
    name: Option<String>,
    status: Option<ServedStatus>,
}

/// Whether a tenant is served.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServedStatus {
    /// As ever.
    Active,
    /// Its providers and keys are refused, and nothing is done at its sites; what waits there waits on.
    Suspended,
}

/// One organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tenant {
    id: TenantId,
    /// Stands for the id in paths.
    slug: String,
    name: String,
    status: TenantStatus,
    created_at: Timestamp,
}

impl From<tenant::Model> for Tenant {
    fn from(row: tenant::Model) -> Self {
        Self { id: row.id, slug: row.slug, name: row.name, status: row.status, created_at: row.created_at }
    }
}

/// Register a tenant
#[utoipa::path(
    post, path = "/tenants", tag = "tenants", request_body = CreateTenant,
    params(IdempotencyHeader),
    responses((status = 201, description = "The new tenant", body = Tenant), Refusals, CreateRefusals),
)]
pub(crate) async fn create_tenant(
    caller: Caller<Operator>,
    State(state): State<ApiState>,
    Body(body): Body<CreateTenant>,
) -> Result<(StatusCode, Json<Tenant>), ApiError> {
    let mut problems = Problems::default();
    problems.slug("slug", &body.slug);
    problems.name("name", &body.name);
    problems.check()?;
    let row = state.store.tenants().register(&body.slug, &body.name, &caller.actor).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// List all tenants
#[utoipa::path(
    get, path = "/tenants", tag = "tenants", params(PageQuery),
    responses((status = 200, description = "A page of tenants", body = Page<Tenant>), Refusals, QueryRefusals),
)]
pub(crate) async fn list_tenants(
    _: Caller<Operator>,
    State(state): State<ApiState>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<Tenant>>, ApiError> {
    let window = query.window::<TenantId>()?;
    let rows = state.store.tenants().list(window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, Tenant::from)))
}

/// Show a tenant
#[utoipa::path(
    get, path = "/tenants/{tenant}", tag = "tenants",
    params(TenantPath),
    responses((status = 200, description = "The tenant", body = Tenant, headers(("ETag" = String))), TenantRefusals),
)]
pub(crate) async fn get_tenant(caller: TenantCaller<Auditor>) -> impl IntoResponse {
    (etag(caller.tenant.version), Json(Tenant::from(caller.tenant)))
}

/// Change a tenant, suspend it, or serve it again
#[utoipa::path(
    patch, path = "/tenants/{tenant}", tag = "tenants", request_body = UpdateTenant,
    params(
        TenantPath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The tenant as it is now", body = Tenant, headers(("ETag" = String))), TenantRefusals, EditRefusals),
)]
pub(crate) async fn update_tenant(
    caller: TenantCaller<Operator>,
    if_match: IfMatch,
    Body(body): Body<UpdateTenant>,
) -> Result<impl IntoResponse, ApiError> {
    let expected = if_match.expect(caller.tenant.version)?;
    let mut problems = Problems::default();
    body.name.iter().for_each(|name| problems.name("name", name));
    problems.check()?;
    let status = body.status.map(|status| match status {
        ServedStatus::Active => TenantStatus::Active,
        ServedStatus::Suspended => TenantStatus::Suspended,
    });
    let edit = caller.edit().await?;
    let row = edit.store.tenants().update(caller.tenant.id, expected, body.name.as_deref(), status).await?;
    let (id, version) = (row.id, row.version);
    let (before, after) = (Tenant::from(caller.tenant.clone()), Tenant::from(row));
    edit.commit_change("tenant.update", id, json!({}), &before, &after).await?;
    Ok((etag(version), Json(after)))
}
