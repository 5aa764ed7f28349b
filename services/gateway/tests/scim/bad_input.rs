//! Bad input is refused in SCIM's own form, with the right status and `scimType`, and never fails us.

use std::fmt::Write as _;

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ENTERPRISE, Edge, GROUP, Idp, USER, group, on_both, patch_op, user};

on_both!(
    bodies_that_are_no_json_objects_are_invalid_syntax,
    every_beginning_of_a_valid_body_is_refused,
    wrong_types_are_invalid_values,
    unknown_schemas_are_invalid_syntax,
    a_body_of_five_megabytes_is_too_large,
    broken_filters_are_invalid_filters,
    a_filter_of_a_hundred_kilobytes_is_refused,
    unknown_endpoints_are_not_found,
    broken_ids_are_not_found,
    nul_characters_are_refused_in_values_and_harmless_elsewhere,
    long_strings_survive_and_are_found,
    broken_paging_is_an_invalid_value,
    patches_that_make_no_sense_are_refused,
);

/// Every call that takes a body, on resources that exist.
async fn writes(idp: &Idp) -> Vec<(&'static str, String)> {
    let (user, group) = (idp.user("ann@acme.example").await, idp.group("Staff", &[]).await);
    vec![
        ("POST", "/Users".into()),
        ("PUT", format!("/Users/{user}")),
        ("PATCH", format!("/Users/{user}")),
        ("POST", "/Users/.search".into()),
        ("POST", "/Groups".into()),
        ("PUT", format!("/Groups/{group}")),
        ("PATCH", format!("/Groups/{group}")),
        ("POST", "/Groups/.search".into()),
    ]
}

async fn bodies_that_are_no_json_objects_are_invalid_syntax(edge: Edge) {
    let idp = edge.idp("acme").await;
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("broken", b"{".to_vec()),
        ("trailing", b"{} {}".to_vec()),
        ("a list", b"[]".to_vec()),
        ("text", b"\"text\"".to_vec()),
        ("null", b"null".to_vec()),
        ("a number", b"42".to_vec()),
        ("300 lists deep", [b"[".repeat(300), b"]".repeat(300)].concat()),
        ("300 objects deep", [b"{\"a\":".repeat(300), b"1".to_vec(), b"}".repeat(300)].concat()),
        ("not UTF-8", b"{\"userName\":\"\xff\xfe\"}".to_vec()),
        ("a lone surrogate", br#"{"userName":"\ud800"}"#.to_vec()),
        ("a form", b"userName=ann".to_vec()),
    ];
    for (method, path) in writes(&idp).await {
        for (what, body) in &bodies {
            let answer = idp.call(method, &path, &[], body.clone()).await;
            assert_eq!(
                (answer.status, answer.scim_type()),
                (StatusCode::BAD_REQUEST, "invalidSyntax"),
                "{method} {path} with {what}: {answer:?}"
            );
        }
    }
}

async fn every_beginning_of_a_valid_body_is_refused(edge: Edge) {
    let idp = edge.idp("acme").await;
    let body = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "änne@acme.example",
        "active": true,
        "emails": [{"value": "a@b.example", "primary": true}],
        ENTERPRISE: {"department": "R\u{1f980}D", "manager": {"value": "1"}},
    });
    let text = body.to_string().into_bytes();
    for end in 0..text.len() {
        idp.call("POST", "/Users", &[], text[..end].to_vec()).await.refused(400, "invalidSyntax");
    }
    idp.call("POST", "/Users", &[], text).await.created();
}

