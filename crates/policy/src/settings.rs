//! Link settings: what an admin decides about one connection feeding one site.
//!
//! [`LinkSettings`] is the JSON of the API as it is; [`LinkSettings::compile`] checks all of it and makes
//! the [`CompiledSettings`] that every other rule takes.

use std::collections::BTreeMap;

use scim_protocol::schema::ResourceType;
use serde::{Deserialize, Serialize};

mod check;
mod compiled;
mod expression;
mod replacement;
mod schedule;
mod user_rules;

#[cfg(test)]
mod tests;

pub use compiled::CompiledSettings;
pub use schedule::Schedule;

/// Characters of a site group's name at the most, as the products' databases have it.
pub(crate) const MAX_NAME_LENGTH: usize = 255;

/// All settings of a link. Absent fields have their defaults; unknown ones are refused by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LinkSettings {
    /// What happens to accounts.
    pub user_sync: UserSync,
    /// What happens to groups and memberships.
    pub group_sync: GroupSync,
    /// When taking access away waits for an admin.
    pub safety: Safety,
    /// When runs begin by themselves.
    pub schedule: Schedule,
}

/// What happens to accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct UserSync {
    /// Whether accounts are created.
    pub create: bool,
    /// Whether user name, display name and e-mail address follow the directory.
    pub update: bool,
    /// Whether a deactivated account is activated again when its user is active.
    pub reactivate: bool,
    /// What becomes of the account when its user is deactivated or deleted in the directory.
    pub on_deprovision: OnDeprovision,
    /// A SCIM filter (RFC 7644 §3.4.2.2) that a user must match; empty for all. `groups.display eq "staff"` asks for
    /// a group. Who leaves the scope is treated like one who was deactivated; who never was in it is left alone.
    pub scope: String,
    /// How an account that is already there is recognised, in this order.
    #[serde(rename = "match")]
    pub match_by: Vec<MatchBy>,
    /// Jinja expressions by account attribute (`username`, `display_name`, `email`) over `user`, the SCIM resource, such
    /// as `user.userName | split("@") | first`.
    pub attributes: BTreeMap<String, String>,
    /// A Jinja expression for the user name of an account that is to be made where the wanted one is taken, by another
    /// user's account or by one that `match` does not take over; empty to make none. Beside `user` it has `username`, the
    /// name that is taken, and `n`, which counts from 2 until a name is free: `username ~ n`.
    pub username_if_taken: String,
    /// The site's user directory that accounts are made in; absent for the site's default.
    pub directory: Option<Directory>,
    /// Account that takes over the projects of a deprovisioned lead: by its user name, at Jira Cloud by its address.
    pub default_project_lead: Option<String>,
    /// Account that takes over the components of a deprovisioned lead, named likewise.
    pub default_component_lead: Option<String>,
}

impl Default for UserSync {
    fn default() -> Self {
        Self {
            create: true,
            update: true,
            reactivate: true,
            on_deprovision: OnDeprovision::Deactivate,
            scope: String::new(),
            match_by: vec![MatchBy::Id, MatchBy::Username, MatchBy::Email],
            attributes: BTreeMap::new(),
            username_if_taken: String::new(),
            directory: None,
            default_project_lead: None,
            default_component_lead: None,
        }
    }
}

/// What becomes of an account when no directory has its user as an active one any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnDeprovision {
    /// It is deactivated and keeps its groups.
    #[default]
    Deactivate,
    /// It is deleted.
    Delete,
    /// It stays active and loses the groups that links manage.
    StripGroups,
    /// It stays as it is.
    Keep,
}

impl OnDeprovision {
    /// The setting's value as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
            Self::StripGroups => "strip_groups",
            Self::Keep => "keep",
        }
    }
}

/// By what an account that is already there is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    /// The product's own key of an account, once it is known to belong to the user.
    Id,
    /// The user name, compared as the product compares it.
    Username,
    /// The e-mail address.
    Email,
}

/// A user directory at the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Directory {
    /// The one with this id.
    Id(String),
    /// A new one with this name.
    Create(String),
}

/// What happens to groups and memberships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GroupSync {
    /// How directory groups become site groups.
    pub mode: GroupMode,
    /// Site groups of accounts that we create.
    pub default_groups_new_users: Vec<String>,
    /// Site groups of every active account of the link.
    pub default_groups_all_users: Vec<String>,
    /// Directory groups and their site groups, for the manual mode.
    pub mappings: Vec<GroupMapping>,
    /// Regular expressions, one of which a directory group's name must match; empty for all. Case does
    /// not count, as with group names; `(?-i)` in front makes it count.
    pub include: Vec<String>,
    /// Regular expressions, none of which a directory group's name may match. Case does not count.
    pub exclude: Vec<String>,
    /// How names change on the way to the site, when groups are mapped on the fly: each rule on what the one
    /// before left. `include` and `exclude` look at the name before.
    pub rename: Vec<GroupRename>,
    /// Whether site groups that are not there are created.
    pub create_missing: bool,
    /// Whether memberships that no link manages stay, in the site groups that the link feeds.
    pub keep_existing: bool,
    /// Site groups that are never touched, besides the product's own admin groups.
    pub protected: Vec<String>,
}

