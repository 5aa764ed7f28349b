//! `…/runs/{run}/results`: what a run did to each object.

use std::collections::HashMap;

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::entity::words::{ObjectKind, RunOutcome};
use store::entity::{run, run_result};
use store::id::{GroupId, UserId};
use store::{TenantStore, Timestamp};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::caller::{Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, window};
use crate::parameters::{LinkRunPath, PathParameters, QueryParameters, RunPath, TenantPath};
use crate::refusals::{QueryRefusals, TenantRefusals};
use crate::routes::names;
use crate::routes::runs::of_link;

/// Which results.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResultQuery {
    /// Only those that ended in this way.
    outcome: Option<RunOutcome>,
    /// Items at the most, 1 to 1000; 100 when absent.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// How a run ended for one object.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunResult {
    object_kind: ObjectKind,
    object_id: Uuid,
    /// Its `userName` or `displayName`; null when the directory has deleted it.
    name: Option<String>,
    outcome: RunOutcome,
    /// Changes and reasons.
    #[schema(value_type = Object)]
    detail: Value,
    at: Timestamp,
}

impl RunResult {
    fn new(row: run_result::Model, names: &HashMap<Uuid, String>) -> Self {
        Self {
            name: names.get(&row.object_id).cloned(),
            object_kind: row.object_kind,
            object_id: row.object_id,
            outcome: row.outcome,
            detail: row.detail,
            at: row.at,
        }
    }
}

async fn results(
    store: &TenantStore,
    run: &run::Model,
    query: &ResultQuery,
) -> Result<Json<Page<RunResult>>, ApiError> {
    let window = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let rows = store.runs().results(run.id, query.outcome, window.after, window.fetch()).await?;
    let of_kind = |kind| rows.iter().filter(move |row| row.object_kind == kind).map(|row| row.object_id);
    let users: Vec<UserId> = of_kind(ObjectKind::User).map(UserId).collect();
    let groups: Vec<GroupId> = of_kind(ObjectKind::Group).map(GroupId).collect();
    let names = names::of(store, run.connection_id, &users, &groups).await?;
    Ok(Json(window.page(rows, |row| row.object_id, |row| RunResult::new(row, &names))))
}

/// List what a run did to each object
#[utoipa::path(
    get, path = "/tenants/{tenant}/links/{link}/runs/{run}/results", tag = "runs",
    params(TenantPath, LinkRunPath, ResultQuery),
    responses((status = 200, description = "A page of results", body = Page<RunResult>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_results_of_link(
    caller: TenantCaller<Auditor, People>,
    PathParameters(LinkRunPath { link, run }): PathParameters<LinkRunPath>,
    QueryParameters(query): QueryParameters<ResultQuery>,
) -> Result<Json<Page<RunResult>>, ApiError> {
    let run = of_link(&caller.store, link, run).await?;
    results(&caller.store, &run, &query).await
}

/// List what a run did to each object, whichever link it is of
#[utoipa::path(
    get, path = "/tenants/{tenant}/runs/{run}/results", tag = "runs",
    params(TenantPath, RunPath, ResultQuery),
    responses((status = 200, description = "A page of results", body = Page<RunResult>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_results(
    caller: TenantCaller<Auditor, People>,
    PathParameters(RunPath { run }): PathParameters<RunPath>,
    QueryParameters(query): QueryParameters<ResultQuery>,
) -> Result<Json<Page<RunResult>>, ApiError> {
    let run = caller.store.runs().get(run).await?;
    results(&caller.store, &run, &query).await
}
