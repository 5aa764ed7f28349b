//! `/tenants/{tenant}/keys`: the API keys of a tenant.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::api_key;
use store::entity::words::Role;
use store::id::ApiKeyId;
use store::secret::ends_soon;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Access, Owner, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::{IdempotencyHeader, SHOWN_ONCE};
use crate::paging::Page;
use crate::parameters::{KeyPath, PathParameters, TenantPath};
use crate::refusals::{CreateRefusals, TenantRefusals};
use crate::validation::Problems;

/// A new API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Name for people.
    name: String,
    /// What it may do.
    role: Role,
    /// When it ends by itself; never when absent.
    expires_at: Option<Timestamp>,
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    id: ApiKeyId,
    name: String,
    role: Role,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    /// To the minute.
    last_used_at: Option<Timestamp>,
    /// The address that it was used from then; of IPv6 addresses the network.
    last_used_from: Option<String>,
    /// Whether it ends by itself within two weeks, so that another one is needed.
    ends_soon: bool,
}

/// An API key with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    #[serde(flatten)]
    shown: ApiKey,
    /// The secret, to be sent in `Authorization: Bearer`.
    key: String,
}

impl ApiKey {
    fn new(row: api_key::Model, now: Timestamp) -> Self {
        Self {
            ends_soon: ends_soon(row.expires_at, row.revoked_at, now),
            id: row.id,
            name: row.name,
            role: row.role,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from,
        }
    }
}

/// Make an API key
#[utoipa::path(
    post, path = "/tenants/{tenant}/keys", tag = "keys", request_body = CreateKey,
    params(TenantPath, IdempotencyHeader),
    responses((status = 201, description = "The new key; its secret is shown this once", body = CreatedKey), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_key(
    caller: TenantCaller<Owner, Access>,
    Body(body): Body<CreateKey>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    problems.name("name", &body.name);
    problems.expiry("expires_at", body.expires_at, caller.store.now());
    problems.check()?;
    let edit = caller.edit().await?;
    let (row, secret) = edit.store.api_keys().insert(&body.name, body.role, body.expires_at).await?;
    let detail = json!({"name": row.name, "role": row.role, "expires_at": row.expires_at});
    edit.commit("key.create", row.id, Some(detail)).await?;
    let key = secret.expose_secret().to_owned();
    Ok((
        StatusCode::CREATED,
        SHOWN_ONCE,
        Json(CreatedKey { shown: ApiKey::new(row, caller.store.now()), key }),
    ))
}

/// List the API keys
///
/// Revoked ones included, all in one page.
#[utoipa::path(
    get, path = "/tenants/{tenant}/keys", tag = "keys",
    params(TenantPath),
    responses((status = 200, description = "All keys, without their secrets", body = Page<ApiKey>), TenantRefusals),
)]
pub(crate) async fn list_keys(caller: TenantCaller<Owner>) -> Result<Json<Page<ApiKey>>, ApiError> {
    let rows = caller.store.api_keys().list().await?;
    let now = caller.store.now();
    Ok(Json(Page::whole(rows.into_iter().map(|row| ApiKey::new(row, now)).collect())))
}

/// Revoke an API key
///
/// It and the access tokens made from it stop working at once. Revoking again changes nothing.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/keys/{key}", tag = "keys",
    params(TenantPath, KeyPath),
    responses((status = 204, description = "It is revoked"), TenantRefusals),
)]
pub(crate) async fn revoke_key(
    caller: TenantCaller<Owner>,
    PathParameters(KeyPath { key }): PathParameters<KeyPath>,
) -> Result<NoContent, ApiError> {
    let edit = caller.edit().await?;
    edit.store.api_keys().revoke(key).await?;
    edit.commit("key.revoke", key, None).await?;
    Ok(NoContent)
}
