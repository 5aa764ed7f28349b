//! Versions, errors, methods and what the wire carries (RFC 7644 §3.1, §3.8, §3.12, §3.14).

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::StatusCode;
use sea_orm::ConnectionTrait as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::connections::ConnectionEdit;
use store::entity::words::{ConnectionStatus, TenantStatus};
use tower::ServiceExt as _;

use crate::asking::with;
use crate::harness::{self, ENTERPRISE, Edge, Idp, group, patch_op, request, user};
use crate::rules;

rules!(
    s72_entity_tags_are_weak_and_change_with_what_is_shown,
    s73_every_error_has_the_form_of_scim,
    s74_content_types_are_taken_as_they_come,
    s75_methods_and_slashes_are_sane,
    s80_me_is_nobody,
    s81_what_is_deleted_is_gone_and_its_name_is_free,
    s82_ids_are_opaque_and_of_one_directory,
    s83_text_survives_or_is_refused,
    s85_of_two_at_once_neither_is_lost,
    s86_time_does_not_go_back,
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

/// RFC 7644 §3.6.
async fn s81_what_is_deleted_is_gone_and_its_name_is_free(edge: Edge) {
    let idp = edge.idp("acme").await;
    let body = with(
        "Ann",
        json!({"externalId": "1", "displayName": "Ann", "emails": [{"value": "a@x"}, {"value": "b@x"}]}),
    );
    let (id, other) = (idp.post("/Users", body.clone()).await.created(), idp.user("other").await);
    let staff = idp.group("Staff", &[&id]).await;
    let mut ids = vec![id.clone()];
    for _ in 0..2 {
        let last = ids.last().unwrap().clone();
        let path = format!("/Users/{last}");
        let answer = idp.delete(&path).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer.header("content-type"), "");
        idp.delete(&path).await.refused(404, "");
        idp.get(&path).await.refused(404, "");
        idp.put(&path, body.clone()).await.refused(404, "");
        idp.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await.refused(404, "");
        assert_eq!(idp.get("/Users").await.ids(), [other.as_str()]);
        assert_eq!(idp.get("/Users?count=0").await.ok()["totalResults"], 1);
        let searched = idp.search("/.search", json!({"filter": "userName eq \"ann\""})).await.ok();
        assert_eq!(searched["totalResults"], 0);
        for gone in [
            "userName eq \"ann\"",
            "externalId eq \"1\"",
            "displayName eq \"ann\"",
            "emails eq \"a@x\"",
            "emails.value eq \"b@x\"",
            "displayName co \"a\"",
            &format!("id eq \"{last}\""),
            &format!("groups.value eq \"{staff}\""),
        ] {
            assert!(idp.found(gone).await.is_empty(), "{gone}");
        }
        assert!(idp.members(&staff).await.is_empty());
        let again = idp.post("/Users", body.clone()).await.created();
        assert!(!ids.contains(&again), "an id is not used twice");
        ids.push(again.clone());
        for found in ["userName eq \"ann\"", "externalId eq \"1\"", "emails eq \"b@x\""] {
            assert_eq!(idp.find("/Users", found).await.ids(), [again.as_str()]);
        }
        assert_eq!(
            idp.read(&format!("/Users/{again}")).await.get("groups"),
            None,
            "memberships do not come back"
        );
    }
    assert_eq!(idp.delete(&format!("/Groups/{staff}")).await.status, StatusCode::NO_CONTENT);
    idp.delete(&format!("/Groups/{staff}")).await.refused(404, "");
    assert_eq!(idp.get("/Groups").await.ok()["totalResults"], 0);
    assert_ne!(idp.group("Staff", &[]).await, staff);
}

