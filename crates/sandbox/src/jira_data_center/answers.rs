//! Refusals in Jira's form.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, json};

use crate::installation::request::BadParameter;

/// What a refused request is answered: `{"errorMessages":[…],"errors":{"field":"…"}}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    messages: Vec<String>,
    fields: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal about the whole request.
    pub(super) fn message(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, messages: vec![text.into()], fields: Vec::new() }
    }

    /// A 400 about the whole request.
    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::message(StatusCode::BAD_REQUEST, text)
    }

    /// A 404.
    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::message(StatusCode::NOT_FOUND, text)
    }

    /// A 400 about one field.
    pub(super) fn field(name: &'static str, text: impl Into<String>) -> Self {
        Self::fields(vec![(name, text.into())])
    }

    /// A 400 about several fields.
    pub(super) fn fields(fields: Vec<(&'static str, String)>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, messages: Vec::new(), fields }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let errors: Map<_, _> =
            self.fields.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
        (self.status, Json(json!({ "errorMessages": self.messages, "errors": errors }))).into_response()
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::bad_request(bad.0)
    }
}
