//! Paging, sorting and what an answer shows (RFC 7644 §3.4.2.3 to §3.4.2.5, §3.9).

use axum::body::Body;
use http::StatusCode;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::asking::{names, with};
use crate::harness::{ENTERPRISE, Edge, GROUP, Idp, USER, group, request};
use crate::rules;

rules!(
    s20_a_start_below_one_is_one_and_a_negative_count_is_none,
    s21_the_total_counts_all_and_the_page_what_is_on_it,
    s22_pages_are_stable_while_others_create,
    s24_attributes_choose_and_what_is_always_returned_stays,
    s25_answers_to_writes_are_cut_down_as_well,
    s26_what_is_never_returned_is_not_returned_by_name,
    s27_members_that_are_not_shown_are_not_read,
);

async fn people(idp: &Idp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(idp.user(&format!("user-{n:03}@acme.example")).await);
    }
    ids
}

/// RFC 7644 §3.4.2.4 and table 6.
async fn s20_a_start_below_one_is_one_and_a_negative_count_is_none(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ids = people(&idp, 5).await;
    let group_ids = [idp.group("One", &[]).await, idp.group("Two", &[]).await];
    for (start, count, first, expected) in [
        (json!(0), json!(2), 1, &ids[..2]),
        (json!(-1), json!(2), 1, &ids[..2]),
        (json!(i64::MIN), json!(2), 1, &ids[..2]),
        (json!(1), json!(2), 1, &ids[..2]),
        (json!(2), json!(2), 2, &ids[1..3]),
        (json!(2), json!(-1), 2, &[]),
        (json!(1), json!(0), 1, &[]),
        (json!(-7), json!(i64::MIN), 1, &[]),
        (json!(5), json!(i64::MAX), 5, &ids[4..]),
    ] {
        for filter in ["", "&filter=userName%20pr", "&filter=userName%20ew%20%22acme.example%22"] {
            let query = format!("startIndex={start}&count={count}{filter}");
            let body = idp.get(&format!("/Users?{query}")).await.ok();
            assert_eq!(body["totalResults"], 5, "{query}");
            assert_eq!(body["startIndex"], first, "{query}");
            assert_eq!(idp.get(&format!("/Users?{query}")).await.ids(), expected, "{query}");
        }
        let searched = idp.search("/Users/.search", json!({"startIndex": start, "count": count})).await;
        assert_eq!(searched.ids(), expected, "{start} {count}");
    }
    let none = idp.get("/Groups?count=0").await.ok();
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(2), &json!([])));
    assert_eq!(idp.get("/Groups?startIndex=-3&count=1").await.ids(), group_ids[..1]);
    for wrong in
        ["startIndex=first", "count=many", "count=1.5", "count=1e2", "startIndex=99999999999999999999"]
    {
        idp.get(&format!("/Users?{wrong}")).await.refused(400, "invalidValue");
        idp.get(&format!("/Groups?{wrong}")).await.refused(400, "invalidValue");
    }
}

