//! `…/links/{link}/runs` and `…/runs/{run}`: full synchronizations.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{StreamExt as _, stream};
use policy::plan::digest::PlanDigest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::entity::run;
use store::entity::words::{RunOutcome, RunPhase, RunStatus};
use store::id::{LinkId, RunId};
use store::runs::OutcomeCount;
use store::{TenantStore, Timestamp};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Admin, Auditor, TenantCaller};
use crate::error::{ApiError, Problem};
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{LinkPath, LinkRunPath, PathParameters, QueryParameters, RunPath, TenantPath};
use crate::refusals::{CreateRefusals, QueryRefusals, RepeatRefusals, TenantRefusals};
use crate::routes::plans::check_digest;
use crate::state::ApiState;

/// A new run; nothing needs to be said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRun {
    /// The digest of a plan: the run begins only if a plan made now would be the same.
    digest: Option<String>,
}

/// A run that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedRun {
    id: RunId,
    status: RunStatus,
}

/// A full synchronization of a link, without its counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunSummary {
    id: RunId,
    link_id: LinkId,
    status: RunStatus,
    /// What is being marked, while the status is `marking`.
    phase: RunPhase,
    /// Accounts, groups and members read from the site's lists so far, before anything is marked: who stands there as
    /// expected is then not asked for one by one. Null when the lists are not read, as for a few accounts.
    listed: Option<i64>,
    /// Objects marked so far.
    marked: i64,
    /// Who asked for it.
    requested_by: String,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

/// A full synchronization of a link and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    #[serde(flatten)]
    summary: RunSummary,
    counts: RunCounts,
    /// Objects marked and not yet done; held ones wait for a person and do not count.
    remaining: i64,
    /// Seconds until its end at the present pace; null when nothing can be said, or when it has ended.
    eta_seconds: Option<u64>,
}

/// How many objects ended in each way.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct RunCounts {
    changed: i64,
    unchanged: i64,
    held: i64,
    skipped: i64,
    failed: i64,
}

impl RunSummary {
    /// The run's id.
    pub(super) fn id(&self) -> RunId {
        self.id
    }
}

impl From<run::Model> for RunSummary {
    fn from(row: run::Model) -> Self {
        Self {
            id: row.id,
            link_id: row.link_id,
            status: row.status,
            phase: row.phase,
            listed: row.listed,
            marked: row.marked,
            requested_by: row.requested_by,
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl RunCounts {
    fn of(outcomes: &[OutcomeCount]) -> Self {
        let mut counts = Self::default();
        for OutcomeCount { outcome, n } in outcomes {
            match outcome {
                RunOutcome::Changed => counts.changed = *n,
                RunOutcome::Unchanged => counts.unchanged = *n,
                RunOutcome::Held => counts.held = *n,
                RunOutcome::Skipped => counts.skipped = *n,
                RunOutcome::Failed => counts.failed = *n,
            }
        }
        counts
    }

    fn total(&self) -> i64 {
        self.changed + self.unchanged + self.held + self.skipped + self.failed
    }
}

/// Seconds that `left` objects take when `done` took `elapsed` seconds; unknown while nothing is done.
fn eta(done: i64, left: i64, elapsed: u64) -> Option<u64> {
    let (done, left) = (u64::try_from(done).ok()?, u64::try_from(left).ok()?);
    elapsed.saturating_mul(left).checked_div(done)
}

/// Everything about a run. While it is marking, what is left counts the whole directory.
async fn progress(store: &TenantStore, row: run::Model) -> Result<Run, ApiError> {
    let counts = RunCounts::of(&store.runs().outcomes(row.id).await?);
    let remaining = store.runs().remaining(row.id).await?;
    let elapsed = store.now().since(row.created_at).as_secs();
    let eta_seconds = match row.status {
        RunStatus::Done | RunStatus::Cancelled => None,
        RunStatus::Working => eta(counts.total(), remaining, elapsed),
        RunStatus::Marking => {
            let groups = store.groups(row.connection_id).count().await?;
            let users = store.users(row.connection_id).count().await?;
            let all = i64::try_from(groups + users).unwrap_or(i64::MAX);
            eta(counts.total(), (all - row.marked).max(0) + remaining, elapsed)
        }
    };
    Ok(Run { summary: row.into(), counts, remaining, eta_seconds })
}

/// The run, if it is one of the link's.
pub(super) async fn of_link(store: &TenantStore, link: LinkId, run: RunId) -> Result<run::Model, ApiError> {
    let row = store.runs().get(run).await?;
    if row.link_id == link { Ok(row) } else { Err(ApiError::NotFound("run")) }
}

/// Synchronize everything of a link
///
/// Every user and group of the connection is looked at again at the site. Answers at once; the work goes on behind. With
/// the digest of a plan it is refused (409) when something that the plan follows from has changed, and told what.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/runs", tag = "runs", request_body = Option<CreateRun>,
    params(TenantPath, LinkPath, IdempotencyHeader),
    responses(
        (status = 202, description = "The run, accepted", body = CreatedRun),
        (status = 502, description = "The site did not answer", body = Problem, content_type = "application/problem+json"),
        TenantRefusals,
        CreateRefusals,
    ),
)]
pub(crate) async fn create_run(
    caller: TenantCaller<Admin>,
    State(state): State<ApiState>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
    Body(CreateRun { digest }): Body<CreateRun>,
) -> Result<(StatusCode, Json<CreatedRun>), ApiError> {
    let link = caller.store.links().get(link).await?;
    if let Some(digest) = &digest {
        let before = digest.parse::<PlanDigest>().map_err(|problem| ApiError::invalid("digest", problem))?;
        check_digest(&state, &caller.store, &link, &before).await?;
    }
    let edit = caller.edit().await?;
    let row = edit.store.runs().insert(&link, &caller.actor).await?;
    edit.commit("run.create", row.id, Some(json!({"link_id": link.id, "digest": digest}))).await?;
    Ok((StatusCode::ACCEPTED, Json(CreatedRun { id: row.id, status: row.status })))
}

/// List the runs of a link, the newest first
#[utoipa::path(
    get, path = "/tenants/{tenant}/links/{link}/runs", tag = "runs",
    params(TenantPath, LinkPath, PageQuery),
    responses((status = 200, description = "A page of runs", body = Page<RunSummary>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_runs(
    caller: TenantCaller<Auditor>,
    PathParameters(LinkPath { link }): PathParameters<LinkPath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<RunSummary>>, ApiError> {
    let window = query.window::<RunId>()?;
    caller.store.links().get(link).await?;
    let rows = caller.store.runs().list(link, window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, RunSummary::from)))
}

/// Show how far a run is
#[utoipa::path(
    get, path = "/tenants/{tenant}/links/{link}/runs/{run}", tag = "runs",
    params(TenantPath, LinkRunPath),
    responses((status = 200, description = "The run", body = Run), TenantRefusals),
)]
pub(crate) async fn get_run_of_link(
    caller: TenantCaller<Auditor>,
    PathParameters(LinkRunPath { link, run }): PathParameters<LinkRunPath>,
) -> Result<Json<Run>, ApiError> {
    let row = of_link(&caller.store, link, run).await?;
    progress(&caller.store, row).await.map(Json)
}

