//! Members that are named before they are known (RFC 7644 §3.5.2 leaves it open): they wait.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Edge, GROUP, Idp, group, on_both, user};

on_both!(
    an_unknown_member_is_parked_and_told,
    strict_mode_refuses_an_unknown_member,
    a_parked_member_joins_when_it_is_created,
    a_parked_member_joins_when_its_names_change,
    a_parked_group_joins_with_everybody_below_it,
    a_member_named_by_its_external_id_or_user_name_is_resolved_at_once,
    a_name_that_two_answer_to_is_parked,
    a_hint_of_the_kind_is_kept,
    a_parked_member_that_is_named_again_changes_nothing,
    removing_a_parked_member_ends_its_waiting,
    a_put_replaces_who_waits,
    a_deleted_group_waits_for_nobody,
    arrivals_and_parkings_at_once_lose_nobody,
    who_is_renamed_and_named_at_once_is_not_lost,
);

fn add(values: &[&str]) -> Value {
    let values: Vec<Value> = values.iter().map(|value| json!({"value": value})).collect();
    json!([{"op": "add", "path": "members", "value": values}])
}

async fn version(idp: &Idp, group: &str) -> String {
    idp.get(&format!("/Groups/{group}")).await.header("etag").to_owned()
}

fn person(user_name: &str, external_id: &str) -> Value {
    let mut person = user(user_name);
    person["externalId"] = external_id.into();
    person
}

async fn an_unknown_member_is_parked_and_told(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann, "00uB"]).await;
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    assert_eq!(edge.parked(&idp, &id).await, ["00uB"]);
    assert_eq!(
        edge.told(&idp, &id).await[0],
        "Created by the identity provider: 1 members added, 0 removed; 1 member not known yet: parked"
    );
    let foreign = uuid::Uuid::now_v7().to_string();
    let answer = idp.patch(&format!("/Groups/{id}"), add(&[&foreign, "carl@acme.example"])).await.ok();
    assert_eq!(answer["members"].as_array().unwrap().len(), 1, "who waits is not shown as a member");
    assert_eq!(edge.parked(&idp, &id).await.len(), 3);
    assert_eq!(
        edge.told(&idp, &id).await[0],
        "Changed by PATCH: add members: 2 members not known yet: parked"
    );
}

async fn strict_mode_refuses_an_unknown_member(edge: Edge) {
    let lenient = edge.idp("acme").await;
    let idp = edge.idp_of(lenient.tenant, true).await;
    let ann = idp.post("/Users", person("ann@acme.example", "00uA")).await.created();
    let id = idp.group("Staff", &[&ann]).await;
    let path = format!("/Groups/{id}");
    for value in ["nobody", "00uA", "ann@acme.example", "01890a5d-ac96-774b-bcce-b302099a8057"] {
        idp.patch(&path, add(&[value])).await.refused(400, "invalidValue");
        idp.put(&path, group("Staff", &[&ann, value])).await.refused(400, "invalidValue");
        idp.post("/Groups", group("Other", &[value])).await.refused(400, "invalidValue");
    }
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    assert_eq!(version(&idp, &id).await, "W/\"1\"");
    assert_eq!(idp.get("/Groups").await.ids(), [id.as_str()]);
    assert!(edge.parked(&idp, &id).await.is_empty());
}

async fn a_parked_member_joins_when_it_is_created(edge: Edge) {
    let idp = edge.idp("acme").await;
    let other = edge.idp_of(idp.tenant, false).await;
    let by_external_id = idp.group("By externalId", &["00uA"]).await;
    let by_name = idp.group("By userName", &["ANN@acme.example", "00uB"]).await;
    let exact = idp.group("By another externalId", &["00ua"]).await;
    let elsewhere = other.group("Elsewhere", &["00uA"]).await;
    edge.clock.advance(std::time::Duration::from_mins(1));
    let ann = idp.post("/Users", person("Ann@acme.example", "00uA")).await.created();
    for id in [&by_external_id, &by_name] {
        assert_eq!(idp.members(id).await, [ann.as_str()]);
        let group = idp.get(&format!("/Groups/{id}")).await.ok();
        assert_eq!(group["meta"]["version"], "W/\"2\"");
        assert_eq!(group["meta"]["lastModified"], "2026-11-25T10:01:00.000Z");
        assert_eq!(edge.told(&idp, id).await[0], "A parked member arrived: 1 members added, 0 removed");
    }
    assert_eq!(edge.parked(&idp, &by_name).await, ["00uB"]);
    assert!(edge.parked(&idp, &by_external_id).await.is_empty());
    assert_eq!(edge.parked(&idp, &exact).await, ["00ua"], "the case of an externalId counts");
    assert_eq!(edge.parked(&other, &elsewhere).await, ["00uA"], "another directory's user is another's");
    let told = edge.told(&idp, &ann).await;
    assert!(told.contains(&"Added to group By externalId, which waited for it".to_owned()), "{told:?}");
    let groups = idp.get(&format!("/Users/{ann}")).await.ok()["groups"].clone();
    assert_eq!(groups.as_array().unwrap().len(), 2);
}