/// RFC 7644 §3.4.2 and table 6.
async fn s21_the_total_counts_all_and_the_page_what_is_on_it(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ids = people(&idp, 7).await;
    for n in [0, 3, 5] {
        idp.patch(&format!("/Users/{}", ids[n]), json!([{"op": "add", "path": "title", "value": "T"}]))
            .await
            .ok();
    }
    let titled = [ids[0].clone(), ids[3].clone(), ids[5].clone()];
    for (filter, matches) in [("", &ids[..]), ("&filter=title%20eq%20%22t%22", &titled[..])] {
        for (start, count) in [(1, 2), (2, 2), (3, 100), (6, 2), (7, 1), (8, 3), (1_000_000, 3)] {
            let body = idp.get(&format!("/Users?startIndex={start}&count={count}{filter}")).await.ok();
            let skipped: Vec<&String> = matches.iter().skip(start - 1).take(count).collect();
            let found: Vec<&str> = body["Resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| user["id"].as_str().unwrap())
                .collect();
            assert_eq!(found, skipped, "{start} {count} {filter}");
            assert_eq!(body["totalResults"], matches.len(), "{start} {count} {filter}");
            assert_eq!(body["itemsPerPage"], found.len(), "{start} {count} {filter}");
            assert_eq!(body["startIndex"], start, "{start} {count} {filter}");
        }
    }
    // Another directory's users are not counted.
    let other = edge.idp_of(idp.tenant, false).await;
    assert_eq!(other.get("/Users").await.ok()["totalResults"], 0);
    // No page is larger than what is advertised.
    let max = idp.read("/ServiceProviderConfig").await["filter"]["maxResults"].as_u64().unwrap();
    let many = edge.idp("globex").await;
    many.many_users(&edge, usize::try_from(max).unwrap() + 1).await;
    let body = many.get("/Users?count=100000&attributes=id").await.ok();
    assert_eq!((&body["totalResults"], &body["itemsPerPage"]), (&json!(max + 1), &json!(max)));
}

/// Our choice: the order of creation, which nothing that comes later can disturb.
async fn s22_pages_are_stable_while_others_create(edge: Edge) {
    let idp = edge.idp("acme").await;
    // The clock stands still: equal times must not make an order of their own.
    let ids = people(&idp, 9).await;
    for filter in ["", "&filter=userName%20sw%20%22user%22"] {
        let mut seen = Vec::new();
        for start in (1..=9).step_by(2) {
            let page = idp.get(&format!("/Users?startIndex={start}&count=2{filter}")).await.ids();
            seen.extend(page);
            // Names that come first in any other order, two at once, and an edit of what was seen already.
            let (one, two) =
                (format!("aaa-{start}{}", filter.len()), format!("user-{start}{}", filter.len()));
            tokio::join!(idp.user(&one), idp.user(&two));
            let edit = json!([{"op": "replace", "path": "title", "value": format!("{start}")}]);
            idp.patch(&format!("/Users/{}", ids[0]), edit).await.ok();
        }
        assert_eq!(seen[..9], ids, "{filter}");
    }
    let mut groups = Vec::new();
    for n in 0..4 {
        groups.push(idp.group(&format!("Group {}", 9 - n), &[]).await);
    }
    let mut seen = idp.get("/Groups?startIndex=1&count=2").await.ids();
    idp.group("A group", &[]).await;
    seen.extend(idp.get("/Groups?startIndex=3&count=2").await.ids());
    assert_eq!(seen, groups);
}

fn full() -> Value {
    json!({
        "externalId": "1", "displayName": "Ann", "title": "Chief", "active": true,
        "name": {"givenName": "Ann", "familyName": "A"},
        "emails": [{"value": "a@b", "type": "work"}, {"value": "c@d", "display": "C"}],
        ENTERPRISE: {"department": "Sales", "employeeNumber": "7", "manager": {"value": "1"}},
    })
}

/// RFC 7644 §3.9. Our choice: both parameters together are refused.
async fn s24_attributes_choose_and_what_is_always_returned_stays(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let id = idp.person("ann", full()).await;
        let path = format!("/Users/{id}");
        let whole = idp.read(&path).await;
        let chosen = |body: &Value, attribute: &str| body.get(attribute).cloned();
        for (query, expected) in [
            ("attributes=userName", vec!["id", "schemas", "userName"]),
            ("attributes=USERNAME,%20Title", vec!["id", "schemas", "title", "userName"]),
            ("Attributes=username", vec!["id", "schemas", "userName"]),
            ("attributes=id", vec!["id", "schemas"]),
            ("attributes=nothing,neither.this", vec!["id", "schemas"]),
            ("attributes=nothing,title", vec!["id", "schemas", "title"]),
            ("attributes=name.nothing", vec!["id", "schemas"]),
            ("attributes=meta.version", vec!["id", "meta", "schemas"]),
            (&format!("attributes={USER}:title"), vec!["id", "schemas", "title"]),
            (&format!("attributes={}:TITLE", USER.to_uppercase()), vec!["id", "schemas", "title"]),
            (&format!("attributes={ENTERPRISE}"), vec!["id", "schemas", ENTERPRISE]),
            (&format!("attributes={ENTERPRISE}:department"), vec!["id", "schemas", ENTERPRISE]),
        ] {
            let mut expected = expected;
            expected.sort_unstable();
            let body = idp.read(&format!("{path}?{query}")).await;
            assert_eq!(names(&body), expected, "{query}");
            assert_eq!(body["id"], whole["id"], "{query}");
            let listed = idp.read(&format!("/Users?{query}")).await;
            assert_eq!(listed["Resources"], json!([body]), "{query}");
        }
        let body =
            idp.read(&format!("{path}?attributes=NAME.givenname,emails.value,meta.resourceType")).await;
        assert_eq!(body["name"], json!({"givenName": "Ann"}));
        assert_eq!(body["emails"], json!([{"value": "a@b"}, {"value": "c@d"}]));
        assert_eq!(body["meta"], json!({"resourceType": "User"}));
        let body = idp.read(&format!("{path}?attributes={ENTERPRISE}:manager.value,{USER}:name")).await;
        assert_eq!(body[ENTERPRISE], json!({"manager": {"value": "1"}}));
        assert_eq!(body["name"], whole["name"]);
        for (query, gone) in [
            ("excludedAttributes=emails,TITLE", vec!["emails", "title"]),
            ("excludedAttributes=id,schemas", vec![]),
            ("excludedAttributes=ID", vec![]),
            ("excludedAttributes=nothing,nothing.else", vec![]),
            ("excludedAttributes=meta", vec!["meta"]),
            (&format!("excludedAttributes={ENTERPRISE}"), vec![ENTERPRISE]),
            (&format!("excludedAttributes={USER}:title"), vec!["title"]),
        ] {
            let body = idp.read(&format!("{path}?{query}")).await;
            let left: Vec<&str> = names(&whole).into_iter().filter(|name| !gone.contains(name)).collect();
            assert_eq!(names(&body), left, "{query}");
        }
        let body = idp
            .read(&format!("{path}?excludedAttributes=name.familyName,emails.type,{ENTERPRISE}:manager"))
            .await;
        assert_eq!(body["name"], json!({"givenName": "Ann"}));
        assert_eq!(body["emails"], json!([{"value": "a@b"}, {"value": "c@d", "display": "C"}]));
        assert_eq!(body[ENTERPRISE], json!({"department": "Sales", "employeeNumber": "7"}));
        assert_eq!(chosen(&body, "title"), chosen(&whole, "title"));
        // Empty parameters choose nothing.
        assert_eq!(idp.read(&format!("{path}?attributes=&excludedAttributes=")).await, whole);
        for both in [
            format!("{path}?attributes=userName&excludedAttributes=emails"),
            "/Users?attributes=nothing&excludedAttributes=nothing".into(),
            "/Groups?attributes=displayName&excludedAttributes=members".into(),
        ] {
            idp.get(&both).await.refused(400, "invalidValue");
        }
        let both = json!({"attributes": ["userName"], "excludedAttributes": ["emails"]});
        idp.search("/Users/.search", both).await.refused(400, "invalidValue");
        let group_id = idp.group("Staff", &[&id]).await;
        let body = idp.read(&format!("/Groups/{group_id}?attributes=members.value")).await;
        assert_eq!(body["members"], json!([{"value": id}]));
        let body = idp.read(&format!("/Groups/{group_id}?attributes={GROUP}:displayName")).await;
        assert_eq!(names(&body), ["displayName", "id", "schemas"]);
    }
}

