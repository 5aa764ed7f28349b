//! Bodies as Jira reads and writes them. Fields that we do not use are left out.

use serde::{Deserialize, Serialize};

use crate::site::{Account, Page, PageStart, SiteGroup};

/// An account. What its person hides is not there.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) account_id: String,
    /// `atlassian` is a person's; others are apps' and customers' of a service desk.
    pub(super) account_type: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) email_address: Option<String>,
    pub(super) active: bool,
    pub(super) groups: Option<Groups>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Groups {
    #[serde(default)]
    pub(super) items: Vec<Group>,
    /// How many there are, of which the answer may show fewer.
    pub(super) size: Option<usize>,
}

impl User {
    pub(super) fn is_person(&self) -> bool {
        self.account_type.as_deref().is_none_or(|kind| kind == "atlassian")
    }

    /// As an account. What it is known by is its address, or the one that it was last known by.
    pub(super) fn account(self, known_as: &str) -> Account {
        let email = self.email_address.filter(|email| !email.is_empty());
        let username = email.clone().unwrap_or_else(|| known_as.to_owned());
        let groups = self.groups.filter(|groups| groups.size.is_none_or(|size| size <= groups.items.len()));
        Account {
            display_name: self.display_name.unwrap_or_else(|| username.clone()),
            key: self.account_id,
            username,
            email,
            active: self.active,
            groups: groups.map(|groups| groups.items.into_iter().map(|group| group.name).collect()),
        }
    }
}

/// The body of POST `/user`. No product is given: groups give access.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewUser<'a> {
    pub(super) email_address: &'a str,
    pub(super) products: [&'a str; 0],
}

/// A group.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) group_id: String,
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
}

/// The body of POST `/group/user`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMember<'a> {
    pub(super) account_id: &'a str,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<T> {
    is_last: Option<bool>,
    total: Option<usize>,
    #[serde(default = "Vec::new")]
    pub(super) values: Vec<T>,
}

impl<T> Listed<T> {
    /// The page that was asked for at `offset`. An empty one is the last, whatever it says.
    pub(super) fn page(self, offset: usize) -> Page<T> {
        let end = offset + self.values.len();
        let told = self.is_last.or_else(|| self.total.map(|total| end >= total));
        let next = (!self.values.is_empty() && told != Some(true)).then(|| PageStart::at_offset(end));
        Page { items: self.values, next }
    }
}

/// A project with its lead.
#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) key: String,
    pub(super) lead: Option<Lead>,
}

/// A component with its lead.
#[derive(Debug, Deserialize)]
pub(super) struct Component {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) lead: Option<Lead>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lead {
    pub(super) account_id: String,
}

/// The body of PUT `/project/{key}` and `/component/{id}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewLead<'a> {
    pub(super) lead_account_id: &'a str,
}

/// What is installed there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerInfo {
    pub(super) base_url: Option<String>,
    pub(super) deployment_type: Option<String>,
    pub(super) server_title: Option<String>,
}

/// The answer of `/mypermissions`.
#[derive(Debug, Deserialize)]
pub(super) struct Permissions {
    pub(super) permissions: std::collections::HashMap<String, Permission>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Permission {
    pub(super) have_permission: bool,
}

/// What Jira says of an error: `{"errorMessages":["…"],"errors":{"field":"…"}}`; `None` for a body that is none.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Errors {
        error_messages: Vec<String>,
        #[serde(default)]
        errors: serde_json::Map<String, serde_json::Value>,
    }
    let Errors { error_messages, errors } = serde_json::from_slice(body).ok()?;
    let fields = errors.iter().map(|(name, text)| format!("{name}: {}", text.as_str().unwrap_or_default()));
    Some(error_messages.into_iter().chain(fields).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> User {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn hidden_address_leaves_the_one_that_was_known() {
        let hidden = user(r#"{"accountId": "1", "displayName": "A", "active": true}"#).account("a@x");
        assert_eq!((hidden.username.as_str(), hidden.email), ("a@x", None));
        let shown = user(r#"{"accountId": "1", "emailAddress": "b@x", "active": true}"#).account("a@x");
        assert_eq!((shown.username.as_str(), shown.email.as_deref()), ("b@x", Some("b@x")));
    }

    #[test]
    fn groups_that_are_cut_short_are_not_known() {
        let text = |size: usize| {
            format!(
                r#"{{"accountId": "1", "active": true,
                "groups": {{"size": {size}, "items": [{{"name": "team", "groupId": "g"}}]}}}}"#
            )
        };
        assert_eq!(user(&text(1)).account("a").groups, Some(vec!["team".to_owned()]));
        assert_eq!(user(&text(2)).account("a").groups, None);
    }
}
