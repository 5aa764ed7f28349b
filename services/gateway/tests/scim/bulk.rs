//! Bulk (RFC 7644 §3.7): each operation as if it had been sent alone, and an answer that says what became
//! of each.

use std::time::Duration;

use http::StatusCode;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::{Value, json};

use crate::harness::{self, ENTERPRISE, Edge, Idp, PUBLIC_URL, bulk_request, group, on_both, patch_op, user};
use crate::outage::over_a_wire;
use crate::wait::until;

on_both!(
    users_and_groups_are_created_changed_and_deleted_in_one_request,
    a_reference_may_come_before_what_it_refers_to,
    groups_that_hold_each_other_get_all_their_members,
    a_circle_of_managers_is_a_conflict_and_hinders_nobody_else,
    what_refers_to_a_failure_or_to_nothing_is_a_conflict,
    fail_on_errors_ends_the_request_and_only_what_was_processed_is_told,
    a_version_is_honoured,
    what_is_no_target_fails_alone,
    too_many_operations_and_too_large_bodies_are_413,
    the_limits_are_advertised_and_the_greatest_request_is_served,
    another_directorys_resources_are_not_found,
    what_was_repaired_stands_in_the_timeline_of_each_resource,
    a_strict_connection_repairs_nothing,
    a_request_that_is_sent_again_makes_nobody_twice,
);

const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

impl Idp {
    /// The results of operations.
    async fn bulk(&self, operations: Value) -> Vec<Value> {
        self.bulk_of(bulk_request(operations)).await
    }

    async fn bulk_of(&self, body: Value) -> Vec<Value> {
        let body = self.post("/Bulk", body).await.ok();
        assert_eq!(body["schemas"], json!([BULK_RESPONSE]));
        let results = body["Operations"].as_array().unwrap().clone();
        for result in &results {
            let status: u16 = result["status"].as_str().unwrap().parse().unwrap();
            let failed = !(200..300).contains(&status);
            assert_eq!(result.get("response").is_some(), failed, "{result}");
            if failed {
                assert_eq!(result["response"]["status"], result["status"], "{result}");
                assert!(result["response"]["detail"].is_string(), "{result}");
            }
        }
        results
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
fn post(endpoint: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data})
}

fn post_user(name: &str) -> Value {
    post("/Users", name, user(&format!("{name}@acme.example")))
}

