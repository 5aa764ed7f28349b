//! Bodies as the organization reads and writes them. Fields that we do not use are left out.

use serde::{Deserialize, Serialize};

use crate::site::Account;

/// The body of POST `…/users/search` of the organization.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberSearch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_ids: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) emails: Option<[&'a str; 1]>,
}

/// A page of the organization's members.
#[derive(Debug, Deserialize)]
pub(crate) struct Members {
    pub(crate) data: Vec<Member>,
}

/// A member of the organization's directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub(crate) account_id: String,
    pub(crate) email: Option<String>,
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
    pub(crate) fn is_let_in(&self) -> bool {
        self.is_there() && !self.is_one_of(&["suspended", "deactivated", "for_deletion"])
    }

    /// As an account of a site that does not show it: one without groups. `None` for one that is not in the directory.
    pub(crate) fn account(self, known_as: &str) -> Option<Account> {
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
pub(crate) struct Directories {
    pub(crate) data: Vec<Directory>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Directory {
    pub(crate) directory_id: String,
    pub(crate) name: Option<String>,
}

/// The body of POST `/users/invite`. No mail is sent: the directory's people did not ask for one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invitation<'a> {
    pub(crate) emails: [&'a str; 1],
    pub(crate) send_notification: bool,
}

/// What became of an invitation.
#[derive(Debug, Deserialize)]
pub(crate) struct Invited {
    #[serde(default)]
    pub(crate) data: Vec<InvitedUser>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct InvitedUser {
    pub(crate) id: Option<String>,
}

/// What the organization says of an error, in the three shapes in which it and its gateway say so; `None` for a body
/// that is neither.
pub(crate) fn errors(body: &[u8]) -> Option<Vec<String>> {
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

    #[test]
    fn organization_says_errors_in_its_own_way_and_its_gateway_in_another() {
        let own =
            br#"{"errors": [{"id": "1", "code": "ADMIN-404-8", "title": "Not found", "detail": "No user"}]}"#;
        assert_eq!(errors(own), Some(vec!["ADMIN-404-8: No user".to_owned()]));
        assert_eq!(errors(br#"{"code": 429, "message": "Slow down"}"#), Some(vec!["Slow down".to_owned()]));
        assert_eq!(errors(b"<html>"), None);
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
