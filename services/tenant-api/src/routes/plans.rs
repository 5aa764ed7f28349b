//! `…/links/{link}/plan`: what a run would do, with the link as it is or as it is thought of.

use axum::Json;
use axum::extract::State;
use policy::plan::digest::PlanDigest;
use policy::plan::link::{PlanSummary, PlannedChange, PlannedOmission};
use policy::settings::{GroupSync, Safety, UserSync};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::TenantStore;
use store::entity::link;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Admin, People, TenantCaller};
use crate::error::{ApiError, Problem};
use crate::idempotency::IdempotencyHeader;
use crate::parameters::{LinkPath, PathParameters, TenantPath};
use crate::refusals::{CreateRefusals, TenantRefusals};
use crate::routes::links::{Sections, stored, to_store};
use crate::state::{ApiState, PlanFailure, PlannedLink};
use crate::validation::Problems;

/// Changes told one by one when nothing is said, and at the most.
const LIMITS: (usize, usize) = (1_000, 10_000);

/// What to plan. Settings that are given are merged onto those of the link, as when it is changed, and not saved.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePlan {
    /// As if the link had this precedence.
    precedence: Option<i32>,
    #[schema(value_type = Option<UserSync>)]
    user_sync: Option<Value>,
    #[schema(value_type = Option<GroupSync>)]
    group_sync: Option<Value>,
    #[schema(value_type = Option<Safety>)]
    safety: Option<Value>,
    /// Changes, and things left alone, that are told one by one: 1 to 10000, 1000 when absent. The summary counts all.
    #[schema(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
}

/// What a run would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plan {
    /// Stands for the settings, the directory and what is known of the site that the plan follows from. A run that is
    /// given it does this plan or is refused.
    digest: String,
    /// Steps, in order of the objects.
    changes: Vec<PlannedChange>,
    /// What differs and would stay so, with the reason.
    not_done: Vec<PlannedOmission>,
    /// Whether there are more changes, or more that is left alone, than are told here.
    truncated: bool,
    summary: PlanSummary,
}

impl From<PlannedLink> for Plan {
    fn from(PlannedLink { plan, digest }: PlannedLink) -> Self {
        let all = plan.summary.by_action.values().sum::<u64>() + plan.summary.not_done;
        let told = u64::try_from(plan.changes.len() + plan.not_done.len()).unwrap_or(u64::MAX);
        Self {
            digest: digest.to_string(),
            changes: plan.changes,
            not_done: plan.not_done,
            truncated: told < all,
            summary: plan.summary,
        }
    }
}

impl From<PlanFailure> for ApiError {
    fn from(failure: PlanFailure) -> Self {
        match failure {
            PlanFailure::Store(error) => error.into(),
            PlanFailure::Site(problem) => Self::SiteFailed(problem),
            PlanFailure::Settings(problem) => Self::Conflict(problem),
        }
    }
}

/// Fails unless a plan made now has the digest `before`; says what has moved.
pub(super) async fn check_digest(
    state: &ApiState,
    store: &TenantStore,
    link: &link::Model,
    before: &PlanDigest,
) -> Result<(), ApiError> {
    let now = state.rules.plan(store.clone(), link.clone(), 0).await?;
    let moved = now.digest.moved_since(before);
    if moved.is_empty() {
        return Ok(());
    }
    let moved = moved.join(", ");
    Err(ApiError::Conflict(format!(
        "Since that plan these have changed: {moved}. Make a plan anew and look at it"
    )))
}

/// Show what a run would do
///
/// Nothing is changed. The link is taken as enabled. Settings may be tried before they are saved. The site is asked for
/// its lists where the link's users have no known account yet. What an account leads is asked only when it is taken
/// away, so hand-overs are not told here.
#[utoipa::path(
    post, path = "/tenants/{tenant}/links/{link}/plan", tag = "runs", request_body = Option<CreatePlan>,
    params(TenantPath, LinkPath, IdempotencyHeader),
    responses(
        (status = 200, description = "The plan", body = Plan),
        (status = 502, description = "The site did not answer", body = Problem, content_type = "application/problem+json"),
        TenantRefusals,
        CreateRefusals,
    ),
)]
pub(crate) async fn create_plan(
    caller: TenantCaller<Admin, People>,
    State(state): State<ApiState>,
    PathParameters(LinkPath { link: id }): PathParameters<LinkPath>,
    Body(body): Body<CreatePlan>,
) -> Result<Json<Plan>, ApiError> {
    let mut link = caller.store.links().get(id).await?;
    let limit = body.limit.unwrap_or(LIMITS.0);
    let mut problems = Problems::default();
    if !(1..=LIMITS.1).contains(&limit) {
        problems.add("limit", format!("must be between 1 and {}", LIMITS.1));
    }
    let types = caller.store.schema_extensions().resource_types().await?;
    let sections = Sections {
        user_sync: body.user_sync,
        group_sync: body.group_sync,
        safety: body.safety,
        ..Sections::default()
    };
    let settings = sections.read(stored(&link)?, &types.user, &mut problems);
    problems.check()?;
    link.settings = to_store(&settings.unwrap_or_default())?;
    link.precedence = body.precedence.unwrap_or(link.precedence);
    let planned = state.rules.plan(caller.store.clone(), link, limit).await?;
    Ok(Json(planned.into()))
}
