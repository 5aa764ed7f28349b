//! The life of a group and of its memberships (RFC 7643 §4.2, RFC 7644 §3.5).

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Edge, GROUP, Idp, group, on_both};

on_both!(
    a_created_group_has_its_members_and_they_have_the_group,
    members_come_and_go_one_by_one,
    what_entra_and_okta_send_changes_only_whom_they_name,
    a_put_without_members_leaves_them,
    nested_groups_are_shown_as_indirect,
    groups_that_contain_each_other_come_to_an_end,
    deleting_a_user_takes_it_out_of_its_groups_and_moves_their_versions,
    deleting_a_group_takes_it_from_users_and_from_groups_above,
    a_users_entity_tag_changes_with_its_groups,
    a_large_groups_patch_is_answered_without_its_members,
    a_group_is_read_whole_whatever_its_size,
    preconditions_hold,
);

async fn users(idp: &Idp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(idp.user(&format!("user-{n}@acme.example")).await);
    }
    ids
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

async fn version(idp: &Idp, path: &str) -> String {
    idp.get(path).await.ok()["meta"]["version"].as_str().unwrap().to_owned()
}

async fn a_created_group_has_its_members_and_they_have_the_group(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 2).await;
    let mut body = group("Staff", &refs(&people));
    body["externalId"] = json!("g-1");
    let answer = idp.post("/Groups", body).await;
    let id = answer.created();
    assert_eq!(answer.header("location"), idp.location(&format!("/Groups/{id}")));
    assert_eq!(answer.body["meta"]["resourceType"], "Group");
    let expected: Vec<Value> = people
        .iter()
        .map(|id| json!({"value": id, "$ref": idp.location(&format!("/Users/{id}")), "type": "User"}))
        .collect();
    assert_eq!(answer.body["members"], json!(expected));
    assert_eq!(idp.get(&format!("/Groups/{id}")).await.ok(), answer.body);
    let user = idp.get(&format!("/Users/{}", people[0])).await.ok();
    let reference = idp.location(&format!("/Groups/{id}"));
    let holding = json!([{"value": id, "$ref": reference, "display": "Staff", "type": "direct"}]);
    assert_eq!(user["groups"], holding);
    let bare = idp.get(&format!("/Groups/{id}?excludedAttributes=members")).await.ok();
    assert!(bare.get("members").is_none());
    assert_eq!(bare["displayName"], "Staff");
}

async fn members_come_and_go_one_by_one(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 3).await;
    let id = idp.group("Staff", &[&people[0]]).await;
    let path = format!("/Groups/{id}");
    let add =
        json!([{"op": "add", "path": "members", "value": [{"value": people[1]}, {"value": people[2]}]}]);
    assert_eq!(idp.patch(&path, add).await.ok()["members"].as_array().unwrap().len(), 3);
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", people[0])}]);
    idp.patch(&path, remove).await.ok();
    assert_eq!(idp.members(&id).await, people[1..]);
    let replace = json!([{"op": "replace", "path": "members", "value": [{"value": people[0]}]}]);
    idp.patch(&path, replace).await.ok();
    assert_eq!(idp.members(&id).await, people[..1]);
    // One operation that fails undoes the others.
    let half = json!([
        {"op": "add", "path": "members", "value": [{"value": people[1]}]},
        {"op": "replace", "path": "displayName", "value": ""},
    ]);
    idp.patch(&path, half).await.refused(400, "invalidValue");
    assert_eq!(idp.members(&id).await, people[..1]);
    let empty = json!([{"op": "remove", "path": "members"}]);
    assert!(idp.patch(&path, empty).await.ok().get("members").is_none());
}

async fn what_entra_and_okta_send_changes_only_whom_they_name(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 3).await;
    let id = idp.group("Staff", &refs(&people)).await;
    let path = format!("/Groups/{id}");
    let entra = json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": people[0]}]}]);
    idp.patch(&path, entra).await.ok();
    assert_eq!(idp.members(&id).await, people[1..], "a remove with a value removes those only");
    let entra = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": people[0]}]}]);
    idp.patch(&path, entra).await.ok();
    let okta = json!([{"op": "replace", "value": {"id": id, "displayName": "Renamed"}}]);
    assert_eq!(idp.patch(&path, okta).await.ok()["displayName"], "Renamed");
    assert_eq!(idp.members(&id).await, people);
    let found = idp.find("/Groups", &format!("id eq \"{id}\" and members eq \"{}\"", people[0])).await;
    assert_eq!(found.ids(), [id.as_str()]);
    let strict = edge.idp_of(idp.tenant, true).await;
    let ann = strict.user("ann@acme.example").await;
    let id = strict.group("Staff", &[&ann]).await;
    let literal = json!([{"op": "remove", "path": "members", "value": [{"value": ann}]}]);
    strict.patch(&format!("/Groups/{id}"), literal).await.refused(400, "invalidSyntax");
    assert_eq!(strict.members(&id).await, [ann]);
}