async fn wrong_types_are_invalid_values(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann@acme.example").await;
    let group_id = idp.group("Staff", &[]).await;
    for wrong in [
        json!({"userName": 1}),
        json!({"userName": null}),
        json!({"userName": ""}),
        json!({"userName": "   "}),
        json!({"userName": ["a", "b"]}),
        json!({"active": "certainly"}),
        json!({"active": 3}),
        json!({"emails": "text"}),
        json!({"emails": [1]}),
        json!({"emails": [[{"value": "a@b"}]]}),
        json!({"emails": [{"value": {"a": 1}}]}),
        json!({"emails": [{"value": "a@b", "primary": true}, {"value": "c@d", "primary": true}]}),
        json!({"name": ["a"]}),
        json!({"name": "Ann"}),
        json!({"name": {"givenName": {}, "familyName": 1}}),
        json!({"displayName": {"a": 1}}),
        json!({ENTERPRISE: "text"}),
        json!({ENTERPRISE: {"department": 7}}),
    ] {
        let mut body = user("bob@acme.example");
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        for (method, path) in [("POST", "/Users".to_owned()), ("PUT", format!("/Users/{id}"))] {
            let answer = idp.call(method, &path, &[], body.to_string()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, "invalidValue"),
                "{method} {wrong}: {answer:?}"
            );
        }
    }
    for wrong in [
        json!({"displayName": null}),
        json!({"displayName": 5}),
        json!({"members": "text"}),
        json!({"members": [1]}),
        json!({"members": [{"value": 7}]}),
        json!({"members": [{"display": "Ann"}]}),
    ] {
        let mut body = group("Others", &[]);
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        for (method, path) in [("POST", "/Groups".to_owned()), ("PUT", format!("/Groups/{group_id}"))] {
            let answer = idp.call(method, &path, &[], body.to_string()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, "invalidValue"),
                "{method} {wrong}: {answer:?}"
            );
        }
    }
    assert_eq!(idp.get("/Users").await.ids(), [id]);
    assert_eq!(idp.get("/Groups").await.ids(), [group_id]);
}

async fn unknown_schemas_are_invalid_syntax(edge: Edge) {
    let idp = edge.idp("acme").await;
    for (path, mut body) in [("/Users", user("ann@acme.example")), ("/Groups", group("Staff", &[]))] {
        for schemas in [json!(["urn:example:Robot"]), json!([USER, GROUP][usize::from(path == "/Users")])] {
            let schemas = if schemas.is_array() { schemas } else { json!([schemas]) };
            body["schemas"] = schemas;
            idp.post(path, body.clone()).await.refused(400, "invalidSyntax");
        }
        body["schemas"] = json!("urn:not:a:list");
        idp.post(path, body).await.refused(400, "invalidValue");
    }
}

async fn a_body_of_five_megabytes_is_too_large(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut body = user("ann@acme.example");
    body["title"] = "x".repeat(5 * 1024 * 1024).into();
    let text = body.to_string();
    for (method, path) in writes(&idp).await {
        let announced = text.len().to_string();
        let headers = [("content-length", announced.as_str())];
        idp.call(method, &path, &headers, text.clone()).await.refused(413, "");
        // In pieces, nothing is announced.
        let pieces: Vec<std::io::Result<Vec<u8>>> =
            text.as_bytes().chunks(64 * 1024).map(|piece| Ok(piece.to_vec())).collect();
        let streamed = Body::from_stream(futures::stream::iter(pieces));
        idp.call(method, &path, &[], streamed).await.refused(413, "");
    }
}

async fn broken_filters_are_invalid_filters(edge: Edge) {
    let idp = edge.idp("acme").await;
    let deep = format!("{}userName pr{}", "(".repeat(300), ")".repeat(300));
    for filter in [
        "",
        "userName",
        "userName eq",
        "userName eq \"a",
        "userName is \"a\"",
        "userName eq \"a\" and",
        "userName eq \"a\" garbage",
        "userName eq 'a'",
        "userName eq \"\\ud800\"",
        "active gt true",
        "active co \"t\"",
        "emails[type eq \"work\"",
        "emails[addresses[type pr]]",
        "(userName pr",
        "\u{0}",
        "🦀",
        deep.as_str(),
    ] {
        for path in ["/Users", "/Groups"] {
            let answer = idp.find(path, filter).await;
            // A group has neither e-mails nor a user name; what it lacks matches nothing.
            let is_unknown =
                path == "/Groups" && answer.status == StatusCode::OK && filter.starts_with("active");
            assert!(is_unknown || answer.scim_type() == "invalidFilter", "{path} {filter:?}: {answer:?}");
        }
    }
    idp.find("/Users", "password eq \"secret\"").await.refused(403, "sensitive");
    let raw = idp.get("/Users?filter=%ff%fe").await;
    raw.refused(400, "invalidFilter");
}

