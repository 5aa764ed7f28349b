//! What the server says of itself, and that it is so (RFC 7643 §5 to §7, RFC 7644 §3.4.3, §4).

use serde_json::{Value, json};

use crate::asking::names;
use crate::harness::{ENTERPRISE, Edge, GROUP, USER};
use crate::rules;

rules!(
    s76_discovery_says_what_is_true_and_cannot_be_filtered,
    s77_meta_is_complete_and_its_times_are_in_utc,
    s78_a_search_by_post_is_the_same_list,
);

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// RFC 7644 §4.
async fn s76_discovery_says_what_is_true_and_cannot_be_filtered(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        for (path, ids) in
            [("/Schemas", vec![USER, ENTERPRISE, GROUP]), ("/ResourceTypes", vec!["User", "Group"])]
        {
            let list = idp.read(path).await;
            assert_eq!(list["schemas"], json!([LIST]));
            assert_eq!(
                (&list["totalResults"], &list["itemsPerPage"]),
                (&json!(ids.len()), &json!(ids.len()))
            );
            assert_eq!(list["startIndex"], 1);
            let resources = list["Resources"].as_array().unwrap();
            let found: Vec<&str> =
                resources.iter().map(|resource| resource["id"].as_str().unwrap()).collect();
            assert_eq!(found, ids);
            for resource in resources {
                let id = resource["id"].as_str().unwrap();
                let location = resource["meta"]["location"].as_str().unwrap();
                assert_eq!(location, idp.location(&format!("{path}/{id}")));
                assert_eq!(idp.read(&format!("{path}/{id}")).await, *resource, "one of them is a resource");
                assert_eq!(idp.read(&format!("{path}/{}", id.to_uppercase())).await, *resource);
            }
            for refused in ["filter=id%20pr", "filter=", "FILTER=x", "count=1&filter=id%20eq%20%22User%22"] {
                idp.get(&format!("{path}?{refused}")).await.refused(403, "");
            }
            assert_eq!(
                idp.read(&format!("{path}?count=1&startIndex=2&attributes=id")).await,
                list,
                "paging is ignored"
            );
            for unknown in ["nothing", "urn:ietf:params:scim:schemas:core:2.0:Robot", "%00", "Users"] {
                idp.get(&format!("{path}/{unknown}")).await.refused(404, "");
            }
        }
        idp.get("/ServiceProviderConfig?filter=patch%20pr").await.refused(403, "");
        idp.get("/Schemas/urn:x?filter=id%20pr").await.refused(403, "");
        idp.get("/ResourceTypes/User?filter=id%20pr").await.refused(403, "");
        idp.get("/ServiceProviderConfig/x").await.refused(404, "");
        let config = idp.read("/ServiceProviderConfig").await;
        assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
        assert_eq!(config.get("Resources"), None, "not a list");
        for kind in idp.read("/ResourceTypes").await["Resources"].as_array().unwrap() {
            idp.get(kind["endpoint"].as_str().unwrap()).await.ids();
            let extensions = kind["schemaExtensions"].as_array().cloned().unwrap_or_default();
            let urns = extensions.iter().map(|extension| &extension["schema"]).chain([&kind["schema"]]);
            for urn in urns {
                let schema = idp.read(&format!("/Schemas/{}", urn.as_str().unwrap())).await;
                assert_eq!(schema["id"], *urn);
            }
        }
    }
}

/// RFC 7643 §3.1 `meta`.
async fn s77_meta_is_complete_and_its_times_are_in_utc(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann").await;
    let staff = idp.group("Staff", &[]).await;
    edge.clock.advance(std::time::Duration::from_millis(1_234));
    for (kind, path) in [("User", format!("/Users/{ann}")), ("Group", format!("/Groups/{staff}"))] {
        let created = idp.read(&path).await["meta"].clone();
        assert_eq!(names(&created), ["created", "lastModified", "location", "resourceType", "version"]);
        assert_eq!(created["resourceType"], kind);
        assert_eq!(created["location"], idp.location(&path));
        assert!(created["location"].as_str().unwrap().starts_with("https://"), "absolute");
        assert_eq!(created["created"], "2026-11-25T10:00:00.000Z");
        assert_eq!(created["lastModified"], created["created"]);
        let change = json!([{"op": "add", "path": "externalId", "value": "1"}]);
        let changed = idp.patch(&path, change).await.ok()["meta"].clone();
        assert_eq!(changed["created"], created["created"]);
        assert_eq!(changed["lastModified"], "2026-11-25T10:00:01.234Z");
        assert_ne!(changed["version"], created["version"]);
        let listed = idp.read(&path[..path.rfind('/').unwrap()]).await;
        assert_eq!(listed["Resources"][0]["meta"], changed);
        // The host that a request names is not where we say to be.
        let spoofed = idp
            .call("GET", &path, &[("host", "evil.example"), ("x-forwarded-host", "evil.example")], "")
            .await;
        assert_eq!(spoofed.ok()["meta"], changed);
    }
    for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
        let document = idp.read(path).await;
        let documents = document["Resources"].as_array().cloned().unwrap_or_else(|| vec![document.clone()]);
        for document in documents {
            assert!(document["meta"]["resourceType"].is_string(), "{document}");
            assert!(
                document["meta"]["location"].as_str().unwrap().starts_with(&idp.location("/")),
                "{document}"
            );
        }
    }
}

