//! The life of a user (RFC 7644 §3.3–3.6, §3.9, §3.14).

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ENTERPRISE, Edge, USER, on_both, user};

on_both!(
    a_created_user_is_answered_in_full_and_read_the_same,
    what_is_ours_to_fill_is_ignored_and_a_password_not_kept,
    a_put_and_a_patch_need_a_user_that_exists,
    a_patch_changes_all_or_nothing,
    preconditions_hold_for_reading_and_for_writing,
    answers_show_what_was_asked_for,
    head_is_get_without_a_body,
    requests_and_their_repairs_are_on_the_timeline,
);

fn full() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "Ann@acme.example",
        "externalId": "00uA",
        "name": {"givenName": "Ann", "familyName": "Ångström"},
        "displayName": "Ann Ångström",
        "active": true,
        "emails": [
            {"value": "ann@acme.example", "type": "work", "primary": true},
            {"value": "ann@home.example", "type": "home"},
        ],
        ENTERPRISE: {"department": "Sales", "employeeNumber": "007"},
    })
}

async fn a_created_user_is_answered_in_full_and_read_the_same(edge: Edge) {
    let idp = edge.idp("acme").await;
    let answer = idp.post("/Users", full()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let id = answer.body["id"].as_str().unwrap();
    let location = idp.location(&format!("/Users/{id}"));
    assert_eq!(answer.header("location"), location);
    assert_eq!(answer.header("etag"), "W/\"1\"");
    let meta = json!({
        "resourceType": "User",
        "created": "2026-11-25T10:00:00.000Z",
        "lastModified": "2026-11-25T10:00:00.000Z",
        "location": location,
        "version": "W/\"1\"",
    });
    assert_eq!(answer.body["meta"], meta);
    let sent = full();
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(answer.body[name], *value, "{name}");
    }
    assert_eq!(idp.get(&format!("/Users/{id}")).await.ok(), answer.body);
    assert_eq!(idp.get("/Users").await.ok()["Resources"], json!([answer.body]));
}

async fn what_is_ours_to_fill_is_ignored_and_a_password_not_kept(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut body = user("ann@acme.example");
    body["id"] = json!("mine");
    body["meta"] = json!({"version": "W/\"99\""});
    body["groups"] = json!([{"value": "admins"}]);
    body["password"] = json!("correct horse");
    body["favouriteColour"] = json!("green");
    let answer = idp.post("/Users", body.clone()).await;
    let id = answer.created();
    assert_ne!(id, "mine");
    let read = idp.put(&format!("/Users/{id}"), body).await.ok();
    assert_eq!(read["id"], id.as_str(), "the path wins");
    for absent in ["groups", "password", "favouriteColour"] {
        assert!(read.get(absent).is_none(), "{absent}: {read}");
    }
    let row = edge.store.tenant(idp.tenant).users(idp.connection).find(id.parse().unwrap()).await.unwrap();
    assert!(!row.unwrap().document.to_string().contains("horse"));
}

async fn a_put_and_a_patch_need_a_user_that_exists(edge: Edge) {
    let idp = edge.idp("acme").await;
    let path = format!("/Users/{}", uuid::Uuid::now_v7());
    idp.put(&path, user("ann@acme.example")).await.refused(404, "");
    idp.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await.refused(404, "");
    idp.delete(&path).await.refused(404, "");
    assert!(idp.get("/Users").await.ids().is_empty());
}

