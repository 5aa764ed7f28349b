//! Setting a provider up: links that open one connection's set-up, who one is, and searching for people.

use std::time::Duration;

use serde_json::json;
use store::requests::{NewRequest, Noted};

use crate::harness::{Api, OPERATOR, text};
use crate::organization::Organization;
use crate::routes::{is_of_session, is_public, operations, valid_body};

on_both!(
    a_set_up_link_opens_its_connection_and_nothing_else,
    a_set_up_link_ends,
    a_credential_says_whom_it_stands_for,
    a_suspended_tenant_is_served_again,
    requests_are_listed_newest_first,
    people_and_groups_are_found_by_how_they_begin,
);

/// What a set-up link opens, with the status of success.
const OPENED: &[(&str, u16)] =
    &[("who_am_i", 200), ("get_connection", 200), ("list_requests", 200), ("create_token", 201)];

async fn a_set_up_link_opens_its_connection_and_nothing_else(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let other = Organization::at_work(&api, "zenith").await;
    let second = own.tenant.connection(&api, "Another").await;
    let mut opened = 0;
    for operation in operations() {
        if is_public(&operation.id) {
            continue;
        }
        let path = operation.path_of(&own, &|_| &own);
        let call = |path: &str| {
            let call = api.call(&operation.method, path).by(&own.setup_secret);
            match valid_body(&operation.id, &own, "by-link") {
                Some(body) => call.json(body),
                None => call,
            }
        };
        let answer = call(&path).send().await;
        let expected = OPENED.iter().find(|(id, _)| *id == operation.id).map(|(_, status)| *status);
        if let Some(expected) = expected {
            opened += 1;
            assert_eq!(answer.status, expected, "{}", operation.id);
            if operation.id != "who_am_i" {
                let another = path.replace(&own.connection, &second);
                call(&another).send().await.expect(404);
                call(&operation.path_of(&other, &|_| &other)).send().await.expect(404);
            }
        } else {
            let of_another_kind = matches!(operation.id.as_str(), "create_access_token" | "create_session")
                || is_of_session(&operation.id);
            let refused = if of_another_kind { 401 } else { 403 };
            assert_eq!(answer.status, refused, "{}: {answer:?}", operation.id);
        }
    }
    assert_eq!(opened, OPENED.len());
    // A name of its own for the request is of no use to it, and does no harm.
    let tokens = own.tenant.path(&format!("/connections/{}/tokens", own.connection));
    let named = api.post(&tokens, json!({"name": "again"})).by(&own.setup_secret);
    named.header("idempotency-key", "once").send().await.expect(201);
    let audit = api.get(&own.tenant.path("/audit?limit=1")).by(&own.tenant.owner).send().await.expect(200);
    assert_eq!(text(&audit["items"][0], "actor"), format!("setup-link:{}", own.setup_link));
}

async fn a_set_up_link_ends(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let connection = own.tenant.path(&format!("/connections/{}", own.connection));
    let links = format!("{connection}/setup-links");
    for hours in [0, 721] {
        let refused = api.post(&links, json!({ "hours": hours })).by(&own.tenant.admin).send().await;
        assert_eq!(refused.fields(422), ["hours"]);
    }
    let short = api.post(&links, json!({"hours": 1})).by(&own.tenant.admin).send().await.expect(201);
    let short = text(&short, "url").rsplit('/').next().unwrap().to_owned();
    assert!(short.starts_with("rollcall_setup_"));
    assert!(!api.database_holds(&short).await, "only a digest is kept");
    api.get(&connection).by(&short).send().await.expect(200);
    api.clock.advance(Duration::from_hours(1));
    api.get(&connection).by(&short).send().await.expect(401);
    api.get(&connection).by(&own.setup_secret).send().await.expect(200);
    let listed = api.get(&links).by(&own.tenant.auditor).send().await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(!listed["items"][1]["last_used_at"].is_null());
    assert!(!listed.to_string().contains("rollcall_setup_"));
    for _ in 0..2 {
        api.delete(&format!("{links}/{}", own.setup_link)).by(&own.tenant.admin).send().await.expect(204);
    }
    api.get(&connection).by(&own.setup_secret).send().await.expect(401);
}

async fn a_credential_says_whom_it_stands_for(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let operator = api.get("/v1/me").by(OPERATOR).send().await.expect(200);
    assert_eq!((text(&operator, "kind"), &operator["tenant"]), ("operator".to_owned(), &json!(null)));
    let admin = api.get("/v1/me").by(&own.tenant.admin).send().await.expect(200);
    assert_eq!((&admin["kind"], &admin["role"]), (&json!("key"), &json!("admin")));
    assert_eq!(text(&admin["tenant"], "slug"), "acme");
    let link = api.get("/v1/me").by(&own.setup_secret).send().await.expect(200);
    assert_eq!((&link["kind"], &link["role"]), (&json!("setup_link"), &json!(null)));
    assert_eq!(text(&link, "connection_id"), own.connection);
}