async fn a_parked_member_joins_when_its_names_change(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.group("Staff", &["00uA", "bob@acme.example"]).await;
    let ann = idp.user("ann@acme.example").await;
    let bob = idp.user("robert@acme.example").await;
    assert!(idp.members(&id).await.is_empty());
    let named = json!([{"op": "add", "path": "externalId", "value": "00uA"}]);
    idp.patch(&format!("/Users/{ann}"), named).await.ok();
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    idp.put(&format!("/Users/{bob}"), user("BOB@acme.example")).await.ok();
    assert_eq!(idp.members(&id).await, [ann.as_str(), bob.as_str()]);
    assert!(edge.parked(&idp, &id).await.is_empty());
    assert_eq!(version(&idp, &id).await, "W/\"3\"");
}

async fn a_parked_group_joins_with_everybody_below_it(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let outer = idp.group("Outer", &["inner-1", "inner-2"]).await;
    let mut inner = group("Inner", &[&ann]);
    inner["externalId"] = "inner-1".into();
    let first = idp.post("/Groups", inner).await.created();
    let second = idp.group("Second", &[&ann]).await;
    let named = json!([{"op": "replace", "path": "externalId", "value": "inner-2"}]);
    idp.patch(&format!("/Groups/{second}"), named).await.ok();
    assert_eq!(idp.members(&outer).await, [first.as_str(), second.as_str()]);
    let listed = idp.get(&format!("/Groups/{outer}")).await.ok();
    assert_eq!(listed["members"][0]["type"], "Group");
    let groups = idp.get(&format!("/Users/{ann}")).await.ok()["groups"].clone();
    assert_eq!(groups.as_array().unwrap().len(), 3, "Outer indirectly");
}

async fn a_member_named_by_its_external_id_or_user_name_is_resolved_at_once(edge: Edge) {
    let idp = edge.idp("acme").await;
    // Entra's object ids are UUIDs as ours are.
    let foreign = uuid::Uuid::now_v7().to_string();
    let ann = idp.post("/Users", person("ann@acme.example", &foreign)).await.created();
    let bob = idp.user("bob@acme.example").await;
    let id = idp.group("Staff", &[&foreign]).await;
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    assert_eq!(
        edge.told(&idp, &id).await[0],
        "Created by the identity provider: 1 members added, 0 removed; 1 member named by its externalId"
    );
    let path = format!("/Groups/{id}");
    idp.patch(&path, add(&["BOB@acme.example"])).await.ok();
    assert_eq!(idp.members(&id).await, [ann.as_str(), bob.as_str()]);
    assert!(edge.told(&idp, &id).await[0].ends_with("1 member named by its userName"));
    let before = version(&idp, &id).await;
    idp.patch(&path, add(&[&foreign])).await.ok();
    idp.put(&path, group("Staff", &["bob@acme.example", &foreign])).await.ok();
    assert_eq!(version(&idp, &id).await, before, "the same people under other names");
    // Whoever adds by a name removes by it.
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{foreign}\"]")}]);
    idp.patch(&path, remove).await.ok();
    assert_eq!(idp.members(&id).await, [bob.as_str()]);
}

async fn a_name_that_two_answer_to_is_parked(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.post("/Users", person("ann@acme.example", "shared")).await.created();
    idp.post("/Users", person("bob@acme.example", "shared")).await.created();
    let id = idp.group("Staff", &[&ann]).await;
    idp.patch(&format!("/Groups/{id}"), add(&["shared"])).await.ok();
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    assert_eq!(edge.parked(&idp, &id).await, ["shared"]);
    idp.post("/Users", person("carl@acme.example", "shared")).await.created();
    assert_eq!(edge.parked(&idp, &id).await, ["shared"], "a third makes it no clearer");
}

async fn a_hint_of_the_kind_is_kept(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut body = group("Outer", &[]);
    body["members"] = json!([{"value": "x", "type": "Group"}]);
    let outer = idp.post("/Groups", body).await.created();
    let any = idp.group("Any", &["x"]).await;
    let ann = idp.post("/Users", person("ann@acme.example", "x")).await.created();
    assert!(idp.members(&outer).await.is_empty(), "a group is waited for");
    assert_eq!(idp.members(&any).await, [ann]);
    let mut inner = group("Inner", &[]);
    inner["externalId"] = "x".into();
    let inner = idp.post("/Groups", inner).await.created();
    assert_eq!(idp.members(&outer).await, [inner], "the hint tells the two apart");
}

