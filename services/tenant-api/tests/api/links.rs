//! Links: their settings, and the runs that bring a site to what a link asks of it.

use std::time::Duration;

use serde_json::{Value, json};
use store::entity::words::TaskKind;
use store::id::LinkId;
use uuid::Uuid;

use crate::harness::{Api, text};
use crate::organization::{Tenant, add_group, add_user};

on_both!(
    absent_settings_have_their_defaults,
    wrong_settings_are_refused_by_name,
    settings_are_merged_field_by_field,
    an_enabled_link_is_run_whenever_it_asks_for_something_else,
    the_run_of_a_new_link_marks_what_the_directory_holds_already,
    a_link_that_is_refused_asks_for_no_run,
);

struct Ends {
    tenant: Tenant,
    connection: String,
    site: String,
}

impl Ends {
    async fn new(api: &Api) -> Self {
        let tenant = Tenant::new(api, "acme").await;
        let connection = tenant.connection(api, "IDCS").await;
        let site = tenant.site(api, "Jira").await;
        Self { tenant, connection, site }
    }

    fn body(&self, more: Value) -> Value {
        let mut body = json!({"connection_id": self.connection, "site_id": self.site});
        let Value::Object(more) = more else { panic!("{more} is no object") };
        body.as_object_mut().unwrap().extend(more);
        body
    }

    /// Who asked for the link's runs, the oldest first.
    async fn runs(&self, api: &Api, link: &str) -> Vec<String> {
        let path = self.tenant.path(&format!("/links/{link}/runs"));
        let list = api.get(&path).by(&self.tenant.auditor).send().await.expect(200);
        let runs = list["items"].as_array().unwrap();
        runs.iter().rev().map(|run| text(run, "requested_by")).collect()
    }
}

async fn absent_settings_have_their_defaults(api: Api) {
    let ends = Ends::new(&api).await;
    let made = ends.tenant.make(&api, "/links", ends.body(json!({"safety": {"window_hours": 48}}))).await;
    assert_eq!((&made["precedence"], &made["enabled"]), (&json!(0), &json!(true)));
    assert_eq!(
        made["safety"],
        json!({
            "max_deactivations": 10, "max_deactivations_percent": 10,
            "max_withdrawals": 100, "max_withdrawals_percent": 20, "window_hours": 48,
            "more_windows": [{
                "hours": 168, "max_deactivations": 30, "max_deactivations_percent": 25,
                "max_withdrawals": 300, "max_withdrawals_percent": 50,
            }],
        })
    );
    let user_sync = &made["user_sync"];
    for on in ["create", "update", "reactivate"] {
        assert_eq!(user_sync[on], true, "{on}");
    }
    assert_eq!(user_sync["on_deprovision"], "deactivate");
    assert_eq!(user_sync["match"], json!(["id", "username", "email"]));
    let group_sync = &made["group_sync"];
    assert_eq!(group_sync["mode"], "on_the_fly");
    assert_eq!((&group_sync["create_missing"], &group_sync["keep_existing"]), (&json!(true), &json!(true)));
    let path = ends.tenant.path(&format!("/links/{}", text(&made, "id")));
    assert_eq!(api.get(&path).by(&ends.tenant.auditor).send().await.expect(200), made);
}

async fn wrong_settings_are_refused_by_name(api: Api) {
    let ends = Ends::new(&api).await;
    for (more, fields) in [
        (json!({"user_sync": {"craete": true}}), vec!["user_sync.craete"]),
        (json!({"user_sink": {}}), vec!["user_sink"]),
        (json!({"user_sync": {"create": "yes"}}), vec!["user_sync.create"]),
        (json!({"user_sync": []}), vec!["user_sync"]),
        (json!({"user_sync": {"on_deprovision": "explode"}}), vec!["user_sync.on_deprovision"]),
        (json!({"group_sync": {"include": ["^a", "(b"]}}), vec!["group_sync.include[1]"]),
        (
            json!({"group_sync": {"exclude": ["["]}, "safety": {"window_hours": 0}, "user_sync": {"x": 1}}),
            vec!["user_sync.x", "group_sync.exclude[0]", "safety.window_hours"],
        ),
        (json!({"precedence": "high"}), vec!["precedence"]),
        (
            json!({"connection_id": Uuid::now_v7(), "site_id": Uuid::now_v7()}),
            vec!["connection_id", "site_id"],
        ),
    ] {
        let path = ends.tenant.path("/links");
        let refused = api.post(&path, ends.body(more.clone())).by(&ends.tenant.admin).send().await;
        assert_eq!(refused.fields(422), fields, "{more}");
    }
}

