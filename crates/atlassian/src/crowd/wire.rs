//! Bodies as Crowd's REST API reads and writes them. Fields that we do not use are left out.

use serde::{Deserialize, Serialize};

use crate::site::{Account, Page, PageStart, SiteGroup};

/// A user, as it is shown and as it is written: whole, since an update may empty what it leaves out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct User {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    pub(super) active: bool,
    /// Identifies the user for ever (unverified). A server that tells none is one where the name does.
    #[serde(default, skip_serializing)]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<Password>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Password {
    pub(super) value: String,
}

impl User {
    /// One that is to be made. Crowd wants a first and a last name, and we have one name for people.
    pub(super) fn new(name: &str, display_name: &str, email: Option<&str>, password: String) -> Self {
        let mut user = Self {
            name: name.to_owned(),
            first_name: None,
            last_name: None,
            display_name: None,
            email: email.map(str::to_owned),
            active: true,
            key: None,
            password: Some(Password { value: password }),
        };
        user.rename_for_people(display_name);
        user
    }

    /// Gives it another name for people, in all fields that have it.
    pub(super) fn rename_for_people(&mut self, display_name: &str) {
        let (first, last) = display_name.rsplit_once(' ').unwrap_or((display_name, ""));
        self.first_name = Some(first.to_owned());
        self.last_name = Some(last.to_owned());
        self.display_name = Some(display_name.to_owned());
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            key: user.key.unwrap_or_else(|| user.name.to_lowercase()),
            display_name: user.display_name.unwrap_or_else(|| user.name.clone()),
            username: user.name,
            email: user.email.filter(|email| !email.is_empty()),
            active: user.active,
            groups: None,
        }
    }
}

/// The name of a user that joins a group.
#[derive(Debug, Serialize)]
pub(super) struct UserName<'a> {
    pub(super) name: &'a str,
}

/// The body of POST `/user/rename`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Rename<'a> {
    pub(super) new_name: &'a str,
}

/// A group as a list shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
}

impl From<Group> for SiteGroup {
    fn from(group: Group) -> Self {
        Self { name: group.name }
    }
}

/// The body of POST `/group`.
#[derive(Debug, Serialize)]
pub(super) struct NewGroup<'a> {
    pub(super) name: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) active: bool,
}

/// A list of users.
#[derive(Debug, Deserialize)]
pub(super) struct Users {
    pub(super) users: Vec<User>,
}

/// A list of groups.
#[derive(Debug, Deserialize)]
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
}

/// The page that was asked for at `offset`. Nothing tells whether there is more, so only an empty page is the last.
pub(super) fn page<T, U: From<T>>(items: Vec<T>, offset: usize) -> Page<U> {
    let next = (!items.is_empty()).then(|| PageStart::at_offset(offset + items.len()));
    Page { items: items.into_iter().map(U::from).collect(), next }
}

/// `{"reason":"USER_NOT_FOUND","message":"…"}`.
#[derive(Debug, Deserialize)]
struct Refusal {
    reason: String,
    #[serde(default)]
    message: Option<String>,
}

/// What an error body says. An address that is not on the application's list is told as plain text.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    if body.starts_with(b"Client with address") {
        return Some(vec![String::from_utf8_lossy(body).into_owned()]);
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(vec![refusal.message.filter(|text| !text.is_empty()).unwrap_or(refusal.reason)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_for_people_is_split_before_its_last_word() {
        let shown = |name: &str| {
            let user = User::new("x", name, None, String::new());
            (user.first_name.unwrap(), user.last_name.unwrap(), user.display_name.unwrap())
        };
        let table = [
            ("Ann B", "Ann", "B"),
            ("Ann Maria van B", "Ann Maria van", "B"),
            ("Ann", "Ann", ""),
            ("", "", ""),
        ];
        for (whole, first, last) in table {
            assert_eq!(shown(whole), (first.to_owned(), last.to_owned(), whole.to_owned()));
        }
    }

    #[test]
    fn a_page_is_the_last_only_when_it_is_empty() {
        let groups = |n: usize| (0..n).map(|_| Group { name: "x".to_owned() }).collect::<Vec<_>>();
        assert_eq!(page::<_, SiteGroup>(groups(2), 4).next, Some(PageStart::at_offset(6)));
        assert_eq!(page::<_, SiteGroup>(groups(0), 4).next, None);
    }

    #[test]
    fn both_forms_of_a_refusal_are_crowds() {
        let told = errors(br#"{"reason":"USER_NOT_FOUND","message":"No user"}"#);
        assert_eq!(told, Some(vec!["No user".to_owned()]));
        assert_eq!(errors(br#"{"reason":"X"}"#), Some(vec!["X".to_owned()]));
        assert!(errors(b"Client with address \"10.0.0.1\" is forbidden").is_some());
        assert_eq!(errors(b"<html>"), None);
    }
}
