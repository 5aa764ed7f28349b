//! Bodies as the SCIM directory reads and writes them. Fields that we do not use are left out, but for a user that is
//! written whole.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::connection::same_name;
use crate::error::SiteError;
use crate::site::{Account, Page, PageStart, SiteGroup};

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What only the directory itself sets.
const READ_ONLY: [&str; 4] = ["id", "meta", "groups", "urn:scim:schemas:extension:atlassian-external:1.0"];

/// A user with everything that it has.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct User(Map<String, Value>);

impl User {
    /// As an account. What identifies it is the directory's `id`, which is not the Atlassian account's.
    pub(super) fn account(&self) -> Result<Account, SiteError> {
        let text = |name: &str| self.0.get(name).and_then(Value::as_str);
        let (Some(id), Some(username), Some(active)) =
            (text("id"), text("userName"), self.0.get("active").and_then(Value::as_bool))
        else {
            return Err(SiteError::Protocol { detail: "a user without id, userName or active".to_owned() });
        };
        Ok(Account {
            key: id.to_owned(),
            username: username.to_owned(),
            display_name: text("displayName").unwrap_or(username).to_owned(),
            email: self.email().map(str::to_owned),
            active,
            groups: self.groups(),
        })
    }

    fn email(&self) -> Option<&str> {
        let emails = self.0.get("emails")?.as_array()?;
        let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
        primary.or_else(|| emails.first())?.get("value")?.as_str()
    }

    /// `None` where the answer does not show them.
    fn groups(&self) -> Option<Vec<String>> {
        let groups = self.0.get("groups")?.as_array()?;
        groups.iter().map(|group| group.get("display")?.as_str().map(str::to_owned)).collect()
    }

    /// The body of a PUT that changes the primary address, and nothing else but what `change` does: what is left out is
    /// emptied.
    pub(super) fn readdressed(self, email: &str, change: &[(&'static str, Value)]) -> Value {
        let mut body = self.0;
        body.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        let mut emails = vec![json!({ "value": email, "type": "work", "primary": true })];
        let before = body.get("emails").and_then(Value::as_array).into_iter().flatten();
        let is_other = |other: &&Value| {
            let is_same = other["value"].as_str().is_some_and(|value| same_name(value, email));
            other["primary"] != json!(true) && !is_same
        };
        emails.extend(before.filter(is_other).cloned());
        body.insert("emails".to_owned(), Value::Array(emails));
        for (name, value) in change {
            body.insert((*name).to_owned(), value.clone());
        }
        Value::Object(body)
    }
}

/// The body of POST `/Users`.
pub(super) fn new_user(username: &str, display_name: &str, email: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": username,
        "displayName": display_name,
        "emails": [{ "value": email, "type": "work", "primary": true }],
        "active": true,
    })
}

/// The body of POST `/Groups`.
pub(super) fn new_group(name: &str) -> Value {
    json!({ "schemas": [GROUP], "displayName": name })
}

/// The body of a PATCH that gives attributes other values.
pub(super) fn replace(change: &[(&'static str, Value)]) -> Value {
    let operation = |(path, value): &(&str, Value)| json!({ "op": "replace", "path": path, "value": value });
    json!({ "schemas": [PATCH_OP], "Operations": change.iter().map(operation).collect::<Vec<_>>() })
}

/// The body of a PATCH that puts a user into a group.
pub(super) fn add_member(id: &str) -> Value {
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    json!({ "schemas": [PATCH_OP], "Operations": [operation] })
}

/// The body of a PATCH that takes a user out of a group. The user is named in the path: with the path `members` alone,
/// RFC 7644 section 3.5.2.2 has the group emptied, whatever the value says.
pub(super) fn remove_member(id: &str) -> Value {
    let path = format!("members[value eq {}]", quoted(id));
    json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "remove", "path": path }] })
}

/// A string of a filter (RFC 7644 section 3.4.2.2), which is one of JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A group; its members are in some answers only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) members: Vec<Member>,
}

impl Group {
    pub(super) fn is_called(&self, name: &str) -> bool {
        same_name(&self.display_name, name)
    }
}

impl From<Group> for SiteGroup {
    fn from(group: Group) -> Self {
        Self { name: group.display_name }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) value: String,
}

/// A list of users or groups.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<T> {
    total_results: usize,
    #[serde(rename = "Resources", default = "Vec::new")]
    pub(super) resources: Vec<T>,
}

impl<T> List<T> {
    /// The page that was asked for at `offset`, counted from 0. The directory may give less than was asked for.
    pub(super) fn page(self, offset: usize) -> Page<T> {
        let end = offset + self.resources.len();
        let next =
            (!self.resources.is_empty() && end < self.total_results).then(|| PageStart::at_offset(end));
        Page { items: self.resources, next }
    }
}

/// What the directory says that it can do.
#[derive(Debug, Deserialize)]
pub(super) struct ServiceProviderConfig {
    pub(super) patch: Supported,
}

#[derive(Debug, Deserialize)]
pub(super) struct Supported {
    pub(super) supported: bool,
}

/// What an error says (RFC 7644 section 3.12); `None` for a body that is none.
pub(super) fn errors(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Error {
        schemas: Vec<String>,
        detail: Option<String>,
    }
    let error: Error = serde_json::from_slice(body).ok()?;
    error.schemas.iter().any(|schema| schema == ERROR).then(|| error.detail.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(value: Value) -> User {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn primary_address_counts_and_groups_are_known_only_when_shown() {
        let emails = json!([{ "value": "old@x" }, { "value": "new@x", "primary": true }]);
        let body = json!({ "id": "1", "userName": "ada", "active": true, "emails": emails });
        let account = user(body.clone()).account().unwrap();
        assert_eq!((account.email.as_deref(), account.groups), (Some("new@x"), None));
        let mut shown = body;
        shown["groups"] = json!([{ "value": "g1", "display": "team" }]);
        assert_eq!(user(shown).account().unwrap().groups, Some(vec!["team".to_owned()]));
    }

    #[test]
    fn new_address_keeps_all_else_that_can_be_written() {
        let body = json!({
            "schemas": [USER], "id": "1", "meta": {}, "groups": [], "userName": "ada", "active": false,
            "emails": [{ "value": "home@x" }, { "value": "old@x", "primary": true }, { "value": "NEW@x" }],
            "title": "Engineer",
        });
        let written = user(body).readdressed("new@x", &[("displayName", json!("Ada"))]);
        let emails = json!([{ "value": "new@x", "type": "work", "primary": true }, { "value": "home@x" }]);
        let wanted = json!({
            "schemas": [USER], "userName": "ada", "active": false, "emails": emails, "title": "Engineer",
            "displayName": "Ada",
        });
        assert_eq!(written, wanted);
    }

    #[test]
    fn quotes_in_names_end_no_string() {
        assert_eq!(quoted(r#"a" or "b\"#), r#""a\" or \"b\\""#);
    }

    #[test]
    fn list_ends_with_its_last_item_or_an_empty_page() {
        let list = |total_results, items: usize| List { total_results, resources: vec![(); items] };
        assert_eq!(list(5, 2).page(0).next, Some(PageStart::at_offset(2)));
        assert_eq!(list(5, 1).page(4).next, None);
        assert_eq!(list(5, 0).page(2).next, None);
    }
}