async fn a_put_without_members_leaves_them(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 2).await;
    let id = idp.group("Staff", &refs(&people)).await;
    let path = format!("/Groups/{id}");
    let body = json!({"schemas": [GROUP], "displayName": "Renamed"});
    let answer = idp.put(&path, body.clone()).await.ok();
    assert_eq!(answer["displayName"], "Renamed");
    assert_eq!(idp.members(&id).await, people);
    let mut one = body.clone();
    one["members"] = json!([{"value": people[0]}]);
    idp.put(&path, one).await.ok();
    assert_eq!(idp.members(&id).await, people[..1]);
    let mut none = body;
    none["members"] = json!([]);
    idp.put(&path, none).await.ok();
    assert!(idp.members(&id).await.is_empty());
}

async fn nested_groups_are_shown_as_indirect(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let inner = idp.group("Inner", &[&ann]).await;
    let outer = idp.group("Outer", &[&inner]).await;
    let read = idp.get(&format!("/Groups/{outer}")).await.ok();
    assert_eq!(read["members"][0]["type"], "Group");
    assert_eq!(read["members"][0]["$ref"], idp.location(&format!("/Groups/{inner}")));
    let groups = idp.get(&format!("/Users/{ann}")).await.ok()["groups"].clone();
    let kinds: Vec<_> =
        groups.as_array().unwrap().iter().map(|g| (g["display"].clone(), g["type"].clone())).collect();
    assert_eq!(kinds, [(json!("Inner"), json!("direct")), (json!("Outer"), json!("indirect"))]);
    for id in [&inner, &outer] {
        assert_eq!(idp.find("/Users", &format!("groups.value eq \"{id}\"")).await.ids(), [ann.as_str()]);
        assert_eq!(idp.find("/Users", &format!("groups[value eq \"{id}\"]")).await.ids(), [ann.as_str()]);
    }
    let direct = idp.find("/Users", &format!("groups[value eq \"{outer}\" and type eq \"direct\"]")).await;
    assert!(direct.ids().is_empty());
}

async fn groups_that_contain_each_other_come_to_an_end(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let one = idp.group("One", &[&ann]).await;
    let two = idp.group("Two", &[&one]).await;
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    idp.patch(&format!("/Groups/{one}"), add(&two)).await.ok();
    idp.patch(&format!("/Groups/{one}"), add(&one)).await.ok();
    let groups = idp.get(&format!("/Users/{ann}")).await.ok()["groups"].clone();
    assert_eq!(groups.as_array().unwrap().len(), 2);
    assert_eq!(idp.find("/Users", &format!("groups.value eq \"{two}\"")).await.ids(), [ann.as_str()]);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Uno"}]);
    idp.patch(&format!("/Groups/{one}"), rename).await.ok();
    assert_eq!(idp.delete(&format!("/Groups/{one}")).await.status, StatusCode::NO_CONTENT);
    assert!(idp.members(&two).await.is_empty());
}

async fn deleting_a_user_takes_it_out_of_its_groups_and_moves_their_versions(edge: Edge) {
    let idp = edge.idp("acme").await;
    let people = users(&idp, 2).await;
    let held = idp.group("Held", &refs(&people)).await;
    let other = idp.group("Other", &[&people[1]]).await;
    edge.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(idp.delete(&format!("/Users/{}", people[0])).await.status, StatusCode::NO_CONTENT);
    assert_eq!(idp.members(&held).await, people[1..]);
    let meta = idp.get(&format!("/Groups/{held}")).await.ok()["meta"].clone();
    assert_eq!(meta["version"], "W/\"2\"");
    assert_eq!(meta["lastModified"], "2026-11-25T10:01:00.000Z");
    assert_eq!(version(&idp, &format!("/Groups/{other}")).await, "W/\"1\"");
}

async fn deleting_a_group_takes_it_from_users_and_from_groups_above(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let inner = idp.group("Inner", &[&ann]).await;
    let outer = idp.group("Outer", &[&inner]).await;
    assert_eq!(idp.delete(&format!("/Groups/{inner}")).await.status, StatusCode::NO_CONTENT);
    idp.get(&format!("/Groups/{inner}")).await.refused(404, "");
    assert!(idp.members(&outer).await.is_empty());
    assert_eq!(version(&idp, &format!("/Groups/{outer}")).await, "W/\"2\"");
    assert!(idp.get(&format!("/Users/{ann}")).await.ok().get("groups").is_none());
}