async fn settings_are_merged_field_by_field(api: Api) {
    let ends = Ends::new(&api).await;
    let body = ends.body(json!({
        "user_sync": {"update": false},
        "group_sync": {"include": ["^a"], "protected": ["site-owners"]},
    }));
    let made = ends.tenant.make(&api, "/links", body.clone()).await;
    let path = ends.tenant.path(&format!("/links/{}", text(&made, "id")));
    let change = json!({"group_sync": {"include": ["^b"], "protected": null}, "precedence": 7});
    let edited = api.patch(&path, change).by(&ends.tenant.admin).send().await.expect(200);
    assert_eq!(edited["user_sync"]["update"], false, "what is not named stays");
    assert_eq!(edited["group_sync"]["include"], json!(["^b"]), "a list is replaced");
    assert_eq!(edited["group_sync"]["protected"], json!([]), "null is the default");
    assert_eq!(edited["precedence"], 7);
    let bad = json!({"group_sync": {"include": ["("]}});
    let refused = api.patch(&path, bad).by(&ends.tenant.admin).send().await;
    assert_eq!(refused.fields(422), ["group_sync.include[0]"]);
    let again = api.post(&ends.tenant.path("/links"), body).by(&ends.tenant.admin).send().await;
    again.expect(409);
}

async fn an_enabled_link_is_run_whenever_it_asks_for_something_else(api: Api) {
    let ends = Ends::new(&api).await;
    let made = ends.tenant.make(&api, "/links", ends.body(json!({"enabled": false}))).await;
    let link = text(&made, "id");
    let path = ends.tenant.path(&format!("/links/{link}"));
    let mut expected: Vec<&str> = Vec::new();
    for (change, run) in [
        (json!({"precedence": 2}), None),
        (json!({"enabled": true}), Some("link changed")),
        (json!({}), None),
        (json!({"enabled": true, "precedence": 2}), None),
        (json!({"precedence": 3}), Some("link changed")),
        (json!({"user_sync": {"create": false}}), Some("link changed")),
        (json!({"user_sync": {"create": false}}), None),
        (json!({"enabled": false}), None),
        (json!({"user_sync": {"create": true}}), None),
    ] {
        api.patch(&path, change.clone()).by(&ends.tenant.admin).send().await.expect(200);
        expected.extend(run);
        assert_eq!(ends.runs(&api, &link).await, expected, "{change}");
    }
}

async fn the_run_of_a_new_link_marks_what_the_directory_holds_already(api: Api) {
    let ends = Ends::new(&api).await;
    let store = api.tenant(&ends.tenant.id);
    let user = add_user(&store, &ends.connection, "ada").await;
    let group = add_group(&store, &ends.connection, "Engineers", &[&user]).await;
    let tasks = store.tasks(ends.site.parse().unwrap());
    let marked = async || {
        let user = tasks.find(TaskKind::User, user.parse().unwrap()).await.unwrap();
        let group = tasks.find(TaskKind::Group, group.parse().unwrap()).await.unwrap();
        (user.is_some(), group.is_some())
    };
    assert_eq!(marked().await, (false, false), "nothing feeds the site yet");

    let link = ends.tenant.link(&api, &ends.connection, &ends.site).await;
    assert_eq!(ends.runs(&api, &link).await, ["link created"]);
    let worker = Uuid::now_v7();
    let mut turns = 0;
    while marked().await != (true, true) {
        let run = api.store.claim_run(worker, Duration::from_mins(1)).await.unwrap().expect("a run to do");
        assert_eq!(run.link_id, link.parse::<LinkId>().unwrap());
        store.runs().advance(&run).await.unwrap();
        turns += 1;
        assert!(turns < 10, "the run marks page by page and comes to an end");
    }
}

async fn a_link_that_is_refused_asks_for_no_run(api: Api) {
    let ends = Ends::new(&api).await;
    let link = ends.tenant.link(&api, &ends.connection, &ends.site).await;
    let path = ends.tenant.path("/links");
    api.post(&path, ends.body(json!({"precedence": 9}))).by(&ends.tenant.admin).send().await.expect(409);
    let stale = api.patch(&format!("{path}/{link}"), json!({"precedence": 9})).by(&ends.tenant.admin);
    stale.header("if-match", "W/\"9\"").send().await.expect(412);
    assert_eq!(ends.runs(&api, &link).await, ["link created"]);
}
