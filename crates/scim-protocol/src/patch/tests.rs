//! Named after the statements of RFC 7644 §3.5.2 and our choices where it leaves one.

mod dialects;
mod properties;

use serde_json::json;

use super::*;
use crate::Strictness::{Lenient, Strict};
use crate::error::ScimType;
use crate::resource;
use crate::schema::{ENTERPRISE_USER, Extension, Mutability, USER, user};

fn stored() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE_USER],
        "userName": "anne",
        "name": {"givenName": "Anne", "familyName": "Ek"},
        "active": true,
        "emails": [
            {"value": "a@work", "type": "work", "primary": true},
            {"value": "a@home", "type": "home"},
        ],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m1"}},
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn request(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

fn try_patch(stored: &Value, operations: Value, strictness: Strictness) -> Result<Patched, ScimError> {
    let (parsed, mut repairs) = PatchRequest::parse(request(operations), strictness)?;
    let mut patched = apply(stored, &parsed, user(), strictness)?;
    repairs.append(&mut patched.repairs);
    Ok(Patched { repairs, ..patched })
}

/// The outcome of one standard operation; nothing was repaired.
#[track_caller]
fn patched(operations: Value) -> Value {
    let strict = try_patch(&stored(), operations.clone(), Strict).unwrap();
    let lenient = try_patch(&stored(), operations, Lenient).unwrap();
    assert_eq!(strict.resource, lenient.resource, "leniency does not change what is standard");
    assert_eq!(lenient.repairs, Vec::<String>::new());
    strict.resource
}

#[track_caller]
fn unchanged(operations: Value) {
    let outcome = try_patch(&stored(), operations, Strict).unwrap();
    assert_eq!(outcome.resource, stored());
    assert!(!outcome.changed);
}

#[track_caller]
fn refused(operations: Value, strictness: Strictness) -> ScimType {
    let error = try_patch(&stored(), operations, strictness).unwrap_err();
    assert_eq!(error.status, 400, "{error}");
    error.scim_type.unwrap()
}

/// Refused strictly; the outcome and the number of repairs when lenient.
#[track_caller]
fn repaired(operations: Value) -> Value {
    assert!(try_patch(&stored(), operations.clone(), Strict).is_err(), "strict mode refuses it");
    let outcome = try_patch(&stored(), operations, Lenient).unwrap();
    assert!(!outcome.repairs.is_empty(), "a repair is said");
    outcome.resource
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = stored();
    change(&mut document);
    document
}

#[test]
fn message_of_another_form_is_invalid_syntax() {
    let op = json!([{"op": "add", "path": "title", "value": "x"}]);
    for body in [
        json!({"Operations": op, "schemas": ["urn:other"]}),
        json!({"Operations": op, "schemas": PATCH_OP}),
        json!({"schemas": [PATCH_OP]}),
        json!({"schemas": [PATCH_OP], "Operations": []}),
        json!({"schemas": [PATCH_OP], "Operations": {}}),
        json!({"schemas": [PATCH_OP], "Operations": [1]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "move", "path": "title"}]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"path": "title", "value": "x"}]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"op": 1, "path": "title", "value": "x"}]}),
        json!([]),
    ] {
        for strictness in [Strict, Lenient] {
            let error = PatchRequest::parse(body.clone(), strictness).unwrap_err();
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{body}");
        }
    }
}

#[test]
fn all_operations_happen_or_none() {
    let before = stored();
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "remove", "path": "emails"},
        {"op": "replace", "path": "nonsense", "value": 1},
    ]);
    assert!(try_patch(&before, operations, Strict).is_err());
    assert_eq!(before, stored());
}

#[test]
fn nothing_changed_is_said() {
    unchanged(json!([{"op": "replace", "path": "active", "value": true}]));
    unchanged(json!([{"op": "add", "path": "emails", "value": [{"value": "a@home", "type": "home"}]}]));
    unchanged(json!([{"op": "replace", "value": stored()}]));
    let outcome =
        try_patch(&stored(), json!([{"op": "add", "path": "title", "value": "x"}]), Strict).unwrap();
    assert!(outcome.changed);
}

