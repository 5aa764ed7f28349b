//! Lists with cursors, edits with versions, and what became of users, groups and runs.

use std::time::Duration;

use serde_json::{Value, json};
use store::tasks::TaskEnd;
use uuid::Uuid;

use crate::harness::{Api, OPERATOR, text};
use crate::organization::{Organization, Tenant, add_group, add_user, end_due_tasks};

on_both!(
    every_list_pages_without_loss_or_repetition,
    an_edit_needs_the_version_that_it_is_based_on,
    one_of_two_edits_of_the_same_version_wins,
    a_run_tells_how_far_it_is,
    held_work_waits_until_it_is_approved,
    users_and_groups_show_what_the_provider_sent,
    parked_members_are_counted_and_listed_until_they_arrive,
);

/// All items of a list, read in pages of `limit`.
async fn pages(api: &Api, path: &str, credential: &str, limit: usize) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = format!("{path}{separator}limit={limit}{cursor}");
        let page = api.get(&page).by(credential).send().await.expect(200);
        let page_items = page["items"].as_array().unwrap();
        assert!(page_items.len() <= limit, "{path}: a page is never longer than asked for");
        items.extend(page_items.iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return items };
        assert_eq!(page_items.len(), limit, "{path}: only the last page is short");
        cursor = format!("&cursor={next}");
        assert!(items.len() < 100, "{path}: paging comes to an end");
    }
}

async fn every_list_pages_without_loss_or_repetition(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let (tenant, connection) = (&organization.tenant, &organization.connection);
    let store = api.tenant(&tenant.id);
    let mut waiting = Vec::new();
    for number in 0..4 {
        Tenant::new(&api, &format!("tenant-{number}")).await;
        let other = tenant.connection(&api, "Another").await;
        let site = tenant.site(&api, "Another").await;
        tenant.link(&api, &other, &site).await;
        add_user(&store, connection, &format!("user-{number}")).await;
        add_group(&store, connection, "Same name", &[]).await;
        waiting.push(format!("Wäits, {number}"));
        let runs = tenant.path(&format!("/links/{}/runs", organization.link));
        api.post(&runs, json!({})).by(&tenant.owner).send().await.expect(202);
        let edit = json!({"members": number});
        let users = store.users(connection.parse().unwrap());
        let write = store::users::UserWrite { document: edit, summary: "Changed".into(), detail: None };
        let write = |current: &store::entity::user::Model| {
            let mut write = write.clone();
            write.document["userName"] = current.document["userName"].clone();
            Ok::<_, std::convert::Infallible>(write)
        };
        let context = store::directory::WriteContext::default();
        users.modify(organization.user.parse().unwrap(), &context, write).await.unwrap();
    }
    let names: Vec<&str> = waiting.iter().map(String::as_str).collect();
    let awaiting = add_group(&store, connection, "Same name", &names).await;
    let refused = |_: &_| TaskEnd::Held { reason: "over the threshold".into() };
    assert_eq!(end_due_tasks(&store, &organization.site, refused).await, 11);

    let (link, run, user) = (&organization.link, &organization.run, &organization.user);
    let by_id = [
        ("/v1/tenants".to_owned(), 5),
        (tenant.path("/connections"), 5),
        (tenant.path("/sites"), 5),
        (tenant.path("/links"), 5),
        (tenant.path("/audit"), 20),
        (tenant.path(&format!("/users?connection_id={connection}")), 5),
        (tenant.path(&format!("/groups?connection_id={connection}")), 5),
        (tenant.path(&format!("/groups?connection_id={connection}&display_name=same%20NAME")), 4),
        (tenant.path(&format!("/groups/{awaiting}/parked-members")), 4),
        (tenant.path(&format!("/links/{link}/runs")), 6),
        (tenant.path(&format!("/users/{user}/timeline")), 5),
        (tenant.path(&format!("/links/{link}/held")), 10),
    ];
    for (path, least) in by_id {
        // What the operator does is noted in what is listed here.
        let by = if path == "/v1/tenants" { OPERATOR } else { &tenant.owner };
        let whole = pages(&api, &path, by, 1000).await;
        assert!(whole.len() >= least, "{path} has {} items", whole.len());
        for limit in [1, 2, 3] {
            assert_eq!(pages(&api, &path, by, limit).await, whole, "{path} in pages of {limit}");
        }
    }
    let results = tenant.path(&format!("/runs/{run}/results"));
    assert_eq!(pages(&api, &results, &tenant.owner, 2).await, Vec::<Value>::new());
    for query in ["limit=0", "limit=1001", "limit=many", "cursor=not-one", "page=2"] {
        let path = format!("{}?{query}", tenant.path("/connections"));
        api.get(&path).by(&tenant.auditor).send().await.expect(400);
    }
}

