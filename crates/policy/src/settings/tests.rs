use serde_json::{Value, json};

use super::*;

fn read(settings: Value) -> LinkSettings {
    serde_json::from_value(settings).unwrap()
}

fn problems(settings: Value) -> Vec<(String, String)> {
    let problems = read(settings).validate(scim_protocol::schema::user()).err().unwrap_or_default();
    problems.into_iter().map(|problem| (problem.field, problem.problem)).collect()
}

fn problem(field: &str, problem: &str) -> (String, String) {
    (field.into(), problem.into())
}

#[test]
fn defaults_are_written_as_documented() {
    let expected = json!({
        "user_sync": {
            "create": true, "update": true, "reactivate": true, "on_deprovision": "deactivate",
            "scope": "", "match": ["id", "username", "email"], "attributes": {}, "username_if_taken": "", "directory": null,
            "default_project_lead": null, "default_component_lead": null,
        },
        "group_sync": {
            "mode": "on_the_fly", "default_groups_new_users": [], "default_groups_all_users": [],
            "mappings": [], "include": [], "exclude": [], "rename": [], "create_missing": true,
            "keep_existing": true, "protected": [],
        },
        "safety": {"max_deactivations": 10, "max_deactivations_percent": 10, "max_withdrawals": 100,
            "max_withdrawals_percent": 20, "window_hours": 24,
            "more_windows": [{
                "hours": 168, "max_deactivations": 30, "max_deactivations_percent": 25,
                "max_withdrawals": 300, "max_withdrawals_percent": 50,
            }],
        },
        "schedule": {"cron": "", "timezone": "UTC"},
    });
    assert_eq!(serde_json::to_value(LinkSettings::default()).unwrap(), expected);
    assert_eq!(read(expected), LinkSettings::default());
    assert_eq!(read(json!({})), LinkSettings::default());
    assert_eq!(LinkSettings::default().validate(scim_protocol::schema::user()), Ok(()));
}

#[test]
fn absent_fields_keep_their_defaults() {
    let settings = read(json!({"user_sync": {"create": false}}));
    assert!(!settings.user_sync.create && settings.user_sync.update);
}

