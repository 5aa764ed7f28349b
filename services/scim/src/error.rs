//! Every failure as a SCIM error (RFC 7644 §3.12): the one place that turns one into a response.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use scim_protocol::error::ScimError;
use store::directory::ModifyError;
use store::groups::GroupError;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request itself is at fault, or its precondition does not hold.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// The database cannot be reached, or did not answer in time: nothing was done.
    #[error("temporarily unavailable")]
    Unavailable,
    /// No gateway of ours signed the request.
    #[error("no valid pass")]
    Unsigned,
    /// Our fault; logged where it was found.
    #[error("internal error")]
    Internal,
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(what) => ScimError::not_found(format!("No such {what}")).into(),
            store::Error::Conflict("users_user_name") => {
                ScimError::uniqueness("Another user of this directory has that userName").into()
            }
            store::Error::Stale => ScimError::precondition_failed().into(),
            error if error.is_unavailable() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "database unavailable");
                Self::Unavailable
            }
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "storage failed");
                Self::Internal
            }
        }
    }
}

impl From<ModifyError<ScimError>> for Failure {
    fn from(error: ModifyError<ScimError>) -> Self {
        match error {
            ModifyError::Store(error) => error.into(),
            ModifyError::Refused(error) => error.into(),
        }
    }
}

impl<E: Into<Failure>> From<GroupError<E>> for Failure {
    fn from(error: GroupError<E>) -> Self {
        match error {
            GroupError::Store(error) => error.into(),
            GroupError::Refused(error) => error.into(),
            GroupError::UnknownMembers(ids) => {
                let quoted = |id: &String| format!("{:?}", id.chars().take(100).collect::<String>());
                let named: Vec<String> = ids.iter().take(10).map(quoted).collect();
                let more =
                    if ids.len() > 10 { format!(" and {} more", ids.len() - 10) } else { String::new() };
                ScimError::invalid_value(format!(
                    "members: no user or group of this directory has the id {}{more}",
                    named.join(", ")
                ))
                .into()
            }
        }
    }
}

impl From<std::convert::Infallible> for Failure {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (error, retry) = match self {
            Self::Scim(error) => (error, None),
            Self::Unavailable => (ScimError::new(503, "Temporarily unavailable, try again"), Some("5")),
            Self::Unsigned => (ScimError::new(401, "Authentication failed"), None),
            Self::Internal => {
                (ScimError::new(500, "Internal error; quote the x-request-id when you report it"), None)
            }
        };
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = error.to_json().to_string();
        let mut response = (status, [(CONTENT_TYPE, "application/scim+json")], body).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static(seconds));
        }
        response
    }
}
