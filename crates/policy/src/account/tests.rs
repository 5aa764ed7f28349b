use serde_json::json;

use super::*;
use crate::testing::{claim, jira, link, settings, user};

fn group_names(desired: &DesiredAccount) -> Vec<&str> {
    desired.groups.values().map(|group| group.name.as_str()).collect()
}

fn gone(number: u128, precedence: i32, on_deprovision: &str) -> Claim {
    let settings = settings(json!({"user_sync": {"on_deprovision": on_deprovision}}));
    Claim { precedence, settings, user: None, ..claim(number) }
}

#[test]
fn one_active_claim_keeps_the_account_active() {
    let leaver = gone(1, 100, "delete");
    let desired = fold(&[leaver, claim(2)], &jira());
    assert_eq!(desired.existence, Existence::Active);
    assert_eq!(desired.decided_by.unwrap().link, link(2));
}

#[test]
fn deprovision_setting_of_the_highest_precedence_decides() {
    let cases = [
        ("deactivate", Existence::Inactive),
        ("delete", Existence::Deleted),
        ("strip_groups", Existence::StripGroups),
        ("keep", Existence::Keep),
    ];
    for (setting, expected) in cases {
        let other = if setting == "keep" { "delete" } else { "keep" };
        let desired = fold(&[gone(1, 5, other), gone(2, 6, setting)], &jira());
        assert_eq!(desired.existence, expected, "{setting}");
        let source = desired.decided_by.unwrap();
        assert_eq!(source.link, link(2));
        let rule = format!("the user is deleted in the directory and user_sync.on_deprovision is {setting}");
        assert_eq!(source.rule, rule);
    }
}

#[test]
fn user_deactivated_in_the_directory_counts_like_a_deleted_one() {
    let inactive = Claim { user: Some(user("ada", false)), ..gone(1, 0, "delete") };
    let desired = fold(&[inactive], &jira());
    assert_eq!(desired.existence, Existence::Deleted);
    assert!(desired.decided_by.unwrap().rule.starts_with("the user is inactive"));
}

#[test]
fn nothing_that_claims_it_leaves_the_account() {
    let desired = fold(&[], &jira());
    assert_eq!((desired.existence, desired.decided_by), (Existence::Keep, None));
    let disabled = Claim { enabled: false, ..gone(1, 0, "delete") };
    assert_eq!(fold(&[disabled], &jira()).existence, Existence::Keep);
}

#[test]
fn disabled_link_with_an_active_user_locks_nobody_out() {
    let paused = Claim { enabled: false, ..claim(1) };
    let desired = fold(&[paused, gone(2, 9, "delete")], &jira());
    assert_eq!(desired.existence, Existence::Keep);
    assert_eq!(desired.decided_by.unwrap().rule, "the link is disabled and its user is active");
    assert!(desired.may_create.is_none());
}

#[test]
fn each_attribute_comes_from_the_highest_precedence_that_has_it() {
    let high = Claim {
        precedence: 10,
        user: Some(DirectoryUser { email: None, ..user("ada.high", true) }),
        ..claim(1)
    };
    let higher_but_inactive = Claim { precedence: 20, user: Some(user("ada.old", false)), ..claim(2) };
    let low = Claim { user: Some(user("ada.low", true)), ..claim(3) };
    let desired = fold(&[low, higher_but_inactive, high], &jira());
    assert_eq!(desired.username.value, "ada.high");
    assert_eq!(desired.username.source.link, link(1));
    let email = desired.email.unwrap();
    assert_eq!((email.value.as_str(), email.source.link), ("ada.low@x.test", link(3)));
}

#[test]
fn inactive_users_still_say_who_the_account_is() {
    let inactive = Claim { user: Some(user("ada", false)), ..claim(1) };
    let desired = fold(&[inactive], &jira());
    assert_eq!(desired.username.value, "ada");
    assert_eq!(desired.match_by, [MatchBy::Id, MatchBy::Username, MatchBy::Email]);
}

#[test]
fn deleted_user_gives_nothing_to_recognise_an_account_by() {
    let desired = fold(&[gone(1, 0, "deactivate")], &jira());
    assert_eq!(desired.username.value, "");
    assert!(desired.match_by.is_empty() && desired.may_update.is_none());
}

#[test]
fn equal_precedence_is_decided_by_link_then_user() {
    let first = Claim { user: Some(user("first", true)), ..claim(1) };
    let second = Claim { user: Some(user("second", true)), ..claim(2) };
    assert_eq!(fold(&[second, first.clone()], &jira()).username.value, "first");
    let earlier_user =
        Claim { user_id: Uuid::from_u128(1), user: Some(user("earlier", true)), ..first.clone() };
    assert_eq!(fold(&[first, earlier_user], &jira()).username.value, "earlier");
}

