//! SCIM errors (RFC 7644 §3.12).

use serde_json::{Value, json};

/// URN of the error message.
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Characters of a detail at the most.
const MAX_DETAIL_CHARACTERS: usize = 500;

/// `scimType`: what exactly is wrong (RFC 7644 table 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter cannot be read, or asks what an attribute cannot answer.
    InvalidFilter,
    /// More results than the server is willing to look through.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
    /// The attribute must not be changed so.
    Mutability,
    /// The message is not of the form that the RFC asks for.
    InvalidSyntax,
    /// The path of a PATCH operation names nothing.
    InvalidPath,
    /// The path matches no value to work on.
    NoTarget,
    /// A required value is missing, or a value is of the wrong type.
    InvalidValue,
    /// The protocol version is not served.
    InvalidVers,
    /// Personal data must not stand in a URL.
    Sensitive,
    /// The cursor is none of ours, or of another list (RFC 9865 §2.1).
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// The size of a page by cursor is not a positive number.
    InvalidCount,
}

impl ScimType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A refusal in SCIM's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// HTTP status.
    pub status: u16,
    /// What exactly is wrong, where the RFC has a word for it.
    pub scim_type: Option<ScimType>,
    /// One sentence for the person who reads the provider's log.
    pub detail: String,
}

impl ScimError {
    /// Any status, without a `scimType`.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: clipped(detail.into()) }
    }

    fn typed(status: u16, scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status, scim_type: Some(scim_type), detail: clipped(detail.into()) }
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidFilter, detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidPath, detail)
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidSyntax, detail)
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::NoTarget, detail)
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::Mutability, detail)
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::TooMany, detail)
    }

    /// 400 `invalidCursor`.
    pub fn invalid_cursor(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidCursor, detail)
    }

    /// 400 `expiredCursor`.
    pub fn expired_cursor(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::ExpiredCursor, detail)
    }

    /// 400 `invalidCount`.
    pub fn invalid_count(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidCount, detail)
    }

    /// 403 `sensitive`.
    pub fn sensitive(detail: impl Into<String>) -> Self {
        Self::typed(403, ScimType::Sensitive, detail)
    }

    /// 409 `uniqueness`.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::typed(409, ScimType::Uniqueness, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    /// 412: the resource is no longer at the version that the caller named.
    pub fn precondition_failed() -> Self {
        Self::new(412, "The resource has another version than If-Match names; read it again")
    }

    /// 413.
    pub fn payload_too_large(detail: impl Into<String>) -> Self {
        Self::new(413, detail)
    }

    /// The message as it goes out; `status` is a string there.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(object)) = (self.scim_type, body.as_object_mut()) {
            object.insert("scimType".into(), Value::String(scim_type.as_str().into()));
        }
        body
    }
}

/// Details quote what the client sent, which may be megabytes.
fn clipped(mut detail: String) -> String {
    if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL_CHARACTERS) {
        detail.truncate(end);
        detail.push('…');
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_does_not_echo_a_whole_request() {
        let detail = ScimError::invalid_path("é".repeat(100_000)).detail;
        assert_eq!(detail.chars().count(), MAX_DETAIL_CHARACTERS + 1);
        assert_eq!(ScimError::not_found("No such user").detail, "No such user");
    }

    #[test]
    fn status_is_a_string_and_scim_type_stands_where_the_rfc_has_a_word() {
        let body = ScimError::invalid_filter("broken").to_json();
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "400",
            "detail": "broken",
            "scimType": "invalidFilter",
        });
        assert_eq!(body, expected);
        assert_eq!(ScimError::uniqueness("taken").to_json()["status"], "409");
        assert_eq!(ScimError::not_found("No such user").to_json().get("scimType"), None);
    }
}
