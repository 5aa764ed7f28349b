//! Versions as entity tags, and the precondition of an edit (RFC 9110 §8.8.3, §13.1.1).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::{ETAG, HeaderName, IF_MATCH};
use axum::http::request::Parts;

use crate::error::ApiError;

/// The header `ETag: W/"version"`.
pub fn etag(version: i64) -> [(HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(format!("W/\"{version}\""));
    [(ETAG, value.unwrap_or(HeaderValue::from_static("W/\"\"")))]
}

/// The header `If-Match`, if it was sent.
///
/// RFC 9110 compares `If-Match` strongly, which no weak tag passes; our versions count every edit, so
/// they are compared by value, as clients of such APIs expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// The version that the edit must still find: `None` when any will do.
    /// [`ApiError::PreconditionFailed`] when `current` is none of those that the caller named.
    pub fn expect(&self, current: i64) -> Result<Option<i64>, ApiError> {
        let Some(tags) = &self.0 else { return Ok(None) };
        if tags.iter().any(|tag| tag == "*") {
            return Ok(None);
        }
        let current_tag = format!("\"{current}\"");
        let named = tags.iter().any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == current_tag);
        if named { Ok(Some(current)) } else { Err(ApiError::PreconditionFailed) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let mut headers = parts.headers.get_all(IF_MATCH).iter().peekable();
        if headers.peek().is_none() {
            return Ok(Self(None));
        }
        let tags = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().to_owned())
            .collect();
        Ok(Self(Some(tags)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(tags: &[&str]) -> IfMatch {
        IfMatch(Some(tags.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn an_edit_needs_one_of_the_named_versions() {
        assert_eq!(if_match(&["W/\"1\"", "W/\"3\""]).expect(3).unwrap(), Some(3));
        assert_eq!(if_match(&["\"3\""]).expect(3).unwrap(), Some(3));
        assert_eq!(if_match(&["*"]).expect(3).unwrap(), None);
        assert_eq!(IfMatch(None).expect(3).unwrap(), None);
        for stale in [if_match(&["W/\"2\""]), if_match(&["3"]), if_match(&["garbage"]), if_match(&[])] {
            assert!(matches!(stale.expect(3), Err(ApiError::PreconditionFailed)), "{stale:?}");
        }
    }
}
