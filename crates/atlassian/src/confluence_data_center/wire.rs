//! Bodies as Confluence's REST API reads and writes them. Fields that we do not use are left out.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::error::SiteError;
use crate::site::{Account, Page, PageStart, SiteGroup};

/// A person, as every call shows one. No call shows an e-mail address.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    /// `known`, or `anonymous` and `unknown` for somebody who has no account.
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    user_key: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    /// `current` or `deactivated`; there only when asked for by `expand=status`.
    #[serde(default)]
    status: Option<String>,
}

impl Person {
    /// Whether this is nobody's account: that of a stranger, or one that was deleted.
    pub(super) fn is_nobody(&self) -> bool {
        self.kind != "known"
    }

    /// Whether nobody is logged in.
    pub(super) fn is_anonymous(&self) -> bool {
        self.kind == "anonymous"
    }
}

impl TryFrom<Person> for Account {
    type Error = SiteError;

    /// Whether somebody may log in is not guessed: a guess would activate or deactivate people.
    fn try_from(person: Person) -> Result<Self, SiteError> {
        let (Some(username), Some(key)) = (person.username, person.user_key) else {
            return Err(protocol("a person without a user name or key"));
        };
        let active = match person.status.as_deref() {
            Some("current") => true,
            Some("deactivated") => false,
            _ => return Err(protocol("a person of whom it is not told whether the account is active")),
        };
        let display_name = person.display_name.unwrap_or_else(|| username.clone());
        Ok(Self { key, username, display_name, email: None, active, groups: None })
    }
}

/// The body of POST `/admin/user`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserCreation<'a> {
    pub(super) user_name: &'a str,
    pub(super) full_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
    pub(super) password: &'a str,
    pub(super) notify_via_email: bool,
}

/// The answer to it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserKey {
    pub(super) user_key: String,
}

/// The body of PUT `/admin/user/{username}`. What is left out stays.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) full_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
}

/// A group, or the body that makes one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Group {
    #[serde(rename = "type", default)]
    kind: String,
    pub(super) name: String,
}

impl Group {
    /// The body that makes a group.
    pub(super) fn named(name: &str) -> Self {
        Self { kind: "group".to_owned(), name: name.to_owned() }
    }
}

impl From<Group> for SiteGroup {
    fn from(group: Group) -> Self {
        Self { name: group.name }
    }
}

/// The answer of GET `/server-information`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerInformation {
    pub(super) version: String,
    #[serde(default)]
    pub(super) base_url: Option<String>,
}

/// One page of any list.
#[derive(Debug, Deserialize)]
pub(super) struct PageOf<T> {
    results: Vec<T>,
    #[serde(default)]
    limit: Option<usize>,
    /// Where the vendor's pages show the links.
    #[serde(rename = "_links", default)]
    links: Links,
    /// Where the vendor's description has them.
    #[serde(default)]
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<String>,
}

impl<T> PageOf<T> {
    /// The page that was asked for at `offset`.
    ///
    /// The link to the next one says where that starts: a page may show fewer than it covers. Without any link, a
    /// full page may have a next one.
    pub(super) fn into_page(self, offset: usize) -> Result<Page<T>, SiteError> {
        let shown = self.results.len();
        let next = match self.links.next.or(self.next) {
            Some(link) => {
                Some(start_of(&link).ok_or_else(|| protocol("a link to a page that says no start"))?)
            }
            None if shown > 0 && self.limit.is_some_and(|limit| shown >= limit) => Some(offset + shown),
            None => None,
        };
        if next.is_some_and(|next| next <= offset) {
            return Err(protocol("a page that leads back"));
        }
        Ok(Page { items: self.results, next: next.map(PageStart::at_offset) })
    }
}

/// The `start` in the query of a link.
fn start_of(link: &str) -> Option<usize> {
    let (_, query) = link.split_once('?')?;
    let (_, start) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "start")?;
    start.parse().ok()
}

/// `{"statusCode":404,"data":{…},"message":"…","reason":"Not Found"}` (unverified).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    #[expect(dead_code, reason = "its presence tells Confluence's body from a stranger's")]
    status_code: u16,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// What an error body says.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(refusal.message.filter(|text| !text.is_empty()).or(refusal.reason).into_iter().collect())
}

fn protocol(detail: &str) -> SiteError {
    SiteError::Protocol { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(body: Value, offset: usize) -> Result<Option<PageStart>, SiteError> {
        let page: PageOf<u32> = serde_json::from_value(body).unwrap();
        page.into_page(offset).map(|page| page.next)
    }

    #[test]
    fn the_next_page_is_where_the_link_says_wherever_the_link_stands() {
        let next = "/rest/api/group?limit=2&start=12";
        let apart = json!({ "results": [1], "limit": 2, "_links": { "next": next } });
        let beside = json!({ "results": [1], "limit": 2, "next": next });
        for body in [apart, beside] {
            assert_eq!(page(body, 10), Ok(Some(PageStart::at_offset(12))));
        }
    }

    #[test]
    fn without_a_link_only_a_full_page_may_have_a_next_one() {
        assert_eq!(page(json!({ "results": [1, 2], "limit": 2 }), 4), Ok(Some(PageStart::at_offset(6))));
        assert_eq!(page(json!({ "results": [1], "limit": 2 }), 4), Ok(None));
        assert_eq!(page(json!({ "results": [], "limit": 0 }), 4), Ok(None));
        assert_eq!(page(json!({ "results": [1] }), 4), Ok(None));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused() {
        for next in ["/rest/api/group?start=4", "/rest/api/group", "/rest/api/group?start=x"] {
            let body = json!({ "results": [1], "_links": { "next": next } });
            assert!(matches!(page(body, 4), Err(SiteError::Protocol { .. })), "{next}");
        }
    }
}
