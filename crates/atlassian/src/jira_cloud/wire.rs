//! Bodies as Jira and the organization read and write them. Fields that we do not use are left out.

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

/// The body of POST `…/users/search` of the organization.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberSearch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account_ids: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) emails: Option<[&'a str; 1]>,
}

/// A page of the organization's members.
#[derive(Debug, Deserialize)]
pub(super) struct Members {
    pub(super) data: Vec<Member>,
}

/// A member of the organization's directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    pub(super) account_id: String,
    pub(super) email: Option<String>,
    name: Option<String>,
    /// `active`, `suspended`, `not_invited`, `deactivated` or `for_deletion`.
    status: Option<String>,
    membership_status: Option<String>,
}

impl Member {
    fn is_one_of(&self, states: &[&str]) -> bool {
        let says = [&self.status, &self.membership_status];
        says.into_iter().flatten().any(|said| states.contains(&said.as_str()))
    }

    /// Whether the account is in the directory, let in or not.
    fn is_there(&self) -> bool {
        !self.is_one_of(&["not_invited", "no_membership"])
    }

    /// Whether the organization lets the account in.
    pub(super) fn is_let_in(&self) -> bool {
        self.is_there() && !self.is_one_of(&["suspended", "deactivated", "for_deletion"])
    }

    /// As an account of a site that does not show it: one without groups. `None` for one that is not in the directory.
    pub(super) fn account(self, known_as: &str) -> Option<Account> {
        let email = self.email.clone().filter(|email| !email.is_empty());
        let username = email.clone().unwrap_or_else(|| known_as.to_owned());
        self.is_there().then(|| Account {
            active: self.is_let_in(),
            display_name: self.name.clone().unwrap_or_else(|| username.clone()),
            key: self.account_id.clone(),
            username,
            email,
            groups: Some(Vec::new()),
        })
    }
}

/// The organization's directories.
#[derive(Debug, Deserialize)]
pub(super) struct Directories {
    pub(super) data: Vec<Directory>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directory {
    pub(super) directory_id: String,
    pub(super) name: Option<String>,
}

/// The body of POST `/users/invite`. No mail is sent: the directory's people did not ask for one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invitation<'a> {
    pub(super) emails: [&'a str; 1],
    pub(super) send_notification: bool,
}

/// What became of an invitation.
#[derive(Debug, Deserialize)]
pub(super) struct Invited {
    #[serde(default)]
    pub(super) data: Vec<InvitedUser>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InvitedUser {
    pub(super) id: Option<String>,
}

/// What the organization says of an error, in the three shapes in which it and its gateway say so; `None` for a body
/// that is neither.
pub(super) fn organization_errors(body: &[u8]) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Error {
        code: Option<String>,
        title: Option<String>,
        detail: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Errors { errors: Vec<Error> },
        Message { message: String },
    }
    Some(match serde_json::from_slice(body).ok()? {
        Body::Errors { errors } => errors
            .into_iter()
            .map(|error| {
                let said = error.detail.or(error.title).unwrap_or_default();
                error.code.map_or(said.clone(), |code| format!("{code}: {said}"))
            })
            .collect(),
        Body::Message { message } => vec![message],
    })
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

    #[test]
    fn organization_says_errors_in_its_own_way_and_its_gateway_in_another() {
        let own =
            br#"{"errors": [{"id": "1", "code": "ADMIN-404-8", "title": "Not found", "detail": "No user"}]}"#;
        assert_eq!(organization_errors(own), Some(vec!["ADMIN-404-8: No user".to_owned()]));
        assert_eq!(
            organization_errors(br#"{"code": 429, "message": "Slow down"}"#),
            Some(vec!["Slow down".to_owned()])
        );
        assert_eq!(organization_errors(b"<html>"), None);
    }

    #[test]
    fn whoever_is_suspended_or_not_invited_is_not_let_in() {
        let member = |status: &str, membership: &str| {
            let text =
                format!(r#"{{"accountId": "1", "status": "{status}", "membershipStatus": "{membership}"}}"#);
            serde_json::from_str::<Member>(&text).unwrap().is_let_in()
        };
        assert!(member("active", "active"));
        assert!(!member("suspended", "active") && !member("active", "suspended"));
        assert!(!member("not_invited", "no_membership"));
    }
}