async fn an_edit_needs_the_version_that_it_is_based_on(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let tenant = &organization.tenant;
    for (path, body) in [
        (format!("/connections/{}", organization.connection), json!({"name": "New name"})),
        (format!("/sites/{}", organization.site), json!({"name": "New name"})),
        (format!("/links/{}", organization.link), json!({"precedence": 5})),
    ] {
        let path = tenant.path(&path);
        let first = api.get(&path).by(&tenant.auditor).send().await;
        let first = first.header("etag").to_owned();
        assert_eq!(first, "W/\"1\"", "{path}");
        let edit = || api.patch(&path, body.clone()).by(&tenant.admin);
        let edited = edit().header("if-match", &first).send().await;
        assert_eq!(edited.header("etag"), "W/\"2\"", "{path}");
        let edited = edited.expect(200);
        edit().header("if-match", &first).send().await.expect(412);
        edit().header("if-match", "garbage").send().await.expect(412);
        let now = api.get(&path).by(&tenant.auditor).send().await;
        assert_eq!(now.header("etag"), "W/\"2\"", "{path}: a refused edit leaves no trace");
        assert_eq!(now.body["updated_at"], edited["updated_at"]);
        edit().header("if-match", "\"1\", W/\"2\"").send().await.expect(200);
        edit().header("if-match", "*").send().await.expect(200);
        assert_eq!(edit().send().await.header("etag"), "W/\"5\"");
    }
}

async fn one_of_two_edits_of_the_same_version_wins(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let tenant = &organization.tenant;
    let path = tenant.path(&format!("/connections/{}", organization.connection));
    for version in 1..=5 {
        let edit = |name: &str| {
            let call = api.patch(&path, json!({"name": name})).by(&tenant.admin);
            call.header("if-match", &format!("W/\"{version}\"")).send()
        };
        let (one, other) = tokio::join!(edit("one"), edit("other"));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}

async fn a_run_tells_how_far_it_is(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let (tenant, link) = (&organization.tenant, &organization.link);
    let store = api.tenant(&tenant.id);
    let runs = tenant.path(&format!("/links/{link}/runs"));
    let asked = api.post(&runs, json!({})).by(&tenant.admin).send().await.expect(202);
    assert_eq!(asked["status"], "marking");
    let id = text(&asked, "id");
    // The older runs of the link are out of the way, so that this one's marks are the last.
    let worker = Uuid::now_v7();
    let work = async || {
        for _ in 0..30 {
            let Some(run) = api.store.claim_run(worker, Duration::from_mins(10)).await.unwrap() else {
                return;
            };
            store.runs().advance(&run).await.unwrap();
        }
        panic!("the runs come to an end");
    };
    work().await;
    let path = format!("{runs}/{id}");
    let working = api.get(&path).by(&tenant.auditor).send().await.expect(200);
    assert_eq!((&working["status"], &working["marked"]), (&json!("working"), &json!(2)));
    assert_eq!((&working["remaining"], &working["eta_seconds"]), (&json!(2), &Value::Null));
    assert!(text(&working, "requested_by").starts_with("key:"));

    assert_eq!(end_due_tasks(&store, &organization.site, |_| TaskEnd::Finished).await, 2);
    let after = api.get(&path).by(&tenant.auditor).send().await.expect(200);
    assert_eq!((&after["remaining"], &after["counts"]["held"]), (&json!(0), &json!(2)));
    let everywhere = tenant.path(&format!("/runs/{id}"));
    assert_eq!(api.get(&everywhere).by(&tenant.auditor).send().await.expect(200), after);

    let results = pages(&api, &format!("{path}/results"), &tenant.auditor, 1).await;
    let kinds: std::collections::BTreeSet<_> =
        results.iter().map(|result| text(result, "object_kind")).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["group", "user"]);
    assert_eq!(pages(&api, &format!("{everywhere}/results"), &tenant.auditor, 9).await, results);

    let other = tenant.connection(&api, "Okta").await;
    let other = tenant.link(&api, &other, &organization.site).await;
    let path = tenant.path(&format!("/links/{other}/runs/{id}"));
    api.get(&path).by(&tenant.auditor).send().await.expect(404);
    api.get(&format!("{path}/results")).by(&tenant.auditor).send().await.expect(404);
}

