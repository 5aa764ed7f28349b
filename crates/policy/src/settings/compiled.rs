//! Settings that were checked, with their patterns compiled.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use regex::Regex;
use scim_protocol::fold;
use scim_protocol::schema::ResourceType;
use serde_json::Value;

use super::user_rules::UserRules;
use super::{GroupMode, LinkSettings};
use crate::directory_user::DirectoryUser;
use crate::group::DirectoryGroup;

/// Bytes at which a name that replacements make grow is given up.
const LONGEST_RENAMED: usize = 10_000;

/// What `group_sync` was compiled to, everything in the order in which it was given.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupRules {
    pub(super) include: Vec<Regex>,
    pub(super) exclude: Vec<Regex>,
    /// Patterns with what their matches become.
    pub(super) rename: Vec<(Regex, String)>,
    /// Site groups by the folded name or id of a directory group, each once.
    pub(super) mappings: BTreeMap<String, Vec<String>>,
    /// Folded names of all site groups in `mappings`.
    pub(super) mapped: BTreeSet<String>,
}

/// All that settings were compiled to.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) users: UserRules,
    pub(super) groups: GroupRules,
}

/// Settings that were checked; made by [`LinkSettings::compile`]. Reads as the settings that they are.
#[derive(Clone, Debug)]
pub struct CompiledSettings {
    settings: LinkSettings,
    rules: Rules,
}

impl CompiledSettings {
    pub(super) fn new(settings: LinkSettings, rules: Rules) -> Self {
        Self { settings, rules }
    }

    /// A directory's user as the link sees it: whether it is in scope, and what its account is called.
    ///
    /// `document` is the User resource; its `groups` need only be there when [`Self::asks_for_groups_of_users`].
    pub fn read_user(&self, document: &Value, user_type: &ResourceType) -> DirectoryUser {
        self.rules.users.read(document, user_type)
    }

    /// What `user_sync.username_if_taken` would call the account of a user where `taken` is taken, in order.
    pub fn other_names(&self, document: &Value, taken: &str) -> Vec<String> {
        self.rules.users.other_names(document, taken)
    }

    /// Whether scope or attributes of a user depend on the groups that hold it.
    pub fn asks_for_groups_of_users(&self) -> bool {
        self.rules.users.needs_groups()
    }

    /// The first pattern of `group_sync.exclude` that a directory group's name matches.
    pub(crate) fn excluding_pattern(&self, name: &str) -> Option<&str> {
        self.rules.groups.exclude.iter().find(|pattern| pattern.is_match(name)).map(Regex::as_str)
    }

    /// Whether `group_sync.include` lets a directory group's name through.
    pub(crate) fn includes(&self, name: &str) -> bool {
        self.rules.groups.include.is_empty()
            || self.rules.groups.include.iter().any(|pattern| pattern.is_match(name))
    }

    /// A directory group's name as `group_sync.rename` changes it: each rule on what the one before left, at
    /// every place that its pattern matches. What grows beyond any name is left as it is then.
    pub(crate) fn renamed<'a>(&self, name: &'a str) -> Cow<'a, str> {
        let mut renamed = Cow::Borrowed(name);
        for (pattern, replace) in &self.rules.groups.rename {
            if renamed.len() > LONGEST_RENAMED {
                break;
            }
            if let Cow::Owned(replaced) = pattern.replace_all(&renamed, replace) {
                renamed = Cow::Owned(replaced);
            }
        }
        renamed
    }

    /// Whether names of directory groups change on the way to the site.
    pub fn renames_groups(&self) -> bool {
        self.group_sync.mode == GroupMode::OnTheFly && !self.rules.groups.rename.is_empty()
    }

    /// The site groups that `group_sync.mappings` has for a directory group, each once.
    pub(crate) fn mapped_groups(&self, group: &DirectoryGroup) -> Vec<String> {
        let keys = [fold(group.name.trim()), group.id.to_string()];
        let mut site_groups: Vec<String> = Vec::new();
        for name in keys.iter().filter_map(|key| self.rules.groups.mappings.get(key)).flatten() {
            if site_groups.iter().all(|known| fold(known) != fold(name)) {
                site_groups.push(name.clone());
            }
        }
        site_groups
    }

    /// Whether `group_sync.mappings` names a site group, in any spelling.
    pub(crate) fn maps_outright(&self, site_group: &str) -> bool {
        self.group_sync.mode == GroupMode::Manual
            && self.rules.groups.mapped.contains(&fold(site_group.trim()))
    }
}

impl Deref for CompiledSettings {
    type Target = LinkSettings;

    fn deref(&self) -> &LinkSettings {
        &self.settings
    }
}

/// The rules follow from the settings, so the settings alone are compared.
impl PartialEq for CompiledSettings {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Eq for CompiledSettings {}