/// RFC 7644 §3.4.3.
async fn s78_a_search_by_post_is_the_same_list(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [&idp, &strict] {
        for n in 0..5 {
            idp.person(&format!("user-{n}"), json!({"title": if n % 2 == 0 { "even" } else { "odd" }})).await;
        }
        let group_id = idp.group("user-group", &[]).await;
        for (query, parameters) in [
            ("", json!({})),
            (
                "?startIndex=2&count=2&attributes=userName",
                json!({"startIndex": 2, "count": 2, "attributes": ["userName"]}),
            ),
            ("?filter=title%20eq%20%22odd%22", json!({"filter": "title eq \"odd\""})),
            (
                "?filter=title%20pr&count=1&excludedAttributes=meta,title",
                json!({"FILTER": "title pr", "Count": "1", "excludedAttributes": ["meta", "title"]}),
            ),
            ("?count=0", json!({"count": 0, "startIndex": null})),
        ] {
            let (get, post) =
                (idp.get(&format!("/Users{query}")).await, idp.search("/Users/.search", parameters).await);
            assert_eq!(post.header("content-type"), get.header("content-type"));
            assert_eq!(post.ok(), get.ok(), "{query}");
        }
        assert_eq!(
            idp.search("/Groups/.search", json!({"filter": "displayName sw \"USER\""})).await.ids(),
            [group_id.as_str()]
        );
        let root = idp.search("/.search", json!({})).await.ok();
        assert_eq!((&root["schemas"], &root["totalResults"]), (&json!([LIST]), &json!(6)));
        let kinds = |list: &Value| -> Vec<String> {
            let found = list["Resources"].as_array().unwrap().iter();
            found.map(|resource| resource["meta"]["resourceType"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(kinds(&root), ["User", "User", "User", "User", "User", "Group"]);
        let across = idp.search("/.search", json!({"startIndex": 5, "count": 2})).await.ok();
        assert_eq!(
            (kinds(&across), &across["totalResults"]),
            (vec!["User".to_owned(), "Group".to_owned()], &json!(6))
        );
        let both =
            idp.search("/.search", json!({"filter": "id pr and meta.created pr", "count": 1})).await.ok();
        assert_eq!((&both["totalResults"], &both["itemsPerPage"]), (&json!(6), &json!(1)));
        let named = idp.search("/.search", json!({"filter": format!("id eq \"{group_id}\"")})).await.ok();
        assert_eq!(kinds(&named), ["Group"]);
        let of_users = idp.search("/.search", json!({"filter": "title eq \"even\""})).await.ok();
        assert_eq!(of_users["totalResults"], 3);
        for path in ["/.search", "/Users/.search", "/Groups/.search"] {
            idp.search(path, json!({"filter": "nonsense"})).await.refused(400, "invalidFilter");
            for wrong in [
                json!({"filter": 5.5, "count": {}}),
                json!({"attributes": [1]}),
                json!({"count": true}),
                json!({"startIndex": "x"}),
            ] {
                idp.search(path, wrong).await.refused(400, "invalidValue");
            }
            let both = json!({"attributes": ["id"], "excludedAttributes": ["id"]});
            idp.search(path, both).await.refused(400, "invalidValue");
            idp.post(path, json!({"schemas": [USER], "filter": "id pr"})).await.refused(400, "invalidSyntax");
            idp.post(path, json!(["x"])).await.refused(400, "invalidSyntax");
        }
    }
    idp.post("/Users/.search", json!({"filter": "userName pr"})).await.ok();
    strict.post("/Users/.search", json!({"filter": "userName pr"})).await.refused(400, "invalidSyntax");
}