/// RFC 7644 §3.9: the parameters stand for every answer that holds a resource.
async fn s25_answers_to_writes_are_cut_down_as_well(edge: Edge) {
    let idp = edge.idp("acme").await;
    let created = idp.post("/Users?attributes=userName,name.givenName", with("ann", full())).await;
    let id = created.created();
    assert_eq!(names(&created.body), ["id", "name", "schemas", "userName"]);
    assert_eq!(created.body["name"], json!({"givenName": "Ann"}));
    // What is not shown is there all the same, and the headers say where and which version.
    assert_eq!(created.header("location"), idp.location(&format!("/Users/{id}")));
    assert_eq!(created.header("etag"), "W/\"1\"");
    let path = format!("/Users/{id}");
    assert_eq!(idp.read(&path).await["title"], "Chief");
    let title = json!([{"op": "replace", "path": "title", "value": "Clerk"}]);
    let patched = idp.patch(&format!("{path}?attributes=title"), title).await;
    assert_eq!(patched.header("etag"), "W/\"2\"");
    assert_eq!(patched.ok(), json!({"schemas": [USER, ENTERPRISE], "id": id, "title": "Clerk"}));
    let put = idp.put(&format!("{path}?excludedAttributes=userName,meta"), with("ann", full())).await.ok();
    assert!(put.get("userName").is_none() && put.get("meta").is_none());
    assert_eq!(put["emails"], full()["emails"]);
    let both = format!("{path}?attributes=title&excludedAttributes=title");
    idp.put(&both, with("other", json!({}))).await.refused(400, "invalidValue");
    idp.post("/Users?attributes=title&excludedAttributes=title", with("bob", json!({})))
        .await
        .refused(400, "invalidValue");
    assert_eq!(idp.found("userName pr").await, ["ann"], "what is refused is not done");

    let created = idp.post("/Groups?excludedAttributes=members", group("Staff", &[&id])).await;
    let group_path = format!("/Groups/{}", created.created());
    assert_eq!(created.body.get("members"), None);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Crew"}]);
    let patched = idp.patch(&format!("{group_path}?attributes=members.value"), rename).await.ok();
    assert_eq!((patched.get("displayName"), &patched["members"]), (None, &json!([{"value": id}])));
    let put = idp.put(&format!("{group_path}?attributes=displayName"), group("Staff", &[&id])).await.ok();
    assert_eq!(names(&put), ["displayName", "id", "schemas"]);
    let searched = idp.search("/Users/.search", json!({"attributes": ["userName"]})).await.ok();
    assert_eq!(names(&searched["Resources"][0]), ["id", "schemas", "userName"]);
}

