//! From provisioning to deletion and back (RFC 7643 §4.1.1, RFC 7644 §3.5, §3.6).

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Edge, Idp, group, on_both, user};

on_both!(
    an_inactive_user_answers_get_and_filters,
    who_is_deleted_and_created_again_is_somebody_new,
    a_rename_keeps_the_identity_and_its_memberships,
    a_deleted_users_memberships_end_and_its_groups_move,
    a_group_that_contains_itself_is_served_like_any_other,
    a_clock_that_goes_back_moves_no_time_back,
);

fn person(user_name: &str, external_id: &str) -> Value {
    let mut person = user(user_name);
    person["externalId"] = external_id.into();
    person["emails"] = json!([{"value": user_name, "type": "work", "primary": true}]);
    person
}

async fn version(idp: &Idp, path: &str) -> String {
    idp.get(path).await.header("etag").to_owned()
}

async fn an_inactive_user_answers_get_and_filters(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.post("/Users", person("ann@acme.example", "00uA")).await.created();
    let id = idp.group("Staff", &[&ann]).await;
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    idp.patch(&format!("/Users/{ann}"), off).await.ok();
    let read = idp.get(&format!("/Users/{ann}")).await.ok();
    assert_eq!((&read["active"], &read["groups"][0]["value"]), (&json!(false), &json!(id)));
    for filter in [
        "userName eq \"Ann@acme.example\"",
        "externalId eq \"00uA\"",
        "emails.value eq \"ann@acme.example\"",
        "active eq false",
        "userName sw \"ann\" and not (active eq true)",
    ] {
        assert_eq!(idp.find("/Users", filter).await.ids(), [ann.as_str()], "{filter}");
    }
    assert_eq!(idp.get("/Users").await.ids(), [ann.as_str()]);
    assert_eq!(idp.members(&id).await, [ann.as_str()], "who is inactive is a member still");
    idp.post("/Users", user("ANN@acme.example")).await.refused(409, "uniqueness");
    let on = json!([{"op": "replace", "path": "active", "value": true}]);
    assert_eq!(idp.patch(&format!("/Users/{ann}"), on).await.ok()["id"], ann);
}

