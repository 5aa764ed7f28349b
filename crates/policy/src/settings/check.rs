//! What must hold of settings beyond their types.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use scim_protocol::fold;

use super::compiled::{GroupRules, Rules};
use super::user_rules::UserRules;
use super::{
    GroupMapping, GroupRename, GroupSync, LinkSettings, MAX_NAME_LENGTH, Safety, SettingsProblem, UserSync,
    replacement,
};

/// Bytes that one compiled pattern may take; ordinary ones need a few kilobytes.
const PATTERN_SIZE_LIMIT: usize = 1 << 20;
/// How deep groups in a pattern may nest.
const PATTERN_NEST_LIMIT: u32 = 50;
/// Characters of a pattern at the most.
const MAX_PATTERN_LENGTH: usize = 1_000;
/// Patterns in one list at the most: each is tried on each group.
const MAX_PATTERNS: usize = 100;
/// Names in one list at the most.
const MAX_NAMES: usize = 1_000;
/// Entries of `group_sync.mappings` at the most.
const MAX_MAPPINGS: usize = 5_000;
/// A year.
/// Windows beside the link's own.
const MAX_MORE_WINDOWS: usize = 5;
const MAX_WINDOW_HOURS: u32 = 8_760;

/// A setting whose behaviour is still to come: its path, and whether it has a value other than nothing.
type Unsupported = (&'static str, fn(&LinkSettings) -> bool);

/// A setting that did nothing would be a lie, so these are refused until they do what they say.
const UNSUPPORTED: &[Unsupported] =
    &[("user_sync.directory", |settings| settings.user_sync.directory.is_some())];

/// Checks all settings and compiles their patterns.
pub(super) fn check(settings: &LinkSettings) -> Result<Rules, Vec<SettingsProblem>> {
    let mut problems = Problems::default();
    for (field, is_set) in UNSUPPORTED {
        if is_set(settings) {
            problems.add(*field, "is not supported yet");
        }
    }
    let users = UserRules::compile(&settings.user_sync, &mut problems);
    check_user_sync(&settings.user_sync, &mut problems);
    let groups = check_group_sync(&settings.group_sync, &mut problems);
    check_safety(&settings.safety, &mut problems);
    settings.schedule.check(&mut problems);
    if problems.0.is_empty() { Ok(Rules { users, groups }) } else { Err(problems.0) }
}

#[derive(Default)]
pub(super) struct Problems(Vec<SettingsProblem>);

impl Problems {
    #[cfg(test)]
    pub(super) fn into_list(self) -> Vec<SettingsProblem> {
        self.0
    }

    pub(super) fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(SettingsProblem { field: field.into(), problem: problem.into() });
    }
}

fn check_user_sync(user_sync: &UserSync, problems: &mut Problems) {
    let rules = &user_sync.match_by;
    if rules.is_empty() {
        problems.add("user_sync.match", "must name at least one of id, username, email");
    }
    for (index, rule) in rules.iter().enumerate() {
        if rules[..index].contains(rule) {
            problems.add(format!("user_sync.match[{index}]"), "is there twice");
        }
    }
    let leads = [
        ("user_sync.default_project_lead", &user_sync.default_project_lead),
        ("user_sync.default_component_lead", &user_sync.default_component_lead),
    ];
    for (field, name) in leads {
        if name.as_ref().is_some_and(|name| name.trim().is_empty() || name.chars().count() > MAX_NAME_LENGTH)
        {
            problems.add(field, format!("must be a user name of 1 to {MAX_NAME_LENGTH} characters"));
        }
    }
}

fn check_group_sync(group_sync: &GroupSync, problems: &mut Problems) -> GroupRules {
    let lists = [
        ("default_groups_new_users", &group_sync.default_groups_new_users),
        ("default_groups_all_users", &group_sync.default_groups_all_users),
        ("protected", &group_sync.protected),
    ];
    for (field, names) in lists {
        check_names(&format!("group_sync.{field}"), names, problems);
    }
    let mappings = compile_mappings(group_sync, problems);
    GroupRules {
        include: compile_patterns("group_sync.include", &group_sync.include, problems),
        exclude: compile_patterns("group_sync.exclude", &group_sync.exclude, problems),
        rename: compile_renames(&group_sync.rename, problems),
        mapped: mappings.values().flatten().map(|name| fold(name)).collect(),
        mappings,
    }
}

