//! Settings that were checked, with their patterns compiled.

use std::ops::Deref;

use regex::Regex;

use super::LinkSettings;

/// The compiled patterns of `group_sync`, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupPatterns {
    pub(super) include: Vec<Regex>,
    pub(super) exclude: Vec<Regex>,
}

/// Settings that were checked; made by [`LinkSettings::compile`]. Reads as the settings that they are.
#[derive(Clone, Debug)]
pub struct CompiledSettings {
    settings: LinkSettings,
    patterns: GroupPatterns,
}

impl CompiledSettings {
    pub(super) fn new(settings: LinkSettings, patterns: GroupPatterns) -> Self {
        Self { settings, patterns }
    }

    /// The first pattern of `group_sync.exclude` that a directory group's name matches.
    pub(crate) fn excluding_pattern(&self, name: &str) -> Option<&str> {
        self.patterns.exclude.iter().find(|pattern| pattern.is_match(name)).map(Regex::as_str)
    }

    /// Whether `group_sync.include` lets a directory group's name through.
    pub(crate) fn includes(&self, name: &str) -> bool {
        self.patterns.include.is_empty() || self.patterns.include.iter().any(|pattern| pattern.is_match(name))
    }
}

impl Deref for CompiledSettings {
    type Target = LinkSettings;

    fn deref(&self) -> &LinkSettings {
        &self.settings
    }
}

/// Patterns follow from the settings, so the settings alone are compared.
impl PartialEq for CompiledSettings {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Eq for CompiledSettings {}
