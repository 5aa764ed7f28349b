//! A token opens its own connection's base URL and nothing else, and a refusal tells nothing.

use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use store::connections::ConnectionEdit;
use store::entity::words::ConnectionStatus;

use crate::harness::{Answer, Edge, Idp, bulk_request, group, on_both, patch_op, request, user};
use crate::wait::until;

on_both!(
    every_refusal_of_a_token_is_the_same,
    every_route_is_closed_to_strangers,
    another_directorys_ids_are_not_found,
    a_revoked_token_is_refused_within_a_second,
    a_token_forgotten_by_this_process_is_refused_at_once,
    an_expired_token_is_refused_although_it_is_remembered,
    a_rotated_token_overlaps_with_its_successor,
    a_paused_connection_is_told_to_come_back,
);

/// What an answer says to a stranger: all but the request's id.
fn said(answer: &Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, headers.collect(), answer.text.clone())
}

async fn every_refusal_of_a_token_is_the_same(edge: Edge) {
    let acme = edge.idp("acme").await;
    let sibling = edge.idp_of(acme.tenant, false).await;
    let globex = edge.idp("globex").await;
    let expired = edge.token(acme.tenant, acme.connection, Some(edge.clock.now())).await;
    let tokens = edge.store.tenant(acme.tenant).tokens(acme.connection);
    let (row, revoked) = tokens.insert("revoked", None).await.unwrap();
    tokens.revoke(row.id).await.unwrap();
    let revoked = secrecy::ExposeSecret::expose_secret(&revoked).to_owned();
    let users = format!("{}/Users", acme.base());
    let nowhere = format!("/scim/{}/v2/Users", uuid::Uuid::now_v7());
    let id = acme.connection;

    let stranger = edge.send(request("GET", &users, None, Body::empty())).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.header("www-authenticate"), "Bearer");
    for (what, path, token) in [
        ("a wrong token", users.clone(), "wrong".to_owned()),
        ("an empty token", users.clone(), String::new()),
        ("half a token", users.clone(), acme.token[..20].to_owned()),
        ("an expired token", users.clone(), expired),
        ("a revoked token", users.clone(), revoked),
        ("the token of another connection", users.clone(), sibling.token.clone()),
        ("the token of another tenant", users.clone(), globex.token.clone()),
        ("a connection that does not exist", nowhere, acme.token.clone()),
        ("no connection", "/scim/42/v2/Users".into(), acme.token.clone()),
        ("another version", format!("/scim/{id}/v1/Users"), acme.token.clone()),
        ("no version", format!("/scim/{id}"), acme.token.clone()),
        ("nothing", "/scim".into(), acme.token.clone()),
        ("nothing with a slash", "/scim/".into(), acme.token.clone()),
    ] {
        let answer = edge.send(request("GET", &path, Some(&token), Body::empty())).await;
        assert_eq!(said(&answer), said(&stranger), "{what}");
    }
    let mut basic = request("GET", &users, None, Body::empty());
    basic.headers_mut().insert("authorization", format!("Basic {}", acme.token).parse().unwrap());
    assert_eq!(said(&edge.send(basic).await), said(&stranger));
    assert_eq!(acme.get("/Users").await.status, StatusCode::OK);
}

/// A body that the route takes, so that only the token can be what is wrong.
fn body(method: &str, path: &str) -> Value {
    match (method, path.starts_with("/Groups")) {
        ("PATCH", _) => patch_op(json!([{"op": "replace", "path": "externalId", "value": "x"}])),
        ("POST", _) if path.ends_with("/.search") => {
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]})
        }
        ("POST", _) if path == "/Bulk" => bulk_request(json!([
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": user("eve@acme.example")},
        ])),
        (_, true) => group("Everyone", &[]),
        (_, false) => user("ann@acme.example"),
    }
}

