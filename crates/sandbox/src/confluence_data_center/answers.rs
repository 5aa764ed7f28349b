//! Refusals and pages in Confluence's form.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{ConfluenceDataCenter, PAGE_LIMIT};
use crate::installation::request::{BadParameter, Parameters};

/// How many a page shows unless it is asked for more or fewer.
const PAGE_DEFAULT: usize = 25;

/// What a refused request is answered: `{"statusCode":…,"data":{…},"message":"…","reason":"…"}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A 403.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::bad_request(bad.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let body = json!({
            "statusCode": self.status.as_u16(),
            "data": { "authorized": true, "valid": true, "errors": [], "successful": false },
            "message": self.message,
            "reason": reason,
        });
        (self.status, Json(body)).into_response()
    }
}

/// One page of everything that `all` gives, which `path` (below the API's base) lists.
pub(super) fn page(
    confluence: &ConfluenceDataCenter,
    path: &str,
    parameters: &Parameters,
    all: Vec<Value>,
) -> Result<Json<Value>, Refusal> {
    let start = parameters.count("start", 0)?;
    let limit = parameters.count("limit", PAGE_DEFAULT)?.min(PAGE_LIMIT);
    let total = all.len();
    let results: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    let size = results.len();
    let link = |start: usize| format!("/rest/api{path}?limit={limit}&start={start}");
    let next = (start.saturating_add(size) < total && size > 0).then(|| link(start + size));
    let previous = (start > 0).then(|| link(start.saturating_sub(limit)));
    let mut links = json!({ "base": "", "context": "", "self": link(start) });
    for (name, link) in [("next", next), ("prev", previous)] {
        if let Some(link) = link {
            links[name] = link.into();
        }
    }
    let mut page = json!({ "results": results, "start": start, "limit": limit, "size": size });
    if confluence.options().quirks.links_apart {
        page["_links"] = links;
    } else if let (Some(page), Value::Object(links)) = (page.as_object_mut(), links) {
        page.extend(links);
    }
    Ok(Json(page))
}
