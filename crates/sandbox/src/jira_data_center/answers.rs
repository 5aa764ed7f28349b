//! Requests and answers in Jira's form.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, json};

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

/// A page in the style of the product's web server, which answers some errors before Jira itself does.
pub(super) fn html_page(status: StatusCode, text: &str) -> Response {
    let page = format!("<html><head><title>{text} ({code})</title></head></html>", code = status.as_u16());
    (status, [(header::CONTENT_TYPE, "text/html;charset=UTF-8")], page).into_response()
}

pub(super) async fn no_such_route() -> Response {
    html_page(StatusCode::NOT_FOUND, "Not Found")
}

pub(super) async fn method_not_allowed() -> Response {
    html_page(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// A JSON body. Another content type is 415; broken JSON, wrong types and unknown fields are 400.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(html_page(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"));
        }
        let bytes =
            axum::body::Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Refusal::bad_request(error.to_string()).into_response())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/json")
}

/// The query's parameters, in order, repeated ones too.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Returns the first value of the parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns every value of the parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that must be there and not empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refusal::bad_request(format!("The '{name}' query parameter was not provided.")))
    }

    /// Returns a count, `default` when it is absent; a negative one counts as 0.
    pub(super) fn count(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number: i64 = text
            .parse()
            .map_err(|_| Refusal::bad_request(format!("The '{name}' query parameter is not a number.")))?;
        Ok(usize::try_from(number).unwrap_or(0))
    }

    /// Returns a flag, `default` when it is absent. As in Java, everything but `true` is false.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |text| text.eq_ignore_ascii_case("true"))
    }

    /// Tells whether the comma-separated parameter `expand` names this part.
    pub(super) fn expands(&self, part: &str) -> bool {
        self.all("expand").flat_map(|names| names.split(',')).any(|name| name.trim() == part)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(pairs)| Self(pairs))
            .map_err(|error| Refusal::bad_request(error.body_text()))
    }
}

/// Escapes text for a query's value in a link.
pub(super) fn query_value(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Makes a header's value of text that may not fit into one.
pub(super) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("?"))
}