async fn who_is_deleted_and_created_again_is_somebody_new(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.group("Staff", &[]).await;
    let mut seen = Vec::new();
    for round in 0..3 {
        // By the same userName and externalId, then by each alone.
        let body = [
            person("ann@acme.example", "00uA"),
            person("ANN@acme.example", "00uB"),
            person("anna@acme.example", "00uA"),
        ][round]
            .clone();
        let ann = idp.post("/Users", body.clone()).await.created();
        assert!(!seen.contains(&ann), "ids are not reused");
        for gone in &seen {
            idp.get(&format!("/Users/{gone}")).await.refused(404, "");
        }
        let found = idp.find("/Users", &format!("externalId eq {}", body["externalId"])).await;
        assert_eq!(found.ids(), [ann.as_str()]);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]);
        idp.patch(&format!("/Groups/{id}"), add).await.ok();
        assert_eq!(idp.members(&id).await, [ann.as_str()]);
        let path = format!("/Users/{ann}");
        assert_eq!(idp.delete(&path).await.status, StatusCode::NO_CONTENT);
        idp.delete(&path).await.refused(404, "");
        assert_eq!(idp.get("/Users").await.ok()["totalResults"], 0);
        seen.push(ann);
    }
    let body = group("Staff", &[]);
    assert_eq!(idp.delete(&format!("/Groups/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_ne!(idp.post("/Groups", body).await.created(), id);
}

async fn a_rename_keeps_the_identity_and_its_memberships(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.post("/Users", person("ann@acme.example", "00uA")).await.created();
    let id = idp.group("Staff", &[&ann]).await;
    let before = version(&idp, &format!("/Groups/{id}")).await;
    let path = format!("/Users/{ann}");
    let married = json!([
        {"op": "replace", "path": "userName", "value": "ann.berg@acme.example"},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ann.berg@acme.example"},
    ]);
    assert_eq!(idp.patch(&path, married).await.ok()["id"], ann);
    for (filter, found) in [
        ("userName eq \"ann@acme.example\"", false),
        ("emails.value eq \"ann@acme.example\"", false),
        ("userName eq \"ann.berg@acme.example\"", true),
        ("emails eq \"Ann.Berg@acme.example\"", true),
        ("externalId eq \"00uA\"", true),
    ] {
        let ids = idp.find("/Users", filter).await.ids();
        assert_eq!(ids, if found { vec![ann.clone()] } else { Vec::new() }, "{filter}");
    }
    assert_eq!(idp.members(&id).await, [ann.as_str()]);
    assert_eq!(version(&idp, &format!("/Groups/{id}")).await, before);
    // Only the case changes; then the old name is another's.
    idp.put(&path, person("Ann.Berg@acme.example", "00uA")).await.ok();
    let other = idp.user("ann@acme.example").await;
    assert_ne!(other, ann);
    idp.put(&path, person("ANN@acme.example", "00uA")).await.refused(409, "uniqueness");
}

async fn a_deleted_users_memberships_end_and_its_groups_move(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let bob = idp.user("bob@acme.example").await;
    let mut held = Vec::new();
    for n in 0..5 {
        held.push(idp.group(&format!("Group {n}"), &[&ann, &bob]).await);
    }
    let other = idp.group("Other", &[&bob]).await;
    assert_eq!(idp.delete(&format!("/Users/{ann}")).await.status, StatusCode::NO_CONTENT);
    for id in &held {
        assert_eq!(idp.members(id).await, [bob.as_str()]);
        assert_eq!(version(&idp, &format!("/Groups/{id}")).await, "W/\"2\"");
    }
    assert_eq!(version(&idp, &format!("/Groups/{other}")).await, "W/\"1\"");
    assert!(idp.find("/Groups", &format!("members.value eq \"{ann}\"")).await.ids().is_empty());
}

async fn a_group_that_contains_itself_is_served_like_any_other(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let one = idp.group("One", &[&ann]).await;
    let two = idp.group("Two", &[&one]).await;
    let three = idp.group("Three", &[&two]).await;
    let add = |ids: &[&str]| {
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        json!([{"op": "add", "path": "members", "value": members}])
    };
    // One in itself, and all three in a ring.
    idp.patch(&format!("/Groups/{one}"), add(&[&one, &three])).await.ok();
    let groups = idp.get(&format!("/Users/{ann}")).await.ok()["groups"].clone();
    let mut kinds: Vec<_> =
        groups.as_array().unwrap().iter().map(|group| group["type"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["direct", "indirect", "indirect"]);
    for id in [&one, &two, &three] {
        assert_eq!(idp.find("/Users", &format!("groups.value eq \"{id}\"")).await.ids(), [ann.as_str()]);
        let rename = json!([{"op": "replace", "path": "displayName", "value": format!("New {id}")}]);
        idp.patch(&format!("/Groups/{id}"), rename).await.ok();
    }
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    idp.patch(&format!("/Users/{ann}"), off).await.ok();
    for id in [&one, &two, &three] {
        assert_eq!(idp.delete(&format!("/Groups/{id}")).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(idp.get("/Groups").await.ok()["totalResults"], 0);
}

async fn a_clock_that_goes_back_moves_no_time_back(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann@acme.example").await;
    let bob = idp.post("/Users", person("bob@acme.example", "00uB")).await.created();
    let id = idp.group("Staff", &[&ann, &bob]).await;
    let path = format!("/Groups/{id}");
    let modified = async || idp.get(&path).await.ok()["meta"]["lastModified"].as_str().unwrap().to_owned();
    edge.clock.advance(Duration::from_mins(5));
    let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
    idp.patch(&path, rename("Crew")).await.ok();
    let latest = modified().await;
    edge.clock.set(store::Timestamp::parse("2026-11-25T09:00:00Z").unwrap());
    idp.patch(&path, rename("Team")).await.ok();
    assert_eq!(modified().await, latest);
    let join = json!([{"op": "add", "path": "members", "value": [{"value": "00uC"}]}]);
    idp.patch(&path, join).await.ok();
    idp.post("/Users", person("carl@acme.example", "00uC")).await.created();
    assert_eq!(modified().await, latest, "an arrival");
    assert_eq!(idp.delete(&format!("/Users/{bob}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(modified().await, latest, "a deletion");
    assert_eq!(version(&idp, &path).await, "W/\"6\"");
}