#[test]
fn groups_are_the_union_of_active_claims_with_every_source() {
    let one = Claim { groups: vec!["Devs".into(), "ops".into()], ..claim(1) };
    let other = Claim { precedence: 1, groups: vec!["devs ".into()], ..claim(2) };
    let inactive = Claim { user: Some(user("ada", false)), groups: vec!["qa".into()], ..claim(3) };
    let desired = fold(&[one, other, inactive], &jira());
    assert_eq!(group_names(&desired), ["devs", "ops"]);
    let links: Vec<Uuid> = desired.groups["devs"].sources.iter().map(|source| source.link).collect();
    assert_eq!(links, [link(2), link(1)]);
    assert_eq!(desired.groups["ops"].sources[0].rule, "member of the directory group ops");
}

#[test]
fn default_groups_are_given_in_every_mode() {
    let group_sync = json!({"mode": "off", "default_groups_all_users": ["staff"],
        "default_groups_new_users": ["newcomers", "staff"]});
    let claim = Claim {
        settings: settings(json!({ "group_sync": group_sync })),
        groups: vec!["devs".into()],
        ..claim(1)
    };
    let desired = fold(&[claim], &jira());
    assert_eq!(group_names(&desired), ["newcomers", "staff"]);
    assert!(desired.groups["newcomers"].new_accounts_only);
    assert!(!desired.groups["staff"].new_accounts_only);
}

#[test]
fn what_one_link_protects_no_other_link_gives() {
    let protecting = Claim { settings: settings(json!({"group_sync": {"protected": ["Ops"]}})), ..claim(1) };
    let asking = Claim {
        settings: settings(
            json!({"group_sync": {"default_groups_all_users": ["OPS", "jira-administrators"]}}),
        ),
        groups: vec!["ops".into(), "Jira-Administrators".into()],
        ..claim(2)
    };
    for enabled in [true, false] {
        let protecting = Claim { enabled, ..protecting.clone() };
        let desired = fold(&[protecting, asking.clone()], &jira());
        assert!(desired.groups.is_empty());
        let reasons: Vec<&str> = desired.refused_groups.values().map(|group| group.reason.as_str()).collect();
        let listed = "group_sync.default_groups_all_users names it, but";
        let admin = format!("{listed} it is an admin group of the product");
        let protected = format!("{listed} group_sync.protected names it");
        assert_eq!(reasons, [admin, protected]);
    }
}

#[test]
fn missing_groups_are_created_when_any_link_says_so() {
    let not = Claim {
        precedence: 1,
        settings: settings(json!({"group_sync": {"create_missing": false}})),
        groups: vec!["devs".into(), "ops".into()],
        ..claim(1)
    };
    let does = Claim { groups: vec!["devs".into()], ..claim(2) };
    let desired = fold(&[not, does], &jira());
    assert!(desired.groups["devs"].create_missing);
    assert!(!desired.groups["ops"].create_missing);
}

#[test]
fn switches_come_from_links_with_an_active_user() {
    let off = settings(json!({"user_sync": {"create": false, "update": false, "reactivate": false}}));
    let strict = Claim { precedence: 1, settings: off, ..claim(1) };
    let alone = fold(std::slice::from_ref(&strict), &jira());
    assert!(alone.may_create.is_none() && alone.may_update.is_none() && alone.may_reactivate.is_none());
    let both = fold(&[strict, claim(2)], &jira());
    assert_eq!(both.may_create.unwrap().link, link(2));
    assert_eq!(both.may_reactivate.unwrap().link, link(2));
    assert!(both.may_update.is_none(), "attributes come from a link that does not update");
}

#[test]
fn management_says_whose_business_a_group_is() {
    let listing = json!({"group_sync": {"include": ["^jira-"], "default_groups_all_users": ["Staff"],
        "protected": ["jira-audit"]}});
    let enabled = Claim { settings: settings(listing), ..claim(1) };
    let paused = Claim { enabled: false, groups: vec!["jira-paused".into()], ..claim(2) };
    let managed = fold(&[enabled, paused], &jira()).managed_groups;
    let rule = |name: &str| match managed.management(name) {
        Management::Managed { source, removes_unmanaged } => {
            assert!(!removes_unmanaged);
            source.rule
        }
        other => format!("{other:?}"),
    };
    assert_eq!(rule("JIRA-devs"), "groups on the fly");
    assert_eq!(rule("staff"), "default groups");
    assert_eq!(rule("jira-paused"), "Paused");
    assert_eq!(rule("wiki-devs"), "Unmanaged");
    assert!(rule("jira-audit").starts_with("Protected"));
    assert!(rule("jira-administrators").starts_with("Protected"));
}