/// RFC 7643 §3.1 `id`.
async fn s82_ids_are_opaque_and_of_one_directory(edge: Edge) {
    let idp = edge.idp("acme").await;
    let sibling = edge.idp_of(idp.tenant, false).await;
    let stranger = edge.idp("globex").await;
    let ann = idp.user("ann").await;
    let staff = idp.group("Staff", &[&ann]).await;
    let before = [idp.read(&format!("/Users/{ann}")).await, idp.read(&format!("/Groups/{staff}")).await];
    for other in [&sibling, &stranger] {
        let own = other.group("Own", &[]).await;
        for (path, body) in [
            (format!("/Users/{ann}"), user("ann")),
            (format!("/Groups/{staff}"), group("Staff", &[])),
            // The right id at the wrong endpoint is none either.
            (format!("/Groups/{ann}"), group("Staff", &[])),
            (format!("/Users/{staff}"), user("ann")),
        ] {
            other.get(&path).await.refused(404, "");
            other.put(&path, body).await.refused(404, "");
            other
                .patch(&path, json!([{"op": "add", "path": "externalId", "value": "x"}]))
                .await
                .refused(404, "");
            other.delete(&path).await.refused(404, "");
        }
        for filter in [format!("id eq \"{ann}\""), format!("groups.value eq \"{staff}\"")] {
            assert!(other.found(&filter).await.is_empty(), "{filter}");
        }
        assert!(other.find("/Groups", &format!("members eq \"{ann}\"")).await.ids().is_empty());
        let add = json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]);
        let _refused_or_parked = other.patch(&format!("/Groups/{own}"), add).await;
        assert!(other.members(&own).await.is_empty(), "it is no member");
    }
    assert_eq!(
        [idp.read(&format!("/Users/{ann}")).await, idp.read(&format!("/Groups/{staff}")).await],
        before
    );
    // The same things in each directory have ids of their own, and one does not follow from another.
    let mut ids = BTreeSet::from([ann, staff]);
    for idp in [&idp, &sibling, &stranger] {
        for n in 0..50 {
            let id = idp.user(&format!("user-{n}")).await;
            let parsed: uuid::Uuid = id.parse().unwrap();
            let next = uuid::Uuid::from_u128(parsed.as_u128().wrapping_add(1)).to_string();
            idp.get(&format!("/Users/{next}")).await.refused(404, "");
            assert!(ids.insert(id));
        }
    }
    let starts: BTreeSet<&str> = ids.iter().map(|id| &id[24..]).collect();
    assert_eq!(starts.len(), ids.len(), "the random part is random");
}

