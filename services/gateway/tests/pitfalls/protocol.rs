//! Versions, errors, methods and what the wire carries (RFC 7644 §3.1, §3.8, §3.12, §3.14).

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use http::StatusCode;
use sea_orm::ConnectionTrait as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::connections::ConnectionEdit;
use store::entity::words::{ConnectionStatus, TenantStatus};
use tower::ServiceExt as _;

use crate::harness::{self, Edge, patch_op, request, user};
use crate::rules;

rules!(
    s72_entity_tags_are_weak_and_change_with_what_is_shown,
    s73_every_error_has_the_form_of_scim,
    s74_content_types_are_taken_as_they_come,
    s75_methods_and_slashes_are_sane,
    s80_me_is_nobody,
);

/// RFC 7644 §3.14.
async fn s72_entity_tags_are_weak_and_change_with_what_is_shown(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann").await;
    let staff = idp.group("Staff", &[]).await;
    let user_path = format!("/Users/{ann}");
    let tag = async |path: &str| {
        let answer = idp.get(path).await;
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && tag.ends_with('"') && tag.len() > 4, "{tag}");
        assert_eq!(answer.ok()["meta"]["version"], tag.as_str());
        tag
    };
    for path in [user_path.clone(), format!("/Groups/{staff}")] {
        let mut seen = BTreeSet::from([tag(&path).await]);
        for n in 0..3 {
            let change = json!([{"op": "replace", "path": "externalId", "value": format!("{n}")}]);
            let answer = idp.patch(&path, change).await;
            assert_eq!(answer.header("etag"), tag(&path).await);
            assert!(seen.insert(answer.header("etag").to_owned()), "a version of its own: {seen:?}");
        }
        let current = tag(&path).await;
        let opaque = current.trim_start_matches("W/").to_owned();
        let old = seen.first().unwrap().clone();
        for (header, known) in [
            (current.clone(), true),
            (opaque.clone(), true),
            ("*".into(), true),
            (format!("{old}, {current}"), true),
            (format!("\"x\",{opaque} , \"y\""), true),
            (old.clone(), false),
            ("W/\"x\"".into(), false),
            (String::new(), false),
        ] {
            for method in ["GET", "HEAD"] {
                let answer = idp.call(method, &path, &[("if-none-match", &header)], "").await;
                let expected = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
                assert_eq!(answer.status, expected, "{method} {header}");
                assert_eq!(answer.header("etag"), current);
                assert!(!known || answer.text.is_empty());
            }
        }
        // A view of the resource has the resource's version.
        let cut = idp.get(&format!("{path}?attributes=id")).await;
        assert_eq!(cut.header("etag"), current);
        let any = patch_op(json!([{"op": "replace", "path": "externalId", "value": "*"}])).to_string();
        assert_eq!(idp.call("PATCH", &path, &[("if-match", "*")], any).await.status, StatusCode::OK);
    }
    // A user shows its groups, so that their changes are its changes; nobody's write is held up by them.
    let mut seen = BTreeSet::from([tag(&user_path).await]);
    let before = tag(&user_path).await;
    for operation in [
        json!({"op": "add", "path": "members", "value": [{"value": ann}]}),
        json!({"op": "replace", "path": "displayName", "value": "Crew"}),
    ] {
        idp.patch(&format!("/Groups/{staff}"), json!([operation])).await.ok();
        assert!(seen.insert(tag(&user_path).await), "{operation}");
        let answer = idp.call("GET", &user_path, &[("if-none-match", &before)], "").await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let change = patch_op(json!([{"op": "add", "path": "title", "value": "Chief"}])).to_string();
    assert_eq!(
        idp.call("PATCH", &user_path, &[("if-match", &before)], change.clone()).await.status,
        StatusCode::OK
    );
    idp.call("PATCH", &user_path, &[("if-match", &before)], change).await.refused(412, "");
    for missing in [format!("/Users/{}", uuid::Uuid::now_v7()), format!("/Groups/{ann}")] {
        idp.call("GET", &missing, &[("if-none-match", "*")], "").await.refused(404, "");
        idp.call("DELETE", &missing, &[("if-match", "*")], "").await.refused(404, "");
    }
}

