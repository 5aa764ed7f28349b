//! What no client should send: refused with the right status, and never a failure of ours.

use axum::body::Body;
use serde_json::{Value, json};
use tenant_api::MAX_BODY_BYTES;
use uuid::Uuid;

use crate::harness::{Api, OPERATOR};
use crate::organization::Organization;
use crate::routes::{operations, valid_body};

on_both!(
    a_body_that_is_not_json_is_malformed,
    a_body_of_the_wrong_shape_names_its_field,
    a_large_or_foreign_body_is_refused,
    ids_that_name_nothing_are_not_found,
    text_that_databases_dislike_does_no_harm,
);

async fn a_body_that_is_not_json_is_malformed(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let deep_settings = format!("{{\"user_sync\":{}}}", "{\"a\":".repeat(300) + "1" + &"}".repeat(300));
    let bodies: [&[u8]; 8] = [
        b"{",
        b"{\"name\": \"x\"} trailing",
        b"{\"name\": \"\xff\xfe\"}",
        b"\xff\xfe{}",
        b"{'name': 'x'}",
        b"{\"name\": \"\\ud800\"}",
        deep.as_bytes(),
        deep_settings.as_bytes(),
    ];
    own.tenant.break_glass(&api).await;
    let mut tried = 0;
    for operation in operations() {
        if valid_body(&operation.id, &own, "bad").is_none() {
            continue;
        }
        let path = operation.path_of(&own, &|_| &own);
        for body in bodies {
            let answer = api.call(&operation.method, &path).by(OPERATOR).text(body.to_vec()).send().await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            // Deep nesting and half a surrogate pair are JSON: a field that does not take them may come first.
            let is_json = body.len() > 300 || body.ends_with(b"\\ud800\"}");
            let fine = answer.status == 400 || (is_json && answer.status == 422);
            assert!(fine, "{} {shown}: {answer:?}", operation.id);
            tried += 1;
        }
    }
    assert!(tried >= 80, "{tried}");
}

async fn a_body_of_the_wrong_shape_names_its_field(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let tokens = format!("/connections/{}/tokens", own.connection);
    for (path, body, field) in [
        ("/connections", json!({"name": 1, "provider": "okta"}), "name"),
        ("/connections", json!({"name": "x", "provider": "okta", "colour": "red"}), "colour"),
        ("/connections", json!({"provider": "okta"}), "."),
        ("/connections", json!({"name": "x", "provider": "okta", "method": "fax"}), "method"),
        ("/connections", json!({"name": "x", "provider": "Okta!"}), "provider"),
        ("/connections", json!({"name": "x".repeat(201), "provider": "okta"}), "name"),
        ("/connections", json!({"name": "a\u{0}b", "provider": "okta"}), "name"),
        ("/connections", json!([]), "."),
        ("/connections", json!("text"), "."),
        ("/connections", Value::Null, "."),
        ("/keys", json!({"name": "x", "role": "root"}), "role"),
        (&tokens, json!({"name": "x", "expires_at": "tomorrow"}), "expires_at"),
        (&tokens, json!({"name": "x", "expires_at": "2026-02-30T00:00:00Z"}), "expires_at"),
        ("/links", json!({"connection_id": "x", "site_id": own.site}), "connection_id"),
        (
            "/links",
            json!({"connection_id": own.connection, "site_id": own.site, "precedence": 1e10}),
            "precedence",
        ),
    ] {
        let answer = api.post(&own.tenant.path(path), body.clone()).by(&own.tenant.owner).send().await;
        assert_eq!(answer.fields(422), [field], "{path} {body}");
    }
}

async fn a_large_or_foreign_body_is_refused(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let path = own.tenant.path("/connections");
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(5 * 1024 * 1024));
    let call = || api.call("POST", &path).by(OPERATOR);
    call().text(large.clone()).send().await.expect(413);
    call().header("idempotency-key", "large").text(large.clone()).send().await.expect(413);
    let large = large.into_bytes();
    let chunks: Vec<_> =
        large.chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let stream = Body::from_stream(futures::stream::iter(chunks));
    call().text(stream).send().await.expect(413);
    let largest = format!("{{\"name\":\"x\",\"provider\":\"okta\"{}}}", " ".repeat(MAX_BODY_BYTES - 30));
    assert_eq!(largest.len(), MAX_BODY_BYTES);
    call().text(largest).send().await.expect(201);

    let body = r#"{"name":"x","provider":"okta"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json", ""] {
        call().header("content-type", kind).text(body).send().await.expect(415);
    }
    for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"] {
        call().header("content-type", kind).text(body).send().await.expect(201);
    }
    let cut = futures::stream::iter([Ok(&b"{\"name\""[..]), Err(std::io::Error::other("gone"))]);
    call().text(Body::from_stream(cut)).send().await.expect(400);
}