async fn a_patch_changes_all_or_nothing(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.post("/Users", full()).await.created();
    let path = format!("/Users/{id}");
    let before = idp.get(&path).await.ok();
    let third_fails = json!([
        {"op": "replace", "path": "title", "value": "Chief"},
        {"op": "replace", "path": "displayName", "value": "Chief"},
        {"op": "replace", "path": "id", "value": "x"},
    ]);
    idp.patch(&path, third_fails).await.refused(400, "mutability");
    assert_eq!(idp.get(&path).await.ok(), before);
    let operations = json!([
        {"op": "replace", "path": "name.givenName", "value": "Anna"},
        {"op": "add", "path": "emails", "value": [{"value": "a@new.example", "type": "other"}]},
        {"op": "remove", "path": "emails[type eq \"home\"]"},
        {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Support"},
        {"op": "add", "value": {"nickName": "A"}},
    ]);
    let after = idp.patch(&path, operations).await.ok();
    assert_eq!(after["name"], json!({"givenName": "Anna", "familyName": "Ångström"}));
    assert_eq!(after["emails"].as_array().unwrap().len(), 2);
    assert_eq!(after[ENTERPRISE]["department"], "Support");
    assert_eq!(after["nickName"], "A");
    assert_eq!(after["meta"]["version"], "W/\"2\"");
    assert_eq!(idp.get(&path).await.ok(), after);
    assert_eq!(idp.find("/Users", "emails eq \"A@NEW.example\"").await.ids(), [id]);
    assert!(idp.find("/Users", "emails eq \"ann@home.example\"").await.ids().is_empty());
}

async fn preconditions_hold_for_reading_and_for_writing(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann@acme.example").await;
    let path = format!("/Users/{id}");
    let call = |method: &'static str, header: &'static str, value: &'static str, body: Value| {
        let (idp, path) = (idp.clone(), path.clone());
        async move { idp.call(method, &path, &[(header, value)], body.to_string()).await }
    };
    let known = call("GET", "if-none-match", "W/\"1\"", Value::Null).await;
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.header("etag"), "W/\"1\"");
    assert_eq!(call("GET", "if-none-match", "W/\"7\"", Value::Null).await.status, StatusCode::OK);
    let title = crate::harness::patch_op(json!([{"op": "add", "path": "title", "value": "Chief"}]));
    for (method, body) in
        [("PUT", user("bob@acme.example")), ("PATCH", title.clone()), ("DELETE", Value::Null)]
    {
        let answer = call(method, "if-match", "W/\"7\"", body).await;
        answer.refused(412, "");
    }
    assert_eq!(idp.get(&path).await.ok()["meta"]["version"], "W/\"1\"");
    assert_eq!(call("PATCH", "if-match", "W/\"1\"", title).await.ok()["meta"]["version"], "W/\"2\"");
    assert_eq!(call("PUT", "if-match", "*", user("bob@acme.example")).await.header("etag"), "W/\"3\"");
    assert_eq!(call("DELETE", "if-match", "\"3\"", Value::Null).await.status, StatusCode::NO_CONTENT);
}

async fn answers_show_what_was_asked_for(edge: Edge) {
    let idp = edge.idp("acme").await;
    let answer = idp.post("/Users?attributes=userName", full()).await;
    let id = answer.created();
    let names = |body: &Value| {
        let mut names: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&answer.body), ["id", "schemas", "userName"]);
    assert_eq!(answer.header("location"), idp.location(&format!("/Users/{id}")));
    let path = format!("/Users/{id}");
    let body = idp.get(&format!("{path}?attributes=NAME.givenname,emails.value,nothing")).await.ok();
    assert_eq!(names(&body), ["emails", "id", "name", "schemas"]);
    assert_eq!(body["name"], json!({"givenName": "Ann"}));
    assert_eq!(body["emails"][0], json!({"value": "ann@acme.example"}));
    let body =
        idp.get(&format!("{path}?excludedAttributes=id,emails,name.familyName,{ENTERPRISE}")).await.ok();
    assert_eq!(body["id"], id.as_str(), "always returned");
    assert!(body.get("emails").is_none() && body.get(ENTERPRISE).is_none());
    assert_eq!(body["name"], json!({"givenName": "Ann"}));
    let operations = json!([{"op": "replace", "path": "title", "value": "Chief"}]);
    let body = idp.patch(&format!("{path}?attributes=title"), operations).await.ok();
    assert_eq!(names(&body), ["id", "schemas", "title"]);
    let body = idp.put(&format!("{path}?excludedAttributes=userName"), full()).await.ok();
    assert!(body.get("userName").is_none() && body.get("emails").is_some());
    let list = idp.get("/Users?attributes=externalId").await.ok();
    assert_eq!(names(&list["Resources"][0]), ["externalId", "id", "schemas"]);
}

async fn head_is_get_without_a_body(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann@acme.example").await;
    for path in [format!("/Users/{id}"), "/Users".into(), "/Schemas".into(), "/ServiceProviderConfig".into()]
    {
        let get = idp.get(&path).await;
        let head = idp.call("HEAD", &path, &[], Body::empty()).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"));
        assert_eq!(head.header("content-length"), get.text.len().to_string());
    }
}

async fn requests_and_their_repairs_are_on_the_timeline(edge: Edge) {
    let idp = edge.idp("acme").await;
    let headers = [("x-request-id", "idp-4711")];
    let body = json!({"userName": "ann@acme.example", "shoeSize": 42}).to_string();
    let answer = idp.call("POST", "/Users", &headers, body).await;
    assert_eq!(answer.header("x-request-id"), "idp-4711");
    let id = answer.created();
    let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    assert_eq!(idp.patch(&format!("/Users/{id}"), off).await.ok()["active"], false);
    let entries = edge.store.tenant(idp.tenant).timeline().list(id.parse().unwrap(), None, 10).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].request_id.as_deref(), Some("idp-4711"));
    let repaired = |entry: usize| entries[entry].detail.as_ref().unwrap()["repaired"].to_string();
    assert!(repaired(1).contains("shoeSize"), "{}", repaired(1));
    assert!(entries[0].summary.contains("replace active"), "{}", entries[0].summary);
    assert!(repaired(0).contains("active"), "{}", repaired(0));
}
