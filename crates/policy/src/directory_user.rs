//! What a SCIM user resource says of a person, as far as accounts have room for it.

use std::fmt;

use scim_protocol::fold;
use serde_json::Value;

/// A user of a directory, as a link sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUser {
    /// `userName`, without surrounding space.
    pub user_name: String,
    /// Whether that is the directory's word.
    pub named_by: NamedBy,
    /// The name to show; never empty unless `user_name` is.
    pub display_name: String,
    /// The address to write to, if the directory knows one.
    pub email: Option<String>,
    /// Whether the directory has the user as an active one.
    pub active: bool,
    /// Whether the link's `user_sync.scope` lets the user through.
    pub in_scope: bool,
    /// What `user_sync.attributes` could not make of the user. The attribute is then empty, and stays at the site as
    /// it is.
    pub problems: Vec<AttributeProblem>,
}

/// Who says what an account is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamedBy {
    /// The directory, or an expression over what it says.
    #[default]
    Directory,
    /// `user_sync.username_if_taken`, since the directory's name was taken. An account that stands there under the name
    /// is somebody else's.
    Rule,
    /// An admin.
    Hand,
}

/// Why an attribute of an account cannot be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeProblem {
    /// `username`, `display_name` or `email`.
    pub attribute: &'static str,
    /// What is wrong, in words.
    pub problem: String,
}

impl fmt::Display for AttributeProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "user_sync.attributes.{}: {}", self.attribute, self.problem)
    }
}

impl DirectoryUser {
    /// Reads a User resource (RFC 7643 §4.1), attributes spelled as in the schema.
    ///
    /// The display name is the first of `displayName`, `name.formatted`, given and family name, and
    /// `userName` that is there. The address is the primary one, else the first of type work, else the
    /// first of all, else `userName` where that is an address. `active` is true when absent, since a
    /// directory that does not speak of it has no other way to say that a user is gone than to delete it.
    pub fn from_scim(document: &Value) -> Self {
        let user_name = text(&document["userName"]).unwrap_or_default().to_owned();
        Self {
            display_name: display_name(document).unwrap_or_else(|| user_name.clone()),
            email: email(document)
                .map(str::to_owned)
                .or_else(|| is_address(&user_name).then(|| user_name.clone())),
            active: document["active"].as_bool().unwrap_or(true),
            in_scope: true,
            problems: Vec::new(),
            named_by: NamedBy::Directory,
            user_name,
        }
    }
}

/// Text that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn display_name(document: &Value) -> Option<String> {
    let name = &document["name"];
    if let Some(whole) = text(&document["displayName"]).or_else(|| text(&name["formatted"])) {
        return Some(whole.to_owned());
    }
    let parts: Vec<&str> = [&name["givenName"], &name["familyName"]].into_iter().filter_map(text).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn email(document: &Value) -> Option<&str> {
    let emails: Vec<&Value> =
        document["emails"].as_array()?.iter().filter(|email| text(&email["value"]).is_some()).collect();
    let primary = emails.iter().find(|email| email["primary"] == Value::Bool(true));
    let work = || emails.iter().find(|email| text(&email["type"]).is_some_and(|kind| fold(kind) == "work"));
    primary.or_else(work).or_else(|| emails.first()).and_then(|email| text(&email["value"]))
}

/// Whether a user name can be written to: one `@` with something on both sides, and no space.
pub(crate) fn is_address(user_name: &str) -> bool {
    let Some((local, domain)) = user_name.split_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !user_name.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn display_name_falls_back_in_order() {
        let name = json!({"formatted": "Dr Ada L", "givenName": "Ada", "familyName": "Lovelace"});
        let cases = [
            (json!({"userName": "ada", "displayName": "Ada", "name": name}), "Ada"),
            (json!({"userName": "ada", "displayName": " ", "name": name}), "Dr Ada L"),
            (
                json!({"userName": "ada", "name": {"givenName": "Ada", "familyName": "Lovelace"}}),
                "Ada Lovelace",
            ),
            (json!({"userName": "ada", "name": {"familyName": "Lovelace"}}), "Lovelace"),
            (json!({"userName": " ada ", "name": null}), "ada"),
        ];
        for (document, expected) in cases {
            assert_eq!(DirectoryUser::from_scim(&document).display_name, expected, "{document}");
        }
    }

    #[test]
    fn email_prefers_primary_then_work_then_first() {
        let home = json!({"value": "home@x.test", "type": "home"});
        let work = json!({"value": "work@x.test", "type": "Work"});
        let primary = json!({"value": "main@x.test", "primary": true});
        let cases = [
            (json!([home, work, primary]), Some("main@x.test")),
            (json!([home, work]), Some("work@x.test")),
            (json!([home, {"value": "other@x.test"}]), Some("home@x.test")),
            (json!([{"value": "", "primary": true}, home]), Some("home@x.test")),
            (json!([]), None),
            (json!(null), None),
        ];
        for (emails, expected) in cases {
            let user = DirectoryUser::from_scim(&json!({"userName": "ada", "emails": emails}));
            assert_eq!(user.email.as_deref(), expected, "{emails}");
        }
    }

    #[test]
    fn user_name_serves_as_email_only_when_it_is_an_address() {
        let cases = [
            ("ada@x.test", true),
            ("ada", false),
            ("@x.test", false),
            ("ada@", false),
            ("a@b@c", false),
            ("a b@c", false),
        ];
        for (name, expected) in cases {
            let user = DirectoryUser::from_scim(&json!({"userName": name}));
            assert_eq!(user.email.is_some(), expected, "{name}");
        }
    }

    #[test]
    fn active_is_true_unless_said_otherwise() {
        assert!(DirectoryUser::from_scim(&json!({"userName": "ada"})).active);
        assert!(DirectoryUser::from_scim(&json!({"userName": "ada", "active": null})).active);
        assert!(!DirectoryUser::from_scim(&json!({"userName": "ada", "active": false})).active);
    }

    #[test]
    fn empty_document_is_read_without_a_panic() {
        let user = DirectoryUser::from_scim(&json!("not an object"));
        assert_eq!((user.user_name.as_str(), user.display_name.as_str()), ("", ""));
    }
}
