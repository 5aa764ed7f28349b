//! Bodies as Bitbucket writes them. Fields that we do not use are left out.

use serde::Deserialize;

use crate::site::{Account, SiteGroup};

/// An account. Bitbucket shows no address.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    /// In braces.
    pub(super) uuid: String,
    display_name: Option<String>,
    /// `active`, or not there; "more values may be added".
    account_status: Option<String>,
}

impl User {
    /// As an account, which goes by the address that it was found by.
    pub(super) fn account(self, known_as: &str) -> Account {
        Account {
            display_name: self.display_name.unwrap_or_else(|| known_as.to_owned()),
            key: self.uuid,
            username: known_as.to_owned(),
            email: None,
            active: self.account_status.is_none_or(|status| status == "active"),
            groups: None,
        }
    }
}

/// That an account is in a workspace.
#[derive(Debug, Deserialize)]
pub(super) struct Membership {
    pub(super) user: User,
}

/// A page of a list of API 2.0.
#[derive(Debug, Deserialize)]
pub(super) struct Paginated<T> {
    #[serde(default = "Vec::new")]
    pub(super) values: Vec<T>,
    pub(super) next: Option<String>,
}

/// A workspace.
#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    pub(super) name: Option<String>,
    pub(super) slug: Option<String>,
}

/// A group, as API 1.0 shows it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) slug: String,
    /// What repositories give to it by default: `read`, `write`, `admin` or nothing.
    pub(super) permission: Option<String>,
    /// `None` where they were not asked for.
    pub(super) members: Option<Vec<User>>,
}

impl From<Group> for SiteGroup {
    fn from(group: Group) -> Self {
        Self { name: group.name }
    }
}

/// What Bitbucket says of an error: `{"type":"error","error":{"message":"…","detail":"…"}}`. API 1.0 answers with plain
/// text too, which is passed on as long as it is no page.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Body {
        error: Error,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Error {
        Object { message: String, detail: Option<serde_json::Value> },
        Text(String),
    }
    if let Ok(Body { error }) = serde_json::from_slice(body) {
        return Some(match error {
            Error::Object { message, detail } => {
                let detail = detail.and_then(|detail| detail.as_str().map(str::to_owned));
                std::iter::once(message).chain(detail).collect()
            }
            Error::Text(text) => vec![text],
        });
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_plain = !text.is_empty() && !text.starts_with(['<', '{', '[']) && !text.contains(char::is_control);
    is_plain.then(|| vec![text.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_apis_say_errors_each_in_its_way() {
        let new = br#"{"type": "error", "error": {"message": "No workspace", "detail": "acme", "data": {}}}"#;
        assert_eq!(errors(new), Some(vec!["No workspace".to_owned(), "acme".to_owned()]));
        assert_eq!(errors(b"Not a member\n"), Some(vec!["Not a member".to_owned()]));
        assert_eq!(errors(b"<html>"), None);
        assert_eq!(errors(b""), None);
    }
}
