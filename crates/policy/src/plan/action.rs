//! The steps that a plan is made of.

use std::fmt;

use serde::Serialize;

use super::leads::Led;

/// What is done to an account, or for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Action {
    /// Creates the account with the desired attributes.
    CreateAccount,
    /// Sets the attributes that are given.
    UpdateAccount {
        /// The new user name.
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        /// The new display name.
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
        /// The new e-mail address.
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<String>,
    },
    /// Lets the account log in again.
    Reactivate,
    /// Lets the account log in no more.
    Deactivate,
    /// Deletes the account.
    DeleteAccount,
    /// Makes another account the lead of what this one leads.
    HandOver {
        /// What is led.
        led: Led,
        /// The user name of the new lead.
        to: String,
    },
    /// Creates the site group unless it is there.
    EnsureGroup {
        /// Its name; `group` in JSON, beside the name of the action.
        #[serde(rename = "group")]
        name: String,
    },
    /// Adds the account to a site group.
    AddMember {
        /// The group's name.
        group: String,
    },
    /// Takes the account out of a site group.
    RemoveMember {
        /// The group's folded name, which is all that an observation keeps.
        group: String,
    },
}

impl Action {
    /// The action's name in JSON and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateAccount => "create_account",
            Self::UpdateAccount { .. } => "update_account",
            Self::Reactivate => "reactivate",
            Self::Deactivate => "deactivate",
            Self::DeleteAccount => "delete_account",
            Self::HandOver { .. } => "hand_over",
            Self::EnsureGroup { .. } => "ensure_group",
            Self::AddMember { .. } => "add_member",
            Self::RemoveMember { .. } => "remove_member",
        }
    }

    /// Whether the account can be used no more afterwards.
    pub fn ends_account(&self) -> bool {
        matches!(self, Self::Deactivate | Self::DeleteAccount)
    }

    /// Whether somebody may do less afterwards.
    pub fn removes_access(&self) -> bool {
        self.ends_account() || matches!(self, Self::RemoveMember { .. })
    }
}

/// As a timeline tells it once it is done.
impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateAccount => formatter.write_str("Created the account"),
            Self::UpdateAccount { username, display_name, email } => {
                let fields =
                    [("user name", username), ("display name", display_name), ("e-mail address", email)];
                let fields: Vec<&str> =
                    fields.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect();
                write!(formatter, "Updated the {}", fields.join(", "))
            }
            Self::Reactivate => formatter.write_str("Activated the account again"),
            Self::Deactivate => formatter.write_str("Deactivated the account"),
            Self::DeleteAccount => formatter.write_str("Deleted the account"),
            Self::HandOver { led, to } => write!(formatter, "Made {to} the lead of {led}"),
            Self::EnsureGroup { name } => write!(formatter, "Saw to it that the group {name} exists"),
            Self::AddMember { group } => write!(formatter, "Added to the group {group}"),
            Self::RemoveMember { group } => write!(formatter, "Removed from the group {group}"),
        }
    }
}