#[test]
fn unmanaged_members_are_removed_only_if_every_mapping_link_says_so() {
    let strict = settings(json!({"group_sync": {"keep_existing": false}}));
    let strict = Claim { settings: strict, ..claim(1) };
    let removes = |claims: &[Claim]| match fold(claims, &jira()).managed_groups.management("devs") {
        Management::Managed { removes_unmanaged, .. } => removes_unmanaged,
        other => panic!("{other:?}"),
    };
    assert!(removes(std::slice::from_ref(&strict)));
    assert!(!removes(&[strict, claim(2)]));
    let listed = json!({"group_sync": {"keep_existing": false, "mode": "off",
        "default_groups_all_users": ["devs"]}});
    assert!(!removes(&[Claim { settings: settings(listed), ..claim(3) }]));
}

/// A link that maps `mappings` by hand.
fn manual(number: u128, mappings: &serde_json::Value) -> Claim {
    let settings = settings(json!({"group_sync": {"mode": "manual", "mappings": mappings}}));
    Claim { settings, groups: vec!["root".into()], ..claim(number) }
}

#[test]
fn an_admin_group_is_managed_by_the_link_that_maps_to_it_outright() {
    let outright = manual(1, &json!([{"idp_group": "root", "site_groups": ["Jira-Administrators"]}]));
    let desired = fold(std::slice::from_ref(&outright), &jira());
    assert!(desired.groups.contains_key("jira-administrators"));
    let management = desired.managed_groups.management("jira-administrators");
    let Management::Managed { source, removes_unmanaged } = management else { panic!("{management:?}") };
    assert_eq!((source.rule.as_str(), removes_unmanaged), ("group_sync.mappings", false));

    // Another link's default groups and names do not reach it for that.
    let defaults = settings(json!({"group_sync": {"default_groups_all_users": ["jira-administrators"]}}));
    let other = Claim { settings: defaults, groups: vec!["jira-administrators".into()], ..claim(2) };
    let desired = fold(&[other, Claim { groups: vec![], ..outright.clone() }], &jira());
    assert!(!desired.groups.contains_key("jira-administrators"));
    assert!(desired.refused_groups.contains_key("jira-administrators"));

    // What another link protects stays protected.
    let guard = Claim {
        settings: settings(json!({"group_sync": {"protected": ["jira-administrators"]}})),
        ..claim(3)
    };
    let desired = fold(&[outright, guard], &jira());
    assert!(!desired.groups.contains_key("jira-administrators"));
}

#[test]
fn a_renamed_group_is_managed_once_it_is_known_what_led_to_it() {
    let renaming = settings(json!({"group_sync": {"rename": [{"pattern": "^idp-", "replace": ""}]}}));
    let mut desired = fold(&[Claim { settings: renaming, ..claim(1) }], &jira());
    assert_eq!(
        desired.managed_groups.management("ops"),
        Management::Managed {
            source: Source {
                link: link(1),
                connection: Uuid::from_u128(101),
                rule: "groups on the fly".into()
            },
            removes_unmanaged: false,
        }
    );
    let stamped = settings(json!({"group_sync": {"rename": [{"pattern": "^", "replace": "idp-"}]}}));
    let mut desired_stamped = fold(&[Claim { settings: stamped, ..claim(1) }], &jira());
    assert_eq!(desired_stamped.managed_groups.management("idp-ops"), Management::Unmanaged);
    let feed = |site_group: &str, directory_group: &str| Feed {
        connection: Uuid::from_u128(101),
        site_group: site_group.into(),
        directory_group: directory_group.into(),
    };
    desired_stamped.managed_groups.learn([feed("IDP-Ops", "ops"), feed("idp-qa", "no longer so")]);
    assert!(matches!(desired_stamped.managed_groups.management("idp-ops"), Management::Managed { .. }));
    assert_eq!(desired_stamped.managed_groups.management("idp-qa"), Management::Unmanaged);
    desired.managed_groups.learn([Feed { connection: Uuid::from_u128(999), ..feed("x", "y") }]);
    assert!(matches!(desired.managed_groups.management("idp-ops"), Management::Unmanaged));
}