async fn a_users_entity_tag_changes_with_its_groups(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let path = format!("/Users/{ann}");
    let status = |etag: String| {
        let (idp, path) = (idp.clone(), path.clone());
        async move { idp.call("GET", &path, &[("if-none-match", &etag)], "").await.status }
    };
    let alone = version(&idp, &path).await;
    let id = idp.group("Staff", &[&ann]).await;
    assert_eq!(status(alone).await, StatusCode::OK);
    let member = version(&idp, &path).await;
    assert_eq!(status(member.clone()).await, StatusCode::NOT_MODIFIED);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Crew"}]);
    idp.patch(&format!("/Groups/{id}"), rename).await.ok();
    assert_eq!(status(member.clone()).await, StatusCode::OK, "the group's name is shown");
    // Nobody writes a user's groups, so they are in no writer's way.
    let body = crate::harness::user("ann@acme.example").to_string();
    let answer = idp.call("PUT", &path, &[("if-match", &member)], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

async fn a_large_groups_patch_is_answered_without_its_members(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ids = idp.many_users(&edge, 1_001).await;
    let id = idp.group("Everyone", &refs(&ids[..1_000])).await;
    let path = format!("/Groups/{id}");
    let rename = json!([{"op": "replace", "path": "displayName", "value": "All"}]);
    let answer = idp.patch(&path, rename).await.ok();
    assert_eq!(answer["members"].as_array().unwrap().len(), 1_000);
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let answer = idp.patch(&path, add(&ids[1_000])).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(answer.header("etag"), "W/\"3\"");
    assert_eq!(answer.header("location"), idp.location(&path));
    // Who names attributes gets them.
    let answer = idp.patch(&format!("{path}?attributes=members"), add(&ids[0])).await.ok();
    assert_eq!(answer["members"].as_array().unwrap().len(), 1_001);
    let answer = idp.patch(&format!("{path}?excludedAttributes=members"), add(&ids[0])).await.ok();
    assert_eq!(answer["displayName"], "All");
}

/// Larger groups are streamed in pages of 1,000; sizes around the page's are where one could go wrong.
async fn a_group_is_read_whole_whatever_its_size(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut ids = idp.many_users(&edge, 2_001).await;
    ids.sort();
    for size in [999, 1_000, 1_001, 2_000, 2_001] {
        let id = idp.group("Everyone", &refs(&ids[..size])).await;
        let path = format!("/Groups/{id}");
        let answer = idp.get(&path).await;
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert_eq!(answer.header("location"), idp.location(&path));
        assert_eq!(answer.header("content-type"), "application/scim+json");
        let whole = answer.ok();
        assert_eq!((&whole["id"], &whole["displayName"]), (&json!(id), &json!("Everyone")));
        assert_eq!(whole["meta"]["version"], "W/\"1\"");
        let expected: Vec<Value> = ids[..size]
            .iter()
            .map(|id| json!({"value": id, "$ref": idp.location(&format!("/Users/{id}")), "type": "User"}))
            .collect();
        assert_eq!(whole["members"], json!(expected), "{size} members");
        let chosen = idp.get(&format!("{path}?attributes=members.value")).await.ok();
        let values: Vec<Value> = ids[..size].iter().map(|id| json!({"value": id})).collect();
        assert_eq!(chosen["members"], json!(values), "{size} members");
        assert_eq!((chosen.get("displayName"), &chosen["id"]), (None, &json!(id)));
    }
}

async fn preconditions_hold(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[]).await;
    let path = format!("/Groups/{id}");
    let add = crate::harness::patch_op(json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]));
    for (method, body) in [("PATCH", add.clone()), ("PUT", group("Other", &[])), ("DELETE", Value::Null)] {
        let answer = idp.call(method, &path, &[("if-match", "W/\"2\"")], body.to_string()).await;
        answer.refused(412, "");
    }
    assert!(idp.members(&id).await.is_empty());
    let answer = idp.call("PATCH", &path, &[("if-match", "W/\"1\"")], add.to_string()).await;
    assert_eq!(answer.ok()["meta"]["version"], "W/\"2\"");
    let answer = idp.call("GET", &path, &[("if-none-match", "W/\"2\"")], "").await;
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
}
