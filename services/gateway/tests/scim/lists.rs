//! Lists, filters and discovery (RFC 7644 §3.4.2, §3.4.3, §4).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{self, ENTERPRISE, Edge, Idp, USER, on_both, user};

on_both!(
    filters_find_the_same_by_index_and_by_walking,
    any_address_finds_its_user,
    a_search_by_post_is_the_same_list,
    a_search_at_the_root_spans_users_and_groups,
    pages_of_groups_end_early_rather_than_too_large,
    a_look_up_is_one_statement,
    what_no_index_answers_is_refused_above_a_bound,
    discovery_says_what_is_true,
);

async fn people(idp: &Idp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(idp.user(&format!("user-{n:03}@acme.example")).await);
    }
    ids
}

/// Each filter is asked plainly, so that an index may answer it, and as one half of an `or` whose other
/// half matches nothing, so that none can.
async fn filters_find_the_same_by_index_and_by_walking(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp
        .post(
            "/Users",
            json!({
                "schemas": [USER, ENTERPRISE],
                "userName": "Änne@acme.example",
                "externalId": "00uA",
                "displayName": "Änne Müller",
                "active": true,
                "emails": [
                    {"value": "aenne@acme.example", "type": "work", "primary": true},
                    {"value": "Shared@home.example", "type": "home"},
                ],
                ENTERPRISE: {"department": "Sales", "manager": {"value": "m-1"}},
            }),
        )
        .await
        .created();
    let mut bob = user("bob@acme.example");
    bob["emails"] = json!([{"value": "shared@HOME.example", "type": "work"}]);
    bob["active"] = json!(false);
    bob["displayName"] = json!("bob");
    let bob = idp.post("/Users", bob).await.created();
    let group = idp.group("Staff", &[&ann]).await;
    let (a, b) = (ann.as_str(), bob.as_str());
    let cases: Vec<(String, Vec<&str>)> = vec![
        ("userName eq \"änne@ACME.example\"".into(), vec![a]),
        (format!("{USER}:userName eq \"ÄNNE@acme.example\""), vec![a]),
        ("USERNAME EQ \"bob@acme.example\" AND active eq false".into(), vec![b]),
        ("userName eq \"bob@acme.example\" and active eq true".into(), vec![]),
        ("externalId eq \"00uA\"".into(), vec![a]),
        ("externalId eq \"00ua\"".into(), vec![]),
        ("displayName eq \"änne müller\"".into(), vec![a]),
        (format!("id eq \"{ann}\""), vec![a]),
        (format!("id eq \"{ann}\" and userName eq \"bob@acme.example\""), vec![]),
        ("id eq \"nobody\"".into(), vec![]),
        ("emails.value eq \"AENNE@acme.example\"".into(), vec![a]),
        ("emails eq \"shared@home.example\"".into(), vec![a, b]),
        ("emails[type eq \"work\" and value eq \"shared@home.example\"]".into(), vec![b]),
        ("emails.type eq \"work\" and emails.value eq \"shared@home.example\"".into(), vec![a, b]),
        ("emails[type eq \"home\"].value eq \"shared@home.example\"".into(), vec![a]),
        (format!("groups.value eq \"{group}\""), vec![a]),
        ("groups.display eq \"staff\"".into(), vec![a]),
        ("not (groups pr)".into(), vec![b]),
        (format!("{ENTERPRISE}:department eq \"sales\""), vec![a]),
        (format!("{ENTERPRISE}:manager.value eq \"m-1\""), vec![a]),
        ("meta.lastModified ge \"2026-11-25T11:00:00+01:00\"".into(), vec![a, b]),
        ("meta.resourceType eq \"User\" and emails.type eq \"home\"".into(), vec![a]),
        (format!("schemas eq \"{ENTERPRISE}\""), vec![a]),
        ("userName co \"acme\" and not (active eq false)".into(), vec![a]),
        ("nickName eq null".into(), vec![a, b]),
    ];
    for (filter, expected) in cases {
        assert_eq!(idp.find("/Users", &filter).await.ids(), expected, "{filter}");
        let walked = format!("({filter}) or userName eq \"nobody\"");
        assert_eq!(idp.find("/Users", &walked).await.ids(), expected, "{walked}");
    }
    let (g, inner) = (group.as_str(), idp.group("Inner", &[&group]).await);
    let i = inner.as_str();
    let cases: Vec<(String, Vec<&str>)> = vec![
        ("displayName eq \"STAFF\"".into(), vec![g]),
        (format!("members.value eq \"{ann}\""), vec![g]),
        (format!("members eq \"{ann}\" and displayName eq \"staff\""), vec![g]),
        (format!("members[value eq \"{ann}\"]"), vec![g]),
        (format!("members.value eq \"{bob}\""), vec![]),
        (format!("not (members.value eq \"{ann}\")"), vec![i]),
        ("members.type eq \"Group\"".into(), vec![i]),
        ("members pr".into(), vec![g, i]),
        (format!("members.value ne \"{ann}\""), vec![i]),
        (format!("id eq \"{group}\" and members eq \"{ann}\""), vec![g]),
    ];
    for (filter, expected) in cases {
        assert_eq!(idp.find("/Groups", &filter).await.ids(), expected, "{filter}");
        let walked = format!("({filter}) or displayName eq \"nobody\"");
        assert_eq!(idp.find("/Groups", &walked).await.ids(), expected, "{walked}");
    }
}

