//! Named after the statements of RFC 7644 §3.3 and §3.5.1 and our choices where they leave one.

use serde_json::json;

use super::*;
use crate::Strictness::{Lenient, Strict};
use crate::error::ScimType;
use crate::schema::{ENTERPRISE_USER, Extension, GROUP, USER, group, user};

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn body(members: Value) -> Value {
    let mut body = json!({"schemas": [USER], "userName": "anne"});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

#[track_caller]
fn document(members: Value) -> Value {
    let (document, repairs) = from_request(body(members), user(), Strict).unwrap();
    assert_eq!(repairs, Vec::<String>::new());
    document
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
#[track_caller]
fn refused(members: Value, strictness: Strictness) -> ScimType {
    let error = from_request(body(members.clone()), user(), strictness).expect_err(&members.to_string());
    assert_eq!(error.status, 400);
    error.scim_type.unwrap()
}

#[test]
fn read_only_attributes_and_the_password_are_left_out() {
    let document = document(json!({
        "id": "x", "meta": {"version": "1"}, "groups": [{"value": "g"}], "password": "secret", "title": "T",
    }));
    assert_eq!(document, json!({"schemas": [USER], "userName": "anne", "title": "T"}));
}

#[test]
fn user_name_is_required_and_not_blank() {
    for name in [Value::Null, json!(""), json!("  \t"), json!([]), json!(7)] {
        assert_eq!(refused(json!({"userName": name}), Lenient), ScimType::InvalidValue, "{name}");
    }
    let error = from_request(json!({"schemas": [USER]}), user(), Lenient).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    let error = from_request(json!({"schemas": [GROUP]}), group(), Lenient).unwrap_err();
    assert_eq!(error.detail, "displayName is required");
}

#[test]
fn a_body_without_schemas_is_a_dialect_and_one_of_another_kind_is_refused() {
    let without = json!({"userName": "anne"});
    assert_eq!(
        from_request(without.clone(), user(), Strict).unwrap_err().scim_type,
        Some(ScimType::InvalidSyntax)
    );
    let (document, repairs) = from_request(without, user(), Lenient).unwrap();
    assert_eq!(document["schemas"], json!([USER]));
    assert_eq!(repairs.len(), 1);
    assert!(from_request(json!({"schemas": [ENTERPRISE_USER], "userName": "anne"}), user(), Lenient).is_ok());
    for schemas in [json!([GROUP]), json!(["urn:unknown"]), json!([1]), json!("urn:x")] {
        let other = json!({"schemas": schemas, "userName": "anne"});
        assert_eq!(from_request(other, user(), Lenient).unwrap_err().status, 400, "{schemas}");
    }
    for body in [json!([]), json!("x"), Value::Null] {
        assert_eq!(from_request(body, user(), Lenient).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn schemas_say_what_is_present() {
    let with_data = document(json!({ENTERPRISE_USER: {"department": "D"}}));
    assert_eq!(with_data["schemas"], json!([USER, ENTERPRISE_USER]));
    let empty = document(json!({"schemas": [ENTERPRISE_USER, USER], ENTERPRISE_USER: {"department": null}}));
    assert_eq!(empty, json!({"schemas": [USER], "userName": "anne"}));
    let extra = body(json!({"schemas": [USER, "http://schemas.example/ADSCIM"]}));
    let (document, repairs) = from_request(extra, user(), Lenient).unwrap();
    assert_eq!((document["schemas"].clone(), repairs.len()), (json!([USER]), 1));
}

#[test]
fn unknown_attributes_are_dropped_and_said_or_refused_when_strict() {
    let sent =
        body(json!({"shoeSize": 44, ENTERPRISE_USER: {"x": 1}, "urn:none": {"a": 1}, "name": {"y": 1}}));
    let (document, repairs) = from_request(sent, user(), Lenient).unwrap();
    assert_eq!(document, json!({"schemas": [USER], "userName": "anne"}));
    assert_eq!(repairs.len(), 3, "{repairs:?}");
    for unknown in [
        json!({"shoeSize": 44}),
        json!({ENTERPRISE_USER: {"x": 1}}),
        json!({"urn:none": {"a": 1}}),
        json!({"urn:none:a": 1}),
        json!({format!("{ENTERPRISE_USER}:x"): 1}),
    ] {
        assert_eq!(refused(unknown, Strict), ScimType::InvalidSyntax);
    }
}

#[test]
fn at_most_one_element_is_primary_and_equal_ones_are_merged() {
    let two = json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]});
    assert_eq!(refused(two, Lenient), ScimType::InvalidValue);
    let merged = document(json!({
        "emails": [
            {"value": "a@x", "type": "work"},
            {"value": "A@X", "type": "Work", "primary": true},
            {"value": "a@x", "type": "home"},
        ],
        "addresses": [{"locality": "Bern"}, {"locality": "Bern"}, {"locality": "Rom"}],
    }));
    let expected =
        json!([{"value": "A@X", "type": "Work", "primary": true}, {"value": "a@x", "type": "home"}]);
    assert_eq!(merged["emails"], expected);
    assert_eq!(merged["addresses"], json!([{"locality": "Bern"}, {"locality": "Rom"}]));
}

#[test]
fn ten_thousand_members_and_their_doubles_merge_quickly() {
    let members: Vec<Value> = (0..20_000).map(|n| json!({"value": (n % 10_000).to_string()})).collect();
    let sent = json!({"schemas": [GROUP], "displayName": "Big", "members": members});
    let (document, _) = from_request(sent, group(), Strict).unwrap();
    assert_eq!(document["members"].as_array().unwrap().len(), 10_000);
}

#[test]
fn null_empty_lists_and_empty_text_are_unassigned() {
    let document = document(json!({
        "title": null, "nickName": "", "emails": [], "roles": [null, {}], "name": {"givenName": null},
        "active": null, ENTERPRISE_USER: null, "phoneNumbers": null,
    }));
    assert_eq!(document, json!({"schemas": [USER], "userName": "anne"}));
}

#[test]
fn suggested_values_do_not_bind() {
    let document = document(json!({"emails": [{"value": "a@x", "type": "moon base"}]}));
    assert_eq!(document["emails"][0]["type"], "moon base");
}

#[test]
fn wrong_types_are_refused_also_when_lenient() {
    for members in [
        json!({"active": "certainly"}),
        json!({"active": 1}),
        json!({"emails": "text"}),
        json!({"emails": [["x"]]}),
        json!({"emails": [5]}),
        json!({"name": []}),
        json!({"name": "Anne"}),
        json!({"title": 5}),
        json!({"title": {"a": 1}}),
        json!({"title": ["a", "b"]}),
        json!({"profileUrl": true}),
        json!({ENTERPRISE_USER: "x"}),
        json!({"title": "a\u{0}b"}),
        json!({"name": {"givenName": ["a", "b"]}}),
    ] {
        assert_eq!(refused(members, Lenient), ScimType::InvalidValue);
    }
}

#[test]
fn known_dialects_are_repaired_when_lenient_only() {
    for (sent, attribute, expected) in [
        (json!({"active": "False"}), "active", json!(false)),
        (json!({"active": ""}), "active", Value::Null),
        (json!({"emails": ""}), "emails", Value::Null),
        (json!({"name": [{"givenName": "A"}]}), "name", json!({"givenName": "A"})),
        (json!({"roles": ["admin"]}), "roles", json!([{"value": "admin"}])),
        (
            json!({"emails": [{"value": "a", "primary": "TRUE"}]}),
            "emails",
            json!([{"value": "a", "primary": true}]),
        ),
    ] {
        assert_eq!(refused(sent.clone(), Strict), ScimType::InvalidValue, "{sent}");
        let (document, repairs) = from_request(body(sent.clone()), user(), Lenient).unwrap();
        assert_eq!(document.get(attribute).cloned().unwrap_or_default(), expected, "{sent}");
        assert_eq!(repairs.len(), 1, "{repairs:?}");
    }
    let (document, _) =
        from_request(body(json!({ENTERPRISE_USER: {"manager": "m"}})), user(), Lenient).unwrap();
    assert_eq!(document[ENTERPRISE_USER]["manager"], json!({"value": "m"}));
}

#[test]
fn names_in_any_case_and_in_full_come_back_in_the_schemas_spelling() {
    let sent = json!({
        "SCHEMAS": [USER.to_uppercase()], "username": "anne", "NAME": {"GIVENNAME": "A"},
        "Emails": [{"VALUE": "a@x"}], format!("{USER}:Title"): "T",
        ENTERPRISE_USER.to_uppercase(): {"DEPARTMENT": "D"},
        format!("{ENTERPRISE_USER}:costCenter"): "7",
    });
    let (document, _) = from_request(sent, user(), Strict).unwrap();
    let expected = json!({
        "schemas": [USER, ENTERPRISE_USER], "userName": "anne", "name": {"givenName": "A"},
        "emails": [{"value": "a@x"}], "title": "T", ENTERPRISE_USER: {"department": "D", "costCenter": "7"},
    });
    assert_eq!(document, expected);
    assert_eq!(refused(json!({"USERNAME": "bea"}), Lenient), ScimType::InvalidValue, "two names, two values");
}

#[test]
fn text_of_any_script_is_kept_as_sent() {
    for text in ["e\u{301}", "\u{e9}", "😀 \u{202e}שלום", "ＡＢＣ", &"x".repeat(10_000)] {
        assert_eq!(document(json!({"displayName": text}))["displayName"], text);
    }
}

#[test]
fn put_clears_what_is_absent_except_active_and_what_is_ours() {
    let stored = json!({
        "schemas": [USER, ENTERPRISE_USER], "id": "1", "userName": "anne", "title": "T", "active": false,
        "emails": [{"value": "a"}], "groups": [{"value": "g"}], ENTERPRISE_USER: {"department": "D"},
    });
    let (replaced, _) = replace(&stored, body(json!({"id": "2", "nickName": "A"})), user(), Strict).unwrap();
    let expected = json!({
        "schemas": [USER], "id": "1", "userName": "anne", "nickName": "A", "active": false,
        "groups": [{"value": "g"}],
    });
    assert_eq!(replaced, expected);
    let (enabled, _) = replace(&stored, body(json!({"active": true})), user(), Strict).unwrap();
    assert_eq!(enabled["active"], true);
    let (kept, _) = replace(&stored, body(json!({"active": null})), user(), Strict).unwrap();
    assert_eq!(kept["active"], false);
}

#[test]
fn put_may_repeat_immutable_values_and_not_change_them() {
    let mut tenant_user = user().clone();
    let mut schema = (*tenant_user.schema).clone();
    let title = schema.attributes.iter_mut().find(|attribute| attribute.name == "title").unwrap();
    title.mutability = Mutability::Immutable;
    tenant_user.schema = schema.into();
    let stored = body(json!({"title": "T"}));
    assert!(replace(&stored, body(json!({"title": "T"})), &tenant_user, Strict).is_ok());
    for changed in [json!({"title": "U"}), json!({})] {
        let error = replace(&stored, body(changed), &tenant_user, Strict).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::Mutability));
    }
    assert!(replace(&body(json!({})), body(json!({"title": "U"})), &tenant_user, Strict).is_ok(), "set once");
}

#[test]
fn required_extensions_and_their_required_attributes_are_asked_for() {
    let mut tenant_user = user().clone();
    let mut schema = (*tenant_user.extensions[0].schema).clone();
    schema.attributes[0].required = true;
    tenant_user.extensions = vec![Extension { schema: schema.into(), required: true }];
    let create = |members| from_request(body(members), &tenant_user, Strict);
    assert_eq!(create(json!({})).unwrap_err().scim_type, Some(ScimType::InvalidValue));
    assert!(create(json!({ENTERPRISE_USER: {"department": "D"}})).is_err());
    assert!(create(json!({ENTERPRISE_USER: {"employeeNumber": "1"}})).is_ok());
}
