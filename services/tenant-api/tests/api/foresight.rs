//! What would be, and why it is so: plans, previews, explanations, and answers to what is held.

use serde_json::{Value, json};
use store::entity::words::TaskKind;
use store::tasks::TaskEnd;
use uuid::Uuid;

use crate::harness::{Api, text};
use crate::organization::{Organization, add_user, end_due_tasks};
use crate::scripted_rules::UNREACHABLE;

on_both!(
    a_plan_tries_settings_without_saving_them,
    a_run_given_a_digest_does_that_plan_or_none,
    a_site_that_does_not_answer_is_502,
    previews_show_real_users_and_groups,
    an_explanation_tells_account_and_task,
    what_is_held_is_answered_one_by_one,
    a_run_is_watched_and_stopped,
    a_site_is_planned_and_synchronized_link_by_link,
    a_schedule_is_kept_with_the_link,
    a_user_is_looked_at_on_demand,
);

async fn a_plan_tries_settings_without_saving_them(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let path = org.tenant.path(&format!("/links/{}/plan", org.link));
    let plan = async |body: Value| api.post(&path, body).by(&org.tenant.admin).send().await;
    let saved = plan(json!({})).await.expect(200);
    assert_eq!((&saved["changes"], &saved["truncated"]), (&json!([]), &json!(false)));
    let tried = plan(json!({"precedence": 7, "safety": {"window_hours": 48}})).await.expect(200);
    assert_eq!(tried["digest"], "0000000000000007-0000000000000030-0000000000000000");
    assert_eq!(plan(json!({})).await.expect(200)["digest"], saved["digest"], "nothing was saved");
    let wrong = plan(json!({"limit": 0, "user_sync": {"scope": "shoeSize eq 7"}})).await.expect(422);
    let fields: Vec<String> =
        wrong["errors"].as_array().unwrap().iter().map(|error| text(error, "field")).collect();
    assert_eq!(fields, ["limit", "user_sync.scope"]);
}

async fn a_run_given_a_digest_does_that_plan_or_none(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let link = org.tenant.path(&format!("/links/{}", org.link));
    let run = async |digest: &str| {
        api.post(&format!("{link}/runs"), json!({"digest": digest})).by(&org.tenant.admin).send().await
    };
    let plan = api.post(&format!("{link}/plan"), json!({})).by(&org.tenant.admin).send().await.expect(200);
    let digest = text(&plan, "digest");
    assert_eq!(text(&run(&digest).await.expect(202), "status"), "marking");
    let change = api.patch(&link, json!({"safety": {"window_hours": 48}})).by(&org.tenant.admin);
    change.send().await.expect(200);
    let refused = run(&digest).await.expect(409);
    let detail = text(&refused, "detail");
    assert!(detail.contains("the directory's users and groups") && detail.contains("anew"), "{detail}");
    let garbage = run("yesterday's").await.expect(422);
    assert_eq!(garbage["errors"][0]["field"], "digest");
}

async fn a_site_that_does_not_answer_is_502(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let path = org.tenant.path(&format!("/links/{}/plan", org.link));
    let failed = api.post(&path, json!({"precedence": UNREACHABLE})).by(&org.tenant.admin).send().await;
    assert_eq!(failed.expect(502)["title"], "Bad Gateway");
}

async fn previews_show_real_users_and_groups(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let link = org.tenant.path(&format!("/links/{}/preview", org.link));
    let groups = async |body: Value| {
        let call = api.post(&format!("{link}/groups"), body).by(&org.tenant.auditor);
        call.send().await.expect(200)["items"][0].clone()
    };
    let shown = groups(json!({})).await;
    assert_eq!((&shown["display_name"], &shown["site_groups"]), (&json!("Engineers"), &json!(["Engineers"])));
    let off = groups(json!({"group_sync": {"mode": "off"}})).await;
    assert_eq!((&off["site_groups"], &off["excluded"]), (&json!([]), &json!("group_sync.mode is off")));

    let path = format!("{link}/users/{}", org.user);
    let user = async |body: Value| api.post(&path, body).by(&org.tenant.auditor).send().await;
    let settings = json!({
        "scope": "displayName eq \"ada\"",
        "attributes": {"username": "user.userName ~ '.x'", "email": "user.nickName ~ '@x.test'"},
    });
    let shown = user(json!({ "user_sync": settings })).await.expect(200);
    assert_eq!((&shown["in_scope"], &shown["username"]), (&json!(true), &json!("ada.x")));
    let problem = "user_sync.attributes.email: the expression uses something that the user does not have";
    assert_eq!((&shown["email"], &shown["problems"]), (&Value::Null, &json!([problem])));
    let nobody = api.post(&format!("{link}/users/{}", Uuid::now_v7()), json!({}));
    nobody.by(&org.tenant.auditor).send().await.expect(404);
    let wrong = user(json!({"user_sync": {"attributes": {"email": "user."}}})).await;
    assert_eq!(wrong.expect(422)["errors"][0]["field"], "user_sync.attributes.email");
}