async fn every_route_is_closed_to_strangers(edge: Edge) {
    let acme = edge.idp("acme").await;
    let sibling = edge.idp_of(acme.tenant, false).await;
    let globex = edge.idp("globex").await;
    let (user_id, group_id) = (acme.user("bob@acme.example").await, acme.group("Staff", &[]).await);
    let before = acme.get("/Users").await.text + &acme.get("/Groups").await.text;
    let stranger = edge.send(request("GET", &acme.base(), None, Body::empty())).await;

    for (pattern, methods) in scim::routes::TABLE {
        let path = match *pattern {
            "/Users/{id}" => format!("/Users/{user_id}"),
            "/Groups/{id}" => format!("/Groups/{group_id}"),
            "/Schemas/{id}" => format!("/Schemas/{}", crate::harness::USER),
            "/ResourceTypes/{id}" => "/ResourceTypes/User".into(),
            plain => {
                assert!(!plain.contains('{'), "{plain} needs a case here");
                plain.to_owned()
            }
        };
        // DELETE goes last, so that the owner's own calls find something.
        let mut methods: Vec<&str> = methods.iter().copied().chain(["HEAD", "OPTIONS", "TRACE"]).collect();
        methods.sort_by_key(|method| *method == "DELETE");
        for method in methods {
            let call = |token: Option<&str>| {
                request(method, &format!("{}{path}", acme.base()), token, body(method, &path).to_string())
            };
            for token in [None, Some("wrong"), Some(&sibling.token), Some(&globex.token)] {
                let answer = edge.send(call(token.map(|text: &str| text))).await;
                let mut expected = said(&stranger);
                if method == "HEAD" {
                    expected.2.clear();
                }
                assert_eq!(said(&answer), expected, "{method} {path}");
            }
        }
    }
    let after = acme.get("/Users").await.text + &acme.get("/Groups").await.text;
    assert_eq!(before, after, "a stranger changed something");

    for (pattern, methods) in scim::routes::TABLE {
        for method in *methods {
            let path = pattern.replace("{id}", "00000000-0000-7000-8000-000000000000");
            let answer = acme.call(method, &path, &[], body(method, &path).to_string()).await;
            assert!(
                !matches!(answer.status.as_u16(), 401 | 403 | 405),
                "{method} {pattern} is in the table and not served: {answer:?}"
            );
        }
    }
}

async fn another_directorys_ids_are_not_found(edge: Edge) {
    let acme = edge.idp("acme").await;
    let sibling = edge.idp_of(acme.tenant, false).await;
    let globex = edge.idp("globex").await;
    for other in [&sibling, &globex] {
        let theirs = other.user("ann@example.com").await;
        let their_group = other.group("Staff", &[&theirs]).await;
        let before = snapshot(other, &theirs, &their_group).await;
        for (pattern, methods) in scim::routes::TABLE {
            let path = match *pattern {
                "/Users/{id}" => format!("/Users/{theirs}"),
                "/Groups/{id}" => format!("/Groups/{their_group}"),
                // Names, the same for everybody.
                "/Schemas/{id}" | "/ResourceTypes/{id}" => continue,
                plain => {
                    assert!(!plain.contains('{'), "{plain} needs a case here");
                    continue;
                }
            };
            for method in *methods {
                let answer = acme.call(method, &path, &[], body(method, &path).to_string()).await;
                answer.refused(404, "");
            }
        }
        let ours = acme.group("Staff", &[]).await;
        let add = json!([{"op": "add", "path": "members", "value": [{"value": theirs}]}]);
        // Here it is a name like any other that is not known: nobody's, however long it waits.
        acme.patch(&format!("/Groups/{ours}"), add.clone()).await.ok();
        let thieves = acme.post("/Groups", group("Thieves", &[&theirs, &their_group])).await.created();
        let strict = edge.idp_of(acme.tenant, true).await;
        let plain = strict.group("Staff", &[]).await;
        strict.patch(&format!("/Groups/{plain}"), add).await.refused(400, "invalidValue");
        assert!(acme.members(&ours).await.is_empty() && acme.members(&thieves).await.is_empty());
        assert_eq!(snapshot(other, &theirs, &their_group).await, before);
        let rename = json!([{"op": "replace", "path": "externalId", "value": "moved"}]);
        other.patch(&format!("/Users/{theirs}"), rename.clone()).await.ok();
        other.patch(&format!("/Groups/{their_group}"), rename).await.ok();
        assert!(acme.members(&ours).await.is_empty() && acme.members(&thieves).await.is_empty());
        let before = snapshot(other, &theirs, &their_group).await;
        let by_id = acme.find("/Users", &format!("id eq \"{theirs}\"")).await;
        assert_eq!(by_id.ids(), Vec::<String>::new());
        let by_member = acme.find("/Groups", &format!("members.value eq \"{theirs}\"")).await;
        assert_eq!(by_member.ids(), Vec::<String>::new());
        assert_eq!(snapshot(other, &theirs, &their_group).await, before);
    }
}