impl Default for GroupSync {
    fn default() -> Self {
        Self {
            mode: GroupMode::OnTheFly,
            default_groups_new_users: Vec::new(),
            default_groups_all_users: Vec::new(),
            mappings: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            rename: Vec::new(),
            create_missing: true,
            keep_existing: true,
            protected: Vec::new(),
        }
    }
}

/// How directory groups become site groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// Not at all; default groups are given all the same. Memberships given before stay, and are let go of.
    Off,
    /// As `mappings` says.
    Manual,
    /// Each becomes the site group of the same name, as `rename` changes it.
    #[default]
    OnTheFly,
}

/// The site groups of one directory group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupMapping {
    /// Display name of the directory group in any case, or its id, which outlives a change of its name.
    pub idp_group: String,
    /// Names of the site groups. Even an admin group of the product is filled when it is named here.
    pub site_groups: Vec<String>,
}

/// A replacement in group names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupRename {
    /// Regular expression on the directory group's name. Case does not count; `(?-i)` in front makes it count.
    pub pattern: String,
    /// What each match becomes; `$1` or `${name}` stands for what a group captured, `$$` for a dollar sign.
    pub replace: String,
}

/// When taking access away waits for an admin: over both limits within a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Safety {
    /// Accounts that may be deactivated or deleted within the window.
    pub max_deactivations: u32,
    /// The same as a percentage of the link's active accounts, 0 to 100.
    pub max_deactivations_percent: u32,
    /// Accounts that may lose memberships within the window. What is over waits, and nothing else about them.
    pub max_withdrawals: u32,
    /// The same as a percentage of the link's active accounts, 0 to 100.
    pub max_withdrawals_percent: u32,
    /// Length of the rolling window in hours, 1 to 8760.
    pub window_hours: u32,
    /// Further rolling windows with limits of their own, at the most 5; each must let it pass. What is little every day adds
    /// up in a week.
    pub more_windows: Vec<SafetyWindow>,
}

/// A rolling window, and what may be taken away within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SafetyWindow {
    /// Its length in hours, 1 to 8760.
    pub hours: u32,
    /// Accounts that may be deactivated or deleted.
    pub max_deactivations: u32,
    /// The same as a percentage of the link's active accounts, 0 to 100.
    pub max_deactivations_percent: u32,
    /// Accounts that may lose memberships.
    pub max_withdrawals: u32,
    /// The same as a percentage of the link's active accounts, 0 to 100.
    pub max_withdrawals_percent: u32,
}

impl Safety {
    /// All windows, the link's own first.
    pub fn windows(&self) -> Vec<SafetyWindow> {
        let own = SafetyWindow {
            hours: self.window_hours,
            max_deactivations: self.max_deactivations,
            max_deactivations_percent: self.max_deactivations_percent,
            max_withdrawals: self.max_withdrawals,
            max_withdrawals_percent: self.max_withdrawals_percent,
        };
        std::iter::once(own).chain(self.more_windows.iter().copied()).collect()
    }
}

impl SafetyWindow {
    /// Its length.
    pub fn length(&self) -> std::time::Duration {
        std::time::Duration::from_secs(u64::from(self.hours) * 3_600)
    }
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            max_deactivations: 10,
            max_deactivations_percent: 10,
            max_withdrawals: 100,
            max_withdrawals_percent: 20,
            window_hours: 24,
            more_windows: vec![SafetyWindow {
                hours: 7 * 24,
                max_deactivations: 30,
                max_deactivations_percent: 25,
                max_withdrawals: 300,
                max_withdrawals_percent: 50,
            }],
        }
    }
}

/// One thing that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingsProblem {
    /// Where, such as `group_sync.include[2]`.
    pub field: String,
    /// What, to be read after the field's name.
    pub problem: String,
}

impl LinkSettings {
    /// Checks everything that the types cannot say; all problems together. `user_type` is what the tenant's users are
    /// made of.
    pub fn validate(&self, user_type: &ResourceType) -> Result<(), Vec<SettingsProblem>> {
        let checked = check::check(self).map(drop);
        // A scope that is no filter was found already.
        let is_filter = checked
            .as_ref()
            .err()
            .is_none_or(|problems| problems.iter().all(|p| p.field != "user_sync.scope"));
        let scope = is_filter.then(|| user_rules::check_scope(&self.user_sync.scope, user_type)).flatten();
        match scope {
            None => checked,
            Some(problem) => {
                let mut problems = checked.err().unwrap_or_default();
                problems.insert(0, problem);
                Err(problems)
            }
        }
    }

    /// Checks the settings and makes them ready for use; all problems together.
    pub fn compile(self) -> Result<CompiledSettings, Vec<SettingsProblem>> {
        check::check(&self).map(|rules| CompiledSettings::new(self, rules))
    }
}
