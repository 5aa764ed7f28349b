//! One customer's first weeks: two identity providers, one Jira where 200 people work already. Adopt, plan, apply, repair
//! what drifted, follow a new address, stop a mass deactivation, approve a part of it, and say why.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use sandbox::state::{StateSnapshot, UserState};
use sandbox::{RunningSandbox, SimulatedSite as _};
use serde_json::{Value, json};
use store::entity::words::TaskState;
use store::testing::task_errors;
use tokio::net::TcpListener;

use crate::program::{Engine, Program};
use crate::tenant::{Tenant, text};

/// How long anything may take to show at the site.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_providers_take_over_a_site_with_people_on_postgresql() {
    tell(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_providers_take_over_a_site_with_people_on_sqlite() {
    tell(Engine::Sqlite).await;
}

/// An identity provider and its token.
struct Provider {
    connection: String,
    scim: String,
    token: String,
}

struct Story {
    program: Program,
    tenant: Tenant,
    jira: JiraDataCenter,
    site_url: String,
    _served: RunningSandbox,
}

fn name(number: usize) -> String {
    format!("u{number:03}")
}

fn names(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(name).collect()
}

impl Story {
    async fn begin(engine: Engine) -> Self {
        let jira = JiraDataCenter::new(Options::default());
        let served = sandbox::serve(&jira, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let program = Program::start(engine, &[]).await;
        let tenant = Tenant::register(&program, "acme").await;
        let story = Self { program, tenant, jira, site_url: served.base_url.clone(), _served: served };
        let origin = story.site_url.clone();
        for number in 1..=200 {
            story
                .at_site(&origin, "users", json!({"name": name(number), "display_name": name(number)}))
                .await;
        }
        let everybody: Vec<String> = (1..=200).map(name).collect();
        story.at_site(&origin, "groups", json!({"name": "jira-software-users", "members": everybody})).await;
        story
    }

    /// Changes the site behind our back.
    async fn at_site(&self, origin: &str, what: &str, change: Value) {
        let url = format!("{}/_sandbox/{what}", origin.trim_end_matches('/'));
        let answer = self.tenant.client.post(&url).json(&change).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
    }

    async fn api(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.tenant.api);
        let request = self.tenant.client.request(method.clone(), &url).bearer_auth(&self.tenant.key);
        let answer = request.json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {url}: {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn provider(&self, name: &str) -> Provider {
        let made = self.tenant.post("/connections", &json!({"name": name, "provider": "generic"})).await;
        let connection = text(&made, "id");
        let token =
            self.tenant.post(&format!("/connections/{connection}/tokens"), &json!({"name": "t"})).await;
        Provider { connection, scim: text(&made["scim"], "base_url"), token: text(&token, "token") }
    }

    async fn scim(&self, provider: &Provider, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", provider.scim);
        let request = self.tenant.client.request(method, &url).bearer_auth(&provider.token);
        let request = request.header("content-type", "application/scim+json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Provisions people, and a group of some of them. Returns the SCIM ids by number.
    async fn provision(
        &self,
        provider: &Provider,
        people: std::ops::RangeInclusive<usize>,
        user_name: impl Fn(usize) -> String,
        group: (&str, std::ops::RangeInclusive<usize>),
    ) -> Vec<(usize, String)> {
        let mut ids = Vec::new();
        for number in people {
            let user = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": user_name(number), "displayName": format!("Person {number}"), "active": true,
                "emails": [{"value": format!("{}@example.com", name(number)), "primary": true}],
            });
            ids.push((number, text(&self.scim(provider, Method::POST, "/Users", &user).await, "id")));
        }
        let members: Vec<Value> = ids
            .iter()
            .filter(|(number, _)| group.1.contains(number))
            .map(|(_, id)| json!({ "value": id }))
            .collect();
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": group.0, "members": members,
        });
        self.scim(provider, Method::POST, "/Groups", &group).await;
        ids
    }

    async fn set_active(&self, provider: &Provider, id: &str, active: bool) {
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": active}],
        });
        self.scim(provider, Method::PATCH, &format!("/Users/{id}"), &patch).await;
    }

    fn state(&self) -> StateSnapshot {
        self.jira.state()
    }

    fn account(&self, name: &str) -> UserState {
        let found = self.state().users.into_iter().find(|user| user.name == name);
        found.unwrap_or_else(|| panic!("no account {name}"))
    }

    fn members(&self, group: &str) -> BTreeSet<String> {
        let found = self.state().groups.into_iter().find(|found| found.name == group);
        found.map(|group| group.members.into_iter().collect()).unwrap_or_default()
    }

    fn inactive(&self) -> BTreeSet<String> {
        self.state().users.into_iter().filter(|user| !user.active).map(|user| user.name).collect()
    }

    /// Waits until nothing is marked that is not held.
    async fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let waiting = self.program.database.backlog_by_state().await.unwrap();
            if waiting.iter().all(|total| total.state == TaskState::Held || total.n == 0) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "left: {waiting:?}: {:?}",
                task_errors(&self.program.database).await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a run has ended, and returns it.
    async fn ended(&self, link: &str, run: &Value) -> Value {
        let path = format!("/links/{link}/runs/{}", text(run, "id"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let run = self.api(Method::GET, &path, &Value::Null).await;
            if run["status"] == "done" {
                return run;
            }
            assert!(Instant::now() < deadline, "{run}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn all_runs_ended(&self, link: &str) {
        let runs = self.api(Method::GET, &format!("/links/{link}/runs"), &Value::Null).await;
        for run in runs["items"].as_array().unwrap() {
            self.ended(link, run).await;
        }
        self.settle().await;
    }

    /// What is explained of a user at the one site.
    async fn explain(&self, user: &str, query: &str) -> Value {
        let path = format!("/users/{user}/explain{query}");
        self.api(Method::GET, &path, &Value::Null).await["sites"][0].clone()
    }
}

fn id_of(ids: &[(usize, String)], number: usize) -> String {
    ids.iter().find(|(known, _)| *known == number).unwrap().1.clone()
}

#[expect(clippy::too_many_lines, reason = "a story is told from its beginning to its end")]
async fn tell(engine: Engine) {
    let story = Story::begin(engine).await;
    let site = json!({
        "name": "Jira", "product": "jira-data-center", "base_url": story.site_url,
        "credentials": {"type": "bearer", "token": "sandbox-token"},
    });
    let site = text(&story.tenant.post("/sites", &site).await, "id");
    let hr = story.provider("HR").await;
    let partners = story.provider("Partners").await;
    let staff = story.provision(&hr, 1..=150, name, ("engineers", 1..=50)).await;
    let untouched = story.state();

    // Adopt and plan: the link is made disabled, and its plan tells what would happen to the people who are there.
    let link = json!({"connection_id": hr.connection, "site_id": site, "precedence": 10, "enabled": false});
    let link = text(&story.tenant.post("/links", &link).await, "id");
    let plan = story.api(Method::POST, &format!("/links/{link}/plan"), &json!({})).await;
    let summary = &plan["summary"];
    assert_eq!((&summary["adopted"], &summary["users"]), (&json!(150), &json!(150)));
    assert_eq!(summary["by_action"], json!({"ensure_group": 1, "add_member": 50, "update_account": 150}));
    assert_eq!(summary["held"], 0);
    let update =
        plan["changes"].as_array().unwrap().iter().find(|change| change["action"] == "update_account");
    assert_eq!(update.unwrap()["reason"], "The directory has other values than the site");
    let after_plan = story.state();
    assert_eq!(
        (&after_plan.users, &after_plan.groups),
        (&untouched.users, &untouched.groups),
        "a plan changes nothing"
    );

    // Apply: enabled, and run by the plan's digest.
    story.api(Method::PATCH, &format!("/links/{link}"), &json!({"enabled": true})).await;
    story.all_runs_ended(&link).await;
    assert_eq!(story.members("engineers"), names(1..=50));
    assert_eq!(story.account("u001").display_name, "Person 1");
    assert_eq!(story.state().users.len(), untouched.users.len(), "everybody was recognised");
    assert_eq!(story.members("jira-software-users").len(), 200, "what no link manages stays");
    let stale = story.tenant.client.post(format!("{}/links/{link}/runs", story.tenant.api));
    let stale = stale.bearer_auth(&story.tenant.key).json(&json!({"digest": plan["digest"]}));
    let stale = stale.send().await.unwrap();
    assert_eq!(stale.status(), 409, "the site has moved since");
    assert!(stale.text().await.unwrap().contains("what is known of the site"));

    // A second provider feeds the same site. Its people are recognised by their addresses.
    let guests = story
        .provision(&partners, 140..=199, |number| format!("partner.{number}"), ("sales", 140..=199))
        .await;
    let second = json!({
        "connection_id": partners.connection, "site_id": site, "precedence": 0, "enabled": false,
        "user_sync": {"match": ["id", "email"], "attributes": {
            "username": "(user.emails | first).value | split('@') | first",
        }},
    });
    let second = text(&story.tenant.post("/links", &second).await, "id");
    let plan = story.api(Method::POST, &format!("/links/{second}/plan"), &json!({})).await;
    // Eleven are HR's as well, which comes first: their accounts are known, and their names stay.
    assert_eq!(plan["summary"]["adopted"], 49);
    let by_action = json!({"ensure_group": 1, "add_member": 60, "update_account": 49});
    assert_eq!(plan["summary"]["by_action"], by_action, "{}", plan["summary"]);
    story.api(Method::PATCH, &format!("/links/{second}"), &json!({"enabled": true})).await;
    story.all_runs_ended(&second).await;
    assert_eq!(story.members("sales"), names(140..=199));
    assert_eq!(story.state().users.len(), untouched.users.len());
    let shared = story.explain(&id_of(&staff, 145), "?group=sales").await;
    assert_eq!(shared["account"]["claimed_by"].as_array().unwrap().len(), 2);
    assert_eq!(shared["group"]["reasons"], json!(["member of the directory group sales"]));
    assert_eq!(shared["group"]["link_ids"], json!([second]));
    let username = &shared["values"][1];
    assert_eq!(
        (&username["what"], &username["link_id"]),
        (&json!("username"), &json!(link)),
        "HR comes first"
    );

    // Drift: somebody changes the site by hand; a run finds and repairs it, and nothing else.
    let engineers: Vec<String> = names(2..=50).into_iter().collect();
    story.at_site(&story.site_url, "groups", json!({"name": "engineers", "members": engineers})).await;
    story.at_site(&story.site_url, "users", json!({"name": "u002", "active": false})).await;
    let run = story.api(Method::POST, &format!("/links/{link}/runs"), &json!({})).await;
    let run = story.ended(&link, &run).await;
    assert_eq!((&run["counts"]["changed"], &run["counts"]["failed"]), (&json!(2), &json!(0)), "{run}");
    assert_eq!(story.members("engineers"), names(1..=50));
    assert!(story.account("u002").active);

    // A new name and address: the same account follows.
    let before = story.account("u003");
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {
            "userName": "married", "emails": [{"value": "married@example.com", "primary": true}],
        }}],
    });
    let third = id_of(&staff, 3);
    story.scim(&hr, Method::PATCH, &format!("/Users/{third}"), &patch).await;
    story.settle().await;
    let married = story.account("married");
    assert_eq!((married.key, married.email.as_str()), (before.key, "married@example.com"));
    assert!(story.members("engineers").contains("married"), "and keeps its groups");

    // HR deactivates a hundred by accident: none of them loses access, and the others' work goes on.
    for number in 1..=100 {
        story.set_active(&hr, &id_of(&staff, number), false).await;
    }
    let newcomer = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "newcomer", "active": true,
        "emails": [{"value": "newcomer@example.com", "primary": true}],
    });
    story.scim(&hr, Method::POST, "/Users", &newcomer).await;
    story.settle().await;
    assert!(story.account("newcomer").active);
    let let_through = story.inactive();
    assert!(let_through.len() <= 15, "10 %, and not more: {let_through:?}");
    let held = story.api(Method::GET, &format!("/links/{link}/held?limit=200"), &Value::Null).await;
    let held: Vec<String> =
        held["items"].as_array().unwrap().iter().map(|item| text(item, "object_id")).collect();
    assert_eq!(held.len() + let_through.len(), 100);
    let why = story.explain(&held[0], "").await;
    assert_eq!(why["task"]["state"], "held");
    assert!(
        text(&why["task"], "reason").contains("would be deactivated or deleted within 24 hours"),
        "{why}"
    );
    assert_eq!(why["pending"][0]["action"], "deactivate");
    assert!(text(&why["pending"][0], "reason").contains("the user is inactive in the directory"));

    // Three of them have really left; two are a mistake that HR mends.
    let approve = json!({"object_ids": &held[..3]});
    let approved = story.api(Method::POST, &format!("/links/{link}/held/approve"), &approve).await;
    assert_eq!(approved["approved"], 3);
    let reject = json!({"object_ids": &held[3..5]});
    let rejected = story.api(Method::POST, &format!("/links/{link}/held/reject"), &reject).await;
    assert_eq!(rejected["rejected"], 2);
    story.settle().await;
    assert_eq!(story.inactive().len(), let_through.len() + 3);
    for id in &held {
        story.set_active(&hr, id, true).await;
    }
    story.settle().await;
    assert_eq!(story.inactive().len(), let_through.len(), "who is back may log in, whatever was decided");
    let left = story.api(Method::GET, &format!("/links/{link}/held"), &Value::Null).await;
    assert_eq!(left["items"], json!([]));

    // Whoever leaves one provider and is with the other stays, without what the first one gave.
    story.set_active(&hr, &id_of(&staff, 145), false).await;
    story.settle().await;
    assert!(story.account("u145").active);
    assert!(story.members("sales").contains("u145"));
    let stays = story.explain(&id_of(&guests, 145), "").await;
    assert_eq!(
        (&stays["values"][0]["value"], &stays["values"][0]["link_id"]),
        (&json!("active"), &json!(second))
    );
    let empty = story.api(Method::POST, &format!("/links/{link}/plan"), &json!({})).await;
    assert_eq!(empty["changes"], json!([]), "nothing is left to do");
}