#[test]
fn add_without_path_merges_and_appends_what_is_not_there() {
    let after = patched(json!([{"op": "add", "value": {
        "title": "Boss",
        "name": {"middleName": "B"},
        "emails": [{"value": "a@other", "type": "other"}, {"value": "A@WORK", "type": "Work"}],
    }}]));
    assert_eq!(after["title"], "Boss");
    assert_eq!(after["name"], json!({"givenName": "Anne", "familyName": "Ek", "middleName": "B"}));
    assert_eq!(after["emails"].as_array().unwrap().len(), 3, "equal in any case is not added twice");
    assert_eq!(after["emails"][0]["primary"], true);
}

#[test]
fn add_to_a_single_value_replaces_it_and_to_a_complex_one_merges() {
    assert_eq!(patched(json!([{"op": "add", "path": "userName", "value": "bea"}]))["userName"], "bea");
    let after = patched(json!([{"op": "add", "path": "name", "value": {"givenName": "Bea"}}]));
    assert_eq!(after["name"], json!({"givenName": "Bea", "familyName": "Ek"}));
}

#[test]
fn replace_sets_lists_whole_and_complex_values_in_part() {
    let after = patched(json!([{"op": "replace", "value": {
        "name": {"familyName": "Berg"},
        "emails": [{"value": "new@x"}],
    }}]));
    assert_eq!(after["name"], json!({"givenName": "Anne", "familyName": "Berg"}));
    assert_eq!(after["emails"], json!([{"value": "new@x"}]));
}

#[test]
fn replace_on_an_absent_attribute_acts_as_add() {
    let after = patched(json!([
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "phoneNumbers.value", "value": "1"},
        {"op": "replace", "path": "roles", "value": {"value": "admin"}},
    ]));
    assert_eq!(after["title"], "Boss");
    assert_eq!(after["phoneNumbers"], json!([{"value": "1"}]));
    assert_eq!(after["roles"], json!([{"value": "admin"}]), "an object for a list is one element");
}

#[test]
fn null_and_empty_lists_unassign_in_replace_and_add_nothing_in_add() {
    let after = patched(json!([
        {"op": "replace", "path": "emails", "value": []},
        {"op": "replace", "path": "name.givenName", "value": null},
        {"op": "replace", "path": ENTERPRISE_USER, "value": {"department": null}},
    ]));
    assert!(after.get("emails").is_none());
    assert_eq!(after["name"], json!({"familyName": "Ek"}));
    assert_eq!(after[ENTERPRISE_USER], json!({"manager": {"value": "m1"}}));
    let after =
        patched(json!([{"op": "replace", "value": {"name": {"givenName": null, "middleName": "B"}}}]));
    assert_eq!(after["name"], json!({"familyName": "Ek", "middleName": "B"}));
    let after = patched(json!([{"op": "replace", "value": {"name": {"givenName": null}}}]));
    assert_eq!(after["name"], json!({"familyName": "Ek"}), "only what is given as null goes");
    unchanged(json!([{"op": "add", "value": {"emails": [], "name": {"givenName": null}, "title": null}}]));
}

#[test]
fn replace_through_a_filter_that_matches_nothing_is_no_target_or_creates_the_element() {
    let operation = json!([{"op": "replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "1"}]);
    assert_eq!(refused(operation.clone(), Strict), ScimType::NoTarget);
    assert_eq!(repaired(operation)["phoneNumbers"], json!([{"type": "work", "value": "1"}]));
    let role = json!([{"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin"}]);
    assert_eq!(repaired(role)["roles"], json!([{"primary": true, "value": "admin"}]));
    let vague =
        json!([{"op": "replace", "path": "emails[type eq \"x\" or type eq \"y\"].value", "value": "1"}]);
    assert_eq!(refused(vague, Lenient), ScimType::NoTarget);
    let primary =
        json!([{"op": "add", "path": "emails[type eq \"other\" and primary eq true].value", "value": "n@x"}]);
    let after = repaired(primary);
    assert_eq!(after["emails"][0]["primary"], false, "the new primary takes the mark");
    assert_eq!(after["emails"][2], json!({"type": "other", "primary": true, "value": "n@x"}));
}

#[test]
fn a_filter_changes_every_matching_element() {
    let after =
        patched(json!([{"op": "replace", "path": "emails[value sw \"a@\"].display", "value": "Anne"}]));
    assert_eq!(after["emails"][0]["display"], "Anne");
    assert_eq!(after["emails"][1]["display"], "Anne");
    let after =
        patched(json!([{"op": "add", "path": "emails[type eq \"home\"]", "value": {"display": "H"}}]));
    assert_eq!(after["emails"][1], json!({"value": "a@home", "type": "home", "display": "H"}));
    let after =
        patched(json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "n@x"}}]));
    assert_eq!(
        after["emails"][1],
        json!({"value": "n@x"}),
        "replace puts a new element in its place (§3.5.2.3)"
    );
}