/// RFC 7643 §2.3.1: text is Unicode. Our choice: what is stored is what was sent; only comparing normalizes, and
/// only canonically, so that no two names become one that people can tell apart.
async fn s83_text_survives_or_is_refused(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [&idp, &strict] {
        let texts = [
            "x".repeat(10 * 1024),
            "é".repeat(5 * 1024),
            "👩‍👩‍👧‍👦🏳️‍🌈🦀".to_owned(),
            "e\u{301}\u{323}o\u{308}".to_owned(),
            "\u{202e}שלום עליכם \u{202c}مرحبا".to_owned(),
            "\u{feff}\u{200b}\u{200d}\u{2060}".to_owned(),
            "\u{1}\u{1f}\u{7f}\u{85}\u{2028}\u{2029}".to_owned(),
            "\u{fffe}\u{ffff}\u{10ffff}\u{fffd}".to_owned(),
            "' OR '1'='1'; DROP TABLE users; --".to_owned(),
            "%_\\%' \" ` $1 ? :name {{7*7}} <script>".to_owned(),
            " leading and trailing ".to_owned(),
            "ﬃ ① ｆｕｌｌ ª ² Å \u{212b} \u{1e9b}\u{323}".to_owned(),
        ];
        for (n, text) in texts.iter().enumerate() {
            let more = json!({
                "externalId": text, "displayName": text, "title": text, "name": {"familyName": text},
                "emails": [{"value": text, "type": text}], ENTERPRISE: {"department": text},
            });
            let created = idp.post("/Users", with(text, more.clone())).await;
            let path = format!("/Users/{}", created.created());
            let read = idp.read(&path).await;
            assert_eq!(read["userName"], text.as_str());
            for (name, value) in more.as_object().unwrap() {
                assert_eq!(read[name], *value, "{name}: {text:.40}");
            }
            if text.len() < 4_000 {
                let quoted = json!(text).to_string();
                for attribute in
                    ["userName", "externalId", "displayName", "emails.value", "title", "name.familyName"]
                {
                    let found = idp.find("/Users", &format!("{attribute} eq {quoted}")).await.ids();
                    assert_eq!(found, [read["id"].as_str().unwrap()], "{attribute}: {text}");
                }
            }
            let longer = json!([{"op": "replace", "path": "title", "value": format!("{text}{n}")}]);
            assert_eq!(idp.patch(&path, longer).await.ok()["title"], format!("{text}{n}"));
            let group = idp.post("/Groups", group(text, &[])).await;
            assert_eq!(group.body["displayName"], text.as_str(), "{group:?}");
            idp.post("/Users", user(text)).await.refused(409, "uniqueness");
        }
        // One letter written in two ways is one name, and stays as it was sent.
        idp.user("jose\u{301}").await;
        idp.post("/Users", user("jos\u{e9}")).await.refused(409, "uniqueness");
        idp.finds(&[("userName eq \"JOS\u{c9}\"", &["jose\u{301}"])]).await;
        // What only looks alike are different people.
        for name in ["ann", "ａｎｎ", "аnn", "①", "1", "x²", "x2", "ª", "a", "ann\u{200b}", " ann"] {
            idp.user(name).await;
            assert_eq!(idp.found(&format!("userName eq \"{name}\"")).await, [name]);
        }
        // What no text is.
        let before = idp.get("/Users?count=0").await.ok()["totalResults"].clone();
        idp.post("/Users", user("a\u{0}b")).await.refused(400, "invalidValue");
        for attribute in ["title", "externalId", "displayName"] {
            idp.post("/Users", with("nul", json!({attribute: "\u{0}"}))).await.refused(400, "invalidValue");
        }
        idp.post("/Users", with("nul", json!({"emails": [{"value": "a\u{0}"}]})))
            .await
            .refused(400, "invalidValue");
        idp.post("/Users", with("nul", json!({ENTERPRISE: {"department": "a\u{0}"}})))
            .await
            .refused(400, "invalidValue");
        idp.post("/Groups", group("a\u{0}b", &[])).await.refused(400, "invalidValue");
        let one = idp.find("/Users", "userName eq \"ann\"").await.ids().remove(0);
        for lone in ["\\ud83e", "\\udd80", "\\udd80\\ud83e", "\\ud83ex", "\\uD800\\u0041"] {
            let body = user("LONE").to_string().replace("LONE", lone);
            idp.call("POST", "/Users", &[], body.clone()).await.refused(400, "invalidSyntax");
            idp.call("PUT", &format!("/Users/{one}"), &[], body).await.refused(400, "invalidSyntax");
            let patch = patch_op(json!([{"op": "add", "path": "title", "value": "LONE"}])).to_string();
            idp.call("PATCH", &format!("/Users/{one}"), &[], patch.replace("LONE", lone))
                .await
                .refused(400, "invalidSyntax");
        }
        idp.call("POST", "/Users", &[], b"{\"userName\":\"\xff\xfe\"}".to_vec())
            .await
            .refused(400, "invalidSyntax");
        idp.call("POST", "/Users", &[], b"{\"userName\":\"\xed\xa0\xbd\"}".to_vec())
            .await
            .refused(400, "invalidSyntax");
        assert_eq!(idp.get("/Users?count=0").await.ok()["totalResults"], before);
        assert_eq!(idp.read(&format!("/Users/{one}")).await["meta"]["version"], "W/\"1\"");
        // A pair is a letter.
        let body = user("PAIR").to_string().replace("PAIR", "\\ud83e\\udd80 pair");
        assert_eq!(idp.call("POST", "/Users", &[], body).await.body["userName"], "🦀 pair");
    }
}