/// Stop a run
///
/// What it has marked and nobody else asked for is left; what is being worked on comes to its end.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/runs/{run}/cancel", tag = "runs",
    params(TenantPath, LinkRunPath, IdempotencyHeader),
    responses((status = 200, description = "The run as it is now", body = Run), TenantRefusals, RepeatRefusals),
)]
pub(crate) async fn cancel_run(
    caller: TenantCaller<Admin>,
    PathParameters(LinkRunPath { link, run }): PathParameters<LinkRunPath>,
) -> Result<Json<Run>, ApiError> {
    of_link(&caller.store, link, run).await?;
    let edit = caller.edit().await?;
    let row = edit.store.runs().cancel(run).await?;
    edit.commit("run.cancel", run, None).await?;
    progress(&caller.store, row).await.map(Json)
}

/// Watch a run
///
/// Server-sent events: `progress` with the run whenever it has moved, `end` when it has ended. The stream ends after a
/// minute at the latest; a browser's `EventSource` comes back by itself.
#[utoipa::path(
    get, path = "/tenants/{tenant}/links/{link}/runs/{run}/events", tag = "runs",
    params(TenantPath, LinkRunPath),
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream"), TenantRefusals),
)]
pub(crate) async fn watch_run(
    caller: TenantCaller<Auditor>,
    PathParameters(LinkRunPath { link, run }): PathParameters<LinkRunPath>,
) -> Result<impl IntoResponse, ApiError> {
    of_link(&caller.store, link, run).await?;
    let watch = Watch { store: caller.store, run, told: None, until: Instant::now() + WATCH_LIMIT };
    let events = stream::unfold(Some(watch), async |watch| watch?.next().await).map(Ok::<_, Infallible>);
    // Like every other answer of the API.
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((headers, Sse::new(events).keep_alive(KeepAlive::default())))
}

/// How long one stream of events lasts: a process that is to stop must not wait for those who watch.
const WATCH_LIMIT: Duration = Duration::from_mins(1);
/// Between two looks at a run that is watched.
const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// A run that is watched.
struct Watch {
    store: TenantStore,
    run: RunId,
    /// The last event's data.
    told: Option<String>,
    until: Instant,
}

impl Watch {
    /// Waits for the next event; with it comes what is watched on, if anything is. A run that cannot be read ends the
    /// stream, and the client comes back.
    async fn next(mut self) -> Option<(Event, Option<Self>)> {
        loop {
            let row = self.store.runs().get(self.run).await.ok()?;
            let ended = matches!(row.status, RunStatus::Done | RunStatus::Cancelled);
            let data = serde_json::to_string(&progress(&self.store, row).await.ok()?).ok()?;
            if ended {
                return Some((Event::default().event("end").data(data), None));
            }
            if self.told.as_ref() != Some(&data) {
                self.told = Some(data.clone());
                return Some((Event::default().event("progress").data(data), Some(self)));
            }
            if Instant::now() > self.until {
                return None;
            }
            tokio::time::sleep(WATCH_PAUSE).await;
        }
    }
}

/// Show how far a run is, whichever link it is of
#[utoipa::path(
    get, path = "/tenants/{tenant}/runs/{run}", tag = "runs",
    params(TenantPath, RunPath),
    responses((status = 200, description = "The run", body = Run), TenantRefusals),
)]
pub(crate) async fn get_run(
    caller: TenantCaller<Auditor>,
    PathParameters(RunPath { run }): PathParameters<RunPath>,
) -> Result<Json<Run>, ApiError> {
    let row = caller.store.runs().get(run).await?;
    progress(&caller.store, row).await.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_in_proportion() {
        assert_eq!(eta(10, 30, 60), Some(180));
        assert_eq!(eta(10, 0, 60), Some(0));
        assert_eq!(eta(0, 30, 60), None);
    }
}