fn post_group(name: &str, members: &[&str]) -> Value {
    let references: Vec<String> = members.iter().map(|member| format!("bulkId:{member}")).collect();
    post("/Groups", name, group(name, &references.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

/// The id of what a result says was created.
fn id_of(result: &Value) -> String {
    result["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().copied().cloned().collect();
    ids.sort();
    ids
}

async fn users_and_groups_are_created_changed_and_deleted_in_one_request(edge: Edge) {
    let idp = edge.idp("acme").await;
    let (old, leaver) = (idp.user("old@acme.example").await, idp.user("leaver@acme.example").await);
    let results = idp
        .bulk(json!([
            post_user("ann"),
            post_group("Sales", &["ann"]),
            {"method": "PUT", "path": format!("/Users/{old}"), "data": user("renamed@acme.example")},
            {"method": "PATCH", "path": "/Groups/bulkId:Sales", "data": patch_op(json!([
                {"op": "add", "path": "members", "value": [{"value": old}]},
            ]))},
            {"method": "DELETE", "path": format!("/Users/{leaver}"), "bulkId": "gone"},
        ]))
        .await;
    assert_eq!(statuses(&results), ["201", "201", "200", "200", "204"]);
    let (ann, sales) = (id_of(&results[0]), id_of(&results[1]));
    assert_eq!(idp.members(&sales).await, sorted(&[&ann, &old]));
    assert_eq!(idp.get(&format!("/Users/{old}")).await.ok()["userName"], "renamed@acme.example");
    idp.get(&format!("/Users/{leaver}")).await.refused(404, "");

    let base = format!("{PUBLIC_URL}{}", idp.base());
    let created = json!({
        "location": format!("{base}/Users/{ann}"),
        "method": "POST",
        "bulkId": "ann",
        "version": idp.get(&format!("/Users/{ann}?excludedAttributes=groups")).await.header("etag"),
        "status": "201",
    });
    assert_eq!(results[0], created);
    assert_eq!(results[2]["location"], format!("{base}/Users/{old}"));
    assert_eq!(results[3]["version"], idp.get(&format!("/Groups/{sales}")).await.header("etag"));
    let deleted = json!({
        "location": format!("{base}/Users/{leaver}"),
        "method": "DELETE",
        "bulkId": "gone",
        "status": "204",
    });
    assert_eq!(results[4], deleted);
}

async fn a_reference_may_come_before_what_it_refers_to(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut report = user("report@acme.example");
    report[ENTERPRISE] = json!({"manager": {"value": "bulkId:boss"}});
    let results = idp
        .bulk(json!([
            post_group("Everyone", &["Sales", "report"]),
            post_group("Sales", &["boss"]),
            post("/Users", "report", report),
            post_user("boss"),
        ]))
        .await;
    // In the order of the request, whatever the order of the work.
    let names: Vec<&str> = results.iter().map(|result| result["bulkId"].as_str().unwrap()).collect();
    assert_eq!(names, ["Everyone", "Sales", "report", "boss"]);
    assert_eq!(statuses(&results), ["201"; 4]);
    let [everyone, sales, report, boss] = [0, 1, 2, 3].map(|index| id_of(&results[index]));
    assert_eq!(idp.members(&everyone).await, sorted(&[&sales, &report]));
    assert_eq!(idp.members(&sales).await, [boss.as_str()]);
    let report = idp.get(&format!("/Users/{report}")).await.ok();
    assert_eq!(report[ENTERPRISE]["manager"]["value"], boss.as_str());
}

async fn groups_that_hold_each_other_get_all_their_members(edge: Edge) {
    let idp = edge.idp("acme").await;
    let results =
        idp.bulk(json!([post_group("A", &["B", "ann"]), post_group("B", &["A"]), post_user("ann")])).await;
    assert_eq!(statuses(&results), ["201"; 3]);
    let [a, b, ann] = [0, 1, 2].map(|index| id_of(&results[index]));
    assert_eq!(idp.members(&a).await, sorted(&[&b, &ann]));
    assert_eq!(idp.members(&b).await, [a.as_str()]);
    for (result, id) in results.iter().zip([&a, &b]) {
        let etag = idp.get(&format!("/Groups/{id}")).await.header("etag").to_owned();
        assert_eq!(result["version"], etag, "the version after the members came");
    }
    // One of the two fails: the other is there without it, and its result says so.
    let broken = post("/Groups", "D", json!({"members": [{"value": "bulkId:C"}]}));
    let results = idp.bulk(json!([post_group("C", &["D"]), broken])).await;
    assert_eq!(statuses(&results), ["409", "400"]);
    let detail = results[0]["response"]["detail"].as_str().unwrap();
    assert_eq!(detail, "The group was created, but without some of its members: bulkId:D was not created");
    assert_eq!(idp.members(&id_of(&results[0])).await, Vec::<String>::new());
}

async fn a_circle_of_managers_is_a_conflict_and_hinders_nobody_else(edge: Edge) {
    let idp = edge.idp("acme").await;
    let managed = |name: &str, by: &str| {
        let mut person = user(&format!("{name}@acme.example"));
        person[ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{by}")}});
        post("/Users", name, person)
    };
    let results = idp
        .bulk(json!([
            managed("ann", "bob"),
            managed("bob", "ann"),
            post_group("G", &["ann"]),
            post_user("eve")
        ]))
        .await;
    assert_eq!(statuses(&results), ["409", "409", "409", "201"]);
    assert_eq!(results[0].get("location"), None);
    assert_eq!(idp.get("/Users").await.ids(), [id_of(&results[3])]);
    assert_eq!(idp.get("/Groups").await.ids(), Vec::<String>::new());
}

async fn what_refers_to_a_failure_or_to_nothing_is_a_conflict(edge: Edge) {
    let idp = edge.idp("acme").await;
    idp.user("ann@acme.example").await;
    let results = idp
        .bulk(json!([
            post_group("Sales", &["ann"]),
            post_user("ann"),
            post_group("Ghosts", &["casper"]),
            {"method": "DELETE", "path": "/Users/bulkId:ann"},
        ]))
        .await;
    assert_eq!(statuses(&results), ["409", "409", "409", "409"]);
    assert_eq!(results[1]["response"]["scimType"], "uniqueness");
    assert_eq!(results[0]["response"]["detail"], "bulkId:ann was not created");
    assert_eq!(results[2]["response"]["detail"], "No POST of this request has the bulkId \"casper\"");
    assert_eq!(results[3].get("location"), None);
    assert_eq!(idp.get("/Groups").await.ids(), Vec::<String>::new());
    let twice = bulk_request(json!([post_user("bob"), post_group("bob", &[])]));
    idp.post("/Bulk", twice).await.refused(400, "invalidValue");
    assert_eq!(idp.get("/Users").await.ids().len(), 1);
}

async fn fail_on_errors_ends_the_request_and_only_what_was_processed_is_told(edge: Edge) {
    let idp = edge.idp("acme").await;
    let operations = json!([
        post_user("ann"),
        {"method": "DELETE", "path": "/Users/nobody"},
        post_user("bob"),
        {"method": "DELETE", "path": "/Users/nobody"},
        post_user("eve"),
    ]);
    let mut body = bulk_request(operations);
    body["failOnErrors"] = json!(1);
    let results = idp.bulk_of(body.clone()).await;
    assert_eq!(statuses(&results), ["201", "404"]);
    body["failOnErrors"] = json!(2);
    body["Operations"][0] = post_user("ann2");
    let results = idp.bulk_of(body).await;
    assert_eq!(statuses(&results), ["201", "404", "201", "404"]);
    assert_eq!(idp.get("/Users").await.ids().len(), 3);

    // A group that was created without those that refer back to it is completed all the same.
    let mut body = bulk_request(json!([
        post_group("A", &["A", "B"]),
        {"method": "DELETE", "path": "/Users/nobody"},
        post_group("B", &["A"]),
    ]));
    body["failOnErrors"] = json!(1);
    let results = idp.bulk_of(body).await;
    assert_eq!(statuses(&results), ["201", "404", "201"]);
    let [a, b] = [0, 2].map(|index| id_of(&results[index]));
    assert_eq!(idp.members(&a).await, sorted(&[&a, &b]));
}

async fn a_version_is_honoured(edge: Edge) {
    let idp = edge.idp("acme").await;
    let id = idp.user("ann@acme.example").await;
    let path = format!("/Users/{id}");
    let version = idp.get(&path).await.header("etag").to_owned();
    let title = |title: &str, version: &str| {
        let operations = json!([{"op": "replace", "path": "title", "value": title}]);
        json!({"method": "PATCH", "path": path, "version": version, "data": patch_op(operations)})
    };
    let results = idp
        .bulk(json!([
            title("Chief", &version),
            title("Clerk", &version),
            title("Cook", "no\u{1f951}version"),
            {"method": "DELETE", "path": path, "version": version},
        ]))
        .await;
    assert_eq!(statuses(&results), ["200", "412", "412", "412"]);
    let now = idp.get(&path).await;
    assert_eq!(results[0]["version"], now.header("etag"));
    assert_eq!(now.ok()["title"], "Chief");
    let fresh = json!({"method": "DELETE", "path": path, "version": results[0]["version"]});
    assert_eq!(statuses(&idp.bulk(json!([fresh])).await), ["204"]);
}

async fn what_is_no_target_fails_alone(edge: Edge) {
    let idp = edge.idp("acme").await;
    let results = idp
        .bulk(json!([
            {"method": "GET", "path": "/Users"},
            post("/Bulk", "b", bulk_request(json!([post_user("mallory")]))),
            post("/Users/.search", "s", json!({})),
            {"method": "GET", "path": "/ServiceProviderConfig"},
            {"method": "PATCH", "path": "/Me", "data": {}},
            post("/Users", "u", json!({"schemas": [harness::USER]})),
            {"method": "POST", "path": "/Users", "data": user("no-bulk-id@acme.example")},
            {"method": "DELETE", "path": "/Users/%ZZ"},
            {"method": "DELETE", "path": "/Users/\u{1f951} \u{7f}"},
            17,
            post_user("ann"),
        ]))
        .await;
    let expected = ["400", "400", "400", "400", "400", "400", "400", "404", "404", "400", "201"];
    assert_eq!(statuses(&results), expected);
    assert_eq!(results[0]["method"], "GET");
    assert_eq!(results[5]["response"]["scimType"], "invalidValue");
    assert_eq!(idp.get("/Users").await.ids().len(), 1);
    for body in [json!([]), json!({}), bulk_request(json!([])), bulk_request(json!("all"))] {
        idp.post("/Bulk", body).await.refused(400, "invalidSyntax");
    }
}

async fn too_many_operations_and_too_large_bodies_are_413(edge: Edge) {
    let idp = edge.idp("acme").await;
    let many: Vec<Value> = (0..1_001).map(|n| post_user(&n.to_string())).collect();
    idp.post("/Bulk", bulk_request(Value::Array(many))).await.refused(413, "");
    let mut large = user("ann@acme.example");
    large["title"] = json!("x".repeat(4 * 1024 * 1024));
    idp.post("/Bulk", bulk_request(json!([post("/Users", "ann", large)]))).await.refused(413, "");
    assert_eq!(idp.get("/Users").await.ids(), Vec::<String>::new());
}

async fn the_limits_are_advertised_and_the_greatest_request_is_served(edge: Edge) {
    let idp = edge.idp("acme").await;
    let bulk = idp.get("/ServiceProviderConfig").await.ok()["bulk"].clone();
    let expected = json!({"supported": true, "maxOperations": 1_000, "maxPayloadSize": 4 * 1024 * 1024});
    assert_eq!(bulk, expected);
    let names: Vec<String> = (0..999).map(|n| format!("user{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut operations = vec![post_group("Everyone", &names)];
    operations.extend(names.iter().map(|name| post_user(name)));
    let results = idp.bulk(Value::Array(operations)).await;
    assert_eq!(statuses(&results), ["201"; 1_000]);
    assert_eq!(idp.members(&id_of(&results[0])).await.len(), 999);
}

async fn another_directorys_resources_are_not_found(edge: Edge) {
    let acme = edge.idp("acme").await;
    let sibling = edge.idp_of(acme.tenant, false).await;
    let globex = edge.idp("globex").await;
    for other in [&sibling, &globex] {
        let theirs = other.user("ann@example.com").await;
        let staff = other.group("Staff", &[&theirs]).await;
        let seen = async || other.get("/Users").await.text + &other.get("/Groups").await.text;
        let before = seen().await;
        let add = json!([{"op": "add", "path": "members", "value": [{"value": theirs}]}]);
        let results = acme
            .bulk(json!([
                {"method": "DELETE", "path": format!("/Users/{theirs}")},
                {"method": "PUT", "path": format!("/Users/{theirs}"), "data": user("mine@acme.example")},
                {"method": "PATCH", "path": format!("/Groups/{staff}"), "data": patch_op(add.clone())},
                {"method": "DELETE", "path": format!("/Groups/{staff}")},
            ]))
            .await;
        assert_eq!(statuses(&results), ["404"; 4]);
        assert_eq!(seen().await, before);
    }
}

async fn what_was_repaired_stands_in_the_timeline_of_each_resource(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut ann = user("ann@acme.example");
    ann["active"] = json!("False");
    let body = json!({"operations": [
        {"Method": "post", "Path": "Users", "bulkid": "ann", "Data": ann},
        {"method": "Patch", "path": "/Users/bulkId:ann", "data": {"Operations": [
            {"op": "Replace", "path": "active", "value": "True"},
        ]}},
    ]});
    let results = idp.bulk_of(body).await;
    assert_eq!(statuses(&results), ["201", "200"]);
    let id = id_of(&results[0]);
    assert_eq!(idp.get(&format!("/Users/{id}")).await.ok()["active"], true);
    let timeline = edge.store.tenant(idp.tenant).timeline();
    let entries = timeline.list(id.parse().unwrap(), None, 10).await.unwrap();
    let details: Vec<String> =
        entries.iter().map(|entry| entry.detail.clone().unwrap_or_default().to_string()).collect();
    assert_eq!(entries.len(), 2, "{details:?}");
    assert!(details[1].contains("the text \\\"False\\\" read as false"), "{details:?}");
    for said in ["op \\\"Replace\\\" read as replace", "the text \\\"True\\\" read as true"] {
        assert!(details[0].contains(said), "{details:?}");
    }
}

async fn a_strict_connection_repairs_nothing(edge: Edge) {
    let tenant = edge.store.tenants().insert("acme", "Acme").await.unwrap().id;
    let idp = edge.idp_of(tenant, true).await;
    idp.post("/Bulk", json!({"Operations": [post_user("ann")]})).await.refused(400, "invalidSyntax");
    let mut lower = post_user("ann");
    lower["method"] = json!("post");
    let results =
        idp.bulk(json!([lower, post_user("bob"), post("/Users", "eve", json!({"userName": "e"}))])).await;
    assert_eq!(statuses(&results), ["400", "201", "400"]);
}

async fn a_request_that_is_sent_again_makes_nobody_twice(edge: Edge) {
    let idp = edge.idp("acme").await;
    let gone = idp.user("gone@acme.example").await;
    let operations = json!([
        post_user("ann"),
        {"method": "PUT", "path": "/Users/bulkId:ann", "data": user("ann@acme.example")},
        {"method": "DELETE", "path": format!("/Users/{gone}")},
    ]);
    assert_eq!(statuses(&idp.bulk(operations.clone()).await), ["201", "200", "204"]);
    let before = idp.get("/Users").await.text;
    assert_eq!(statuses(&idp.bulk(operations).await), ["409", "409", "404"]);
    assert_eq!(idp.get("/Users").await.text, before);
}

/// The wire to the database is cut after some packets: each operation is told as done or as 503, and those
/// told as done are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_in_the_middle_leaves_an_answer_about_each_operation() {
    let edge = Edge::postgres().await;
    let idp = edge.idp("acme").await;
    let (wire, store) = over_a_wire(&edge).await;
    let (_, router) = harness::edge(store);
    let remote = Idp { router, ..idp.clone() };
    let mut halves = 0;
    for packets in [1, 8, 20, 40] {
        wire.mend();
        until("ready", || async { remote.get("/Users").await.status == StatusCode::OK }).await;
        wire.cut_after(packets);
        let names: Vec<String> = (0..6).map(|n| format!("user{packets}-{n}")).collect();
        let results = remote.bulk(names.iter().map(|name| post_user(name)).collect()).await;
        assert_eq!(results.len(), 6);
        for result in &results {
            match result["status"].as_str().unwrap() {
                "201" => {
                    idp.get(&format!("/Users/{}", id_of(result))).await.ok();
                }
                status => assert_eq!(status, "503", "{result}"),
            }
        }
        let done = results.iter().filter(|result| result["status"] == "201").count();
        halves += usize::from((1..6).contains(&done));
    }
    assert!(halves > 0, "no cut came in the middle");
}

/// A lock that nobody gives back: what was done, what hung and what was not begun are told apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_time_is_over_is_answered_with_what_was_done() {
    let edge = Edge::postgres().await;
    let idp = edge.idp("acme").await;
    let stuck = idp.user("stuck@acme.example").await;
    let mut elsewhere = edge.store.connect_again().await;
    let holder = elsewhere.connection_mut().begin().await.unwrap();
    holder.execute_unprepared("SELECT 1 FROM users FOR UPDATE").await.unwrap();
    let (_, router) = harness::edge_within(Duration::from_secs(5), (*edge.store).clone());
    let results = Idp { router, ..idp.clone() }
        .bulk(json!([
            post_user("ann"),
            {"method": "DELETE", "path": format!("/Users/{stuck}")},
            post_user("bob"),
        ]))
        .await;
    holder.rollback().await.unwrap();
    assert_eq!(statuses(&results), ["201", "503", "503"]);
    let detail = |index: usize| results[index]["response"]["detail"].as_str().unwrap();
    assert!(detail(1).contains("during this operation"), "{results:?}");
    assert!(detail(2).starts_with("Not begun"), "{results:?}");
    let ids = idp.get("/Users").await.ids();
    assert_eq!(ids, [stuck, id_of(&results[0])]);
}