/// RFC 7643 §2.2 `returned`.
async fn s26_what_is_never_returned_is_not_returned_by_name(edge: Edge) {
    let idp = edge.idp("acme").await;
    let created = idp.post("/Users?attributes=password", with("ann", json!({"password": "secret"}))).await;
    let id = created.created();
    let path = format!("/Users/{id}");
    assert_eq!(names(&created.body), ["id", "schemas"]);
    for query in ["", "?attributes=password", "?attributes=PASSWORD,userName", "?excludedAttributes=userName"]
    {
        assert_eq!(idp.read(&format!("{path}{query}")).await.get("password"), None, "{query}");
        let listed = idp.get(&format!("/Users{query}")).await;
        assert!(!listed.text.contains("secret") && !listed.text.contains("password"), "{query}");
    }
    let put =
        idp.put(&format!("{path}?attributes={USER}:password"), with("ann", json!({"password": "x"}))).await;
    assert_eq!(names(&put.ok()), ["id", "schemas"]);
}

/// RFC 7644 §3.9: a group of any size can be asked for without its members, at no cost of theirs. The table of
/// members is put out of reach, so that whoever reads it fails.
async fn s27_members_that_are_not_shown_are_not_read(edge: Edge) {
    let idp = edge.idp("acme").await;
    let ann = idp.user("ann").await;
    let id = idp.group("Staff", &[&ann]).await;
    let path = format!("/Groups/{id}");
    let mut store = (*edge.store).clone();
    let mut rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        store.connection_mut().execute_unprepared(&sql).await.unwrap();
    };
    rename("group_members", "out_of_reach").await;
    for query in ["excludedAttributes=members", "attributes=displayName", "excludedAttributes=MEMBERS,meta"] {
        assert_eq!(idp.read(&format!("{path}?{query}")).await["id"], id.as_str(), "{query}");
        assert_eq!(idp.get(&format!("/Groups?{query}")).await.ids(), [id.as_str()], "{query}");
        let named = format!("/Groups?filter=displayName%20eq%20%22staff%22&{query}");
        assert_eq!(idp.get(&named).await.ids(), [id.as_str()], "{query}");
    }
    assert_eq!(idp.read(&format!("/Users/{ann}?excludedAttributes=groups")).await["userName"], "ann");
    // Who is shown members, reads them.
    let whole = request("GET", &format!("{}{path}", idp.base()), Some(&idp.token), Body::empty());
    let answer = idp.router.clone().oneshot(whole).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    rename("out_of_reach", "group_members").await;
    assert_eq!(idp.members(&id).await, [ann]);
}
