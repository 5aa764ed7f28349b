//! `…/sites/{site}/test`: does the site answer, and may our account do its work there?

use std::sync::Arc;
use std::time::Duration;

use atlassian::check::{self, Check};
use atlassian::credentials::Credentials;
use atlassian::{Budget, Product};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::entity::site;
use url::Url;
use utoipa::ToSchema;

use crate::caller::{Admin, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::IdempotencyHeader;
use crate::parameters::{PathParameters, SitePath, TenantPath};
use crate::refusals::{RepeatRefusals, TenantRefusals};
use crate::state::ApiState;

/// How long all checks together may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What a test found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteTest {
    /// Whether every check passed.
    ok: bool,
    checks: Vec<SiteCheck>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteCheck {
    /// What was looked at, as a fixed word.
    name: String,
    ok: bool,
    /// What was found, and what to do about it.
    detail: String,
}

impl From<Check> for SiteCheck {
    fn from(check: Check) -> Self {
        Self { name: check.name.to_string(), ok: check.ok, detail: check.detail }
    }
}

/// Test a site
///
/// Asks the site who we are and what we may do there. Changes nothing, and takes 30 seconds at the most.
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/test", tag = "sites",
    params(TenantPath, SitePath, IdempotencyHeader),
    responses((status = 200, description = "What was found, good or bad", body = SiteTest), TenantRefusals, RepeatRefusals),
)]
pub(crate) async fn test_site(
    caller: TenantCaller<Admin>,
    State(state): State<ApiState>,
    PathParameters(SitePath { site: id }): PathParameters<SitePath>,
) -> Result<Json<SiteTest>, ApiError> {
    let row = caller.store.sites().get(id).await?;
    let sealed = caller.store.sites().open_credentials(&row).await?;
    let credentials = serde_json::from_slice::<Credentials>(&sealed)
        .map_err(|_| inconsistent("stored credentials cannot be read"))?;
    let (product, base_url) = address(&row)?;
    let budget = Arc::default();
    let checks = match atlassian::connect_within(&budget, product, &base_url, credentials, &state.http) {
        Ok(connector) => run(connector.as_ref(), &budget).await,
        Err(error) => vec![failed("address", error.to_string())],
    };
    Ok(Json(SiteTest { ok: checks.iter().all(|check| check.ok), checks }))
}

async fn run(connector: &dyn atlassian::site::Site, budget: &Budget) -> Vec<SiteCheck> {
    match tokio::time::timeout(TIME_LIMIT, check::run(connector, budget)).await {
        Ok(checks) => checks.into_iter().map(SiteCheck::from).collect(),
        Err(_) => vec![failed("reachable", "no full answer within 30 seconds; is the address right?".into())],
    }
}

fn failed(name: &str, detail: String) -> SiteCheck {
    SiteCheck { name: name.to_owned(), ok: false, detail }
}

fn address(row: &site::Model) -> Result<(Product, Url), ApiError> {
    let product = row.product.parse().map_err(|_| inconsistent("unknown product of a site"))?;
    let base_url = Url::parse(&row.base_url).map_err(|_| inconsistent("address of a site is no URL"))?;
    Ok((product, base_url))
}

fn inconsistent(what: &str) -> ApiError {
    ApiError::Internal(Some(store::Error::Inconsistent(what.to_owned())))
}