/// RFC 7644 §3.12. [`harness::send`] checks the form of every error; here every status comes by.
async fn s73_every_error_has_the_form_of_scim(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann").await;
    let path = format!("/Users/{id}");
    let mut seen = BTreeSet::new();
    let large = "x".repeat(5 * 1024 * 1024);
    for (status, method, path, headers, body) in [
        (400, "POST", "/Users", vec![], "{".to_owned()),
        (400, "GET", "/Users?filter=x", vec![], String::new()),
        (403, "GET", "/Users?filter=password%20pr", vec![], String::new()),
        (403, "GET", "/Schemas?filter=id%20pr", vec![], String::new()),
        (404, "GET", "/Users/nobody", vec![], String::new()),
        (404, "GET", "/Robots", vec![], String::new()),
        (404, "DELETE", "/", vec![], String::new()),
        (404, "GET", "/Schemas/urn:none", vec![], String::new()),
        (405, "DELETE", "/Users", vec![], String::new()),
        (405, "BREW", "/Groups", vec![], String::new()),
        (405, "PUT", "/ServiceProviderConfig", vec![], String::new()),
        (409, "POST", "/Users", vec![], user("ANN").to_string()),
        (412, "DELETE", path.as_str(), vec![("if-match", "\"9\"")], String::new()),
        (413, "POST", "/Users", vec![], large),
        (415, "POST", "/Groups", vec![("content-type", "text/xml")], "<x/>".to_owned()),
        (501, "GET", "/Me", vec![], String::new()),
    ] {
        let answer = idp.call(method, path, &headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {answer:?}");
        assert_eq!(answer.body["status"], status.to_string(), "a string");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(!detail.is_empty() && detail.chars().count() <= 501, "{detail}");
        let has_type = answer.body.get("scimType").is_some();
        assert!(has_type || !matches!(status, 400 | 409), "{answer:?}");
        seen.insert(status);
    }
    // Whose token it is, nobody is told.
    for token in [None, Some("wrong"), Some("")] {
        for path in ["/Users", "/nowhere", "/Bulk", ""] {
            let answer = edge.send(request("GET", &format!("{}{path}", idp.base()), token, "")).await;
            answer.refused(401, "");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            seen.insert(401);
        }
    }
    // One that was good until now.
    let tokens = edge.store.tenant(idp.tenant).tokens(idp.connection);
    let (row, revoked) = tokens.insert("revoked", None).await.unwrap();
    let call = || request("GET", &format!("{}/Users", idp.base()), Some(revoked.expose_secret()), "");
    edge.send(call()).await.ok();
    tokens.revoke(row.id).await.unwrap();
    edge.tokens.forget(&row.digest).await;
    edge.send(call()).await.refused(401, "");
    // A suspended tenant and a paused connection.
    let paused = edge.idp("paused").await;
    let connections = edge.store.tenant(paused.tenant).connections();
    let pause = ConnectionEdit { status: Some(ConnectionStatus::Paused), ..ConnectionEdit::default() };
    connections.update(paused.connection, None, pause).await.unwrap();
    let answer = paused.get("/Users").await;
    answer.refused(503, "");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    seen.insert(503);
    let suspended = edge.idp("suspended").await;
    edge.store.tenants().set_status(suspended.tenant, TenantStatus::Suspended).await.unwrap();
    suspended.get("/Users").await.refused(403, "");
    // Our own failure: a table that is not there. It says nothing of what went wrong inside.
    let mut store = (*edge.store).clone();
    store.connection_mut().execute_unprepared("ALTER TABLE users RENAME TO out_of_reach").await.unwrap();
    let call = request("GET", &format!("{}{path}", idp.base()), Some(&idp.token), Body::empty());
    let response = idp.router.clone().oneshot(call).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/scim+json");
    assert!(response.headers().contains_key("x-request-id"));
    let text = String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], "500");
    for inside in ["users", "table", "SELECT", "sql", "relation"] {
        assert!(!text.contains(inside), "{text}");
    }
    seen.insert(500);
    store.connection_mut().execute_unprepared("ALTER TABLE out_of_reach RENAME TO users").await.unwrap();
    idp.read(&path).await;
    assert_eq!(seen, BTreeSet::from([400, 401, 403, 404, 405, 409, 412, 413, 415, 500, 501, 503]));
}

