//! Successful answers: `application/scim+json` with ETag and Location where a resource is returned.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use scim_protocol::etag;
use scim_protocol::projection::Projection;
use serde_json::Value;

/// Any SCIM message.
pub fn message(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response()
}

/// A resource, projected, with its version and location as headers.
pub fn resource(status: StatusCode, resource: Value, projection: &Projection) -> Response {
    let text = |name: &str| resource["meta"][name].as_str().and_then(|text| HeaderValue::from_str(text).ok());
    let (version, location) = (text("version"), text("location"));
    let mut response = message(status, &projection.apply(resource));
    let headers = response.headers_mut();
    if let Some(version) = version {
        headers.insert(ETAG, version);
    }
    if let Some(location) = location {
        headers.insert(LOCATION, location);
    }
    response
}

/// The resource, or 304 when the caller has this version already (RFC 7644 §3.14).
pub fn resource_unless_known(
    headers: &HeaderMap,
    version: i64,
    build: impl FnOnce() -> Response,
) -> Response {
    let current = etag::weak(version);
    let known = headers.get(http::header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if etag::if_none_match(known, &current) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        if let Ok(value) = HeaderValue::from_str(&current) {
            response.headers_mut().insert(ETAG, value);
        }
        return response;
    }
    build()
}

/// The `If-Match` header, if it was sent.
pub fn if_match(headers: &HeaderMap) -> Option<String> {
    headers.get(http::header::IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