/// RFC 7644 §3.3.1 under load.
async fn s85_of_two_at_once_neither_is_lost(edge: Edge) {
    let idp = edge.idp("acme").await;
    let replicas = edge.replicas(&idp).await;
    for round in 0..15 {
        let creates = ["ann", "ANN"].map(|name| user(&format!("{name}-{round}")));
        let creates =
            replicas.clone().into_iter().zip(creates).map(|(idp, body)| {
                tokio::spawn(async move { idp.post("/Users", body).await.status.as_u16() })
            });
        let mut statuses: Vec<u16> =
            futures::future::join_all(creates).await.into_iter().map(Result::unwrap).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "round {round}");
    }
    let ids = idp.get("/Users").await.ids();
    assert_eq!(ids.len(), 15);
    let staff = idp.group("Staff", &[]).await;
    let path = format!("/Groups/{staff}");
    let patches = ids.iter().enumerate().map(|(n, id)| {
        let (idp, path) = (replicas[n % 2].clone(), path.clone());
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        tokio::spawn(async move { idp.patch(&path, add).await.status })
    });
    for status in futures::future::join_all(patches).await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    assert_eq!(idp.members(&staff).await, ids);
    assert_eq!(idp.get(&path).await.header("etag"), "W/\"16\"", "each change has a version");
    // Two at once at one user's different attributes: both are in.
    let user_path = format!("/Users/{}", ids[0]);
    let edits = ["title", "nickName"].into_iter().enumerate().map(|(n, attribute)| {
        let (idp, path) = (replicas[n].clone(), user_path.clone());
        let set = json!([{"op": "add", "path": attribute, "value": "x"}]);
        tokio::spawn(async move { idp.patch(&path, set).await.status })
    });
    for status in futures::future::join_all(edits).await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    let read = idp.read(&user_path).await;
    assert_eq!((&read["title"], &read["nickName"]), (&json!("x"), &json!("x")));
    // Two at once at one version: one of them.
    let etag = read["meta"]["version"].as_str().unwrap().split('.').next().unwrap().to_owned() + "\"";
    let etag = etag.replace("\"\"", "\"");
    let writes = [0, 1].map(|n| {
        let (idp, path, etag) = (replicas[n].clone(), user_path.clone(), etag.clone());
        let body = patch_op(json!([{"op": "replace", "path": "title", "value": format!("{n}")}])).to_string();
        tokio::spawn(
            async move { idp.call("PATCH", &path, &[("if-match", &etag)], body).await.status.as_u16() },
        )
    });
    let mut statuses: Vec<u16> =
        futures::future::join_all(writes).await.into_iter().map(Result::unwrap).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

/// The same database under a clock that is an hour behind, as another replica's may be.
async fn s86_time_does_not_go_back(edge: Edge) {
    let idp = edge.idp("acme").await;
    edge.clock.advance(Duration::from_hours(1));
    let ann = idp.user("ann").await;
    let staff = idp.group("Staff", &[]).await;
    let held = idp.group("Held", &[&ann]).await;
    let mut options = store::StoreOptions::new(edge.store.url());
    options.clock = store::Clock::fixed(store::Timestamp::parse("2026-11-25T10:00:00Z").unwrap());
    let vault = store::vault::Vault::new(&store::testing::MASTER_KEY).unwrap();
    let (_, router) = harness::edge(store::Store::connect(options, vault).await.unwrap());
    let behind = Idp { router, ..idp.clone() };
    let user_path = format!("/Users/{ann}");
    for (path, operation) in [
        (user_path.clone(), json!({"op": "add", "path": "title", "value": "Chief"})),
        (format!("/Groups/{staff}"), json!({"op": "replace", "path": "displayName", "value": "Crew"})),
        (format!("/Groups/{staff}"), json!({"op": "add", "path": "members", "value": [{"value": ann}]})),
    ] {
        let before = idp.read(&path).await["meta"].clone();
        let after = behind.patch(&path, json!([operation])).await.ok()["meta"].clone();
        assert_eq!(after["lastModified"], "2026-11-25T11:00:00.000Z", "{operation}");
        assert_eq!(after["created"], before["created"]);
        assert_ne!(after["version"], before["version"], "the version moves all the same");
    }
    let put = behind.put(&user_path, user("renamed")).await.ok();
    assert_eq!(put["meta"]["lastModified"], "2026-11-25T11:00:00.000Z");
    // Also where the change comes from elsewhere: a deleted user leaves its groups.
    assert_eq!(behind.delete(&user_path).await.status, StatusCode::NO_CONTENT);
    for id in [&staff, &held] {
        let read = idp.read(&format!("/Groups/{id}")).await;
        assert_eq!(
            (read.get("members"), &read["meta"]["lastModified"]),
            (None, &json!("2026-11-25T11:00:00.000Z"))
        );
    }
    // And it goes on when the clock does.
    edge.clock.advance(Duration::from_mins(1));
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Team"}]);
    let meta = idp.patch(&format!("/Groups/{staff}"), rename).await.ok()["meta"].clone();
    assert_eq!(meta["lastModified"], "2026-11-25T11:01:00.000Z");
}