async fn a_suspended_tenant_is_served_again(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let (tenant, connections) = (own.tenant.path(""), own.tenant.path("/connections"));
    let change = async |body| api.patch(&tenant, body).by(OPERATOR).send().await.expect(200);
    assert_eq!(change(json!({"status": "suspended"})).await["status"], "suspended");
    api.get(&connections).by(&own.tenant.owner).send().await.expect(403);
    let connection = own.tenant.path(&format!("/connections/{}", own.connection));
    api.get(&connection).by(&own.setup_secret).send().await.expect(403);
    let renamed = change(json!({"name": "Acme Inc."})).await;
    assert_eq!((&renamed["name"], &renamed["status"]), (&json!("Acme Inc."), &json!("suspended")));
    change(json!({"status": "active"})).await;
    api.get(&connections).by(&own.tenant.owner).send().await.expect(200);
    // Who looked before somebody else changed it looks again.
    let seen = api.get(&tenant).by(OPERATOR).send().await.header("etag").to_owned();
    let once = async |etag: &str| {
        let change = api.patch(&tenant, json!({"name": "Acme AG"})).by(OPERATOR).header("if-match", etag);
        change.send().await
    };
    let changed = once(&seen).await;
    assert_ne!(changed.header("etag"), seen);
    changed.expect(200);
    once(&seen).await.expect(412);
    let moving = api.patch(&tenant, json!({"status": "leaving"})).by(OPERATOR).send().await;
    assert!(moving.status.is_client_error(), "only a move sets this: {moving:?}");
    api.execute("UPDATE tenants SET status = 'leaving'").await;
    api.patch(&tenant, json!({"status": "active"})).by(OPERATOR).send().await.expect(503);
}

async fn requests_are_listed_newest_first(api: Api) {
    let own = Organization::new(&api, "acme").await;
    let other = Organization::new(&api, "zenith").await;
    let (connection, tenant) = (own.connection.parse().unwrap(), own.tenant.id.parse().unwrap());
    let noted = |number: u16, tenant| Noted {
        tenant,
        connection,
        request: NewRequest {
            at: api.clock.now(),
            method: "GET".into(),
            path: format!("/Users?startIndex={number}"),
            status: if number.is_multiple_of(2) { 200 } else { 404 },
            duration: Duration::from_micros(1_500),
            request_id: None,
            user_agent: Some("IDCS".into()),
            sent: Some(r#"{"userName":"ada"}"#.into()),
            problem: None,
        },
    };
    let mut all: Vec<Noted> = (0..4).map(|number| noted(number, Some(tenant))).collect();
    // What says that it is of another tenant, or of no connection that there is, is left out.
    all.push(noted(7, Some(other.tenant.id.parse().unwrap())));
    all.push(Noted { connection: store::id::ConnectionId::generate(), ..noted(8, None) });
    assert_eq!(api.store.note_requests(all).await.unwrap(), [(tenant, connection)]);
    let path = own.tenant.path(&format!("/connections/{}/requests", own.connection));
    let first = api.get(&format!("{path}?limit=3")).by(&own.tenant.auditor).send().await.expect(200);
    assert_eq!(text(&first["items"][0], "path"), "/Users?startIndex=3");
    assert_eq!(first["items"][0]["duration_ms"], 1.5);
    let next = format!("{path}?limit=3&cursor={}", text(&first, "next_cursor"));
    let next = api.get(&next).by(&own.tenant.auditor).send().await.expect(200);
    assert_eq!(text(&next["items"][0], "path"), "/Users?startIndex=0");
    let refused = api.get(&format!("{path}?refused=true")).by(&own.tenant.auditor).send().await.expect(200);
    assert_eq!(refused["items"].as_array().unwrap().len(), 2);
    // Whoever has nothing but a set-up link sees the last ones, and nothing of what they say about people.
    let few = api.get(&format!("{path}?limit=1000")).by(&own.setup_secret).send().await.expect(200);
    assert_eq!((few["items"].as_array().unwrap().len(), &few["items"][0]["sent"]), (4, &json!(null)));
    assert!(!first["items"][0]["sent"].is_null());
    let further = format!("{path}?cursor={}", text(&first, "next_cursor"));
    api.get(&further).by(&own.setup_secret).send().await.expect(403);
    api.clock.advance(store::requests::KEPT_FOR + Duration::from_secs(1));
    api.store.note_requests(vec![noted(9, None)]).await.unwrap();
    api.tenant(&own.tenant.id).requests(connection).forget_old().await.unwrap();
    let left = api.get(&path).by(&own.tenant.auditor).send().await.expect(200);
    assert_eq!(left["items"].as_array().unwrap().len(), 1, "a week is over");
}

async fn people_and_groups_are_found_by_how_they_begin(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let search = async |what: &str, text: &str| {
        let path = own.tenant.path(&format!("/{what}?connection_id={}&search={text}", own.connection));
        let answer = api.get(&path).by(&own.tenant.auditor).send().await.expect(200);
        answer["items"].as_array().unwrap().len()
    };
    let user = api.get(&own.tenant.path(&format!("/users/{}", own.user))).by(&own.tenant.owner).send().await;
    let name = text(&user.expect(200), "user_name");
    assert_eq!(search("users", &name.to_uppercase()).await, 1);
    assert!(search("users", &name[..1]).await >= 1);
    assert_eq!(search("users", "zzz").await, 0);
    assert_eq!(search("users", "%25").await, 0, "no pattern is taken");
    let group =
        api.get(&own.tenant.path(&format!("/groups/{}", own.group))).by(&own.tenant.owner).send().await;
    let name = text(&group.expect(200), "display_name");
    assert!(search("groups", &name[..2].to_uppercase()).await >= 1);
    assert_eq!(search("groups", "zzz").await, 0);
}