async fn an_explanation_tells_account_and_task(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let path = org.tenant.path(&format!("/users/{}/explain", org.user));
    let explain = async |query: &str| api.get(&format!("{path}{query}")).by(&org.tenant.auditor).send().await;
    let explained = explain("").await.expect(200);
    let site = &explained["sites"][0];
    assert_eq!((&site["site_id"], &site["link_id"]), (&json!(org.site), &json!(org.link)));
    assert_eq!((&site["account"], &site["task"]["state"]), (&Value::Null, &json!("ready")));
    assert_eq!(site.get("group"), None);
    let of_group = explain(&format!("?site_id={}&group=ops", org.site)).await.expect(200);
    assert_eq!(of_group["sites"][0]["group"]["reasons"], json!(["nothing leads to it"]));
    explain(&format!("?site_id={}", Uuid::now_v7())).await.expect(404);
    let nobody = org.tenant.path(&format!("/users/{}/explain", Uuid::now_v7()));
    api.get(&nobody).by(&org.tenant.auditor).send().await.expect(404);
}

async fn what_is_held_is_answered_one_by_one(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let store = api.tenant(&org.tenant.id);
    let mut users = vec![org.user.clone()];
    for name in ["bob", "eve"] {
        users.push(add_user(&store, &org.connection, name).await);
    }
    let reason = "too many".to_owned();
    end_due_tasks(&store, &org.site, |_| TaskEnd::Held { reason: reason.clone() }).await;
    let path = org.tenant.path(&format!("/links/{}/held", org.link));
    let held = async || {
        let shown = api.get(&path).by(&org.tenant.auditor).send().await.expect(200);
        let items = shown["items"].as_array().unwrap().clone();
        items
            .iter()
            .filter(|item| item["kind"] == "user")
            .map(|item| text(item, "object_id"))
            .collect::<Vec<_>>()
    };
    assert_eq!(held().await.len(), 3);
    let answer = async |answer: &str, ids: Value| {
        let call = api.post(&format!("{path}/{answer}"), json!({ "object_ids": ids }));
        call.by(&org.tenant.admin).send().await
    };
    assert_eq!(answer("approve", json!([users[0]])).await.expect(200)["approved"], 1);
    assert_eq!(answer("reject", json!([users[1]])).await.expect(200)["rejected"], 1);
    assert_eq!(held().await, [users[2].clone()]);
    assert_eq!(answer("approve", json!([users[1]])).await.expect(200)["approved"], 0, "it was turned down");
    answer("reject", json!([])).await.expect(422);
    let timeline = org.tenant.path(&format!("/users/{}/timeline", users[1]));
    let said = api.get(&timeline).by(&org.tenant.auditor).send().await.expect(200);
    let said = text(&said["items"][0], "summary");
    assert!(said.starts_with("Jira: Stays as it is: what was held was rejected by "), "{said}");
    let rest = api.post(&format!("{path}/reject"), json!({})).by(&org.tenant.admin).send().await.expect(200);
    assert_eq!((&rest["rejected"], held().await.len()), (&json!(2), 0), "the last user and the group");
}

