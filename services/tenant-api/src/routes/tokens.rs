//! `/tenants/{tenant}/connections/{connection}/tokens`: the bearer tokens of a SCIM base URL.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::scim_token;
use store::id::TokenId;
use store::secret::ends_soon;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Access, Admin, Auditor, ConnectionCaller, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::{IdempotencyHeader, SHOWN_ONCE};
use crate::paging::Page;
use crate::parameters::{ConnectionPath, PathParameters, TenantPath, TokenPath};
use crate::refusals::{CreateRefusals, TenantRefusals};
use crate::state::ApiState;
use crate::validation::Problems;

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Name for people.
    name: String,
    /// When it ends by itself; never when absent.
    expires_at: Option<Timestamp>,
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    id: TokenId,
    name: String,
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

/// A token with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub struct CreatedToken {
    #[serde(flatten)]
    shown: Token,
    /// The secret, to be given to the identity provider.
    token: String,
}

impl Token {
    fn new(row: scim_token::Model, now: Timestamp) -> Self {
        Self {
            ends_soon: ends_soon(row.expires_at, row.revoked_at, now),
            id: row.id,
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from,
        }
    }
}

/// Make a token
///
/// Several are valid side by side, so that one is replaced without an outage.
#[utoipa::path(
    post, path = "/tenants/{tenant}/connections/{connection}/tokens", tag = "tokens",
    request_body = CreateToken,
    params(TenantPath, ConnectionPath, IdempotencyHeader),
    responses((status = 201, description = "The new token; its secret is shown this once", body = CreatedToken), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_token(
    ConnectionCaller { caller, .. }: ConnectionCaller<Admin, Access>,
    PathParameters(ConnectionPath { connection }): PathParameters<ConnectionPath>,
    Body(body): Body<CreateToken>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    problems.name("name", &body.name);
    problems.expiry("expires_at", body.expires_at, caller.store.now());
    problems.check()?;
    let edit = caller.edit().await?;
    let (row, secret) = edit.store.tokens(connection).insert(&body.name, body.expires_at).await?;
    let detail = json!({"connection_id": connection, "name": row.name, "expires_at": row.expires_at});
    edit.commit("token.create", row.id, Some(detail)).await?;
    let token = secret.expose_secret().to_owned();
    Ok((
        StatusCode::CREATED,
        SHOWN_ONCE,
        Json(CreatedToken { shown: Token::new(row, caller.store.now()), token }),
    ))
}

/// List the tokens
///
/// Revoked ones included, all in one page.
#[utoipa::path(
    get, path = "/tenants/{tenant}/connections/{connection}/tokens", tag = "tokens",
    params(TenantPath, ConnectionPath),
    responses((status = 200, description = "All tokens, without their secrets", body = Page<Token>), TenantRefusals),
)]
pub(crate) async fn list_tokens(
    caller: TenantCaller<Auditor>,
    PathParameters(ConnectionPath { connection }): PathParameters<ConnectionPath>,
) -> Result<Json<Page<Token>>, ApiError> {
    let rows = caller.store.tokens(connection).list().await?;
    let now = caller.store.now();
    Ok(Json(Page::whole(rows.into_iter().map(|row| Token::new(row, now)).collect())))
}

/// Revoke a token
///
/// It opens nothing from now on. Revoking again changes nothing.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/connections/{connection}/tokens/{token}", tag = "tokens",
    params(
        TenantPath,
        TokenPath,
    ),
    responses((status = 204, description = "It is revoked"), TenantRefusals),
)]
pub(crate) async fn revoke_token(
    caller: TenantCaller<Admin>,
    State(state): State<ApiState>,
    PathParameters(TokenPath { connection, token }): PathParameters<TokenPath>,
) -> Result<NoContent, ApiError> {
    let edit = caller.edit().await?;
    let row = edit.store.tokens(connection).revoke(token).await?;
    edit.commit("token.revoke", token, Some(json!({"connection_id": connection}))).await?;
    (state.revocations)(&row.digest);
    Ok(NoContent)
}
