//! How the gateway says no: always as a SCIM error, and to strangers always the same one.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use scim_protocol::error::ScimError;

/// Seconds after which the provider of a paused connection should try again.
const PAUSED_SECONDS: HeaderValue = HeaderValue::from_static("30");

/// Why a request does not reach the handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No token, an unknown, expired or revoked one, or one of another connection.
    Unauthorized,
    /// The tenant is suspended.
    Suspended,
    /// The tenant is on its way from one cell to another; it is served again in a moment.
    Moving,
    /// An admin paused the connection; the provider should try again.
    Paused,
    /// The body is announced to be larger than any that is read.
    TooLarge,
    /// The body ended before it was complete.
    Incomplete,
    /// The tenant sends more than its share; it may come back after so many seconds.
    TooMany {
        /// At least one.
        seconds: u32,
    },
    /// This process has as much to do as it takes on.
    Busy,
    /// Who knows the tokens or carries the request out cannot be reached, or the answer took too long.
    Unavailable,
}

impl Refusal {
    /// As it is counted.
    fn reason(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Suspended => "suspended",
            Self::Moving => "moving",
            Self::Paused => "paused",
            Self::TooLarge => "too_large",
            Self::Incomplete => "incomplete",
            Self::TooMany { .. } => "too_many",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!("rollcall_gateway_refusals_total", "reason" => self.reason()).increment(1);
        let (status, detail, header): (_, _, Option<(HeaderName, HeaderValue)>) = match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Authentication failed",
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            ),
            Self::Suspended => (StatusCode::FORBIDDEN, "The tenant is suspended", None),
            Self::Moving => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The tenant is being moved, come back soon",
                Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            ),
            Self::Paused => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The connection is paused",
                Some((RETRY_AFTER, PAUSED_SECONDS)),
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", None),
            Self::Incomplete => (StatusCode::BAD_REQUEST, "The body is incomplete", None),
            Self::TooMany { seconds } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests, come back later",
                Some((RETRY_AFTER, HeaderValue::from(seconds.max(1)))),
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too much to do at the moment, come back soon",
                Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Temporarily unavailable, try again",
                Some((RETRY_AFTER, HeaderValue::from_static("5"))),
            ),
        };
        let body = ScimError::new(status.as_u16(), detail).to_json().to_string();
        let mut response = (status, [(CONTENT_TYPE, "application/scim+json")], body).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
