//! `…/connections/{connection}/setup-links`: links that open the set-up of one connection for a time, for whoever
//! administers the provider and has no key.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::setup_link;
use store::id::SetupLinkId;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Access, Admin, Auditor, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::{IdempotencyHeader, SHOWN_ONCE};
use crate::paging::Page;
use crate::parameters::{ConnectionPath, PathParameters, SetupLinkPath, TenantPath};
use crate::refusals::{CreateRefusals, TenantRefusals};
use crate::state::ApiState;
use crate::validation::Problems;

/// Hours that a link works when nothing is said, and at the most.
const HOURS: (u32, u32) = (72, 30 * 24);

/// A new link.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSetupLink {
    /// Hours that it works: 1 to 720, 72 when absent.
    #[schema(minimum = 1, maximum = 720)]
    hours: Option<u32>,
}

/// A link, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetupLink {
    id: SetupLinkId,
    /// Who made it.
    created_by: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    /// To the minute.
    last_used_at: Option<Timestamp>,
    /// The address that it was used from then; of IPv6 addresses the network.
    last_used_from: Option<String>,
}

/// A link with its secret, which is never shown again.
#[derive(Serialize, ToSchema)]
pub struct CreatedSetupLink {
    #[serde(flatten)]
    shown: SetupLink,
    /// The address of the set-up page, to be sent to whoever administers the provider. Whoever has it may see the
    /// connection and its last requests, and make tokens for it.
    url: String,
}

impl From<setup_link::Model> for SetupLink {
    fn from(row: setup_link::Model) -> Self {
        Self {
            id: row.id,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from,
        }
    }
}

/// Make a link to the set-up of a connection
#[utoipa::path(
    post, path = "/tenants/{tenant}/connections/{connection}/setup-links", tag = "connections",
    request_body = Option<CreateSetupLink>,
    params(TenantPath, ConnectionPath, IdempotencyHeader),
    responses((status = 201, description = "The new link; it is shown this once", body = CreatedSetupLink), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_setup_link(
    caller: TenantCaller<Admin, Access>,
    State(state): State<ApiState>,
    PathParameters(ConnectionPath { connection }): PathParameters<ConnectionPath>,
    Body(body): Body<CreateSetupLink>,
) -> Result<impl IntoResponse, ApiError> {
    let hours = body.hours.unwrap_or(HOURS.0);
    let mut problems = Problems::default();
    if !(1..=HOURS.1).contains(&hours) {
        problems.add("hours", format!("must be between 1 and {}", HOURS.1));
    }
    problems.check()?;
    let (lasts, edit) = (Duration::from_hours(u64::from(hours)), caller.edit().await?);
    let (row, secret) = edit.store.setup_links(connection).insert(&caller.actor, lasts).await?;
    let detail = json!({"connection_id": connection, "expires_at": row.expires_at});
    edit.commit("setup_link.create", row.id, Some(detail)).await?;
    let url = format!("{}/setup/{}", state.public_base(), secret.expose_secret());
    Ok((StatusCode::CREATED, SHOWN_ONCE, Json(CreatedSetupLink { shown: row.into(), url })))
}

/// List the links to the set-up of a connection
///
/// Those that no longer work included, all in one page.
#[utoipa::path(
    get, path = "/tenants/{tenant}/connections/{connection}/setup-links", tag = "connections",
    params(TenantPath, ConnectionPath),
    responses((status = 200, description = "All links, without their secrets", body = Page<SetupLink>), TenantRefusals),
)]
pub(crate) async fn list_setup_links(
    caller: TenantCaller<Auditor>,
    PathParameters(ConnectionPath { connection }): PathParameters<ConnectionPath>,
) -> Result<Json<Page<SetupLink>>, ApiError> {
    let rows = caller.store.setup_links(connection).list().await?;
    Ok(Json(Page::whole(rows.into_iter().map(SetupLink::from).collect())))
}

/// Revoke a link to the set-up of a connection
///
/// It opens nothing from now on. Tokens that were made by it stay. Revoking again changes nothing.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/connections/{connection}/setup-links/{setup_link}", tag = "connections",
    params(TenantPath, SetupLinkPath),
    responses((status = 204, description = "It is revoked"), TenantRefusals),
)]
pub(crate) async fn revoke_setup_link(
    caller: TenantCaller<Admin>,
    PathParameters(SetupLinkPath { connection, setup_link }): PathParameters<SetupLinkPath>,
) -> Result<NoContent, ApiError> {
    let edit = caller.edit().await?;
    edit.store.setup_links(connection).revoke(setup_link).await?;
    edit.commit("setup_link.revoke", setup_link, Some(json!({"connection_id": connection}))).await?;
    Ok(NoContent)
}
