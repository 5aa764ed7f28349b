//! A group is emptied only by a request that says so plainly.

use serde_json::{Value, json};

use crate::harness::{Answer, Edge, GROUP, Idp, group, on_both};

on_both!(
    an_ambiguous_form_never_empties_a_group_and_is_told,
    a_plain_form_is_obeyed,
    an_empty_group_takes_ambiguous_forms_without_harm,
    foreign_ids_do_not_empty_a_group,
    strict_mode_takes_null_as_unassigned,
    a_refused_patch_changes_nothing_else_either,
    a_refusal_of_another_kind_is_not_told,
);

async fn patch(idp: &Idp, id: &str, operation: &Value) -> Answer {
    idp.patch(&format!("/Groups/{id}"), json!([operation])).await
}

async fn put(idp: &Idp, id: &str, members: &Value) -> Answer {
    let body = json!({"schemas": [GROUP], "displayName": "Staff", "members": members});
    idp.put(&format!("/Groups/{id}"), body).await
}

async fn an_ambiguous_form_never_empties_a_group_and_is_told(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann]).await;
    let path = format!("/Groups/{id}");
    let before = idp.get(&path).await.ok();
    let mut refusals = 0;
    let mut check = async |answer: Answer, what: &str, plain: &str| {
        answer.refused(400, "invalidValue");
        refusals += 1;
        let detail = answer.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(plain), "{what}: {detail}");
        assert_eq!(idp.get(&path).await.ok(), before, "{what}");
        let told = edge.told(&idp, &id).await;
        assert_eq!(told[0], format!("Refused: {detail}"), "{what}");
        assert_eq!(told.len(), refusals + 1, "{what}");
    };
    let nothing = [json!(null), json!(""), json!({})];
    let nobody =
        [json!([{}]), json!([null]), json!([""]), json!([{"value": ""}]), json!([{"display": "Ann"}])];
    for value in nothing.iter().chain(&nobody) {
        let operations = [
            json!({"op": "replace", "path": "members", "value": value}),
            json!({"op": "replace", "value": {"members": value}}),
        ];
        for operation in operations {
            check(patch(&idp, &id, &operation).await, &operation.to_string(), "send []").await;
        }
        if !value.is_null() {
            check(put(&idp, &id, value).await, &value.to_string(), "send []").await;
        }
    }
    for operation in [
        json!({"op": "remove", "path": "members", "value": null}),
        json!({"op": "remove", "path": "members", "value": [{"type": "User"}]}),
        json!({"op": "remove", "path": "members[display ne \"Bob\"]"}),
    ] {
        check(patch(&idp, &id, &operation).await, &operation.to_string(), "members[value eq").await;
    }
}

async fn a_plain_form_is_obeyed(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    for operation in [
        json!({"op": "remove", "path": "members"}),
        json!({"op": "replace", "path": "members", "value": []}),
        json!({"op": "replace", "value": {"members": []}}),
        json!({"op": "remove", "path": "members[type eq \"User\"]"}),
        json!({"op": "remove", "path": "members[value pr]"}),
        json!({"op": "remove", "path": "members", "value": [{"value": ann}]}),
    ] {
        let id = idp.group("Staff", &[&ann, "waits"]).await;
        assert!(patch(&idp, &id, &operation).await.ok().get("members").is_none(), "{operation}");
    }
    let id = idp.group("Staff", &[&ann]).await;
    assert!(put(&idp, &id, &json!([])).await.ok().get("members").is_none());
    let id = idp.group("Staff", &[&ann]).await;
    assert!(put(&idp, &id, &json!(null)).await.ok().get("members").is_some(), "null says nothing");
}

