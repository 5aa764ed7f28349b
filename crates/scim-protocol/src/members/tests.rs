use serde_json::json;

use super::*;
use crate::Strictness::{Lenient, Strict};
use crate::error::ScimType;
use crate::patch::PATCH_OP;
use crate::schema::GROUP;

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn split(
    operations: Value,
    strictness: Strictness,
) -> Result<(PatchRequest, Members, Vec<String>), ScimError> {
    let body = json!({"schemas": [PATCH_OP], "Operations": operations});
    let (request, mut repairs) = PatchRequest::parse(body, strictness)?;
    let (rest, members, more) = split_members(request, schema::group(), strictness)?;
    repairs.extend(more);
    Ok((rest, members, repairs))
}

#[track_caller]
fn changes(operations: Value, strictness: Strictness) -> Vec<MemberChange> {
    match split(operations, strictness).unwrap() {
        (rest, Members::Changes(changes), _) => {
            assert!(rest.operations.is_empty());
            changes
        }
        (_, Members::NeedsDocument { .. }, _) => panic!("needs the document"),
    }
}

fn member(id: &str) -> MemberRef {
    MemberRef { value: id.into(), kind: None }
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

#[test]
fn a_member_is_checked_as_in_any_document() {
    for element in [
        json!({"value": "a\u{0}b"}),
        json!({"value": 7}),
        json!({"value": "u1", "type": 7}),
        json!({"value": "u1", "VALUE": "u2"}),
        json!({"display": "Anne"}),
        json!({}),
        json!(null),
    ] {
        for op in ["add", "replace"] {
            let operations = json!([{"op": op, "path": "members", "value": [element]}]);
            for strictness in [Lenient, Strict] {
                let checked = split(operations.clone(), strictness).and_then(|(_, members, _)| {
                    let Members::Changes(changes) = members else { panic!("needs the document") };
                    fold_members(&changes).unclear.map_or(Ok(()), |unclear| unclear.check(false, false))
                });
                assert_eq!(checked.unwrap_err().scim_type, Some(ScimType::InvalidValue), "{element}");
            }
        }
    }
}

#[test]
fn add_replace_and_remove_of_members_become_set_changes() {
    let taken = changes(
        json!([
            {"op": "add", "path": "members", "value": [{"value": "a"}, {"Value": "b", "type": "Group", "$ref": null}]},
            {"op": "remove", "path": "members[value eq \"a\"]"},
            {"op": "remove", "path": "Members[value eq \"c\" or VALUE eq \"d\"]"},
            {"op": "replace", "path": format!("{GROUP}:members"), "value": {"value": "e"}},
            {"op": "remove", "path": "members"},
        ]),
        Strict,
    );
    let b = MemberRef { value: "b".into(), kind: Some("Group".into()) };
    assert_eq!(
        taken,
        [
            MemberChange::Add(vec![member("a"), b]),
            MemberChange::Remove(ids(&["a"])),
            MemberChange::Remove(ids(&["c", "d"])),
            MemberChange::Replace(vec![member("e")]),
            MemberChange::RemoveAll,
        ]
    );
}

#[test]
fn members_in_a_value_without_a_path_are_taken_out_and_the_rest_stays() {
    for name in ["members", "MEMBERS", &format!("{GROUP}:members")] {
        let operations =
            json!([{"op": "replace", "value": {"id": "g", "displayName": "N", name: [{"value": "a"}]}}]);
        let (rest, members, _) = split(operations, Strict).unwrap();
        assert_eq!(members, Members::Changes(vec![MemberChange::Replace(vec![member("a")])]), "{name}");
        assert_eq!(rest.operations[0].value, Some(json!({"id": "g", "displayName": "N"})));
    }
    let only = json!([{"op": "add", "value": {"members": [{"value": "a"}]}}]);
    assert_eq!(changes(only, Strict), [MemberChange::Add(vec![member("a")])]);
}

#[test]
fn remove_with_members_in_value_removes_those_only() {
    let operations = json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "a\"b"}, {"value": "c"}]}]);
    let taken = changes(operations.clone(), Lenient);
    assert_eq!(taken, [MemberChange::Remove(ids(&["a\"b"])), MemberChange::Remove(ids(&["c"]))]);
    assert_eq!(split(operations, Strict).unwrap_err().status, 400);
    let literal = json!([{"op": "remove", "path": "members", "value": [{"value": "c"}]}]);
    assert_eq!(split(literal.clone(), Strict).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    let (_, _, repairs) = split(literal, Lenient).unwrap();
    assert_eq!(repairs, ["remove of members with a value: 1 element named"]);
    assert_eq!(changes(json!([{"op": "remove", "path": "members", "value": []}]), Lenient), []);
    let bare = changes(json!([{"op": "remove", "path": "members", "value": null}]), Strict);
    assert_eq!(bare, [MemberChange::RemoveAll]);
}

#[test]
fn bare_strings_as_members_are_a_dialect() {
    let operations = json!([{"op": "add", "path": "members", "value": ["a", {"value": "b"}]}]);
    assert_eq!(changes(operations.clone(), Lenient), [MemberChange::Add(vec![member("a"), member("b")])]);
    assert_eq!(split(operations, Strict).unwrap_err().scim_type, Some(ScimType::InvalidValue));
}

