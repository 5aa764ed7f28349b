//! Weak entity tags and their preconditions (RFC 7644 §3.14, RFC 9110 §13.1).

use crate::error::ScimError;

/// The entity tag of a resource at `version`. Weak, since projections of one version differ in bytes.
pub fn weak(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// Refuses with 412 when an `If-Match` header names neither `current` nor `*`.
pub fn if_match(header: Option<&str>, current: &str) -> Result<(), ScimError> {
    match header {
        Some(header) if !names(header, current) => Err(ScimError::precondition_failed()),
        _ => Ok(()),
    }
}

/// Whether an `If-None-Match` header names `current` or `*`, so that 304 is the answer to a GET.
pub fn if_none_match(header: Option<&str>, current: &str) -> bool {
    header.is_some_and(|header| names(header, current))
}

/// Providers quote `meta.version` with and without `W/`; the opaque part decides.
fn names(header: &str, current: &str) -> bool {
    header.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == opaque(current))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_accepts_the_current_version_in_any_spelling_and_refuses_others() {
        let current = weak(3);
        for header in [None, Some("*"), Some("W/\"3\""), Some("\"3\""), Some("\"1\", W/\"3\"")] {
            assert!(if_match(header, &current).is_ok(), "{header:?}");
        }
        assert_eq!(if_match(Some("W/\"2\""), &current).unwrap_err().status, 412);
    }

    #[test]
    fn if_none_match_knows_the_current_version() {
        assert!(if_none_match(Some("W/\"3\""), &weak(3)));
        assert!(!if_none_match(Some("W/\"2\""), &weak(3)));
        assert!(!if_none_match(None, &weak(3)));
    }
}
