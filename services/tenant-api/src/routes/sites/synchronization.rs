//! `…/sites/{site}/plan` and `…/runs`: everything that feeds a site, link by link.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use store::TenantStore;
use store::entity::link;
use store::id::{LinkId, SiteId};
use utoipa::ToSchema;

use crate::caller::{Admin, People, TenantCaller};
use crate::error::{ApiError, Problem};
use crate::idempotency::IdempotencyHeader;
use crate::parameters::{PathParameters, SitePath, TenantPath};
use crate::refusals::{RepeatRefusals, TenantRefusals};
use crate::routes::plans::Plan;
use crate::routes::runs::RunSummary;
use crate::state::ApiState;

/// Changes told one by one of each link.
const LIMIT: usize = 1_000;

/// What runs of all links of a site would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct SitePlan {
    /// One for each enabled link. A change of an account that several links feed is told with each of them, as it comes to
    /// what all of them say.
    plans: Vec<LinkPlan>,
}

/// What a run of one link would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkPlan {
    link_id: LinkId,
    #[serde(flatten)]
    plan: Plan,
}

/// The runs that were begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteRuns {
    /// One for each enabled link, which are worked off together.
    runs: Vec<RunSummary>,
}

/// The links that are carried out at a site.
async fn enabled_links(store: &TenantStore, site: SiteId) -> Result<Vec<link::Model>, ApiError> {
    store.sites().get(site).await?;
    let mut links = store.links().of_site(site).await?;
    links.retain(|link| link.enabled);
    Ok(links)
}

/// Show what a run of each link of a site would do
///
/// Nothing is changed. The plan of one link alone may try settings, and tells more changes one by one.
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/plan", tag = "runs",
    params(TenantPath, SitePath, IdempotencyHeader),
    responses(
        (status = 200, description = "The plans", body = SitePlan),
        (status = 502, description = "The site did not answer", body = Problem, content_type = "application/problem+json"),
        TenantRefusals,
        RepeatRefusals,
    ),
)]
pub(crate) async fn plan_site(
    caller: TenantCaller<Admin, People>,
    State(state): State<ApiState>,
    PathParameters(SitePath { site }): PathParameters<SitePath>,
) -> Result<Json<SitePlan>, ApiError> {
    let mut plans = Vec::new();
    for link in enabled_links(&caller.store, site).await? {
        let link_id = link.id;
        let plan = state.rules.plan(caller.store.clone(), link, LIMIT).await?.into();
        plans.push(LinkPlan { link_id, plan });
    }
    Ok(Json(SitePlan { plans }))
}

/// Synchronize everything that feeds a site
///
/// A run of each enabled link. Answers at once; the work goes on behind.
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/runs", tag = "runs",
    params(TenantPath, SitePath, IdempotencyHeader),
    responses((status = 202, description = "The runs, accepted", body = SiteRuns), TenantRefusals, RepeatRefusals),
)]
pub(crate) async fn run_site(
    caller: TenantCaller<Admin>,
    PathParameters(SitePath { site }): PathParameters<SitePath>,
) -> Result<(StatusCode, Json<SiteRuns>), ApiError> {
    let mut runs = Vec::new();
    let links = enabled_links(&caller.store, site).await?;
    let edit = caller.edit().await?;
    for link in links {
        runs.push(RunSummary::from(edit.store.runs().insert(&link, &caller.actor).await?));
    }
    let ids: Vec<_> = runs.iter().map(RunSummary::id).collect();
    edit.commit("run.create", site, Some(json!({"site_id": site, "run_ids": ids}))).await?;
    Ok((StatusCode::ACCEPTED, Json(SiteRuns { runs })))
}