async fn a_run_is_watched_and_stopped(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let run = org.tenant.path(&format!("/links/{}/runs/{}", org.link, org.run));
    let store = api.tenant(&org.tenant.id);
    // A page is marked, and then somebody stops it.
    while let Some(claimed) = api.store.claim_run(Uuid::now_v7(), std::time::Duration::ZERO).await.unwrap() {
        let after = store.runs().advance(&claimed).await.unwrap();
        if after.marked > 0 {
            break;
        }
    }
    let cancel = async || api.post(&format!("{run}/cancel"), json!({})).by(&org.tenant.admin).send().await;
    let stopped = cancel().await.expect(200);
    assert_eq!((&stopped["status"], &stopped["remaining"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(cancel().await.expect(200)["status"], "cancelled", "once more changes nothing");
    assert!(
        api.store
            .claim_run(Uuid::now_v7(), std::time::Duration::ZERO)
            .await
            .unwrap()
            .is_none_or(|other| other.id.to_string() != org.run)
    );
    let watched = api.get(&format!("{run}/events")).by(&org.tenant.auditor).send().await;
    let data = watched.text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    assert!(watched.text.starts_with("event: end\n"), "{}", watched.text);
    assert_eq!(serde_json::from_str::<Value>(data).unwrap()["id"], json!(org.run));
}

async fn a_schedule_is_kept_with_the_link(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let path = org.tenant.path(&format!("/links/{}", org.link));
    let change = async |schedule: Value| {
        api.patch(&path, json!({ "schedule": schedule })).by(&org.tenant.admin).send().await
    };
    let runs = async || {
        let list = api.get(&format!("{path}/runs")).by(&org.tenant.auditor).send().await.expect(200);
        list["items"].as_array().unwrap().len()
    };
    let before = runs().await;
    let link = change(json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})).await.expect(200);
    // The clock of the tests stands in winter, when Berlin is an hour ahead.
    assert!(text(&link, "next_run_at").contains("T01:30:00"), "{link}");
    assert_eq!(runs().await, before, "a schedule is no reason to look at everything now");
    let wrong = change(json!({"cron": "* * * * *", "timezone": "Nowhere"})).await.expect(422);
    let fields: Vec<String> =
        wrong["errors"].as_array().unwrap().iter().map(|error| text(error, "field")).collect();
    assert_eq!(fields, ["schedule.timezone", "schedule.cron"]);
    let none = change(json!({"cron": null})).await.expect(200);
    assert_eq!(
        (&none["next_run_at"], &none["schedule"]["timezone"]),
        (&Value::Null, &json!("Europe/Berlin"))
    );
}

async fn a_site_is_planned_and_synchronized_link_by_link(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let second = org.tenant.connection(&api, "Okta").await;
    let second = org.tenant.link(&api, &second, &org.site).await;
    let third = org.tenant.connection(&api, "Entra").await;
    let third = org.tenant.link(&api, &third, &org.site).await;
    let disabled = api.patch(&org.tenant.path(&format!("/links/{third}")), json!({"enabled": false}));
    disabled.by(&org.tenant.admin).send().await.expect(200);
    let site = org.tenant.path(&format!("/sites/{}", org.site));
    let planned = api.post(&format!("{site}/plan"), json!({})).by(&org.tenant.admin).send().await.expect(200);
    let of = |answer: &Value, list: &str| -> Vec<String> {
        answer[list].as_array().unwrap().iter().map(|one| text(one, "link_id")).collect()
    };
    assert_eq!(of(&planned, "plans"), [org.link.clone(), second.clone()]);
    assert!(planned["plans"][0]["digest"].is_string() && planned["plans"][0]["summary"].is_object());
    let begun = api.post(&format!("{site}/runs"), json!({})).by(&org.tenant.admin).send().await.expect(202);
    assert_eq!(of(&begun, "runs"), [org.link, second]);
    assert_eq!(begun["runs"][0]["status"], "marking");
}

async fn a_user_is_looked_at_on_demand(api: Api) {
    let org = Organization::new(&api, "acme").await;
    let store = api.tenant(&org.tenant.id);
    let later = store.now().plus(std::time::Duration::from_hours(5));
    let failed = |_: &_| TaskEnd::Retry { due_at: later, error: "the site was away".into(), counts: true };
    end_due_tasks(&store, &org.site, failed).await;
    let path = org.tenant.path(&format!("/users/{}/sync", org.user));
    let asked = api.post(&path, json!({})).by(&org.tenant.admin).send().await.expect(202);
    assert_eq!(asked["site_ids"], json!([org.site]));
    let tasks = store.tasks(org.site.parse().unwrap());
    let task = tasks.find(TaskKind::User, org.user.parse().unwrap()).await.unwrap().unwrap();
    assert!(task.verify && task.due_at == store.now(), "{task:?}");
    let nobody = org.tenant.path(&format!("/users/{}/sync", Uuid::now_v7()));
    api.post(&nobody, json!({})).by(&org.tenant.admin).send().await.expect(404);
}