async fn a_filter_of_a_hundred_kilobytes_is_refused(edge: Edge) {
    let idp = edge.idp("acme").await;
    let filter = format!("userName eq \"{}\"", "x".repeat(100 * 1024));
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": filter,
    });
    idp.post("/Users/.search", search.clone()).await.refused(400, "invalidFilter");
    idp.post("/Groups/.search", search).await.refused(400, "invalidFilter");
    // The longest that fits into a request line.
    idp.find("/Users", &filter[..60 * 1024]).await.refused(400, "invalidFilter");
}

async fn unknown_endpoints_are_not_found(edge: Edge) {
    let idp = edge.idp("acme").await;
    for path in ["", "/", "/Robots", "/users", "/Users/1/2", "/Bulk/1", "/.search/1", "/%00", "/Users%2F1"] {
        for method in ["GET", "POST", "DELETE"] {
            idp.call(method, path, &[], "{}").await.refused(404, "");
        }
    }
}

async fn broken_ids_are_not_found(edge: Edge) {
    let idp = edge.idp("acme").await;
    let long = "9".repeat(10_000);
    for id in ["1", "%FF", "%00", "%2e%2e", "null", "'; DROP TABLE users; --", "🦀", &long] {
        let id: String = if id.starts_with('%') {
            id.into()
        } else {
            url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
        };
        for endpoint in ["Users", "Groups"] {
            let path = format!("/{endpoint}/{id}");
            idp.get(&path).await.refused(404, "");
            idp.delete(&path).await.refused(404, "");
            let body = if endpoint == "Users" { user("a@acme.example") } else { group("a", &[]) };
            idp.put(&path, body).await.refused(404, "");
            let operations = json!([{"op": "replace", "path": "externalId", "value": "x"}]);
            idp.patch(&path, operations).await.refused(404, "");
        }
        idp.get(&format!("/Schemas/{id}")).await.refused(404, "");
        idp.get(&format!("/ResourceTypes/{id}")).await.refused(404, "");
    }
}

