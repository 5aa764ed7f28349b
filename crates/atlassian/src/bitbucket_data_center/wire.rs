//! Bodies as Bitbucket's REST API reads and writes them. Fields that we do not use are left out; the vendor's
//! description leaves those of users and groups open, so all of them are unverified.

use serde::{Deserialize, Serialize};

use crate::error::SiteError;
use crate::site::{Account, Page, PageStart, SiteDirectory, SiteGroup};

/// A user as the administrators' calls show it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    id: u64,
    pub(super) name: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    email_address: Option<String>,
    active: bool,
}

impl User {
    /// The address, if it is shown.
    pub(super) fn email(&self) -> Option<&str> {
        self.email_address.as_deref()
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            key: user.id.to_string(),
            display_name: user.display_name.unwrap_or_else(|| user.name.clone()),
            username: user.name,
            email: user.email_address.filter(|email| !email.is_empty()),
            active: user.active,
            groups: None,
        }
    }
}

/// A group.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
}

impl From<Group> for SiteGroup {
    fn from(group: Group) -> Self {
        Self { name: group.name }
    }
}

/// A group with the highest global permission that it has.
#[derive(Debug, Deserialize)]
pub(super) struct PermittedGroup {
    pub(super) group: Group,
    pub(super) permission: String,
}

/// An account that has a global permission by itself.
#[derive(Debug, Deserialize)]
pub(super) struct PermittedUser {
    pub(super) user: User,
}

/// The body of PUT `/admin/users`. What is left out stays.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserUpdate<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
}

/// The body of POST `/admin/users/rename`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserRename<'a> {
    pub(super) name: &'a str,
    pub(super) new_name: &'a str,
}

/// The body of POST `/admin/groups/add-users`.
#[derive(Debug, Serialize)]
pub(super) struct GroupAndUsers<'a> {
    pub(super) group: &'a str,
    pub(super) users: &'a [&'a str],
}

/// The body of POST `/admin/groups/remove-user`: the context is the group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserPickerContext<'a> {
    pub(super) context: &'a str,
    pub(super) item_name: &'a str,
}

/// The answer of GET `/application-properties`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationProperties {
    pub(super) version: String,
    #[serde(default)]
    pub(super) display_name: Option<String>,
}

/// One page of any list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageOf<T> {
    values: Vec<T>,
    is_last_page: bool,
    #[serde(default)]
    next_page_start: Option<usize>,
}

impl<T> PageOf<T> {
    /// The page that was asked for at `offset`. Where the next one starts is the site's to say: it may show fewer than
    /// a page covers.
    pub(super) fn into_page(self, offset: usize) -> Result<Page<T>, SiteError> {
        let next = match (self.is_last_page, self.next_page_start) {
            (true, _) => None,
            (false, Some(next)) if next > offset => Some(PageStart::at_offset(next)),
            (false, _) => {
                return Err(SiteError::Protocol { detail: "a page that leads nowhere".to_owned() });
            }
        };
        Ok(Page { items: self.values, next })
    }
}

/// `{"errors":[{"context":null,"message":"…","exceptionName":"com.atlassian.…"}]}` (unverified).
#[derive(Debug, Deserialize)]
struct Errors {
    errors: Vec<ErrorMessage>,
}

#[derive(Debug, Deserialize)]
struct ErrorMessage {
    message: String,
}

/// What an error body says.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    let Errors { errors } = serde_json::from_slice(body).ok()?;
    Some(errors.into_iter().map(|error| error.message).collect())
}

/// A user directory (the shape is unverified).
#[derive(Debug, Deserialize)]
pub(super) struct UserDirectory {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl From<UserDirectory> for SiteDirectory {
    /// Others may be written too; what is told does not say so.
    fn from(directory: UserDirectory) -> Self {
        let internal = directory.kind.is_some_and(|kind| kind.eq_ignore_ascii_case("internal"));
        Self { name: directory.name, takes_accounts: internal.then_some(true) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(body: Value) -> Result<Option<PageStart>, SiteError> {
        let page: PageOf<u32> = serde_json::from_value(body).unwrap();
        page.into_page(4).map(|page| page.next)
    }

    #[test]
    fn the_site_says_where_the_next_page_starts() {
        let more = json!({ "values": [1], "isLastPage": false, "nextPageStart": 9, "size": 1 });
        assert_eq!(page(more), Ok(Some(PageStart::at_offset(9))));
        assert_eq!(page(json!({ "values": [1], "isLastPage": true, "nextPageStart": null })), Ok(None));
        for next in [json!(4), json!(null)] {
            let nowhere = json!({ "values": [1], "isLastPage": false, "nextPageStart": next });
            assert!(matches!(page(nowhere), Err(SiteError::Protocol { .. })));
        }
    }
}