async fn held_work_waits_until_it_is_approved(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let (tenant, link, site) = (&organization.tenant, &organization.link, &organization.site);
    let store = api.tenant(&tenant.id);
    let hold = |_: &_| TaskEnd::Held { reason: "over the threshold".into() };
    assert_eq!(end_due_tasks(&store, site, hold).await, 2);
    let path = tenant.path(&format!("/links/{link}/held"));
    let list = api.get(&path).by(&tenant.auditor).send().await.expect(200);
    let waiting = list["items"].as_array().unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|task| task["reason"] == "over the threshold" && task["site_id"] == **site));
    assert_eq!(end_due_tasks(&store, site, hold).await, 0, "nobody claims what is held");
    let shown = api.get(&tenant.path(&format!("/sites/{site}"))).by(&tenant.auditor).send().await;
    assert_eq!(shown.expect(200)["backlog"]["held"], 2);

    let approve = format!("{path}/approve");
    let answer = api.call("POST", &approve).by(&tenant.admin).send().await.expect(200);
    assert_eq!(answer, json!({"approved": 2}));
    let approved = |task: &store::entity::task::Model| {
        assert!(task.approved);
        TaskEnd::Finished
    };
    assert_eq!(end_due_tasks(&store, site, approved).await, 2);
    let again = api.call("POST", &approve).by(&tenant.admin).send().await.expect(200);
    assert_eq!(again, json!({"approved": 0}));
}

async fn users_and_groups_show_what_the_provider_sent(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let (tenant, connection) = (&organization.tenant, &organization.connection);
    let read = async |path: &str| api.get(&tenant.path(path)).by(&tenant.auditor).send().await.expect(200);
    let users = read(&format!("/users?connection_id={connection}&user_name=ADA")).await;
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    let user = &users["items"][0];
    assert_eq!(
        (&user["user_name"], &user["display_name"], &user["external_id"], &user["active"]),
        (&json!("ada"), &json!("ADA"), &json!("ada"), &json!(true))
    );
    let nobody = read(&format!("/users?connection_id={connection}&user_name=nobody")).await;
    assert_eq!(nobody["items"], json!([]));
    let shown = read(&format!("/users/{}", organization.user)).await;
    assert_eq!((&shown["user_name"], &shown["sites"]), (&json!("ada"), &json!([])));
    let group = read(&format!("/groups/{}", organization.group)).await;
    assert_eq!((&group["display_name"], &group["connection_id"]), (&json!("Engineers"), &json!(connection)));
    for object in ["users", "groups"] {
        let id = if object == "users" { &organization.user } else { &organization.group };
        let timeline = read(&format!("/{object}/{id}/timeline")).await;
        let entries = timeline["items"].as_array().unwrap();
        let created = entries.last().unwrap();
        assert!(text(created, "summary").starts_with("Created"), "{created}");
        assert_eq!(created["kind"], "request");
        assert_eq!(
            (&created["request_id"], &created["connection_id"]),
            (&json!("a-request"), &json!(connection))
        );
        let other = if object == "users" { &organization.group } else { &organization.user };
        let path = tenant.path(&format!("/{object}/{other}/timeline"));
        api.get(&path).by(&tenant.auditor).send().await.expect(404);
    }
    let query = tenant.path("/users");
    api.get(&query).by(&tenant.auditor).send().await.expect(400);
}

async fn parked_members_are_counted_and_listed_until_they_arrive(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let (tenant, connection) = (&organization.tenant, &organization.connection);
    let store = api.tenant(&tenant.id);
    let group =
        add_group(&store, connection, "Staff", &[&organization.user, "bob", "Carl@acme.example"]).await;
    let read = async |path: &str| api.get(&tenant.path(path)).by(&tenant.auditor).send().await.expect(200);
    let shown = read(&format!("/groups/{group}")).await;
    assert_eq!((&shown["display_name"], &shown["parked_members"]), (&json!("Staff"), &json!(2)));
    let list = read(&format!("/groups/{group}/parked-members")).await;
    let values: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|item| &item["value"]).collect();
    assert_eq!(values.len(), 2);
    assert!(values.contains(&&json!("bob")) && values.contains(&&json!("Carl@acme.example")), "{list}");
    assert_eq!(list["items"][0]["since"], shown["created_at"]);
    add_user(&store, connection, "bob").await;
    add_user(&store, connection, "carl@acme.example").await;
    assert_eq!(read(&format!("/groups/{group}")).await["parked_members"], 0);
    let list = read(&format!("/groups/{group}/parked-members")).await;
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
    for cursor in ["zz", "00", "ff"] {
        let path = tenant.path(&format!("/groups/{group}/parked-members?cursor={cursor}"));
        api.get(&path).by(&tenant.auditor).send().await.expect(400);
    }
    let nowhere = tenant.path(&format!("/groups/{}/parked-members", organization.user));
    api.get(&nowhere).by(&tenant.auditor).send().await.expect(404);
}
