//! Refusals and pages in Bitbucket's form.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::PAGE_LIMIT;
use crate::installation::request::{BadParameter, Parameters};

/// How many a page shows unless it is asked for more or fewer.
const PAGE_DEFAULT: usize = 25;

/// What a refused request is answered: `{"errors":[{"context":…,"message":"…","exceptionName":"…"}]}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    exception: &'static str,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let exception = match status {
            StatusCode::BAD_REQUEST => "com.atlassian.bitbucket.validation.ArgumentValidationException",
            StatusCode::NOT_FOUND => "com.atlassian.bitbucket.NoSuchEntityException",
            StatusCode::CONFLICT => "com.atlassian.bitbucket.IntegrityException",
            StatusCode::UNAUTHORIZED => "com.atlassian.bitbucket.AuthorisationException",
            _ => "com.atlassian.bitbucket.ServiceException",
        };
        Self { status, message: message.into(), exception }
    }

    /// The same with another exception.
    pub(super) fn named(self, exception: &'static str) -> Self {
        Self { exception, ..self }
    }

    /// A 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A 404.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// A 409.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// The 401 for somebody who has logged in and may not do this.
    pub(super) fn not_permitted() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "You are not permitted to access this resource")
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::bad_request(bad.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = json!({ "context": null, "message": self.message, "exceptionName": self.exception });
        (self.status, Json(json!({ "errors": [error] }))).into_response()
    }
}

/// One page of everything that `all` gives.
pub(super) fn page(parameters: &Parameters, all: Vec<Value>) -> Result<Json<Value>, Refusal> {
    let start = parameters.count("start", 0)?;
    let limit = parameters.count("limit", PAGE_DEFAULT)?.min(PAGE_LIMIT);
    let total = all.len();
    let values: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    let size = values.len();
    let next = start + size;
    let is_last = next >= total || size == 0;
    let mut page =
        json!({ "size": size, "limit": limit, "isLastPage": is_last, "start": start, "values": values });
    page["nextPageStart"] = if is_last { Value::Null } else { next.into() };
    Ok(Json(page))
}

/// Whether any of the texts holds the filter, in any case; no filter lets everything through.
pub(super) fn matches(parameters: &Parameters, texts: &[&str]) -> bool {
    let filter = parameters.get("filter").unwrap_or("").to_lowercase();
    texts.iter().any(|text| text.to_lowercase().contains(&filter))
}