#[test]
fn elements_that_become_equal_are_one() {
    let after = patched(json!([
        {"op": "replace", "path": "emails.type", "value": "work"},
        {"op": "replace", "path": "emails.value", "value": "same@x"},
    ]));
    assert_eq!(after["emails"], json!([{"value": "same@x", "type": "work", "primary": true}]));
}

#[test]
fn remove_without_a_path_is_no_target_and_of_an_absent_attribute_no_change() {
    assert_eq!(refused(json!([{"op": "remove"}]), Lenient), ScimType::NoTarget);
    unchanged(json!([
        {"op": "remove", "path": "title"},
        {"op": "remove", "path": "name.middleName"},
        {"op": "remove", "path": "phoneNumbers[type eq \"work\"]"},
        {"op": "remove", "path": "emails[type eq \"other\"].value"},
        {"op": "remove", "path": format!("{ENTERPRISE_USER}:costCenter")},
    ]));
}

#[test]
fn remove_that_empties_leaves_the_attribute_unassigned() {
    let after = patched(json!([{"op": "remove", "path": "emails[value pr]"}]));
    assert!(after.get("emails").is_none());
    let after = patched(json!([
        {"op": "remove", "path": "name.givenName"},
        {"op": "remove", "path": "name.familyName"},
    ]));
    assert!(after.get("name").is_none());
    let after = patched(json!([{"op": "remove", "path": ENTERPRISE_USER}]));
    assert!(after.get(ENTERPRISE_USER).is_none());
    assert_eq!(after["schemas"], json!([USER]), "schemas follow what is present");
}

#[test]
fn elements_that_a_removed_sub_attribute_told_apart_become_one() {
    let after = patched(json!([
        {"op": "add", "path": "emails", "value": [{"value": "b@work", "type": "work"}]},
        {"op": "remove", "path": "emails.value"},
    ]));
    assert_eq!(after["emails"], json!([{"type": "work", "primary": true}, {"type": "home"}]));
}

#[test]
fn remove_of_required_and_any_change_of_read_only_by_path_is_mutability() {
    for path in ["userName", "id", "meta.version", "groups", "groups[value eq \"g\"]", "schemas"] {
        assert_eq!(refused(json!([{"op": "remove", "path": path}]), Lenient), ScimType::Mutability, "{path}");
    }
    for path in ["id", "groups", "meta", &format!("{ENTERPRISE_USER}:manager.displayName")] {
        let operation = json!([{"op": "replace", "path": path, "value": "x"}]);
        assert_eq!(refused(operation, Lenient), ScimType::Mutability, "{path}");
    }
    assert_eq!(
        refused(json!([{"op": "replace", "path": "schemas[value eq \"x\"]", "value": "y"}]), Strict),
        ScimType::Mutability
    );
}

#[test]
fn read_only_attributes_in_a_value_without_a_path_are_passed_over() {
    unchanged(json!([{"op": "replace", "value": {
        "id": "other", "meta": {"version": "W/\"9\""}, "groups": [{"value": "g"}], "schemas": ["urn:x"],
    }}]));
}