fn compile_renames(renames: &[GroupRename], problems: &mut Problems) -> Vec<(Regex, String)> {
    if renames.len() > MAX_PATTERNS {
        problems.add("group_sync.rename", format!("must have at most {MAX_PATTERNS} entries"));
        return Vec::new();
    }
    let mut compiled = Vec::with_capacity(renames.len());
    for (index, GroupRename { pattern, replace }) in renames.iter().enumerate() {
        let field = format!("group_sync.rename[{index}]");
        if replace.chars().count() > MAX_NAME_LENGTH {
            problems
                .add(format!("{field}.replace"), format!("must have at most {MAX_NAME_LENGTH} characters"));
            continue;
        }
        match compile_pattern(pattern) {
            Ok(pattern) => match replacement::check(replace, &pattern) {
                Ok(()) => compiled.push((pattern, replace.clone())),
                Err(problem) => problems.add(format!("{field}.replace"), problem),
            },
            Err(problem) => problems.add(format!("{field}.pattern"), problem),
        }
    }
    compiled
}

fn compile_mappings(group_sync: &GroupSync, problems: &mut Problems) -> BTreeMap<String, Vec<String>> {
    let mut compiled: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if group_sync.mappings.len() > MAX_MAPPINGS {
        problems.add("group_sync.mappings", format!("must have at most {MAX_MAPPINGS} entries"));
        return compiled;
    }
    let protected: Vec<String> = group_sync.protected.iter().map(|name| fold(name.trim())).collect();
    for (index, GroupMapping { idp_group, site_groups }) in group_sync.mappings.iter().enumerate() {
        let field = format!("group_sync.mappings[{index}]");
        if idp_group.trim().is_empty() {
            problems.add(format!("{field}.idp_group"), "must not be empty");
        }
        if site_groups.is_empty() {
            problems.add(format!("{field}.site_groups"), "must name at least one group");
        }
        check_names(&format!("{field}.site_groups"), site_groups, problems);
        let known = compiled.entry(fold(idp_group.trim())).or_default();
        for (position, name) in site_groups.iter().map(|name| name.trim()).enumerate() {
            let folded = fold(name);
            if protected.contains(&folded) {
                let problem = "is also in group_sync.protected: take it out of one of the two";
                problems.add(format!("{field}.site_groups[{position}]"), problem);
            }
            if known.iter().all(|other| fold(other) != folded) {
                known.push(name.to_owned());
            }
        }
    }
    compiled
}

fn check_names(field: &str, names: &[String], problems: &mut Problems) {
    if names.len() > MAX_NAMES {
        problems.add(field, format!("must have at most {MAX_NAMES} entries"));
    }
    for (index, name) in names.iter().enumerate() {
        let problem = if name.trim().is_empty() {
            "must not be empty".to_owned()
        } else if name.chars().count() > MAX_NAME_LENGTH {
            format!("must have at most {MAX_NAME_LENGTH} characters")
        } else if name.chars().any(char::is_control) {
            "must not contain control characters".to_owned()
        } else {
            continue;
        };
        problems.add(format!("{field}[{index}]"), problem);
    }
}

fn compile_patterns(field: &str, patterns: &[String], problems: &mut Problems) -> Vec<Regex> {
    if patterns.len() > MAX_PATTERNS {
        problems.add(field, format!("must have at most {MAX_PATTERNS} entries"));
        return Vec::new();
    }
    let mut compiled = Vec::with_capacity(patterns.len());
    for (index, pattern) in patterns.iter().enumerate() {
        match compile_pattern(pattern) {
            Ok(pattern) => compiled.push(pattern),
            Err(problem) => problems.add(format!("{field}[{index}]"), problem),
        }
    }
    compiled
}

/// Compiles one pattern without regard to case, as Atlassian's products compare group names. Matching
/// takes time linear in the name by construction; the limits bound the memory.
fn compile_pattern(pattern: &str) -> Result<Regex, String> {
    if pattern.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if pattern.chars().count() > MAX_PATTERN_LENGTH {
        return Err(format!("must have at most {MAX_PATTERN_LENGTH} characters"));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(PATTERN_SIZE_LIMIT)
        .nest_limit(PATTERN_NEST_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "takes too much memory".to_owned(),
            // The last line of the parser's drawing says what is wrong.
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
                format!("is no regular expression: {last}")
            }
        })
}

fn check_safety(safety: &Safety, problems: &mut Problems) {
    if safety.more_windows.len() > MAX_MORE_WINDOWS {
        problems.add("safety.more_windows", format!("must have at most {MAX_MORE_WINDOWS} entries"));
    }
    for (index, window) in safety.windows().into_iter().enumerate() {
        let (place, length) = match index {
            0 => ("safety".to_owned(), "window_hours"),
            _ => (format!("safety.more_windows[{}]", index - 1), "hours"),
        };
        let percents = [
            ("max_deactivations_percent", window.max_deactivations_percent),
            ("max_withdrawals_percent", window.max_withdrawals_percent),
        ];
        for (field, _) in percents.into_iter().filter(|(_, percent)| *percent > 100) {
            problems.add(format!("{place}.{field}"), "must be between 0 and 100");
        }
        if !(1..=MAX_WINDOW_HOURS).contains(&window.hours) {
            problems.add(format!("{place}.{length}"), format!("must be between 1 and {MAX_WINDOW_HOURS}"));
        }
    }
}
