//! What strict mode refuses and leniency takes for what it means.

use super::*;

#[test]
fn schemas_repeated_within_an_extension_is_a_dialect() {
    let value = json!({"schemas": [ENTERPRISE_USER], "department": "Legal"});
    for op in ["add", "replace"] {
        let patched = repaired(json!([{"op": op, "path": ENTERPRISE_USER, "value": value}]));
        assert_eq!(patched[ENTERPRISE_USER]["department"], "Legal");
        assert_eq!(patched[ENTERPRISE_USER].get("schemas"), None);
    }
}

#[test]
fn op_in_any_case_missing_schemas_and_empty_path_are_dialects() {
    let body = json!({"operations": [{"op": "Replace", "path": "", "value": {"title": "x"}}]});
    assert!(PatchRequest::parse(body.clone(), Strict).is_err());
    let (parsed, repairs) = PatchRequest::parse(body, Lenient).unwrap();
    let expected = Operation { op: Op::Replace, path: None, value: Some(json!({"title": "x"})) };
    assert_eq!(parsed.operations, [expected]);
    assert_eq!(repairs.len(), 3, "{repairs:?}");
}

#[test]
fn paths_within_a_schema_that_is_not_known_are_dropped_and_refused_when_strict() {
    let unknown_of_a_known_one = format!("{ENTERPRISE_USER}:tag");
    for path in
        ["urn:x:title", "urn:x:2.0:User:tag.value", "urn:x:y[value eq \"1\"].z", &unknown_of_a_known_one]
    {
        for op in ["add", "replace", "remove"] {
            let mut operation = json!({"op": op, "path": path, "value": "x"});
            assert_eq!(refused(json!([operation]), Strict), ScimType::InvalidPath, "{op} {path}");
            assert_eq!(repaired(json!([operation])), stored(), "{op} {path}");
            operation["value"] = json!({"any": ["thing"]});
            let title = json!({"op": "replace", "path": "title", "value": "T"});
            assert_eq!(repaired(json!([operation, title]))["title"], "T", "the others are done");
        }
    }
    assert!(patched(json!([{"op": "remove", "path": ENTERPRISE_USER}])).get(ENTERPRISE_USER).is_none());
}

#[test]
fn values_in_a_known_dialect_are_repaired() {
    let operation = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    assert_eq!(repaired(operation("active", json!("False")))["active"], false);
    assert_eq!(repaired(operation("title", json!(["Boss"])))["title"], "Boss");
    let manager = format!("{ENTERPRISE_USER}:manager");
    assert_eq!(
        repaired(operation(&manager, json!("m9")))[ENTERPRISE_USER]["manager"],
        json!({"value": "m9"})
    );
    assert_eq!(
        repaired(
            json!([{"op": "add", "value": {"active": "true", "emails": [{"value": "n@x", "primary": "True"}]}}])
        )["emails"][0]["primary"],
        false
    );
    assert_eq!(repaired(operation("roles", json!(["admin"])))["roles"], json!([{"value": "admin"}]));
    assert!(repaired(operation("active", json!(""))).get("active").is_none());
    let after = repaired(json!([{"op": "replace", "value": {ENTERPRISE_USER: {"manager": "m9"}}}]));
    assert_eq!(after[ENTERPRISE_USER]["manager"]["value"], "m9");
}

#[test]
fn a_list_of_objects_as_a_json_text_is_read_as_the_list() {
    let text = |text: &str| json!([{"op": "replace", "path": "roles", "value": text}]);
    let roles = repaired(text(" [{\"value\": \"agent\", \"primary\": \"True\"}, {\"value\": \"lead\"}]"));
    assert_eq!(roles["roles"], json!([{"value": "agent", "primary": true}, {"value": "lead"}]));
    for broken in ["[", "[1]", "[\"agent\"]", "[{\"value\": 1}]", "agent", "{\"value\": \"agent\"}"] {
        assert_eq!(refused(text(broken), Lenient), ScimType::InvalidValue, "{broken}");
    }
}

#[test]
fn keys_that_are_paths_are_applied_as_paths() {
    let after = repaired(json!([{"op": "Add", "value": {
        "displayName": "Bea",
        "name.givenName": "Bea",
        "emails[type eq \"work\"].value": "b@work",
        format!("{ENTERPRISE_USER}:department"): "IT",
        "meta.version": "echo",
        "shoeSize": 44,
    }}]));
    assert_eq!(after["displayName"], "Bea");
    assert_eq!(after["name"]["givenName"], "Bea");
    assert_eq!(after["emails"][0]["value"], "b@work");
    assert_eq!(after[ENTERPRISE_USER]["department"], "IT");
    assert!(after.get("meta").is_none() && after.get("shoeSize").is_none());
}

#[test]
fn what_is_not_kept_and_lists_within_lists_are_not_repaired() {
    let not_kept = json!([
        {"op": "add", "path": "password", "value": ["x"]},
        {"op": "replace", "value": {"password": ["x"], "groups": "", "title": "x"}},
    ]);
    let outcome = try_patch(&stored(), not_kept, Lenient).unwrap();
    assert_eq!(outcome.repairs, Vec::<String>::new());
    for strictness in [Strict, Lenient] {
        let nested = json!([{"op": "add", "path": "title", "value": [["x"]]}]);
        assert!(try_patch(&stored(), nested, strictness).is_err());
    }
}

#[test]
fn remove_with_a_value_removes_those_elements_only() {
    let operation =
        json!([{"op": "Remove", "path": "emails", "value": [{"value": "A@home"}, {"value": "none"}]}]);
    assert_eq!(repaired(operation)["emails"], json!([{"value": "a@work", "type": "work", "primary": true}]));
    let spaced = json!([{"op": "remove", "path": " emails ", "value": [{"value": "a@home"}]}]);
    assert_eq!(repaired(spaced)["emails"].as_array().unwrap().len(), 1);
    let nothing_named = json!([{"op": "remove", "path": "emails", "value": []}]);
    assert_eq!(repaired(nothing_named)["emails"], stored()["emails"]);
    let single =
        json!([{"op": "remove", "path": format!("{ENTERPRISE_USER}:manager"), "value": {"value": "m1"}}]);
    assert!(patched(single)[ENTERPRISE_USER].get("manager").is_none());
}
