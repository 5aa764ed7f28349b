//! `/tenants/{tenant}/break-glass`: how the operator comes to see a tenant's people, for a time and with a reason.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::NoContent;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::break_glass;
use store::id::BreakGlassId;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Auditor, Operator, Owner, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::IdempotencyHeader;
use crate::paging::Page;
use crate::parameters::{BreakGlassPath, PathParameters, TenantPath};
use crate::refusals::{CreateRefusals, TenantRefusals};
use crate::validation::Problems;

/// Minutes that it lasts when nothing is said, and at the most.
const MINUTES: (u32, u32) = (60, 8 * 60);

/// Why the operator has to see a tenant's people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBreakGlass {
    /// Who needs it and what for, such as a name and a ticket. The tenant reads it.
    #[schema(max_length = 200)]
    reason: String,
    /// Minutes that it lasts: 1 to 480, 60 when absent.
    #[schema(minimum = 1, maximum = 480)]
    minutes: Option<u32>,
}

/// A time in which the operator may see the tenant's people.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakGlass {
    id: BreakGlassId,
    /// Who needs it, and what for.
    reason: String,
    opened_at: Timestamp,
    /// When it ends by itself.
    expires_at: Timestamp,
    /// When somebody ended it.
    closed_at: Option<Timestamp>,
    /// Whether it stands now.
    open: bool,
}

impl BreakGlass {
    fn new(row: break_glass::Model, now: Timestamp) -> Self {
        Self {
            open: row.is_open(now),
            id: row.id,
            reason: row.reason,
            opened_at: row.opened_at,
            expires_at: row.expires_at,
            closed_at: row.closed_at,
        }
    }
}

/// Let the operator see the tenant's people for a time
///
/// Without it the operator sees how a tenant is set up and how it fares, and nobody's name; keys, tokens, sign-in, sites
/// and links are the tenant's own as soon as somebody of it has come in. It is noted in the tenant's audit log, and so is
/// each request that needs it; the same look once a minute.
#[utoipa::path(
    post, path = "/tenants/{tenant}/break-glass", tag = "tenants", request_body = CreateBreakGlass,
    params(TenantPath, IdempotencyHeader),
    responses((status = 201, description = "From now on, for the time that was asked for", body = BreakGlass), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn break_glass(
    caller: TenantCaller<Operator>,
    Body(body): Body<CreateBreakGlass>,
) -> Result<(StatusCode, Json<BreakGlass>), ApiError> {
    let minutes = body.minutes.unwrap_or(MINUTES.0);
    let mut problems = Problems::default();
    problems.name("reason", &body.reason);
    if !(1..=MINUTES.1).contains(&minutes) {
        problems.add("minutes", format!("must be between 1 and {}", MINUTES.1));
    }
    problems.check()?;
    let lasts = Duration::from_mins(u64::from(minutes));
    let edit = caller.edit().await?;
    let row = edit.store.break_glass().insert(&body.reason, lasts).await?;
    let detail = json!({"reason": row.reason, "expires_at": row.expires_at});
    edit.commit("break_glass.open", row.id, Some(detail)).await?;
    // Its reason may name people, and is the tenant's to read.
    tracing::warn!(break_glass.id = %row.id, expires_at = %row.expires_at, "the operator broke the glass before a tenant's people");
    Ok((StatusCode::CREATED, Json(BreakGlass::new(row, caller.store.now()))))
}

/// List when the operator could see the tenant's people
///
/// Times that are over included, all in one page.
#[utoipa::path(
    get, path = "/tenants/{tenant}/break-glass", tag = "tenants",
    params(TenantPath),
    responses((status = 200, description = "All of them, in order", body = Page<BreakGlass>), TenantRefusals),
)]
pub(crate) async fn list_break_glass(
    caller: TenantCaller<Auditor>,
) -> Result<Json<Page<BreakGlass>>, ApiError> {
    let rows = caller.store.break_glass().list().await?;
    let now = caller.store.now();
    Ok(Json(Page::whole(rows.into_iter().map(|row| BreakGlass::new(row, now)).collect())))
}

/// End a time in which the operator may see the tenant's people
///
/// At once. Owners may do this as well. Ending it again changes nothing.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/break-glass/{break_glass}", tag = "tenants",
    params(TenantPath, BreakGlassPath),
    responses((status = 204, description = "It is over"), TenantRefusals),
)]
pub(crate) async fn close_break_glass(
    caller: TenantCaller<Owner>,
    PathParameters(BreakGlassPath { break_glass }): PathParameters<BreakGlassPath>,
) -> Result<NoContent, ApiError> {
    let edit = caller.edit().await?;
    edit.store.break_glass().close(break_glass).await?;
    edit.commit("break_glass.close", break_glass, None).await?;
    Ok(NoContent)
}
