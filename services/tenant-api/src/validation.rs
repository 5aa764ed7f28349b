//! Rules for single fields, gathered so that all problems are told at once.

use serde_json::Value;
use store::Timestamp;
use url::Url;
use uuid::Uuid;

use crate::error::{ApiError, FieldProblem};

/// Characters of a name at the most.
const MAX_NAME: usize = 200;

/// Characters of a slug at the most: what a DNS label may have.
const MAX_SLUG: usize = 63;

/// Whether `text` is written as slugs are.
pub fn is_slug(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= MAX_SLUG && text.split('-').all(part)
}

/// Problems found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Notes a problem.
    pub fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(FieldProblem::new(field, problem));
    }

    /// Notes the problem of a part, or hands the part on.
    pub fn take<T>(&mut self, part: Result<T, FieldProblem>) -> Option<T> {
        part.map_err(|problem| self.0.push(problem)).ok()
    }

    /// A name for people: not blank, of bounded length, without control characters.
    pub fn name(&mut self, field: &str, name: &str) {
        if name.trim().is_empty() {
            self.add(field, "must not be empty");
        } else if name.chars().count() > MAX_NAME {
            self.add(field, format!("must have at most {MAX_NAME} characters"));
        } else if name.chars().any(char::is_control) {
            self.add(field, "must not contain control characters");
        }
    }

    /// A word for paths and configuration: small letters, digits, and single hyphens between them.
    /// It must not look like an id, since a path takes either.
    pub fn slug(&mut self, field: &str, slug: &str) {
        if !is_slug(slug) {
            let rule = "must have 1 to 63 small letters and digits, with single hyphens between them";
            self.add(field, rule);
        } else if Uuid::parse_str(slug).is_ok() {
            self.add(field, "must not have the form of an id");
        }
    }

    /// JSON that is stored as it is: without the character NUL, which PostgreSQL stores nowhere.
    pub fn storable(&mut self, field: &str, value: &Value) {
        match value {
            Value::String(text) if text.contains('\0') => {
                self.add(field, "must not contain the character NUL");
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.storable(&format!("{field}[{index}]"), item);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    if name.contains('\0') {
                        self.add(field, "must not have names with the character NUL");
                    }
                    self.storable(&format!("{field}.{name}"), value);
                }
            }
            _ => {}
        }
    }

    /// An expiry: in the future.
    pub fn expiry(&mut self, field: &str, expires_at: Option<Timestamp>, now: Timestamp) {
        if expires_at.is_some_and(|expiry| expiry <= now) {
            self.add(field, "must be in the future");
        }
    }

    /// The address of a site: `http` or `https`, with nothing secret and nothing after the path.
    pub fn base_url(&mut self, field: &str, text: &str) -> Option<Url> {
        let Ok(url) = Url::parse(text) else {
            self.add(field, "is not a URL");
            return None;
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            self.add(field, "must start with https:// or http:// and name a host");
        } else if !url.username().is_empty() || url.password().is_some() {
            self.add(field, "must not contain a user name or password; put them into credentials");
        } else if url.query().is_some() || url.fragment().is_some() {
            self.add(field, "must not contain a query or fragment");
        } else {
            return Some(url);
        }
        None
    }

    /// 422 with all problems, if there are any.
    pub fn check(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::Invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_words_that_no_id_looks_like() {
        for (slug, good) in [
            ("acme", true),
            ("acme-2", true),
            ("a", true),
            ("", false),
            ("Acme", false),
            ("-acme", false),
            ("acme-", false),
            ("a--b", false),
            ("a b", false),
            ("a/b", false),
            ("münchen", false),
            ("0192f0c1-2b3c-7d4e-8f50-617283940a1b", false),
            ("0192f0c12b3c7d4e8f50617283940a1b", false),
            (&"a".repeat(63), true),
            (&"a".repeat(64), false),
        ] {
            let mut problems = Problems::default();
            problems.slug("slug", slug);
            assert_eq!(problems.check().is_ok(), good, "{slug}");
        }
    }

    #[test]
    fn site_addresses_hold_no_secret_and_no_query() {
        for (address, good) in [
            ("https://jira.example.com", true),
            ("http://10.0.0.1:8080/jira", true),
            ("https://admin:pw@jira.example.com", false),
            ("https://jira.example.com/?a=b", false),
            ("https://jira.example.com/#a", false),
            ("ftp://jira.example.com", false),
            ("file:///etc/passwd", false),
            ("jira.example.com", false),
            ("", false),
        ] {
            let mut problems = Problems::default();
            let url = problems.base_url("base_url", address);
            assert_eq!((url.is_some(), problems.check().is_ok()), (good, good), "{address}");
        }
    }
}