#[test]
fn members_without_an_id_are_invalid_value() {
    for value in
        [json!([{}]), json!([{"value": ""}]), json!([{"value": 5}]), json!([5]), json!("a"), json!([null])]
    {
        let operations = json!([{"op": "add", "path": "members", "value": value}]);
        let error = split(operations, Lenient).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)), "{value}");
    }
}

#[test]
fn an_invalid_member_is_refused_even_when_a_later_operation_replaces_the_list() {
    let list = json!([{"value": ""}, {"VALUE": [null], "value": {}}]);
    let operations = json!([
        {"op": "replace", "path": "members", "value": list},
        {"op": "replace", "path": "members", "value": []},
    ]);
    for strictness in [Lenient, Strict] {
        let error = split(operations.clone(), strictness).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{error}");
    }
}

#[test]
fn what_cannot_be_said_by_ids_needs_the_document_and_returns_the_request() {
    for operation in [
        json!({"op": "remove", "path": "members[display eq \"x\"]"}),
        json!({"op": "remove", "path": "members[value eq \"x\" and type eq \"User\"]"}),
        json!({"op": "remove", "path": "members[not (value eq \"x\")]"}),
        json!({"op": "remove", "path": "members[value eq \"x\"].display"}),
        json!({"op": "add", "path": "members[type eq \"User\"]", "value": {"display": "x"}}),
    ] {
        let rename = json!({"op": "replace", "path": "displayName", "value": "N"});
        let (request, members, _) = split(json!([rename, operation]), Strict).unwrap();
        assert_eq!(members, Members::NeedsDocument { named: Vec::new(), unclear: None }, "{operation}");
        assert_eq!(request.operations.len(), 2);
    }
}

#[test]
fn operations_elsewhere_stay_in_order() {
    let (rest, members, _) = split(
        json!([
            {"op": "replace", "path": "displayName", "value": "A"},
            {"op": "add", "path": "members", "value": [{"value": "a"}]},
            {"op": "replace", "path": "externalId", "value": "x"},
            {"op": "remove", "path": "nonsense"},
        ]),
        Strict,
    )
    .unwrap();
    let paths: Vec<_> = rest.operations.iter().map(|operation| operation.path.as_deref().unwrap()).collect();
    assert_eq!(paths, ["displayName", "externalId", "nonsense"]);
    assert_eq!(members, Members::Changes(vec![MemberChange::Add(vec![member("a")])]));
}

#[test]
fn the_later_change_of_one_member_wins() {
    let delta = fold_members(&[
        MemberChange::Add(vec![member("a"), member("b"), member("a")]),
        MemberChange::Remove(ids(&["b", "c"])),
        MemberChange::Add(vec![member("c")]),
    ]);
    assert_eq!(delta.add, [member("a"), member("c")]);
    assert_eq!(delta.remove, BTreeSet::from(["b".to_owned()]));
    assert!(!delta.replaces_all);
}

#[test]
fn replace_and_remove_all_forget_what_came_before() {
    let delta = fold_members(&[
        MemberChange::Remove(ids(&["x"])),
        MemberChange::Add(vec![member("a")]),
        MemberChange::Replace(vec![member("b"), member("c")]),
        MemberChange::Remove(ids(&["c"])),
    ]);
    let only_b = MemberDelta { replaces_all: true, add: vec![member("b")], ..MemberDelta::default() };
    assert_eq!(delta, only_b);
    let emptied = fold_members(&[MemberChange::Add(vec![member("a")]), MemberChange::RemoveAll]);
    assert_eq!(emptied, MemberDelta { replaces_all: true, ..MemberDelta::default() });
    assert_eq!(fold_members(&[]), MemberDelta::default());
}

#[test]
fn the_whole_document_says_the_same_as_the_set_changes() {
    let group = json!({
        "schemas": [GROUP],
        "displayName": "Team",
        "members": [{"value": "a", "type": "User"}, {"value": "b", "type": "User"}],
    });
    let apply = |operations: Value| {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        let (request, _) = PatchRequest::parse(body, Lenient).unwrap();
        crate::patch::apply(&group, &request, schema::group(), Lenient).map(|patched| {
            let members = patched.resource["members"].as_array().cloned().unwrap_or_default();
            members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
    };
    let added = apply(json!([{"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "c"}]}]));
    assert_eq!(added.unwrap(), ["a", "b", "c"], "a member is the same without its type");
    let removed = apply(json!([{"op": "remove", "path": "members", "value": [{"value": "a"}]}]));
    assert_eq!(removed.unwrap(), ["b"]);
    let absent = apply(json!([{"op": "remove", "path": "members[value eq \"x\"]"}]));
    assert_eq!(absent.unwrap(), ["a", "b"]);
    let created = apply(json!([{"op": "replace", "path": "members[value eq \"x\"].type", "value": "User"}]));
    assert_eq!(created.unwrap_err().scim_type, Some(ScimType::NoTarget), "no member comes into being so");
    let changed = apply(json!([{"op": "replace", "path": "members[value eq \"a\"].value", "value": "z"}]));
    assert_eq!(changed.unwrap_err().scim_type, Some(ScimType::Mutability));
}