async fn a_parked_member_that_is_named_again_changes_nothing(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann, "00uB"]).await;
    let path = format!("/Groups/{id}");
    let before = idp.get(&path).await.ok();
    let told = edge.told(&idp, &id).await;
    let both = json!([{"value": "00uB"}, {"value": ann}]);
    idp.patch(&path, add(&["00uB"])).await.ok();
    idp.patch(&path, json!([{"op": "replace", "path": "members", "value": both}])).await.ok();
    idp.put(&path, json!({"schemas": [GROUP], "displayName": "Staff", "members": both})).await.ok();
    assert_eq!(idp.get(&path).await.ok(), before);
    assert_eq!(edge.told(&idp, &id).await, told);
}

async fn removing_a_parked_member_ends_its_waiting(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann, "00uB", "00uC", "00uD"]).await;
    let path = format!("/Groups/{id}");
    let remove = json!([{"op": "remove", "path": "members[value eq \"00uB\"]"}]);
    idp.patch(&path, remove).await.ok();
    assert_eq!(edge.parked(&idp, &id).await, ["00uC", "00uD"]);
    assert!(edge.told(&idp, &id).await[0].ends_with("1 member no longer parked"));
    let entra = json!([{"op": "Remove", "path": "members", "value": [{"value": "00uC"}]}]);
    idp.patch(&path, entra).await.ok();
    idp.post("/Users", person("bob@acme.example", "00uB")).await.created();
    idp.post("/Users", person("carl@acme.example", "00uC")).await.created();
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    idp.patch(&path, json!([{"op": "remove", "path": "members"}])).await.ok();
    assert!(edge.parked(&idp, &id).await.is_empty());
}

async fn a_put_replaces_who_waits(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let id = idp.group("Staff", &[&ann, "00uB", "00uC"]).await;
    let path = format!("/Groups/{id}");
    idp.put(&path, group("Staff", &[&ann, "00uC", "00uD"])).await.ok();
    assert_eq!(edge.parked(&idp, &id).await, ["00uC", "00uD"]);
    let bare = json!({"schemas": [GROUP], "displayName": "Renamed"});
    idp.put(&path, bare).await.ok();
    assert_eq!(edge.parked(&idp, &id).await, ["00uC", "00uD"], "what does not speak of members leaves them");
    idp.put(&path, group("Staff", &[])).await.ok();
    assert!(edge.parked(&idp, &id).await.is_empty());
}

async fn a_deleted_group_waits_for_nobody(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.group("Staff", &["00uA"]).await;
    assert_eq!(idp.delete(&format!("/Groups/{id}")).await.status, StatusCode::NO_CONTENT);
    assert!(edge.parked(&idp, &id).await.is_empty());
    idp.post("/Users", person("ann@acme.example", "00uA")).await.created();
}

/// Whichever commits first, the other must see it.
async fn arrivals_and_parkings_at_once_lose_nobody(edge: Edge) {
    let idp = edge.idp("acme").await;
    let replicas = edge.replicas(&idp).await;
    let group = idp.group("Staff", &[]).await;
    for round in 0..15 {
        let names: Vec<String> = (0..4).map(|n| format!("00u-{round}-{n}")).collect();
        let mut calls = Vec::new();
        for (n, name) in names.iter().enumerate() {
            let (near, far) = (replicas[n % 2].clone(), replicas[(n + 1) % 2].clone());
            let body = person(&format!("user-{round}-{n}@acme.example"), name);
            calls.push(tokio::spawn(async move { near.post("/Users", body).await.status.as_u16() }));
            let (path, add) = (format!("/Groups/{group}"), add(&[name]));
            calls.push(tokio::spawn(async move { far.patch(&path, add).await.status.as_u16() }));
        }
        for status in futures::future::join_all(calls).await {
            assert!(matches!(status.unwrap(), 200 | 201), "round {round}");
        }
        assert!(edge.parked(&idp, &group).await.is_empty(), "round {round}");
        assert_eq!(idp.members(&group).await.len(), (round + 1) * names.len(), "round {round}");
    }
}

async fn who_is_renamed_and_named_at_once_is_not_lost(edge: Edge) {
    let idp = edge.idp("acme").await;
    let [near, far] = edge.replicas(&idp).await;
    let ann = idp.user("ann@acme.example").await;
    for round in 0..15 {
        let group = idp.group("Staff", &[&ann]).await;
        let name = format!("ann-{round}@acme.example");
        let rename = json!([{"op": "replace", "path": "userName", "value": name}]);
        let (path, user_path) = (format!("/Groups/{group}"), format!("/Users/{ann}"));
        // The group names her by an id as well, so that both want her row.
        let add = add(&[&ann, &name, "nobody"]);
        let (near, far) = (near.clone(), far.clone());
        let (patched, renamed) = tokio::join!(
            tokio::spawn(async move { near.patch(&path, add).await.status.as_u16() }),
            tokio::spawn(async move { far.patch(&user_path, rename).await.status.as_u16() }),
        );
        assert_eq!((patched.unwrap(), renamed.unwrap()), (200, 200), "round {round}");
        assert_eq!(idp.members(&group).await, [ann.as_str()], "round {round}");
        assert_eq!(edge.parked(&idp, &group).await, ["nobody"], "round {round}");
    }
}
