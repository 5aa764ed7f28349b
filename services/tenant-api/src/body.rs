//! Request bodies: JSON of bounded size, with every wrong field named.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::error::{ApiError, FieldProblem};

/// A request body read as `T`.
///
/// What is not JSON is 400; JSON with unknown, missing or wrong fields is 422 and names the first of
/// them. An empty body counts as `{}`, so that an operation without required fields needs none.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let is_json = claims_json(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        if bytes.is_empty() {
            return read(b"{}").map(Self);
        }
        if !is_json {
            return Err(ApiError::UnsupportedMediaType);
        }
        read(&bytes).map(Self)
    }
}

/// Reads `text` as `T`; see [`Body`] for the errors.
fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    let malformed = |detail: &str| ApiError::Malformed { detail: detail.to_owned(), errors: Vec::new() };
    let text = std::str::from_utf8(text).map_err(|_| malformed("The body is not UTF-8"))?;
    // First whether it is JSON at all: reading a type stops at the first wrong field.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            Category::Data => ApiError::Invalid(vec![data_problem(field, &error)]),
            _ => not_json(&error),
        }
    })
}

/// Reads a part of a body that was taken as JSON at first; `field` is its place in the body.
pub fn read_part<T: DeserializeOwned>(field: &str, value: serde_json::Value) -> Result<T, FieldProblem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { field.to_owned() } else { format!("{field}.{path}") };
        data_problem(path, &error.into_inner())
    })
}

fn data_problem(field: String, error: &serde_json::Error) -> FieldProblem {
    let text = error.to_string();
    // "… at line 1 column 20" is of no use beside the field's name.
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
    FieldProblem::new(field, problem)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::Malformed { detail: format!("The body is not JSON: {error}"), errors: Vec::new() }
}

pub(crate) fn unreadable(rejection: BytesRejection) -> ApiError {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::TooLarge;
    }
    ApiError::Malformed { detail: "The body ended early".into(), errors: Vec::new() }
}

/// `application/json`, or any type with the suffix `+json` (RFC 6839), with or without parameters.
fn claims_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}