async fn ids_that_name_nothing_are_not_found(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let unknown = Uuid::now_v7().to_string();
    own.tenant.break_glass(&api).await;
    let mut tried = 0;
    for operation in operations().iter().filter(|operation| operation.path.contains("{tenant}/")) {
        let ids: Vec<&str> = operation.path.split('/').filter(|part| part.starts_with('{')).collect();
        for id in &ids {
            for value in
                [unknown.as_str(), "0", "x", "%ff", "%00", "..%2f..", "%F0%9F%98%80", &"9".repeat(5_000)]
            {
                let valid = operation.path_of(&own, &|_| &own);
                let template = operation.path.replacen(id, "\u{1}", 1);
                let position = template.split('/').position(|part| part == "\u{1}").unwrap();
                let (address, query) = valid.split_once('?').unwrap_or((&valid, ""));
                let mut parts: Vec<&str> = address.split('/').collect();
                parts[position] = value;
                let path = format!("{}?{query}", parts.join("/"));
                let mut call = api.call(&operation.method, &path).by(OPERATOR);
                if let Some(body) = valid_body(&operation.id, &own, "unknown") {
                    call = call.json(body);
                }
                call.send().await.expect(404);
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
    for query in ["", "?connection_id=x", "?connection_id=%ff", "?connection_id[]=1", "?a=b"] {
        api.get(&own.tenant.path(&format!("/users{query}"))).by(&own.tenant.owner).send().await.expect(400);
    }
    let query = format!("?connection_id={unknown}");
    api.get(&own.tenant.path(&format!("/users{query}"))).by(&own.tenant.owner).send().await.expect(404);
}

async fn text_that_databases_dislike_does_no_harm(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    for name in ["'; DROP TABLE tenants; --", "\u{202e}gnp", "😀", "%_\\", "$1"] {
        let body = json!({"name": name, "provider": "okta"});
        let made = api.post(&own.tenant.path("/connections"), body).by(OPERATOR).send().await.expect(201);
        assert_eq!(made["name"], name);
    }
    // NUL is no character that PostgreSQL stores.
    let query = |name: &str| format!("?connection_id={}&{name}=a%00b", own.connection);
    for path in [format!("/users{}", query("user_name")), format!("/groups{}", query("display_name"))] {
        let list = api.get(&own.tenant.path(&path)).by(&own.tenant.owner).send().await.expect(200);
        assert_eq!(list["items"], json!([]), "{path}");
    }
    for path in ["/v1/tenants/a%00b", "/v1/tenants/%27%20OR%201=1"] {
        api.get(path).by(OPERATOR).send().await.expect(404);
    }
    for credential in ["a'b", "\u{7f}", &"x".repeat(20_000)] {
        let call = api.get("/v1/tenants").by(&credential.replace('\u{7f}', "~"));
        call.send().await.expect(401);
    }
    let credentials = json!({"type": "basic", "username": "s\u{0}nc", "password": "\u{0}"});
    let mut body = crate::organization::site_body("Jira");
    body["credentials"] = credentials;
    api.post(&own.tenant.path("/sites"), body).by(&own.tenant.owner).send().await.expect(201);
    let settings =
        json!({"group_sync": {"include": ["a", "\u{0}"]}, "user_sync": {"attributes": {"\u{0}": "x"}}});
    let path = own.tenant.path(&format!("/links/{}", own.link));
    let refused = api.patch(&path, settings).by(&own.tenant.owner).send().await;
    let fields = refused.fields(422);
    for field in ["group_sync.include[1]", "user_sync.attributes"] {
        assert!(fields.iter().any(|named| named == field), "{fields:?}");
    }
}
