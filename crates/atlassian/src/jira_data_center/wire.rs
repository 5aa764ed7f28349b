//! Bodies as Jira's REST API 2 reads and writes them. Fields that we do not use are left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::site::{Account, SiteGroup};

/// `UserBean`, and `UserJsonBean` in lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) key: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) email_address: Option<String>,
    pub(super) active: bool,
    /// Set on the trace that a deleted user leaves behind.
    #[serde(default)]
    pub(super) deleted: bool,
    #[serde(default)]
    pub(super) groups: Option<UserGroups>,
}

/// The groups of a user. `items` is there only when asked for by `expand=groups`.
#[derive(Debug, Deserialize)]
pub(super) struct UserGroups {
    #[serde(default)]
    size: Option<usize>,
    #[serde(default)]
    items: Option<Vec<GroupName>>,
}

impl UserGroups {
    /// All names, or nothing when the list is absent or cut short.
    fn complete(self) -> Option<Vec<String>> {
        let items = self.items?;
        let cut_short = self.size.is_some_and(|size| size > items.len());
        (!cut_short).then(|| items.into_iter().map(|group| group.name).collect())
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            display_name: user.display_name.unwrap_or_else(|| user.name.clone()),
            key: user.key,
            username: user.name,
            email: user.email_address.filter(|email| !email.is_empty()),
            active: user.active,
            groups: user.groups.and_then(UserGroups::complete),
        }
    }
}

/// A group, or the body that makes one; also the body that names a user to be added to a group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GroupName {
    pub(super) name: String,
}

impl From<GroupName> for SiteGroup {
    fn from(group: GroupName) -> Self {
        Self { name: group.name }
    }
}

/// The body of POST and PUT `/user` (`UserWriteBean`). What is left out stays as it is.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserWrite<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application_keys: Option<&'a [&'a str]>,
}

/// The answer of GET `/serverInfo`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerInfo {
    pub(super) version: String,
    #[serde(default)]
    pub(super) base_url: Option<String>,
    #[serde(default)]
    pub(super) server_title: Option<String>,
    #[serde(default)]
    pub(super) deployment_type: Option<String>,
}

/// The answer of GET `/mypermissions`.
#[derive(Debug, Deserialize)]
pub(super) struct MyPermissions {
    pub(super) permissions: BTreeMap<String, Permission>,
}

/// One permission, and whether we hold it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Permission {
    pub(super) have_permission: bool,
}

/// The answer of GET `/groups/picker` (`GroupSuggestionsBean`).
#[derive(Debug, Deserialize)]
pub(super) struct GroupSuggestions {
    #[serde(default)]
    pub(super) total: Option<usize>,
    pub(super) groups: Vec<GroupName>,
}

/// The answer of GET `/group/member`. The vendor's document does not show the envelope, so everything but
/// `values` may be absent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberPage {
    pub(super) values: Vec<User>,
    #[serde(default)]
    pub(super) max_results: Option<usize>,
    #[serde(default)]
    pub(super) total: Option<usize>,
    #[serde(default)]
    pub(super) is_last: Option<bool>,
}

/// A project as GET `/project?expand=lead` shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) key: String,
    #[serde(default)]
    pub(super) lead: Option<Lead>,
}

/// Whoever leads something.
#[derive(Debug, Deserialize)]
pub(super) struct Lead {
    #[serde(default)]
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// A component (`ComponentBean`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) project: Option<String>,
    #[serde(default)]
    pub(super) lead: Option<Lead>,
    #[serde(default)]
    pub(super) lead_user_name: Option<String>,
}

/// The answer of GET `/component/page`, which the vendor's document leaves open.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ComponentPage {
    pub(super) values: Vec<Component>,
    #[serde(default)]
    pub(super) is_last: Option<bool>,
    #[serde(default)]
    pub(super) total: Option<usize>,
}

/// The body of PUT `/project/{key}` that changes the lead.
#[derive(Debug, Serialize)]
pub(super) struct ProjectLead<'a> {
    pub(super) lead: &'a str,
}

/// The body of PUT `/component/{id}` that changes the lead.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ComponentLead<'a> {
    pub(super) lead_user_name: &'a str,
}

/// `ErrorCollection`: what was wrong, in the language of the account or the site.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorCollection {
    #[serde(default)]
    error_messages: Option<Vec<String>>,
    #[serde(default)]
    errors: Option<BTreeMap<String, String>>,
}

/// What an error body says. One with neither field is not Jira's.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    let ErrorCollection { error_messages, errors } = serde_json::from_slice(body).ok()?;
    if error_messages.is_none() && errors.is_none() {
        return None;
    }
    let fields = errors.unwrap_or_default().into_iter().map(|(field, text)| format!("{field}: {text}"));
    Some(error_messages.unwrap_or_default().into_iter().chain(fields).collect())
}
