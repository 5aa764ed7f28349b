//! Weak entity tags and their preconditions (RFC 7644 §3.14, RFC 9110 §13.1).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::error::ScimError;

/// The entity tag of a resource at `version`. Weak, since projections of one version differ in bytes.
pub fn weak(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The entity tag of a resource at `version` that also shows what is kept elsewhere. It differs when `shown`
/// does; for a write only the version counts, since nobody writes what is shown there.
pub fn weak_with(version: i64, shown: &str) -> String {
    let mut hasher = DefaultHasher::new();
    shown.hash(&mut hasher);
    format!("W/\"{version}.{:016x}\"", hasher.finish())
}

/// Refuses with 412 when an `If-Match` header names neither `current` nor `*`.
pub fn if_match(header: Option<&str>, current: &str) -> Result<(), ScimError> {
    match header {
        Some(header) if !names(header, current, version) => Err(ScimError::precondition_failed()),
        _ => Ok(()),
    }
}

/// Whether an `If-None-Match` header names `current` or `*`, so that 304 is the answer to a GET.
pub fn if_none_match(header: Option<&str>, current: &str) -> bool {
    header.is_some_and(|header| names(header, current, opaque))
}

/// Providers quote `meta.version` with and without `W/`; the opaque part decides.
fn names(header: &str, current: &str, part: fn(&str) -> &str) -> bool {
    header.split(',').map(str::trim).any(|tag| tag == "*" || part(tag) == part(current))
}

/// The version alone, without what [`weak_with`] adds.
fn version(tag: &str) -> &str {
    let opaque = opaque(tag);
    opaque.split_once('.').map_or(opaque, |(version, _)| version)
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
    fn what_is_shown_besides_counts_for_reading_and_not_for_writing() {
        let (before, after) = (weak_with(3, "[]"), weak_with(3, "[\"sales\"]"));
        assert!(!if_none_match(Some(&before), &after));
        assert!(if_none_match(Some(&after), &after));
        assert!(if_match(Some(&before), &weak(3)).is_ok());
        assert!(if_match(Some(&before), &weak(4)).is_err());
    }

    #[test]
    fn if_none_match_knows_the_current_version() {
        assert!(if_none_match(Some("W/\"3\""), &weak(3)));
        assert!(!if_none_match(Some("W/\"2\""), &weak(3)));
        assert!(!if_none_match(None, &weak(3)));
    }
}
