//! From a directory group to site groups: one group, one link.

use scim_protocol::fold;

use crate::product::ProductRules;
use crate::settings::{CompiledSettings, GroupMode};

/// What a link makes of a directory group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Its members belong into these site groups.
    Mapped {
        /// Names of the site groups, as they are to be created.
        site_groups: Vec<String>,
    },
    /// It does not reach the site.
    Excluded {
        /// The first rule that stopped it, in words.
        reason: String,
    },
}

/// The site groups of a directory group, by its display name: on the fly, the one of the same name
/// without surrounding space, unless a rule of the link or the product keeps it out.
pub fn site_groups_for(
    directory_group_name: &str,
    settings: &CompiledSettings,
    product: &ProductRules,
) -> Mapping {
    let name = directory_group_name.trim();
    match first_exclusion(name, settings, product) {
        Some(reason) => Mapping::Excluded { reason },
        None => Mapping::Mapped { site_groups: vec![name.to_owned()] },
    }
}

fn first_exclusion(name: &str, settings: &CompiledSettings, product: &ProductRules) -> Option<String> {
    match settings.group_sync.mode {
        GroupMode::Off => return Some("group_sync.mode is off".to_owned()),
        GroupMode::Manual => return Some("no entry of group_sync.mappings names it".to_owned()),
        GroupMode::OnTheFly => {}
    }
    if name.is_empty() {
        return Some("the group has no name".to_owned());
    }
    if !settings.includes(name) {
        return Some("no pattern of group_sync.include matches its name".to_owned());
    }
    if let Some(pattern) = settings.excluding_pattern(name) {
        return Some(format!("group_sync.exclude has the pattern {pattern}"));
    }
    protection(name, settings, product)
}

/// Why a site group is never touched, if it is protected.
pub(crate) fn protection(name: &str, settings: &CompiledSettings, product: &ProductRules) -> Option<String> {
    let folded = fold(name.trim());
    if settings.group_sync.protected.iter().any(|protected| fold(protected.trim()) == folded) {
        return Some("group_sync.protected names it".to_owned());
    }
    product.is_admin_group(name).then(|| "it is an admin group of the product".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::settings::LinkSettings;

    fn product() -> ProductRules {
        ProductRules { admin_groups: vec!["jira-administrators".into()], ..ProductRules::default() }
    }

    fn map(name: &str, group_sync: &Value) -> Mapping {
        let settings: LinkSettings = serde_json::from_value(json!({ "group_sync": group_sync })).unwrap();
        site_groups_for(name, &settings.compile().unwrap(), &product())
    }

    fn mapped(name: &str) -> Mapping {
        Mapping::Mapped { site_groups: vec![name.into()] }
    }

    #[test]
    fn on_the_fly_takes_the_trimmed_name() {
        assert_eq!(map("  Developers ", &json!({})), mapped("Developers"));
    }

    #[test]
    fn first_rule_that_excludes_is_the_reason() {
        let cases = [
            ("devs", json!({"mode": "off", "exclude": ["devs"]}), "group_sync.mode is off"),
            (" ", json!({}), "the group has no name"),
            (
                "devs",
                json!({"include": ["^jira-"], "exclude": ["devs"]}),
                "no pattern of group_sync.include matches its name",
            ),
            ("devs", json!({"exclude": ["x", "^d"]}), "group_sync.exclude has the pattern ^d"),
            ("DEVS", json!({"protected": ["ops", "devs "]}), "group_sync.protected names it"),
            ("Jira-Administrators", json!({}), "it is an admin group of the product"),
        ];
        for (name, settings, reason) in cases {
            assert_eq!(map(name, &settings), Mapping::Excluded { reason: reason.into() }, "{name}");
        }
    }

    #[test]
    fn one_of_several_includes_is_enough() {
        assert_eq!(map("wiki-devs", &json!({"include": ["^jira-", "^wiki-"]})), mapped("wiki-devs"));
    }

    #[test]
    fn patterns_ignore_case_unless_told_otherwise() {
        assert_eq!(map("JIRA-devs", &json!({"include": ["^jira-"]})), mapped("JIRA-devs"));
        assert!(matches!(map("JIRA-devs", &json!({"include": ["(?-i)^jira-"]})), Mapping::Excluded { .. }));
        assert!(matches!(map("Secret-X", &json!({"exclude": ["^secret"]})), Mapping::Excluded { .. }));
    }
}