async fn nul_characters_are_refused_in_values_and_harmless_elsewhere(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann@acme.example").await;
    idp.post("/Users", user("a\u{0}b")).await.refused(400, "invalidValue");
    let mut body = user("bob@acme.example");
    body["un\u{0}known"] = json!("\u{0}");
    body["name"] = json!({"given\u{0}Name": "\u{0}"});
    body[ENTERPRISE] = json!({"un\u{0}known": 1});
    idp.post("/Users", body).await.created();
    for attribute in ["userName", "externalId", "displayName", "emails.value", "emails", "title", "id"] {
        let answer = idp.find("/Users", &format!("{attribute} eq \"a\\u0000b\"")).await;
        assert_eq!(answer.ids(), Vec::<String>::new(), "{attribute}");
    }
    for attribute in ["displayName", "externalId", "members.value", "id"] {
        let answer = idp.find("/Groups", &format!("{attribute} eq \"a\\u0000b\"")).await;
        assert_eq!(answer.ids(), Vec::<String>::new(), "{attribute}");
    }
    let answer =
        idp.patch(&format!("/Users/{id}"), json!([{"op": "add", "path": "a\u{0}b", "value": "x"}])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    let value = json!([{"op": "add", "value": {"a\u{0}b": "x", "title": "Chief"}}]);
    let answer = idp.patch(&format!("/Users/{id}"), value).await;
    assert!(matches!(answer.status.as_u16(), 200 | 400), "{answer:?}");
}

/// Text that no compression makes short.
fn noise(bytes: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut text = String::new();
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text
}

async fn long_strings_survive_and_are_found(edge: Edge) {
    let idp = edge.idp("acme").await;
    for text in [noise(10_000), "é🦀e\u{301}\u{202e}".repeat(1_000)] {
        let mut body = user(&text);
        body["externalId"] = text.clone().into();
        body["displayName"] = text.clone().into();
        body["emails"] = json!([{"value": "a@b.example"}, {"value": text.clone()}]);
        let id = idp.post("/Users", body.clone()).await.created();
        let read = idp.get(&format!("/Users/{id}")).await.ok();
        for attribute in ["userName", "externalId", "displayName"] {
            assert_eq!(read[attribute], text.as_str());
        }
        idp.post("/Users", user(&text.to_uppercase())).await.refused(409, "uniqueness");
        // A filter may have 8 KiB.
        if text.len() < 8_000 {
            for attribute in ["userName", "externalId", "displayName", "emails.value"] {
                assert_eq!(
                    idp.find("/Users", &format!("{attribute} eq \"{text}\"")).await.ids(),
                    [id.as_str()]
                );
            }
        }
        let mut body = group(&text, &[&id]);
        body["externalId"] = text.clone().into();
        let group_id = idp.post("/Groups", body).await.created();
        assert_eq!(idp.get(&format!("/Groups/{group_id}")).await.ok()["displayName"], text.as_str());
    }
    let almost = noise(7_000);
    let id = idp.user(&almost).await;
    assert_eq!(idp.find("/Users", &format!("USERNAME eq \"{}\"", almost.to_uppercase())).await.ids(), [id]);
}

async fn broken_paging_is_an_invalid_value(edge: Edge) {
    let idp = edge.idp("acme").await;
    for query in ["startIndex=first", "count=many", "count=1.5", "startIndex=99999999999999999999"] {
        idp.get(&format!("/Users?{query}")).await.refused(400, "invalidValue");
        idp.get(&format!("/Groups?{query}")).await.refused(400, "invalidValue");
    }
    for query in ["startIndex=9223372036854775807", "count=9223372036854775807"] {
        idp.get(&format!("/Users?{query}")).await.ok();
        idp.get(&format!("/Groups?{query}")).await.ok();
    }
    idp.get("/Users?attributes=userName&excludedAttributes=emails").await.refused(400, "invalidValue");
}

async fn patches_that_make_no_sense_are_refused(edge: Edge) {
    let idp = edge.idp("acme").await;
    let strict = edge.idp_of(idp.tenant, true).await;
    let (id, strict_id) = (idp.user("ann@acme.example").await, strict.user("ann@acme.example").await);
    let path = format!("/Users/{id}");
    for (operations, scim_type) in [
        (json!([]), "invalidSyntax"),
        (json!("text"), "invalidSyntax"),
        (json!([1]), "invalidSyntax"),
        (json!([{"op": "destroy", "path": "title"}]), "invalidSyntax"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "remove", "path": "id"}]), "mutability"),
        (json!([{"op": "replace", "path": "meta.version", "value": "x"}]), "mutability"),
        (json!([{"op": "add", "path": "nothing[", "value": 1}]), "invalidPath"),
        (json!([{"op": "replace", "path": "active", "value": "certainly"}]), "invalidValue"),
        (json!([{"op": "replace", "path": 5, "value": "x"}]), "invalidPath"),
    ] {
        let answer = idp.patch(&path, operations.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.scim_type()),
            (400, scim_type),
            "{operations}: {answer:?}"
        );
    }
    idp.call("PATCH", &path, &[], json!({"schemas": [USER], "Operations": []}).to_string())
        .await
        .refused(400, "invalidSyntax");
    let unknown = json!([{"op": "add", "path": "nothing", "value": "x"}]);
    strict.patch(&format!("/Users/{strict_id}"), unknown).await.refused(400, "invalidPath");
    let capital = patch_op(json!([{"op": "Replace", "path": "title", "value": "x"}]));
    let answer = strict.call("PATCH", &format!("/Users/{strict_id}"), &[], capital.to_string()).await;
    answer.refused(400, "invalidSyntax");
    let read: Value = idp.get(&path).await.ok();
    assert_eq!(read["meta"]["version"], "W/\"1\"");
}
