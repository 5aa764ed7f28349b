//! Successful answers: `application/scim+json` with ETag and Location where a resource is returned.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use scim_protocol::etag;
use scim_protocol::projection::Projection;
use serde_json::Value;

/// Goes with a list in which nothing is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundNothing;

/// Any SCIM message.
pub fn message(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, [(CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response();
    if body["totalResults"] == 0 {
        response.extensions_mut().insert(FoundNothing);
    }
    response
}

/// A resource, projected, with its version and location as headers.
pub fn resource(status: StatusCode, resource: Value, projection: &Projection) -> Response {
    let headers = headers_of(&resource);
    (headers, message(status, &projection.apply(resource))).into_response()
}

/// 204 with the version and location of a resource as headers.
pub fn no_content(resource: &Value) -> Response {
    (headers_of(resource), StatusCode::NO_CONTENT).into_response()
}

/// The version and location of a resource as headers.
pub fn headers_of(resource: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, header) in [("version", ETAG), ("location", LOCATION)] {
        let text = resource["meta"][name].as_str();
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(header, value);
        }
    }
    headers
}

/// 304 when the caller has the version `current` already (RFC 7644 §3.14).
pub fn not_modified(headers: &HeaderMap, current: &str) -> Option<Response> {
    let known = headers.get(http::header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if !etag::if_none_match(known, current) {
        return None;
    }
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    if let Ok(value) = HeaderValue::from_str(current) {
        response.headers_mut().insert(ETAG, value);
    }
    Some(response)
}

/// The `If-Match` header, if it was sent. One that is not ASCII names no version, and is no less a
/// precondition.
pub fn if_match(headers: &HeaderMap) -> Option<String> {
    headers.get(http::header::IF_MATCH).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