#[test]
fn paths_of_all_forms_lead_to_their_attribute() {
    let after = patched(json!([
        {"op": "replace", "path": "NAME.givenname", "value": "Bea"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@work"},
        {"op": "replace", "path": format!("{USER}:name.familyName"), "value": "Berg"},
        {"op": "replace", "path": format!("{ENTERPRISE_USER}:manager.value"), "value": "m2"},
        {"op": "add", "path": ENTERPRISE_USER, "value": {"costCenter": "7"}},
        {"op": "replace", "path": "emails[display eq \"]\" or type eq \"home\"].value", "value": "b@home"},
        {"op": "add", "value": {format!("{USER}:nickName"): "B"}},
    ]));
    assert_eq!(after["name"], json!({"givenName": "Bea", "familyName": "Berg"}));
    assert_eq!(after["emails"][0]["value"], "b@work");
    assert_eq!(after["emails"][1]["value"], "b@home");
    assert_eq!(after["nickName"], "B");
    let expected = json!({"department": "Sales", "manager": {"value": "m2"}, "costCenter": "7"});
    assert_eq!(after[ENTERPRISE_USER], expected);
}

#[test]
fn unknown_and_broken_paths_are_refused() {
    for path in [
        "nothing",
        "name.nothing",
        "emails[type eq \"work\"].nothing",
        "emails[type eq \"work\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:nothing",
        "userName[value eq \"x\"]",
        "name.givenName.x",
        "emails[type eq \"w\"]value",
        ".",
        "[",
        "]",
        "a]b[",
    ] {
        let operation = json!([{"op": "replace", "path": path, "value": "x"}]);
        assert_eq!(refused(operation, Lenient), ScimType::InvalidPath, "{path}");
    }
    for path in ["emails[type]", "emails[]", "emails[nothing eq \"x\"].value", "emails[type gt 5]"] {
        let operation = json!([{"op": "replace", "path": path, "value": "x"}]);
        assert_eq!(refused(operation, Lenient), ScimType::InvalidFilter, "{path}");
    }
    let number = PatchRequest::parse(request(json!([{"op": "remove", "path": 1}])), Lenient).unwrap_err();
    assert_eq!(number.scim_type, Some(ScimType::InvalidPath));
}

#[test]
fn what_a_patch_does_not_touch_is_not_asked_for_what_its_schema_came_to_require() {
    let mut stricter = user().clone();
    let mut schema = (*stricter.extensions[0].schema).clone();
    schema.attributes.iter_mut().find(|attribute| attribute.name == "costCenter").unwrap().required = true;
    stricter.extensions = vec![Extension { schema: schema.into(), required: true }];
    let patch = |stored: &Value, operations: Value| {
        let (request, _) = PatchRequest::parse(request(operations), Strict).unwrap();
        apply(stored, &request, &stricter, Strict)
    };
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    assert_eq!(patch(&stored(), off.clone()).unwrap().resource["active"], false);
    let without = json!({"schemas": [USER], "userName": "anne", "active": true});
    assert_eq!(patch(&without, off).unwrap().resource["active"], false);
    let touch = |value: Value| json!([{"op": "add", "path": ENTERPRISE_USER, "value": value}]);
    let refused = patch(&stored(), touch(json!({"department": "Legal"}))).unwrap_err();
    assert_eq!(refused.scim_type, Some(ScimType::InvalidValue));
    assert!(patch(&stored(), touch(json!({"department": "Legal", "costCenter": "7"}))).is_ok());
}

#[test]
fn values_of_a_wrong_type_are_invalid_value() {
    for (path, value) in [
        ("active", json!("certainly")),
        ("emails", json!("text")),
        ("emails", json!([[{"value": "x"}]])),
        ("name", json!([])),
        ("name", json!("Anne")),
        ("title", json!(5)),
        ("title", json!("nul\u{0}")),
        ("userName", json!("  ")),
        ("userName", json!(null)),
        ("emails[type eq \"work\"].primary", json!("maybe")),
        (ENTERPRISE_USER, json!("x")),
    ] {
        let operation = json!([{"op": "replace", "path": path, "value": value}]);
        assert_eq!(refused(operation, Lenient), ScimType::InvalidValue, "{path} {value}");
    }
    assert_eq!(refused(json!([{"op": "add", "value": "x"}]), Lenient), ScimType::InvalidValue);
    assert_eq!(refused(json!([{"op": "add", "path": "title"}]), Lenient), ScimType::InvalidValue);
    let two = json!([{"op": "add", "path": "emails", "value": [{"value": "x", "primary": true}, {"value": "y", "primary": true}]}]);
    assert_eq!(refused(two, Lenient), ScimType::InvalidValue);
}

#[test]
fn a_new_primary_clears_the_old_one() {
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": true}]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
        json!({"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}),
    ] {
        let after = patched(json!([operation]));
        let primary: Vec<bool> =
            after["emails"].as_array().unwrap().iter().map(|email| email["primary"] == json!(true)).collect();
        assert_eq!(primary.iter().filter(|primary| **primary).count(), 1, "{after}");
        assert!(!primary[0], "the old one is cleared");
    }
}

#[test]
fn rules_of_the_resource_hold_after_all_operations_and_not_between() {
    let after = patched(json!([
        {"op": "replace", "value": {"userName": null}},
        {"op": "add", "path": "userName", "value": "bea"},
    ]));
    assert_eq!(after["userName"], "bea");
}

#[test]
fn a_password_is_accepted_and_not_kept() {
    unchanged(json!([
        {"op": "replace", "path": "password", "value": "secret"},
        {"op": "add", "value": {"password": "secret"}},
    ]));
}

#[test]
fn immutable_values_may_be_set_once_and_repeated() {
    let mut tenant_user = user().clone();
    let badge = crate::schema::Attribute {
        mutability: Mutability::Immutable,
        ..crate::schema::Attribute::new("badge", crate::schema::AttributeType::Integer, "Badge")
    };
    let tags = crate::schema::Attribute {
        multi_valued: true,
        ..crate::schema::Attribute::new("tags", crate::schema::AttributeType::String, "Tags")
    };
    let schema = crate::schema::Schema {
        id: "urn:example:staff".into(),
        name: "Staff".into(),
        description: "Staff".into(),
        attributes: vec![badge, tags],
    };
    tenant_user.extensions.push(Extension { schema: schema.into(), required: false });
    let run = |document: &Value, operation: Value| {
        let (parsed, _) = PatchRequest::parse(request(json!([operation])), Strict)?;
        apply(document, &parsed, &tenant_user, Strict).map(|patched| patched.resource)
    };
    let path = "urn:example:staff:badge";
    let set = run(&stored(), json!({"op": "add", "path": path, "value": 9_007_199_254_740_993_i64})).unwrap();
    assert_eq!(set["urn:example:staff"]["badge"], json!(9_007_199_254_740_993_i64));
    assert_eq!(
        run(&set, json!({"op": "replace", "path": path, "value": 9_007_199_254_740_993_i64})).unwrap(),
        set
    );
    for operation in
        [json!({"op": "replace", "path": path, "value": 2}), json!({"op": "remove", "path": path})]
    {
        assert_eq!(run(&set, operation).unwrap_err().scim_type, Some(ScimType::Mutability));
    }
    // A list of plain values is filtered by `value`.
    let tagged =
        run(&set, json!({"op": "add", "path": "urn:example:staff:tags", "value": ["a", "B", "b"]})).unwrap();
    assert_eq!(tagged["urn:example:staff"]["tags"], json!(["a", "b"]));
    let path = "urn:example:staff:tags[value eq \"A\"]";
    let left = run(&tagged, json!({"op": "remove", "path": path})).unwrap();
    assert_eq!(left["urn:example:staff"]["tags"], json!(["b"]));
    let renamed = run(&tagged, json!({"op": "replace", "path": path, "value": "c"})).unwrap();
    assert_eq!(renamed["urn:example:staff"]["tags"], json!(["c", "b"]));
}

#[test]
fn many_operations_at_a_long_list_are_refused_before_they_hold_a_core() {
    let emails: Vec<Value> = (0..3_000).map(|n| json!({"value": format!("{n}@x")})).collect();
    let document = with(|document| document["emails"] = json!(emails));
    let operation = json!({"op": "replace", "path": "emails[value eq \"1@x\"].display", "value": "x"});
    let operations = Value::Array(vec![operation; 3_000]);
    assert_eq!(try_patch(&document, operations, Strict).unwrap_err().status, 413);
}

#[test]
fn summary_names_attributes_and_no_values() {
    let (parsed, _) = PatchRequest::parse(
        request(json!([
            {"op": "replace", "path": "active", "value": false},
            {"op": "add", "path": "emails[value eq \"secret@x\"].display", "value": "secret"},
            {"op": "replace", "value": {"title": "secret"}},
        ])),
        Strict,
    )
    .unwrap();
    assert_eq!(parsed.summary(), "replace active, add emails, replace title");
}