async fn an_empty_group_takes_ambiguous_forms_without_harm(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.group("Staff", &[]).await;
    for operation in [
        json!({"op": "remove", "path": "members", "value": null}),
        json!({"op": "replace", "path": "members", "value": null}),
        json!({"op": "replace", "value": {"members": ""}}),
        json!({"op": "replace", "path": "members", "value": {}}),
        json!({"op": "remove", "path": "members", "value": [{"type": "User"}]}),
    ] {
        patch(&idp, &id, &operation).await.ok();
    }
    put(&idp, &id, &json!({})).await.ok();
    // There is nothing in these to obey.
    put(&idp, &id, &json!([{}])).await.refused(400, "invalidValue");
    let body = json!({"schemas": [GROUP], "displayName": "New", "members": [null]});
    idp.post("/Groups", body).await.refused(400, "invalidValue");
}

async fn foreign_ids_do_not_empty_a_group(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann]).await;
    let before = idp.get(&format!("/Groups/{id}")).await.ok();
    let foreign = json!([{"value": "7"}, {"value": uuid::Uuid::now_v7()}]);
    put(&idp, &id, &foreign).await.refused(400, "invalidValue");
    let replace = json!({"op": "replace", "path": "members", "value": foreign});
    let answer = patch(&idp, &id, &replace).await;
    answer.refused(400, "invalidValue");
    assert_eq!(
        edge.told(&idp, &id).await[0],
        format!("Refused: {}", answer.body["detail"].as_str().unwrap())
    );
    assert_eq!(idp.get(&format!("/Groups/{id}")).await.ok(), before);
    assert!(edge.parked(&idp, &id).await.is_empty());
    // One who is known shows that these are ids of ours; and an empty group loses nobody.
    let some = json!([{"value": "7"}, {"value": ann}]);
    put(&idp, &id, &some).await.ok();
    assert_eq!(edge.parked(&idp, &id).await, ["7"]);
    let empty = idp.group("Empty", &[]).await;
    put(&idp, &empty, &json!([{"value": "7"}])).await.ok();
    put(&idp, &empty, &json!([{"value": "8"}])).await.ok();
    assert_eq!(edge.parked(&idp, &empty).await, ["8"]);
    // Adding takes nobody away.
    patch(&idp, &id, &json!({"op": "add", "path": "members", "value": [{"value": "9"}]})).await.ok();
}

async fn strict_mode_takes_null_as_unassigned(edge: Edge) {
    let lenient = edge.idp("acme").await;
    let idp = edge.idp_of(lenient.tenant, true).await;
    let ann = idp.user("ann@acme.example").await;
    for operation in [
        json!({"op": "remove", "path": "members", "value": null}),
        json!({"op": "replace", "path": "members", "value": null}),
        json!({"op": "replace", "value": {"members": null}}),
    ] {
        let id = idp.group("Staff", &[&ann]).await;
        assert!(patch(&idp, &id, &operation).await.ok().get("members").is_none(), "{operation}");
    }
    let id = idp.group("Staff", &[&ann]).await;
    for value in [json!(""), json!({}), json!([{}]), json!([null])] {
        put(&idp, &id, &value).await.refused(400, "invalidValue");
    }
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    assert!(put(&idp, &id, &json!(null)).await.ok().get("members").is_none());
}

async fn a_refused_patch_changes_nothing_else_either(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann]).await;
    let path = format!("/Groups/{id}");
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "Renamed"},
        {"op": "add", "path": "members", "value": [{"value": "waits"}]},
        {"op": "replace", "path": "members", "value": null},
    ]);
    idp.patch(&path, operations).await.refused(400, "invalidValue");
    assert_eq!(idp.get(&path).await.ok()["displayName"], "Staff");
    assert!(edge.parked(&idp, &id).await.is_empty());
    // A version that is not there is refused before anything is judged.
    let body = crate::harness::patch_op(json!([{"op": "replace", "path": "members", "value": null}]));
    let answer = idp.call("PATCH", &path, &[("if-match", "W/\"7\"")], body.to_string()).await;
    answer.refused(412, "");
    assert_eq!(edge.told(&idp, &id).await.len(), 2);
}

async fn a_refusal_of_another_kind_is_not_told(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.group("Staff", &[]).await;
    idp.put(&format!("/Groups/{id}"), group("", &[])).await.refused(400, "invalidValue");
    assert_eq!(edge.told(&idp, &id).await.len(), 1);
}
