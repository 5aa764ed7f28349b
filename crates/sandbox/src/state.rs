//! What a simulated site shows of itself: the answer of `GET /_sandbox/state`, the same for every product.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `created_by` of what stood at the site from its start.
pub const CREATED_AT_START: &str = "start";

/// `created_by` of what came through `/_sandbox`, behind the client's back.
pub const CREATED_BEHIND_BACK: &str = "sandbox";

/// Everything at a site, sorted by name, and the calls that were made to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSnapshot {
    /// The accounts, without the deleted ones.
    pub users: Vec<UserState>,
    /// The groups.
    pub groups: Vec<GroupState>,
    /// The projects, where the product has them.
    pub projects: Vec<ProjectState>,
    /// The calls since the site's start.
    pub calls: CallsState,
    /// How often each account name, in lower case, was created through the product's API. A number above one
    /// without a deletion between means that an account was created twice.
    pub creates_by_name: BTreeMap<String, u64>,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// The product's identity of the account, which a rename does not change.
    pub key: String,
    /// The log-in name in the case in which it was sent.
    pub name: String,
    /// The full name.
    pub display_name: String,
    /// The e-mail address.
    pub email: String,
    /// Whether the account may log in.
    pub active: bool,
    /// The name of the account whose credentials created it, or [`CREATED_AT_START`], or
    /// [`CREATED_BEHIND_BACK`].
    pub created_by: String,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupState {
    /// The group's name as it was created.
    pub name: String,
    /// The names of its members, inactive ones too.
    pub members: Vec<String>,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectState {
    /// The project's key, such as `DEMO`.
    pub key: String,
    /// The account name of its lead.
    pub lead: String,
    /// Its components.
    pub components: Vec<ComponentState>,
}

/// One component of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentState {
    /// The component's name.
    pub name: String,
    /// The account name of its lead, if it has one.
    pub lead: Option<String>,
}

/// Counts of calls to the product's API; calls to `/_sandbox` are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallsState {
    /// All calls that arrived, including those that were refused or never answered.
    pub total: u64,
    /// The same by method and route below the API's base, such as `POST /user` or `PUT /project/{key}`.
    pub by_operation: BTreeMap<String, u64>,
    /// Writes (any method but GET) that were answered with 400 or above. Failed look-ups are not counted,
    /// because asking whether something exists is no fault.
    pub rejected: u64,
    /// Calls that were answered with 429.
    #[serde(default)]
    pub limited: u64,
}
