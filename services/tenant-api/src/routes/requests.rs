//! `…/connections/{connection}/requests`: what the provider sent last, and how it was answered.

use axum::Json;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use store::entity::scim_request;
use store::id::RequestId;
use utoipa::{IntoParams, ToSchema};

use crate::caller::{Auditor, ConnectionCaller, People};
use crate::error::ApiError;
use crate::paging::{Page, window};
use crate::parameters::{ConnectionPath, PathParameters, QueryParameters, TenantPath};
use crate::refusals::{QueryRefusals, TenantRefusals};

/// Requests that are shown to whoever has nothing but a set-up link.
const BY_SETUP_LINK: u64 = 20;

/// Which requests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RequestQuery {
    /// Only those that were refused (4xx, 5xx).
    #[serde(default)]
    refused: bool,
    /// Items at the most, 1 to 1000; 100 when absent.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A request of the provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScimRequest {
    id: RequestId,
    at: Timestamp,
    method: String,
    /// Path and query below the base URL.
    path: String,
    /// The HTTP status of the answer.
    status: i32,
    /// Milliseconds until it was answered.
    duration_ms: f64,
    /// Its `x-request-id`, as timelines have it.
    request_id: Option<String>,
    /// What the client calls itself.
    user_agent: Option<String>,
    /// The body, with secrets masked; null when there was none, it is longer than 8 KiB, or a
    /// set-up link asks.
    sent: Option<String>,
    /// Why it was refused, in words.
    problem: Option<String>,
}

impl From<scim_request::Model> for ScimRequest {
    fn from(row: scim_request::Model) -> Self {
        Self {
            id: row.id,
            at: row.at,
            method: row.method,
            path: row.path,
            status: row.status,
            #[expect(clippy::cast_precision_loss, reason = "requests take less than 285 years")]
            duration_ms: row.duration_micros as f64 / 1_000.0,
            request_id: row.request_id,
            user_agent: row.user_agent,
            sent: row.sent,
            problem: row.problem,
        }
    }
}

/// List the last requests of a connection, the newest first
///
/// For setting a provider up and for finding mistakes: the last 1000 within a week, at most 25 good and 25 refused ones
/// of a second, a second after they were answered. Requests whose token opens nothing are among them. A set-up link
/// shows the last 20, without what they say.
#[utoipa::path(
    get, path = "/tenants/{tenant}/connections/{connection}/requests", tag = "connections",
    params(TenantPath, ConnectionPath, RequestQuery),
    responses((status = 200, description = "A page of requests", body = Page<ScimRequest>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_requests(
    ConnectionCaller { caller, by_setup_link }: ConnectionCaller<Auditor, People>,
    PathParameters(ConnectionPath { connection }): PathParameters<ConnectionPath>,
    QueryParameters(query): QueryParameters<RequestQuery>,
) -> Result<Json<Page<ScimRequest>>, ApiError> {
    let window = window::<RequestId>(query.limit, query.cursor.as_deref())?;
    caller.store.connections().get(connection).await?;
    let requests = caller.store.requests(connection);
    if by_setup_link {
        if query.cursor.is_some() {
            return Err(ApiError::Forbidden("A set-up link shows the last requests alone"));
        }
        let rows = requests.list(query.refused, None, window.fetch().min(BY_SETUP_LINK)).await?;
        // What it takes to see whether the provider is connected, and no people's data.
        let shown = rows.into_iter().map(|row| ScimRequest { sent: None, ..row.into() });
        return Ok(Json(Page::whole(shown.collect())));
    }
    let rows = requests.list(query.refused, window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, ScimRequest::from)))
}
