//! Every refusal and failure as problem+json (RFC 9457): the one place that turns one into a response.

use std::error::Error as StdError;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::accounts::correction::rules;
use utoipa::ToSchema;

use crate::oidc::OidcError;

/// One field that is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Path of the field in the body or query, such as `user_sync.scope`.
    pub field: String,
    /// What is wrong with it, in words.
    pub problem: String,
}

impl FieldProblem {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// The body of every error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is (RFC 9457 §4.2.1).
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The fields that are wrong, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
    /// What would let the operator through: `break-glass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
}

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the body is not JSON, or the query cannot be read.
    #[error("{detail}")]
    Malformed {
        /// What cannot be read.
        detail: String,
        /// The fields at fault, if it is known which.
        errors: Vec<FieldProblem>,
    },
    /// 401: no credential, or none that opens anything.
    #[error("not authenticated")]
    Unauthenticated,
    /// 403: authenticated, but not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 403: the operator has to break glass first.
    #[error(
        "Operators see a tenant's people and open its doors behind broken glass only: give a reason first, by \
         POST /v1/tenants/{{tenant}}/break-glass or in the console"
    )]
    BehindGlass,
    /// 403: whoever wants to come in is known, and not let in; why, in words for them.
    #[error("{0}")]
    NotLetIn(String),
    /// 404: no such resource in the caller's reach.
    #[error("No such {0}")]
    NotFound(&'static str),
    /// 405: the path exists, with other methods.
    #[error("This path does not answer to that method")]
    MethodNotAllowed,
    /// 409: the state of things forbids it.
    #[error("{0}")]
    Conflict(String),
    /// 412: the resource is no longer at the version in `If-Match`.
    #[error("It was changed meanwhile; read it again")]
    PreconditionFailed,
    /// 413: a body beyond [`crate::MAX_BODY_BYTES`].
    #[error("A body may have {} bytes", crate::MAX_BODY_BYTES)]
    TooLarge,
    /// 415: a body that does not claim to be JSON.
    #[error("Send application/json")]
    UnsupportedMediaType,
    /// 422: the body is JSON, and what it says cannot be.
    #[error("Some fields are not valid")]
    Invalid(Vec<FieldProblem>),
    /// 429: too many credentials that open nothing came from there; again after so many seconds.
    #[error("Too many tries; try again in a minute")]
    TooManyTries(u32),
    /// 502: the identity provider that had to be asked did not answer, or not as one.
    #[error("{0}")]
    ProviderFailed(String),
    /// 502: the site that had to be asked did not answer, or refused.
    #[error("{0}")]
    SiteFailed(String),
    /// 503: the tenant is on its way to another cell.
    #[error("The tenant is being moved to another cell, try again soon")]
    Moving,
    /// 503: the database is away, or did not answer in time.
    #[error("Temporarily unavailable, try again")]
    Unavailable(#[source] Option<store::Error>),
    /// 500: our fault.
    #[error("Internal error; quote the x-request-id when you report it")]
    Internal(#[source] Option<store::Error>),
}

impl ApiError {
    /// 422 for one field.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, problem)])
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::NotLetIn(_) | Self::BehindGlass => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::SiteFailed(_) | Self::ProviderFailed(_) => StatusCode::BAD_GATEWAY,
            Self::Unavailable(_) | Self::Moving => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Logs what is ours to mend, once and with its whole chain of causes.
    fn log(&self) {
        match self {
            Self::Internal(Some(error)) => {
                tracing::error!(error = error as &dyn StdError, "request failed");
            }
            Self::Internal(None) => tracing::error!("request failed"),
            Self::Unavailable(Some(error)) => {
                tracing::warn!(error = error as &dyn StdError, "database unavailable");
            }
            Self::Unavailable(None) => tracing::warn!("request timed out"),
            refusal => tracing::debug!(reason = %refusal, "request refused"),
        }
    }
}

impl From<OidcError> for ApiError {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::Provider(why) => Self::ProviderFailed(why),
            OidcError::Refused(why) => Self::NotLetIn(why),
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(what) => Self::NotFound(what),
            store::Error::Conflict("tenants_slug") => Self::Conflict("Another tenant has that slug".into()),
            store::Error::Conflict("tenants_moving") => Self::Moving,
            store::Error::Conflict("links_pair") => {
                Self::Conflict("That connection and that site are linked already".into())
            }
            store::Error::Conflict("runs_ended") => Self::Conflict("The run is done already".into()),
            store::Error::Conflict(rules::BUSY) => {
                Self::Conflict("The account is being worked on; try again in a moment".into())
            }
            store::Error::Conflict(rules::COLLEAGUES) => Self::Conflict(
                "Another user of the same directory has that account, and one directory never has two users for one person"
                    .into(),
            ),
            store::Error::Conflict(rules::UNCLAIMED) => Self::Conflict("The user has no account there".into()),
            store::Error::Conflict(rules::NAME) => {
                Self::Conflict("Another account of the ledger has that user name".into())
            }
            store::Error::Conflict(_) => Self::Conflict("It conflicts with something that exists".into()),
            store::Error::Stale => Self::PreconditionFailed,
            error if error.is_unavailable() => Self::Unavailable(Some(error)),
            error => Self::Internal(Some(error)),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let status = self.status();
        let seconds = if let Self::TooManyTries(seconds) = &self { *seconds } else { 5 };
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            // A failed authentication tells nothing: not even whether a credential was once good.
            detail: (status != StatusCode::UNAUTHORIZED).then(|| self.to_string()),
            needs: matches!(self, Self::BehindGlass).then_some("break-glass"),
            errors: match self {
                Self::Invalid(errors) | Self::Malformed { errors, .. } => errors,
                _ => Vec::new(),
            },
        };
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        response
    }
}