/// RFC 7644 §3.1, §3.8. Our choice: whatever is accepted, the answer is SCIM's.
async fn s74_content_types_are_taken_as_they_come(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        for (n, content_type) in [
            "application/scim+json",
            "application/scim+json; charset=utf-8",
            "application/json",
            "application/json;charset=UTF-8",
            "Application/SCIM+JSON ; charset=\"utf-8\"",
            "APPLICATION/JSON",
            "",
        ]
        .into_iter()
        .enumerate()
        {
            let body = user(&format!("user-{n}")).to_string();
            idp.call("POST", "/Users", &[("content-type", content_type)], body).await.created();
        }
        let refused = [
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "json",
            "/",
            "application/jsonp",
            "application/scim",
            "text/json",
        ];
        for content_type in refused {
            let body = user("other").to_string();
            idp.call("POST", "/Users", &[("content-type", content_type)], body).await.refused(415, "");
        }
        assert!(idp.found("userName eq \"other\"").await.is_empty());
        let mut bare =
            request("POST", &format!("{}/Users", idp.base()), Some(&idp.token), user("bare").to_string());
        bare.headers_mut().remove("content-type");
        edge.send(bare).await.created();
        for accept in [
            "*/*",
            "application/scim+json",
            "application/json",
            "application/*;q=0.1",
            "text/html",
            "image/png",
            "nonsense",
            "",
        ] {
            let answer = idp.call("GET", "/Users", &[("accept", accept)], Body::empty()).await;
            assert_eq!(answer.header("content-type"), "application/scim+json", "{accept}");
            assert_eq!(answer.ok()["totalResults"], 8, "{accept}");
        }
        // What has no body needs no type.
        for content_type in ["text/plain", "image/png"] {
            assert_eq!(
                idp.call("GET", "/Users", &[("content-type", content_type)], "").await.status,
                StatusCode::OK
            );
        }
    }
}

/// RFC 9110 §9, §10.2.1.
async fn s75_methods_and_slashes_are_sane(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann").await;
    let group_id = idp.group("Staff", &[&id]).await;
    for path in [
        format!("/Users/{id}"),
        format!("/Groups/{group_id}"),
        "/Users".into(),
        "/Groups?count=1".into(),
        "/Schemas".into(),
        "/ResourceTypes/User".into(),
        "/ServiceProviderConfig".into(),
        "/Users/nobody".into(),
        "/nowhere".into(),
        "/Users?filter=x".into(),
        "/Me".into(),
    ] {
        let get = idp.get(&path).await;
        let head = idp.call("HEAD", &path, &[], Body::empty()).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for header in ["etag", "location", "content-type", "retry-after"] {
            assert_eq!(head.header(header), get.header(header), "{path}: {header}");
        }
        assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
    }
    for (pattern, served) in scim::routes::TABLE {
        let path = pattern.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        let mut allowed: BTreeSet<&str> = served.iter().copied().collect();
        if served.contains(&"GET") {
            allowed.insert("HEAD");
        }
        allowed.insert("OPTIONS");
        let said = |answer: &harness::Answer| -> BTreeSet<String> {
            answer.header("allow").split(", ").map(str::to_owned).collect()
        };
        let expected: BTreeSet<String> = allowed.iter().map(|method| (*method).to_owned()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PURGE", "get", "BREW"] {
            if !served.contains(&method) {
                let answer = idp.call(method, &path, &[], "{}").await;
                answer.refused(405, "");
                assert_eq!(said(&answer), expected, "{method} {pattern}");
            }
        }
        let answer = idp.call("OPTIONS", &path, &[], Body::empty()).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""), "{pattern}");
        assert_eq!(said(&answer), expected, "{pattern}");
    }
    for method in ["OPTIONS", "BREW", "PATCH"] {
        idp.call(method, "/nowhere", &[], "{}").await.refused(404, "");
    }
    for path in ["/Users/", "//Users", "//Users//", "/Users/?count=5", "//Users///?count=5"] {
        assert_eq!(idp.get(path).await.ids(), [id.as_str()], "{path}");
    }
    assert_eq!(idp.read(&format!("/Users//{id}/")).await["id"], id.as_str());
    idp.post("/Users/", user("bob")).await.created();
    let patch = json!([{"op": "add", "path": "title", "value": "Chief"}]);
    idp.patch(&format!("/Users/{id}/"), patch).await.ok();
    let doubled = format!("//scim//{}//v2//Users/{id}", idp.connection);
    assert_eq!(edge.send(request("GET", &doubled, Some(&idp.token), "")).await.ok()["id"], id.as_str());
    assert_eq!(idp.delete(&format!("/Users/{id}/")).await.status, StatusCode::NO_CONTENT);
    // Names in paths are exact.
    for path in ["/users", "/USERS", "/Users%2F", "/User"] {
        idp.get(path).await.refused(404, "");
    }
}

/// RFC 7644 §3.11: a provider's token stands for no user, whatever is asked of it.
async fn s80_me_is_nobody(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        idp.user("ann").await;
        for (method, body) in [
            ("GET", String::new()),
            ("POST", user("me").to_string()),
            ("PUT", user("me").to_string()),
            ("PATCH", patch_op(json!([{"op": "add", "path": "title", "value": "x"}])).to_string()),
            ("DELETE", String::new()),
        ] {
            idp.call(method, "/Me", &[], body).await.refused(501, "");
        }
        assert_eq!(idp.found("userName pr").await, ["ann"]);
        idp.get("/Me/ann").await.refused(404, "");
        edge.send(request("GET", &format!("{}/Me", idp.base()), None, "")).await.refused(401, "");
    }
}
