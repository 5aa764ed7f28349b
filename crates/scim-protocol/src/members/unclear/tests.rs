use serde_json::json;

use super::*;
use crate::Strictness::{Lenient, Strict};
use crate::error::ScimType;
use crate::members::{MemberChange, Members, fold_members, split_members, take_members};
use crate::patch::{PATCH_OP, PatchRequest};
use crate::schema;

/// What a PATCH of one operation is taken for.
#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn patched(operation: Value, strictness: Strictness) -> Option<Unclear> {
    let body = json!({"schemas": [PATCH_OP], "Operations": [operation]});
    let (request, _) = PatchRequest::parse(body, strictness).unwrap();
    let (_, members, _) = split_members(request, schema::group(), strictness).unwrap();
    match members {
        Members::Changes(changes) => fold_members(&changes).unclear,
        Members::NeedsDocument { unclear, .. } => unclear,
    }
}

/// What the `members` of a PUT are taken for.
#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn put(members: Value, strictness: Strictness) -> Option<MemberChange> {
    take_members(&mut json!({"displayName": "N", "members": members}), strictness).unwrap().0
}

#[test]
fn plain_forms_are_obeyed() {
    for operation in [
        json!({"op": "remove", "path": "members"}),
        json!({"op": "replace", "path": "members", "value": []}),
        json!({"op": "replace", "value": {"members": []}}),
        json!({"op": "remove", "path": "members[value pr]"}),
        json!({"op": "remove", "path": "members[type eq \"User\"]"}),
        json!({"op": "remove", "path": "members", "value": []}),
        json!({"op": "remove", "path": "members", "value": [{"value": "a", "type": "User"}]}),
        json!({"op": "add", "path": "members", "value": []}),
    ] {
        assert_eq!(patched(operation.clone(), Lenient), None, "{operation}");
    }
    assert_eq!(put(json!([]), Lenient), Some(MemberChange::Replace(Vec::new())));
    assert_eq!(put(json!(null), Lenient), None, "says nothing");
}

#[test]
fn ambiguous_forms_are_named() {
    for (value, unclear) in [
        (json!(null), Unclear::ReplaceNothing),
        (json!(""), Unclear::ReplaceNothing),
        (json!({}), Unclear::ReplaceNothing),
        (json!([{}]), Unclear::NobodyNamed),
        (json!([null]), Unclear::NobodyNamed),
        (json!([""]), Unclear::NobodyNamed),
        (json!([{"VALUE": ""}, {"display": "Ann"}]), Unclear::NobodyNamed),
        (json!({"display": "Ann"}), Unclear::NobodyNamed),
    ] {
        for operation in [
            json!({"op": "replace", "path": "Members", "value": value}),
            json!({"op": "Replace", "value": {"displayName": "N", "members": value}}),
        ] {
            assert_eq!(patched(operation.clone(), Lenient), Some(unclear), "{operation}");
        }
        if !value.is_null() {
            assert_eq!(put(value.clone(), Lenient), Some(MemberChange::Unclear(unclear)), "{value}");
        }
    }
    for (operation, unclear) in [
        (json!({"op": "remove", "path": "members", "value": null}), Unclear::RemoveNull),
        (json!({"op": "remove", "path": "members", "value": [{"type": "User"}]}), Unclear::Filter),
        (json!({"op": "remove", "path": "members[display ne \"Ann\"]"}), Unclear::Filter),
        (json!({"op": "remove", "path": "members[not (display pr)]"}), Unclear::Filter),
    ] {
        assert_eq!(patched(operation.clone(), Lenient), Some(unclear), "{operation}");
    }
}

#[test]
fn a_later_plain_form_takes_the_doubt_away() {
    let body = json!({"schemas": [PATCH_OP], "Operations": [
        {"op": "replace", "path": "members", "value": null},
        {"op": "add", "path": "members", "value": [{"value": "a"}]},
    ]});
    let (mut request, _) = PatchRequest::parse(body, Lenient).unwrap();
    let unclear = |request: &PatchRequest| {
        let (_, members, _) = split_members(request.clone(), schema::group(), Lenient).unwrap();
        let Members::Changes(changes) = members else { panic!("needs the document") };
        fold_members(&changes).unclear
    };
    assert_eq!(unclear(&request), Some(Unclear::ReplaceNothing), "everybody else would go");
    request.operations.push(Operation { op: Op::Remove, path: Some("members".into()), value: None });
    assert_eq!(unclear(&request), None);
}

#[test]
fn strict_mode_takes_null_as_unassigned() {
    assert_eq!(patched(json!({"op": "remove", "path": "members", "value": null}), Strict), None);
    assert_eq!(patched(json!({"op": "replace", "path": "members", "value": null}), Strict), None);
    assert_eq!(put(json!(null), Strict), Some(MemberChange::Replace(Vec::new())));
    assert_eq!(put(json!([{}]), Strict), Some(MemberChange::Unclear(Unclear::NobodyNamed)));
    let mut body = json!({"members": {}});
    assert_eq!(take_members(&mut body, Strict).unwrap_err().scim_type, Some(ScimType::InvalidValue));
}

#[test]
fn only_a_group_with_members_is_guarded() {
    for unclear in [Unclear::RemoveNull, Unclear::ReplaceNothing, Unclear::NobodyKnown] {
        let error = unclear.check(true, true).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        unclear.check(false, false).unwrap();
    }
    Unclear::Filter.check(true, false).unwrap_err();
    Unclear::Filter.check(true, true).unwrap();
    Unclear::NobodyNamed.check(false, false).unwrap_err();
}

#[test]
fn members_are_taken_out_of_a_body_under_any_of_their_names() {
    let urn = format!("{}:members", schema::GROUP);
    for name in ["members", "MEMBERS", &urn] {
        let mut body = json!({"displayName": "N", name: ["a", {"value": "b", "type": "Group"}, {}]});
        let (change, repairs) = take_members(&mut body, Lenient).unwrap();
        let Some(MemberChange::Replace(members)) = change else { panic!("{change:?}") };
        let values: Vec<&str> = members.iter().map(|member| member.value.as_str()).collect();
        assert_eq!(values, ["a", "b"], "{name}");
        assert_eq!(body, json!({"displayName": "N"}));
        assert!(repairs.contains(&"members: 1 without a value dropped".to_owned()), "{repairs:?}");
    }
    let mut twice = json!({"members": [{"value": "a"}], "Members": []});
    assert_eq!(take_members(&mut twice, Lenient).unwrap_err().scim_type, Some(ScimType::InvalidValue));
    assert_eq!(take_members(&mut json!({"displayName": "N"}), Lenient).unwrap(), (None, Vec::new()));
    assert_eq!(take_members(&mut json!([]), Lenient).unwrap(), (None, Vec::new()));
}