async fn any_address_finds_its_user(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut body = user("ann@acme.example");
    let addresses: Vec<Value> = (0..20).map(|n| json!({"value": format!("Ann-{n}@acme.example")})).collect();
    body["emails"] = json!(addresses);
    let id = idp.post("/Users", body).await.created();
    for n in 0..20 {
        let filter = format!("emails.value eq \"ann-{n}@ACME.example\"");
        assert_eq!(idp.find("/Users", &filter).await.ids(), [id.as_str()], "{filter}");
    }
    // Another address becomes the primary one, and one goes.
    let operations = json!([
        {"op": "replace", "path": "emails[value eq \"Ann-7@acme.example\"].primary", "value": true},
        {"op": "remove", "path": "emails[value eq \"Ann-8@acme.example\"]"},
    ]);
    idp.patch(&format!("/Users/{id}"), operations).await.ok();
    for n in 0..20 {
        let found = idp.find("/Users", &format!("emails eq \"ann-{n}@acme.example\"")).await.ids();
        assert_eq!(found.len(), usize::from(n != 8), "{n}");
    }
}

async fn a_search_by_post_is_the_same_list(edge: Edge) {
    let idp = edge.idp("acme").await;
    people(&idp, 5).await;
    let search = |more: Value| {
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let get = idp.get("/Users?startIndex=2&count=2&attributes=userName&filter=userName%20pr").await;
    let parameters = json!({
        "startIndex": 2, "count": 2, "attributes": ["userName"], "filter": "userName pr",
    });
    assert_eq!(idp.post("/Users/.search", search(parameters)).await.ok(), get.ok());
    for wrong in [json!({"filter": 5.5, "count": {}}), json!({"attributes": [1]}), json!({"count": true})] {
        idp.post("/Users/.search", search(wrong)).await.refused(400, "invalidValue");
    }
    idp.post("/Groups/.search", json!({"schemas": [USER]})).await.refused(400, "invalidSyntax");
}

async fn a_search_at_the_root_spans_users_and_groups(edge: Edge) {
    let idp = edge.idp("acme").await;
    people(&idp, 3).await;
    idp.group("Sales", &[]).await;
    let search = async |more: Value| {
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        idp.post("/.search", body).await
    };
    let types = |list: &Value| -> Vec<String> {
        let found = list["Resources"].as_array().unwrap().iter();
        found.map(|resource| resource["meta"]["resourceType"].as_str().unwrap().to_owned()).collect()
    };
    let all = search(json!({})).await.ok();
    assert_eq!(
        (&all["totalResults"], types(&all)),
        (&json!(4), ["User", "User", "User", "Group"].map(String::from).to_vec())
    );
    let across = search(json!({"startIndex": 3, "count": 2})).await.ok();
    assert_eq!(
        (&across["totalResults"], types(&across)),
        (&json!(4), ["User", "Group"].map(String::from).to_vec())
    );
    let last = search(json!({"startIndex": 4, "count": 9})).await.ok();
    assert_eq!((&last["startIndex"], types(&last)), (&json!(4), vec!["Group".to_owned()]));
    let named = search(json!({"filter": "displayName eq \"sales\""})).await.ok();
    assert_eq!(types(&named), ["Group"]);
    let of_users = search(json!({"filter": "userName pr"})).await.ok();
    assert_eq!(of_users["totalResults"], 3);
    search(json!({"filter": "nonsense"})).await.refused(400, "invalidFilter");
}

async fn pages_of_groups_end_early_rather_than_too_large(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ids = idp.many_users(&edge, 6_000).await;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut groups = Vec::new();
    for n in 0..9 {
        groups.push(idp.group(&format!("Group {n}"), &ids).await);
    }
    let (mut seen, mut pages) = (Vec::new(), 0);
    while seen.len() < groups.len() {
        let body = idp.get(&format!("/Groups?startIndex={}&count=100", seen.len() + 1)).await.ok();
        assert_eq!(body["totalResults"], 9);
        let page = body["Resources"].as_array().unwrap();
        assert_eq!(body["itemsPerPage"], page.len());
        assert!(!page.is_empty());
        seen.extend(page.iter().map(|group| group["id"].as_str().unwrap().to_owned()));
        pages += 1;
    }
    assert_eq!(seen, groups);
    assert_eq!(pages, 2, "50,000 members fill a page");
    let body = idp.get("/Groups?excludedAttributes=members").await.ok();
    assert_eq!(body["itemsPerPage"], 9);
}

/// The statements that a request sends for users.
async fn statements(edge: &Edge, idp: &Idp, filter: &str) -> Vec<String> {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut store = (*edge.store).clone();
    let noted = Arc::clone(&seen);
    store.connection_mut().set_metric_callback(move |info| {
        noted.lock().unwrap().push(info.statement.sql.clone());
    });
    let idp = Idp { router: harness::edge(store).1, ..idp.clone() };
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
    let path = format!("/Users?{query}&count=1&excludedAttributes=groups");
    idp.get(&path).await.ok();
    let seen = seen.lock().unwrap().clone();
    seen.into_iter().filter(|sql| sql.contains("FROM users")).collect()
}

async fn a_look_up_is_one_statement(edge: Edge) {
    let idp = edge.idp("acme").await;
    people(&idp, 3).await;
    let mut texts = Vec::new();
    for name in ["user-001@acme.example", "USER-002@acme.example", "nobody", "o'neil"] {
        let sent = statements(&edge, &idp, &format!("userName eq \"{name}\"")).await;
        assert_eq!(sent.len(), 1, "{name}: {sent:#?}");
        texts.extend(sent);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "prepared once, whatever the name: {texts:#?}");
}

async fn what_no_index_answers_is_refused_above_a_bound(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ids = idp.many_users(&edge, 10_000).await;
    let ann = idp.user("ann@acme.example").await;
    idp.group("Sales", &[&ann, &ids[0]]).await;
    // Whether a membership is direct is compared in memory, for the two who have one.
    let direct = idp.find("/Users", "groups.type eq \"direct\"").await;
    assert_eq!(direct.ids().len(), 2);
    let refused = idp.find("/Users", "meta.version eq \"W/\\\"1\\\"\"").await;
    let detail = refused.body["detail"].as_str().unwrap_or_default().to_owned();
    refused.refused(400, "tooMany");
    assert!(detail.contains("version") && detail.contains("10000"), "{detail}");
    // With another comparison they are few.
    let narrowed = "meta.version pr and userName eq \"ann@acme.example\"";
    assert_eq!(idp.find("/Users", narrowed).await.ids(), [ann.as_str()]);
    idp.delete(&format!("/Users/{}", ids[7])).await;
    let all = idp.find("/Users", "meta.version eq \"W/\\\"1\\\"\"").await.ok();
    assert_eq!(all["totalResults"], 10_000 - 2, "but for those whose tag tells of groups");
}

async fn discovery_says_what_is_true(edge: Edge) {
    let idp = edge.idp("acme").await;
    let config = idp.get("/ServiceProviderConfig").await.ok();
    assert_eq!(config["patch"]["supported"], true);
    assert_eq!(config["etag"]["supported"], true);
    assert_eq!(config["sort"]["supported"], true);
    // The largest page is as large as it says.
    let max = config["filter"]["maxResults"].as_u64().unwrap();
    assert_eq!(max, 1_000);
    for (path, count) in [("/Schemas", 3), ("/ResourceTypes", 2)] {
        let list = idp.get(path).await.ok();
        assert_eq!(list["totalResults"], count, "{path}");
        for resource in list["Resources"].as_array().unwrap() {
            let location = resource["meta"]["location"].as_str().unwrap();
            let path = location.strip_prefix(&idp.location("")).unwrap();
            assert_eq!(idp.get(path).await.ok(), *resource, "{location}");
        }
        idp.get(&format!("{path}?filter=id%20pr")).await.refused(403, "");
        idp.get(&format!("{path}/nothing")).await.refused(404, "");
    }
    for kind in idp.get("/ResourceTypes").await.ok()["Resources"].as_array().unwrap() {
        idp.get(kind["endpoint"].as_str().unwrap()).await.ok();
        idp.get(&format!("/Schemas/{}", kind["schema"].as_str().unwrap())).await.ok();
    }
    idp.get("/Me").await.refused(501, "");
}
