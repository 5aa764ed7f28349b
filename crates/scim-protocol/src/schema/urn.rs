//! URNs that a tenant's schema may have (RFC 8141 §2, narrowed to what SCIM can use).

use super::{ENTERPRISE_USER, GROUP, USER};

/// Characters of a URN at the most.
const MAX_CHARACTERS: usize = 200;
/// Where the standard keeps its own: the core schemas and the messages (RFC 7643 §10.3).
const RESERVED: [&str; 2] = ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:"];

/// What is wrong with the URN of a new extension, to be read after its field's name.
///
/// RFC 8141 allows more characters, but a URN of ours stands in paths and filters, where a slash, a bracket
/// or a percent sign would end it or have to be written in another way.
pub(super) fn problem(urn: &str) -> Option<String> {
    if urn.chars().count() > MAX_CHARACTERS {
        return Some(format!("must have at most {MAX_CHARACTERS} characters"));
    }
    let mut parts = urn.split(':');
    let scheme = parts.next().unwrap_or_default();
    let namespace = parts.next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("urn") || !is_namespace(namespace) {
        return Some("must be a URN, such as urn:example:scim:schemas:2.0:Badge".to_owned());
    }
    let mut rest = parts.peekable();
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    if rest.peek().is_none() || !rest.all(is_word) {
        return Some("must have letters, digits, and . _ - between its colons".to_owned());
    }
    let is_standard = |known: &str| urn.eq_ignore_ascii_case(known) || are_ambiguous(urn, known);
    let starts = |prefix: &str| urn.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
    if [USER, GROUP, ENTERPRISE_USER].into_iter().any(is_standard) || RESERVED.into_iter().any(starts) {
        return Some("belongs to the standard; choose one of your own".to_owned());
    }
    None
}

/// RFC 8141 §2: 2 to 32 letters, digits and hyphens, with no hyphen at either end.
fn is_namespace(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether one URN reads as an attribute of the other: `urn:a:b:c` is the schema of that name, and the
/// attribute `c` of the schema `urn:a:b`. No path could tell which is meant, so one directory cannot have both.
pub fn are_ambiguous(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let is_start = long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short));
    let name = long.get(short.len()..).and_then(|rest| rest.strip_prefix(':'));
    is_start && name.is_some_and(|name| !name.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urns_of_ones_own_are_taken() {
        for urn in [
            "urn:acme:badge",
            "URN:Example-1:scim:schemas:extension:Badge:2.0:User",
            "urn:ietf:params:scim:schemas:extension:CustomExtension:2.0:User",
            "urn:ietf:params:scim:schemas:idcs:extension:custom:User",
        ] {
            assert_eq!(problem(urn), None, "{urn}");
        }
    }

    #[test]
    fn what_is_no_urn_or_could_not_stand_in_a_path_is_refused() {
        let long = format!("urn:acme:{}", "x".repeat(200));
        for urn in [
            "",
            "badge",
            "https://acme.example/badge",
            "urn",
            "urn:",
            "urn:acme",
            "urn:acme:",
            "urn:acme:a::b",
            "urn:acme:badge:",
            "urn:a:badge",
            "urn:-acme:badge",
            "urn:acme-:badge",
            "urn:ac me:badge",
            "urn:acme:bad ge",
            "urn:acme:badge[x]",
            "urn:acme:a/b",
            "urn:acme:a%2Fb",
            "urn:acme:bädge",
            "urn:acme:a?+b",
            "urn:acme:a#b",
            "urn:acme:a\u{0}",
            &long,
        ] {
            assert!(problem(urn).is_some(), "{urn:?}");
        }
    }

    #[test]
    fn what_is_the_standards_is_not_for_tenants_in_any_case() {
        for urn in [
            USER,
            GROUP,
            ENTERPRISE_USER,
            "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER",
            "urn:ietf:params:scim:schemas:core:2.0:Device",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
            "urn:ietf:params:scim:api:messages:2.0:PatchOp",
        ] {
            assert!(problem(urn).is_some_and(|problem| problem.contains("standard")), "{urn}");
        }
    }

    #[test]
    fn a_urn_that_reads_as_anothers_attribute_is_ambiguous() {
        assert!(are_ambiguous("urn:acme:badge", "URN:ACME:Badge:level"));
        assert!(are_ambiguous("urn:acme:badge:level", "urn:acme:badge"));
        for other in ["urn:acme:badge", "urn:acme:badges", "urn:acme:badge:2.0:User", "urn:other:badge"] {
            assert!(!are_ambiguous("urn:acme:badge", other), "{other}");
        }
    }
}