#[test]
fn unknown_fields_and_values_are_refused_by_name() {
    let cases = [
        (json!({"user_sink": {}}), "user_sink"),
        (json!({"user_sync": {"crate": true}}), "crate"),
        (json!({"group_sync": {"inclde": []}}), "inclde"),
        (json!({"safety": {"window_days": 1}}), "window_days"),
        (json!({"user_sync": {"on_deprovision": "forget"}}), "forget"),
        (json!({"user_sync": {"match": ["phone"]}}), "phone"),
        (json!({"group_sync": {"mode": "auto"}}), "auto"),
    ];
    for (settings, name) in cases {
        let error = serde_json::from_value::<LinkSettings>(settings).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn settings_that_do_nothing_yet_are_refused() {
    let cases = [
        ("user_sync", "directory", json!({"id": "1"}), "is not supported yet"),
        ("user_sync", "directory", json!({"create": "Rollcall"}), "is not supported yet"),
    ];
    for (section, field, value, expected) in cases {
        let found = problems(json!({ section: { field: value } }));
        assert_eq!(found, [problem(&format!("{section}.{field}"), expected)]);
    }
}

#[test]
fn all_problems_are_listed_together() {
    let found = problems(json!({
        "user_sync": {"directory": {"id": "1"}, "match": []},
        "group_sync": {"include": ["ok", "("], "exclude": [""], "protected": ["ops", " "]},
        "safety": {"max_deactivations_percent": 101, "window_hours": 0},
    }));
    let expected = [
        problem("user_sync.directory", "is not supported yet"),
        problem("user_sync.match", "must name at least one of id, username, email"),
        problem("group_sync.protected[1]", "must not be empty"),
        problem("group_sync.include[1]", "is no regular expression: unclosed group"),
        problem("group_sync.exclude[0]", "must not be empty"),
        problem("safety.max_deactivations_percent", "must be between 0 and 100"),
        problem("safety.window_hours", "must be between 1 and 8760"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn match_rules_come_once_each_in_any_order() {
    assert_eq!(problems(json!({"user_sync": {"match": ["email", "username"]}})), []);
    let found = problems(json!({"user_sync": {"match": ["email", "email"]}}));
    assert_eq!(found, [problem("user_sync.match[1]", "is there twice")]);
}

#[test]
fn default_leads_are_user_names() {
    let leads = |name: &str| problems(json!({"user_sync": {"default_project_lead": name}}));
    assert_eq!(leads("ada"), []);
    for name in ["", "  ", &"x".repeat(256)] {
        let expected =
            problem("user_sync.default_project_lead", "must be a user name of 1 to 255 characters");
        assert_eq!(leads(name), [expected], "{name:?}");
    }
}

#[test]
fn patterns_that_cost_too_much_are_refused() {
    let nested = format!("{}a{}", "(".repeat(60), ")".repeat(60));
    let cases = [
        (r"\w{100}".to_owned(), "takes too much memory"),
        ("a".repeat(1_001), "must have at most 1000 characters"),
        (nested, "is no regular expression: exceed the maximum number of nested parentheses/brackets (50)"),
    ];
    for (pattern, expected) in cases {
        let found = problems(json!({"group_sync": {"include": [pattern]}}));
        assert_eq!(found, [problem("group_sync.include[0]", expected)]);
    }
    let many = vec!["a"; 101];
    let found = problems(json!({"group_sync": {"exclude": many}}));
    assert_eq!(found, [problem("group_sync.exclude", "must have at most 100 entries")]);
}

#[test]
fn group_names_must_fit_a_site() {
    let long = "x".repeat(256);
    let lists = ["default_groups_new_users", "default_groups_all_users", "protected"];
    for list in lists {
        let found = problems(json!({"group_sync": { list: ["ok", long, "a\u{7}"] }}));
        let field = format!("group_sync.{list}");
        let expected = [
            problem(&format!("{field}[1]"), "must have at most 255 characters"),
            problem(&format!("{field}[2]"), "must not contain control characters"),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn mappings_name_groups_at_both_ends() {
    let found = problems(json!({"group_sync": {"mode": "manual", "protected": ["Ops"], "mappings": [
        {"idp_group": "devs", "site_groups": ["devs", ""]},
        {"idp_group": " ", "site_groups": []},
        {"idp_group": "ops", "site_groups": ["qa", "ops "]},
    ]}}));
    let expected = [
        problem("group_sync.mappings[0].site_groups[1]", "must not be empty"),
        problem("group_sync.mappings[1].idp_group", "must not be empty"),
        problem("group_sync.mappings[1].site_groups", "must name at least one group"),
        problem(
            "group_sync.mappings[2].site_groups[1]",
            "is also in group_sync.protected: take it out of one of the two",
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn renames_are_checked_in_both_parts() {
    let found = problems(json!({"group_sync": {"rename": [
        {"pattern": "(", "replace": "x"},
        {"pattern": "a(b)", "replace": "$2"},
        {"pattern": "a", "replace": "x".repeat(256)},
    ]}}));
    let expected = [
        problem("group_sync.rename[0].pattern", "is no regular expression: unclosed group"),
        problem(
            "group_sync.rename[1].replace",
            "names the group 2, which the pattern does not capture: the pattern has 1 groups in brackets",
        ),
        problem("group_sync.rename[2].replace", "must have at most 255 characters"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_name_that_grows_is_given_up() {
    let doubling = vec![json!({"pattern": ".", "replace": "$0$0"}); 100];
    let settings = read(json!({"group_sync": {"rename": doubling}})).compile().unwrap();
    assert!(settings.renamed(&"x".repeat(1_000)).len() < 50_000);
}

#[test]
fn compiled_settings_read_as_the_settings_that_they_are() {
    let settings = read(json!({"safety": {"window_hours": 7}, "group_sync": {"include": ["^a"]}}));
    let compiled = settings.clone().compile().unwrap();
    assert_eq!(*compiled, settings);
    assert_eq!(compiled.safety.window_hours, 7);
    assert!(read(json!({"group_sync": {"include": ["["]}})).compile().is_err());
}

#[test]
fn examples_of_the_guide_are_settings() {
    let guide = include_str!("../../../../docs/settings.md");
    let examples: Vec<&str> =
        guide.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 10, "{} examples", examples.len());
    for example in examples {
        // Not a setting, but a field of the link beside them.
        let mut example: Value = serde_json::from_str(example).unwrap();
        example.as_object_mut().unwrap().remove("precedence");
        let settings = serde_json::from_value::<LinkSettings>(example.clone())
            .unwrap_or_else(|error| panic!("{error}: {example}"));
        let checked = settings.validate(scim_protocol::schema::user());
        assert_eq!(checked, Ok(()), "{example}");
    }
}
