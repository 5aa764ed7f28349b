//! The site's data and the rules that several resources share.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{API, Options, answers::Refusal};
use crate::installation::{
    directory::{Account, Conventions, Directory, Group, Login, fold},
    request::query_value,
};

/// Members administer Confluence, whatever else is set.
pub(super) const ADMINISTRATORS: &str = "confluence-administrators";
/// Members may use Confluence; new users join it.
pub(super) const USERS: &str = "confluence-users";

/// An account that is made anew under a deleted one's name is another account.
const CONVENTIONS: Conventions = Conventions {
    first_key: 1,
    key: |number| format!("2c9680f78c{number:022x}"),
    keeps_key_of_name: false,
    administrators: &[ADMINISTRATORS],
    users: USERS,
    login: Login::Accounts,
};

/// Everything at the site.
#[derive(Debug)]
pub struct Site {
    pub(super) directory: Directory,
    /// When deletions that were accepted are done, by folded name.
    deletions: BTreeMap<String, Instant>,
    next_task: u64,
}

impl Site {
    pub(super) fn start(options: &Options) -> Self {
        let directory = Directory::start(CONVENTIONS, options);
        Self { directory, deletions: BTreeMap::new(), next_task: 1 }
    }

    /// Accepts a deletion and returns the number of its task. Asking again begins no other.
    pub(super) fn begin_deletion(&mut self, folded: &str, done_at: Instant) -> u64 {
        self.deletions.entry(folded.to_owned()).or_insert(done_at);
        self.next_task += 1;
        self.next_task - 1
    }

    pub(super) fn finish_deletions(&mut self) {
        let now = Instant::now();
        let directory = &mut self.directory;
        self.deletions.retain(|name, done_at| {
            let done = *done_at <= now;
            if done {
                directory.remove_account(name);
            }
            !done
        });
    }

    /// Returns the account, by name without case.
    pub(super) fn account(&self, name: &str) -> Result<&Account, Refusal> {
        self.directory.accounts.get(&fold(name)).ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, format!("No user found with username : {name}"))
        })
    }

    /// Returns the group, by name without case.
    pub(super) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        self.directory
            .groups
            .get(&fold(name))
            .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("No group found with name : {name}")))
    }

    /// Returns a user as it is shown everywhere; e-mail addresses are not.
    pub(super) fn person(&self, account: &Account, with_status: bool) -> Value {
        let base = &self.directory.base_url;
        let mut person = json!({
            "type": "known",
            "username": account.name,
            "userKey": account.key,
            "profilePicture": {
                "path": "/images/icons/profilepics/default.svg", "width": 48, "height": 48, "isDefault": true,
            },
            "displayName": account.display_name,
            "_links": { "self": format!("{base}{API}/user?key={}", query_value(&account.key)) },
        });
        if with_status {
            person["status"] = if account.active { "current" } else { "deactivated" }.into();
        } else {
            person["_expandable"] = json!({ "status": "" });
        }
        person
    }

    /// Returns a group as it is shown everywhere.
    pub(super) fn group_bean(&self, name: &str) -> Value {
        let path: String = query_value(name).replace('+', "%20");
        json!({
            "type": "group",
            "name": name,
            "_links": { "self": format!("{}{API}/group/{path}", self.directory.base_url) },
        })
    }
}
