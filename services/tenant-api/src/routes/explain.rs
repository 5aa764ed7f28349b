//! `…/users/{user}/explain` and `…/sync`: why a user's accounts are as they are, and looking at them anew.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use policy::explanation::{ExplainedGroup, Explanation};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::entity::task;
use store::entity::words::{SiteStatus, TaskKind, TaskState};
use store::id::{ConnectionId, LinkId, SiteId, UserId};
use store::{TenantStore, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::caller::{Admin, Auditor, People, TenantCaller};
use crate::error::{ApiError, Problem};
use crate::idempotency::IdempotencyHeader;
use crate::parameters::{PathParameters, QueryParameters, TenantPath, UserPath};
use crate::refusals::{QueryRefusals, RepeatRefusals, TenantRefusals};
use crate::routes::accounts::LedgerAccount;
use crate::routes::users;
use crate::state::ApiState;

/// What to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// Only this site; every site that the user's connection is linked to when absent.
    site_id: Option<SiteId>,
    /// A site group: why the account is in it, or the first rule that keeps it out.
    group: Option<String>,
}

/// Why a user's accounts are as they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserExplanation {
    user_id: UserId,
    connection_id: ConnectionId,
    sites: Vec<SiteExplanation>,
}

/// Why a user's account at one site is as it is, from what is known here.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteExplanation {
    site_id: SiteId,
    site_name: String,
    /// Whether work goes on at the site.
    site_status: SiteStatus,
    link_id: LinkId,
    /// Whether the link is carried out.
    link_enabled: bool,
    /// The account that the ledger has for the user; null while there is none.
    account: Option<LedgerAccount>,
    /// What is marked and not done yet; null when all that was asked is done.
    task: Option<PendingTask>,
    #[serde(flatten)]
    explanation: Explanation,
    /// The group that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<ExplainedGroup>,
}

/// Work that is marked and not done.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingTask {
    state: TaskState,
    /// Not before.
    due_at: Timestamp,
    /// When it was first marked.
    marked_at: Timestamp,
    /// Failures in a row.
    attempts: i32,
    /// What went wrong last, or why it is held.
    reason: Option<String>,
}

impl From<task::Model> for PendingTask {
    fn from(row: task::Model) -> Self {
        Self {
            state: row.state,
            due_at: row.due_at,
            marked_at: row.marked_at,
            attempts: row.attempts,
            reason: row.last_error,
        }
    }
}

/// Explain a user's accounts
///
/// For each site: which account it is, what every rule made of it, what is still to be done, and what is left alone.
/// Nothing is asked of the site, so this is what is known here; a run looks anew. A user that the directory has deleted
/// is explained as long as an account remembers it.
#[utoipa::path(
    get, path = "/tenants/{tenant}/users/{user}/explain", tag = "users",
    params(TenantPath, UserPath, ExplainQuery),
    responses(
        (status = 200, description = "The explanation", body = UserExplanation), TenantRefusals, QueryRefusals,
        (status = 409, description = "A site or link cannot be used as it is; why is said", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(crate) async fn explain_user(
    caller: TenantCaller<Auditor, People>,
    State(state): State<ApiState>,
    PathParameters(UserPath { user: id }): PathParameters<UserPath>,
    QueryParameters(query): QueryParameters<ExplainQuery>,
) -> Result<Json<UserExplanation>, ApiError> {
    let store = &caller.store;
    let connection_id = connection_of(store, id).await?.ok_or(ApiError::NotFound("user"))?;
    let mut sites = Vec::new();
    for link in store.links().of_connection(connection_id).await? {
        if query.site_id.is_some_and(|site| site != link.site_id) {
            continue;
        }
        let site = store.sites().get(link.site_id).await?;
        let explained = state.rules.explain(store.clone(), site.id, connection_id, id, query.group.clone());
        let (explanation, group) = explained.await?;
        let mut ledger = store.accounts(site.id).claimed_by(&[id]).await?;
        let account = ledger.accounts.pop().map(|row| LedgerAccount::new(row, &ledger));
        sites.push(SiteExplanation {
            site_id: site.id,
            site_name: site.name,
            site_status: site.status,
            link_id: link.id,
            link_enabled: link.enabled,
            account,
            task: store.tasks(site.id).find(TaskKind::User, id.0).await?.map(PendingTask::from),
            explanation,
            group,
        });
    }
    if sites.is_empty() && query.site_id.is_some() {
        return Err(ApiError::NotFound("link from the user's connection to that site"));
    }
    Ok(Json(UserExplanation { user_id: id, connection_id, sites }))
}

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncRequest {
    /// The sites at which the user is looked at; those of enabled links.
    site_ids: Vec<SiteId>,
}

/// Synchronize a user now
///
/// The user's account is looked at, and put right, at every site that an enabled link of its connection feeds, however
/// often it failed before. Answers at once; `explain` and the timeline tell what came of it.
#[utoipa::path(
    post, path = "/tenants/{tenant}/users/{user}/sync", tag = "users",
    params(TenantPath, UserPath, IdempotencyHeader),
    responses((status = 202, description = "The sites asked", body = SyncRequest), TenantRefusals, RepeatRefusals),
)]
pub(crate) async fn sync_user(
    caller: TenantCaller<Admin, People>,
    PathParameters(UserPath { user: id }): PathParameters<UserPath>,
) -> Result<(StatusCode, Json<SyncRequest>), ApiError> {
    let store = &caller.store;
    let connection_id = connection_of(store, id).await?.ok_or(ApiError::NotFound("user"))?;
    let mut site_ids = Vec::new();
    let edit = caller.edit().await?;
    for link in edit.store.links().of_connection(connection_id).await?.into_iter().filter(|link| link.enabled)
    {
        edit.store.tasks(link.site_id).look_at(connection_id, id).await?;
        site_ids.push(link.site_id);
    }
    edit.commit("user.sync", id, Some(json!({ "site_ids": site_ids }))).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRequest { site_ids })))
}

/// The directory that a user is in, or that an account remembers it to be of.
async fn connection_of(store: &TenantStore, id: UserId) -> Result<Option<ConnectionId>, ApiError> {
    if let Some(user) = users::find(store, id).await? {
        return Ok(Some(user.connection_id));
    }
    for connection in users::connections(store).await? {
        for link in store.links().of_connection(connection).await? {
            let ledger = store.accounts(link.site_id).claimed_by(&[id]).await?;
            if let Some(claim) = ledger.claims.iter().find(|claim| claim.user_id == id) {
                return Ok(Some(claim.connection_id));
            }
        }
    }
    Ok(None)
}
