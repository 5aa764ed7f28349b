//! From a directory group to site groups: one group, one link.

use scim_protocol::fold;
use uuid::Uuid;

use crate::product::ProductRules;
use crate::settings::{CompiledSettings, GroupMode, MAX_NAME_LENGTH};

/// Characters of a directory group's name that rules are tried on.
const MAX_DIRECTORY_NAME_LENGTH: usize = 1_000;
/// Bytes of a directory group's and its site group's name together: both are keys of what we remember of the site, and
/// PostgreSQL's indexes take no longer ones.
const MAX_NAMES_BYTES: usize = 2_400;

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

/// A group of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryGroup {
    /// Its id, which outlives a change of its name.
    pub id: Uuid,
    /// Its display name.
    pub name: String,
}

/// The site groups of a directory group.
///
/// - On the fly it is the one of the same name without surrounding space, as `group_sync.rename` changes it,
///   unless a rule of the link or the product keeps it out.
/// - In the manual mode they are those that `group_sync.mappings` has for its name or its id. Naming an admin
///   group of the product there is deliberate, so it is filled.
pub fn site_groups_for(
    group: &DirectoryGroup,
    settings: &CompiledSettings,
    product: &ProductRules,
) -> Mapping {
    match settings.group_sync.mode {
        GroupMode::Off => Mapping::excluded("group_sync.mode is off"),
        GroupMode::Manual => {
            let site_groups = settings.mapped_groups(group);
            if site_groups.is_empty() {
                return Mapping::excluded("no entry of group_sync.mappings names it");
            }
            Mapping::Mapped { site_groups }
        }
        GroupMode::OnTheFly => on_the_fly(&group.name, settings, product),
    }
}

/// What becomes of a directory group's name where groups are mapped on the fly.
pub(crate) fn on_the_fly(name: &str, settings: &CompiledSettings, product: &ProductRules) -> Mapping {
    let name = name.trim();
    if name.is_empty() {
        return Mapping::excluded("the group has no name");
    }
    if name.chars().count() > MAX_DIRECTORY_NAME_LENGTH {
        return Mapping::excluded(format!("its name is longer than {MAX_DIRECTORY_NAME_LENGTH} characters"));
    }
    if !settings.includes(name) {
        return Mapping::excluded("no pattern of group_sync.include matches its name");
    }
    if let Some(pattern) = settings.excluding_pattern(name) {
        return Mapping::excluded(format!("group_sync.exclude has the pattern {pattern}"));
    }
    let renamed = settings.renamed(name);
    let site_group = renamed.trim();
    if site_group.is_empty() {
        return Mapping::excluded("group_sync.rename leaves nothing of its name");
    }
    // Whether the directory's own name fits is the site's to say.
    if site_group != name && site_group.chars().count() > MAX_NAME_LENGTH {
        return Mapping::excluded(format!(
            "its name at the site is longer than {MAX_NAME_LENGTH} characters"
        ));
    }
    if name.len() + fold(site_group).len() > MAX_NAMES_BYTES {
        return Mapping::excluded("its name is too long");
    }
    if let Some(reason) = protection(site_group, settings, product) {
        let whose = if site_group == name { String::new() } else { format!("it becomes {site_group}: ") };
        return Mapping::excluded(format!("{whose}{reason}"));
    }
    Mapping::Mapped { site_groups: vec![site_group.to_owned()] }
}

impl Mapping {
    fn excluded(reason: impl Into<String>) -> Self {
        Self::Excluded { reason: reason.into() }
    }

    /// Whether it leads to the site group `name`, in any spelling.
    pub fn leads_to(&self, name: &str) -> bool {
        let Self::Mapped { site_groups } = self else { return false };
        let folded = fold(name.trim());
        site_groups.iter().any(|group| fold(group) == folded)
    }
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
        let group = DirectoryGroup { id: Uuid::from_u128(7), name: name.to_owned() };
        site_groups_for(&group, &settings.compile().unwrap(), &product())
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

    fn excluded(reason: &str) -> Mapping {
        Mapping::Excluded { reason: reason.into() }
    }

    #[test]
    fn renames_apply_one_after_the_other_with_what_they_captured() {
        let rename = json!({"rename": [
            {"pattern": "^grp[_-](.+)[_-](dev|ops)$", "replace": "$2-$1"},
            {"pattern": "[ _]+", "replace": "-"},
        ]});
        assert_eq!(map("GRP_mobile app_dev", &rename), mapped("dev-mobile-app"));
        assert_eq!(map("Site Wide", &rename), mapped("Site-Wide"));
        assert_eq!(map("qa", &rename), mapped("qa"));
    }

    #[test]
    fn renames_can_leave_no_name_or_lead_to_what_is_protected() {
        let strip = json!({"rename": [{"pattern": "^idp-", "replace": ""}], "protected": ["ops"]});
        assert_eq!(map("idp-", &strip), excluded("group_sync.rename leaves nothing of its name"));
        assert_eq!(map("idp-ops", &strip), excluded("it becomes ops: group_sync.protected names it"));
        let admins = "it becomes jira-administrators: it is an admin group of the product";
        assert_eq!(map("idp-jira-administrators", &strip), excluded(admins));
        let long = json!({"rename": [{"pattern": ".", "replace": "$0$0$0"}]});
        assert_eq!(map(&"x".repeat(85), &long), mapped(&"x".repeat(255)));
        assert_eq!(
            map(&"x".repeat(86), &long),
            excluded("its name at the site is longer than 255 characters")
        );
    }

    #[test]
    fn names_that_are_no_key_are_kept_out() {
        let long = "\u{1F600}".repeat(600);
        assert_eq!(map(&long, &json!({})), excluded("its name is too long"));
        let shorter = "\u{1F600}".repeat(255);
        assert_eq!(map(&shorter, &json!({})), mapped(&shorter));
    }

    #[test]
    fn filters_look_at_the_name_before_it_is_renamed() {
        let settings = json!({"include": ["^idp-"], "rename": [{"pattern": "^idp-", "replace": "jira-"}]});
        assert_eq!(map("idp-devs", &settings), mapped("jira-devs"));
        assert!(matches!(map("jira-devs", &settings), Mapping::Excluded { .. }));
    }

    #[test]
    fn mappings_are_many_to_many_and_go_by_name_or_id() {
        let manual = json!({"mode": "manual", "mappings": [
            {"idp_group": "All Staff ", "site_groups": ["jira-users", "wiki-users"]},
            {"idp_group": "all staff", "site_groups": ["Jira-Users", "lunch"]},
            {"idp_group": Uuid::from_u128(7).to_string(), "site_groups": [" everybody "]},
        ]});
        let by_both = Mapping::Mapped {
            site_groups: ["jira-users", "wiki-users", "lunch", "everybody"].map(Into::into).into(),
        };
        assert_eq!(map("ALL STAFF", &manual), by_both);
        assert_eq!(map("renamed since", &manual), mapped("everybody"));
        let other = json!({"mode": "manual", "mappings": [{"idp_group": "x", "site_groups": ["y"]}]});
        assert_eq!(map("all staff", &other), excluded("no entry of group_sync.mappings names it"));
    }

    #[test]
    fn an_admin_group_is_reached_only_by_a_mapping_that_names_it() {
        let outright = json!({"mode": "manual", "mappings": [{"idp_group": "root", "site_groups": ["jira-administrators"]}]});
        assert_eq!(map("root", &outright), mapped("jira-administrators"));
    }
}