async fn snapshot(idp: &Idp, user: &str, group: &str) -> [String; 2] {
    [idp.get(&format!("/Users/{user}")).await.text, idp.get(&format!("/Groups/{group}")).await.text]
}

async fn a_revoked_token_is_refused_within_a_second(edge: Edge) {
    let acme = edge.idp("acme").await;
    acme.get("/Users").await.ok();
    // Another process revokes it: nobody tells this one.
    let elsewhere = edge.store.connect_again().await;
    let tokens = elsewhere.tenant(acme.tenant).tokens(acme.connection);
    let id = tokens.list().await.unwrap()[0].id;
    tokens.revoke(id).await.unwrap();
    let revoked = std::time::Instant::now();
    until("refused", || async { acme.get("/Users").await.status == StatusCode::UNAUTHORIZED }).await;
    assert!(revoked.elapsed() < Duration::from_secs(3), "{:?}", revoked.elapsed());
}

async fn a_token_forgotten_by_this_process_is_refused_at_once(edge: Edge) {
    let acme = edge.idp("acme").await;
    acme.get("/Users").await.ok();
    let tokens = edge.store.tenant(acme.tenant).tokens(acme.connection);
    let row = tokens.revoke(tokens.list().await.unwrap()[0].id).await.unwrap();
    edge.tokens.forget(&row.digest).await;
    assert_eq!(acme.get("/Users").await.status, StatusCode::UNAUTHORIZED);
}

async fn an_expired_token_is_refused_although_it_is_remembered(edge: Edge) {
    let mut acme = edge.idp("acme").await;
    let expiry = edge.clock.now().plus(Duration::from_mins(1));
    acme.token = edge.token(acme.tenant, acme.connection, Some(expiry)).await;
    acme.get("/Users").await.ok();
    edge.clock.advance(Duration::from_mins(1));
    assert_eq!(acme.get("/Users").await.status, StatusCode::UNAUTHORIZED);
}

async fn a_rotated_token_overlaps_with_its_successor(edge: Edge) {
    let acme = edge.idp("acme").await;
    let successor = Idp { token: edge.token(acme.tenant, acme.connection, None).await, ..acme.clone() };
    acme.get("/Users").await.ok();
    successor.get("/Users").await.ok();
    let tokens = edge.store.tenant(acme.tenant).tokens(acme.connection);
    let rows = tokens.list().await.unwrap();
    assert!(rows.iter().all(|row| row.last_used_at == Some(edge.clock.now())), "{rows:?}");
    let row = tokens.revoke(rows[0].id).await.unwrap();
    edge.tokens.forget(&row.digest).await;
    assert_eq!(acme.get("/Users").await.status, StatusCode::UNAUTHORIZED);
    successor.get("/Users").await.ok();
}

async fn a_paused_connection_is_told_to_come_back(edge: Edge) {
    let acme = edge.idp("acme").await;
    let pause = ConnectionEdit { status: Some(ConnectionStatus::Paused), ..ConnectionEdit::default() };
    edge.store.tenant(acme.tenant).connections().update(acme.connection, None, pause).await.unwrap();
    let answer = acme.get("/Users").await;
    answer.refused(503, "");
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
}
