//! The site's data, the rules that several resources share, and what the site tells of itself.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{BitbucketDataCenter, Options, answers::Refusal};
use crate::installation::{
    authentication::Administrator,
    directory::{Account, Conventions, Directory, Group, Login, fold},
};

/// Members administer Bitbucket, unless the permission is taken away.
pub(super) const ADMINISTRATORS: &str = "bitbucket-admins";
/// Members may use Bitbucket; new users join it unless that is declined.
pub(super) const USERS: &str = "stash-users";

/// An account that is made anew under a deleted one's name is another account.
const CONVENTIONS: Conventions = Conventions {
    first_key: 101,
    key: |number| number.to_string(),
    keeps_key_of_name: false,
    administrators: &[ADMINISTRATORS],
    users: USERS,
    login: Login::Accounts,
};

/// A global permission; the higher contain the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Permission {
    LicensedUser,
    ProjectCreate,
    Admin,
    SysAdmin,
}

impl Permission {
    const ALL: [(Self, &'static str); 4] = [
        (Self::LicensedUser, "LICENSED_USER"),
        (Self::ProjectCreate, "PROJECT_CREATE"),
        (Self::Admin, "ADMIN"),
        (Self::SysAdmin, "SYS_ADMIN"),
    ];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == text).map(|(permission, _)| permission)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(permission, _)| *permission == self).map_or("", |(_, name)| name)
    }
}

/// Everything at the site.
#[derive(Debug)]
pub struct Site {
    pub(super) directory: Directory,
    /// Global permissions of groups, by folded name.
    pub(super) group_permissions: BTreeMap<String, Permission>,
    /// Global permissions that accounts have by themselves, by folded name.
    pub(super) user_permissions: BTreeMap<String, Permission>,
}

impl Site {
    pub(super) fn start(options: &Options) -> Self {
        let directory = Directory::start(CONVENTIONS, options);
        let group_permissions = [(ADMINISTRATORS, Permission::SysAdmin), (USERS, Permission::LicensedUser)];
        Self {
            directory,
            group_permissions: group_permissions.map(|(name, held)| (name.to_owned(), held)).into(),
            user_permissions: BTreeMap::new(),
        }
    }

    /// Returns the account, by name without case.
    pub(super) fn account(&self, name: &str) -> Result<&Account, Refusal> {
        let found = self.directory.accounts.get(&fold(name));
        found.ok_or_else(|| {
            Refusal::not_found(format!("No such user \"{name}\"."))
                .named("com.atlassian.bitbucket.user.NoSuchUserException")
        })
    }

    /// Returns the group, by name without case.
    pub(super) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        let found = self.directory.groups.get(&fold(name));
        found.ok_or_else(|| {
            Refusal::not_found(format!("No such group \"{name}\"."))
                .named("com.atlassian.bitbucket.user.NoSuchGroupException")
        })
    }

    /// How many accounts the licence counts, were `joining` (folded names) to have access as well.
    pub(super) fn licensed_with(&self, joining: &[String]) -> usize {
        let licensed = |name: &String| {
            joining.contains(name)
                || self.user_permissions.contains_key(name)
                || self.group_permissions.keys().any(|group| {
                    self.directory.groups.get(group).is_some_and(|group| group.members.contains(name))
                })
        };
        self.directory.accounts.keys().filter(|name| licensed(name)).count()
    }

    /// Returns a user as the administrators' calls show it.
    pub(super) fn detailed_user(&self, account: &Account) -> Value {
        let slug: String =
            account.name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        json!({
            "name": account.name,
            "emailAddress": account.email,
            "active": account.active,
            "displayName": account.display_name,
            "id": account.key.parse::<u64>().unwrap_or_default(),
            "slug": slug,
            "type": "NORMAL",
            "directoryName": "Bitbucket Internal Directory",
            "deletable": true,
            "mutableDetails": true,
            "mutableGroups": true,
            "links": { "self": [{ "href": format!("{}/users/{slug}", self.directory.base_url) }] },
        })
    }

    /// Returns a group as the administrators' calls show it.
    pub(super) fn detailed_group(name: &str) -> Value {
        json!({ "name": name, "deletable": true })
    }
}

/// `GET /application-properties`: nobody need log in.
pub(super) async fn application_properties(State(bitbucket): State<BitbucketDataCenter>) -> Json<Value> {
    let version = &bitbucket.options().version;
    Json(json!({
        "version": version, "buildNumber": "9004002", "buildDate": "1735689600000", "displayName": "Bitbucket",
    }))
}

/// `GET /admin/user-directories`.
pub(super) async fn user_directories(Administrator(_): Administrator) -> Json<Value> {
    let directory = json!({
        "name": "Bitbucket Internal Directory", "description": "Bitbucket Internal Directory", "type": "INTERNAL",
        "active": true,
    });
    Json(json!({ "size": 1, "limit": 25, "isLastPage": true, "start": 0, "values": [directory] }))
}
