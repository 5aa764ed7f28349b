//! Whose an account is: the ledger, its corrections, and conflicts between directories.

use std::time::Duration;

use serde_json::{Value, json};
use store::accounts::{Acquired, Conclusion, Observation};
use store::entity::words::{RunOutcome, TaskKind};
use store::id::{SiteId, UserId};
use store::tasks::TaskEnd;
use uuid::Uuid;

use crate::harness::{Answer, Api, text};
use crate::organization::{Organization, add_user, claim};

on_both!(
    the_ledger_is_searched_and_paged,
    a_user_is_relinked_and_the_log_says_by_whom,
    a_relinking_that_cannot_be_is_refused_with_the_reason,
    accounts_are_merged_and_split,
    a_name_is_refused_where_accounts_go_by_address,
    a_conflict_is_shown_with_its_answers_and_answered,
    conflicts_are_confirmed_together,
);

struct Ledger<'a> {
    api: &'a Api,
    org: Organization,
}

impl Ledger<'_> {
    fn path(&self, rest: &str) -> String {
        self.org.tenant.path(&format!("/sites/{}{rest}", self.org.site))
    }

    async fn get(&self, rest: &str) -> Value {
        self.api.get(&self.path(rest)).by(&self.org.tenant.auditor).send().await.expect(200)
    }

    async fn call(&self, method: &str, rest: &str, body: Value) -> Answer {
        self.api.call(method, &self.path(rest)).json(body).by(&self.org.tenant.admin).send().await
    }

    /// Names of the accounts that a search finds.
    async fn found(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("/accounts?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|account| text(account, "username")).collect()
    }

    /// What work writes down of a user whose account it has seen, and of whom it is not sure.
    async fn conclude(&self, user: &str, doubt: Option<&str>) {
        let store = self.api.tenant(&self.org.tenant.id);
        let site: SiteId = self.org.site.parse().unwrap();
        let user: UserId = user.parse().unwrap();
        let (accounts, tasks) = (store.accounts(site), store.tasks(site));
        let connection = accounts.claim_of(user).await.unwrap().unwrap().connection_id;
        tasks.look_at(connection, user).await.unwrap();
        tasks.claim(Uuid::now_v7(), Duration::from_mins(1), 1_000).await.unwrap();
        let task = tasks.find(TaskKind::User, user.0).await.unwrap().unwrap();
        let acquired = accounts.acquire(user, connection, None, Duration::from_mins(1)).await.unwrap();
        let Acquired::Held(held) = acquired else { panic!("{acquired:?}") };
        let name = held.account.username.clone();
        let conclusion = Conclusion {
            observation: Observation::Present {
                key: format!("key of {name}"),
                username: name.clone(),
                display_name: name.to_uppercase(),
                email: Some(format!("{name}@Example.com")),
                active: true,
            },
            in_doubt: false,
            confirmed: vec!["team".to_owned()],
            dropped: vec![],
            released_claims: vec![],
            doubts: doubt.map(|doubt| (user, Some(doubt.to_owned()))).into_iter().collect(),
            entries: vec![],
            outcome: RunOutcome::Changed,
            detail: json!({}),
            end: TaskEnd::Finished,
        };
        accounts.conclude(&held, &task, conclusion).await.unwrap();
    }

    async fn last_change(&self) -> Value {
        let path = self.org.tenant.path("/audit?limit=1");
        let audit = self.api.get(&path).by(&self.org.tenant.owner).send().await.expect(200);
        audit["items"][0].clone()
    }
}

async fn ledger(api: &Api) -> Ledger<'_> {
    Ledger { api, org: Organization::at_work(api, "acme").await }
}

async fn the_ledger_is_searched_and_paged(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    let store = api.tenant(&org.tenant.id);
    for name in ["a_b", "axb", "Zoé"] {
        let user = add_user(&store, &org.connection, name).await;
        claim(&store, &org.site, &org.connection, &user, name).await;
    }
    ledger.conclude(&org.user, None).await;
    assert_eq!(ledger.found("username=A").await, ["ada", "a_b", "axb"]);
    assert_eq!(ledger.found("username=a_").await, ["a_b"], "no wildcard");
    assert_eq!(ledger.found("username=%25").await, [""; 0]);
    assert_eq!(ledger.found("username=zO%C3%89").await, ["Zoé"]);
    assert_eq!(ledger.found("email=ADA%40example.com").await, ["ada"]);
    assert_eq!(ledger.found("key=key+of+ada").await, ["ada"]);
    for query in ["key=a%00b", "email=a%00b", "username=a%00b"] {
        assert_eq!(ledger.found(query).await, [""; 0], "{query}");
    }
    assert_eq!(ledger.found("claimed=false").await, [""; 0]);
    assert_eq!(ledger.found("claimed=true").await.len(), 5);
    let first = ledger.get("/accounts?limit=3").await;
    let rest = ledger.get(&format!("/accounts?limit=3&cursor={}", text(&first, "next_cursor"))).await;
    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (3, 2));
    assert_eq!(rest["next_cursor"], Value::Null);
    let ada = ledger.get(&format!("/accounts/{}", org.account)).await;
    assert_eq!((&ada["key"], &ada["groups"]), (&json!("key of ada"), &json!(["team"])));
    assert_eq!(ada["claimed_by"].as_array().unwrap().len(), 2);
}

async fn a_user_is_relinked_and_the_log_says_by_whom(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    ledger.conclude(&org.user, None).await;
    let path = format!("/users/{}/account", org.user);
    let body = json!({"username": "countess", "keep_username": true});
    let done = ledger.call("put", &path, body).await.expect(200);
    let (account, left) = (&done["account"], &done["left"]);
    assert_eq!((&account["username"], &account["key"]), (&json!("countess"), &json!("key of countess")));
    assert_eq!(account["claimed_by"][0]["given_name"], "countess");
    assert_eq!(
        (&left["username"], &left["groups"]),
        (&json!("ada"), &json!(["team"])),
        "who is told what stays"
    );
    assert_eq!(done["released_user_ids"], json!([]));
    let change = ledger.last_change().await;
    assert_eq!((&change["action"], &change["object_id"]), (&json!("account.relink"), &json!(org.user)));
    assert_eq!(change["detail"]["account_id"], account["id"]);
    let task = api.tenant(&org.tenant.id).tasks(org.site.parse().unwrap());
    let task = task.find(TaskKind::User, org.user.parse().unwrap()).await.unwrap().unwrap();
    assert!(task.verify, "the user is looked at anew");
}

async fn a_relinking_that_cannot_be_is_refused_with_the_reason(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    let path = format!("/users/{}/account", org.user);
    let refused = async |body: Value, status: u16| ledger.call("put", &path, body).await.expect(status);
    for body in [json!({}), json!({"username": " "}), json!({"username": "a", "account_id": org.account})] {
        assert_eq!(refused(body, 422).await["errors"][0]["field"], "account_id");
    }
    assert_eq!(refused(json!({"username": "nobody"}), 422).await["errors"][0]["field"], "username");
    refused(json!({"account_id": Uuid::now_v7()}), 404).await;
    // A colleague has it.
    let store = api.tenant(&org.tenant.id);
    let bob = add_user(&store, &org.connection, "bob").await;
    let account = claim(&store, &org.site, &org.connection, &bob, "bob").await;
    let problem = refused(json!({"account_id": account}), 409).await;
    assert!(text(&problem, "detail").contains("Another user of the same directory"), "{problem}");
    let done = refused(json!({"account_id": account, "take_over": true}), 200).await;
    assert_eq!(done["released_user_ids"], json!([bob]));
    // Of a directory that does not lead there.
    let elsewhere = org.tenant.connection(&api, "Unlinked").await;
    let stranger = add_user(&store, &elsewhere, "stranger").await;
    let path = format!("/users/{stranger}/account");
    ledger.call("put", &path, json!({"account_id": account})).await.expect(404);
}

async fn accounts_are_merged_and_split(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    let store = api.tenant(&org.tenant.id);
    let bob = add_user(&store, &org.connection, "bob").await;
    let into = claim(&store, &org.site, &org.connection, &bob, "bob").await;
    let merge = format!("/accounts/{into}/merge");
    let itself = ledger.call("post", &merge, json!({"from": into})).await.expect(422);
    assert_eq!(itself["errors"][0]["field"], "from");
    let colleagues = ledger.call("post", &merge, json!({"from": org.account})).await.expect(409);
    assert!(text(&colleagues, "detail").contains("never has two users"), "{colleagues}");
    let done = ledger.call("post", &merge, json!({"from": org.spare_account})).await.expect(200);
    assert_eq!(done["account"]["claimed_by"].as_array().unwrap().len(), 2);
    assert_eq!(ledger.last_change().await["action"], "account.merge");

    let split = format!("/users/{bob}/split");
    let taken = ledger.call("post", &split, json!({"username": "ada"})).await.expect(409);
    assert!(text(&taken, "detail").contains("has that user name"), "{taken}");
    let done = ledger.call("post", &split, json!({"username": "bob2"})).await.expect(200);
    assert_eq!(done["released_user_ids"], json!([bob]));
    assert_eq!(done["account"]["claimed_by"].as_array().unwrap().len(), 1);
    assert_eq!(ledger.found("username=bob2").await, ["bob2"]);
    ledger.call("post", &format!("/users/{}/split", Uuid::now_v7()), json!({})).await.expect(404);
    let own_name = ledger.call("post", &split, json!({"username": "BOB2"})).await.expect(409);
    assert!(text(&own_name, "detail").contains("has that user name"), "{own_name}");
    let done = ledger.call("post", &split, json!({})).await.expect(200);
    assert_eq!(done["account"], Value::Null, "nothing stands behind it");
}

async fn a_name_is_refused_where_accounts_go_by_address(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    let credentials = json!({"type": "api_key", "email": "admin@example.com", "token": "a-token"});
    let site = json!({
        "name": "Cloud", "product": "jira-cloud", "base_url": "https://acme.atlassian.net",
        "credentials": credentials,
    });
    let site = text(&org.tenant.make(&api, "/sites", site).await, "id");
    let path = org.tenant.path(&format!("/sites/{site}/users/{}/split", org.user));
    let refused = api.post(&path, json!({"username": "ada2"})).by(&org.tenant.admin).send().await.expect(422);
    assert_eq!(refused["errors"][0]["field"], "username");
}

async fn a_conflict_is_shown_with_its_answers_and_answered(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    ledger.conclude(&org.user, Some("they may be two people")).await;
    let listed = ledger.get("/conflicts").await;
    let conflict = &listed["items"][0];
    assert_eq!((&conflict["user_id"], &conflict["user_name"]), (&json!(org.user), &json!("ada")));
    assert_eq!(
        (&conflict["reason"], &conflict["account"]["id"]),
        (&json!("they may be two people"), &json!(org.account))
    );
    let path = format!("/conflicts/{}", org.user);
    let shown = ledger.get(&path).await;
    assert_eq!(shown["same_person"]["not_done"][0]["reason"], "they are one");
    assert_eq!(shown["another_person"]["not_done"][0]["reason"], "they are two");
    let body = json!({"answer": "same_person", "username": "ada2"});
    assert_eq!(ledger.call("post", &path, body).await.expect(422)["errors"][0]["field"], "username");
    let body = json!({"answer": "another_person", "username": "ada2"});
    assert_eq!(ledger.call("post", &path, body).await.expect(200)["confirmed"], 1);
    assert_eq!(ledger.last_change().await["action"], "account.split");
    assert_eq!(ledger.get("/conflicts").await["items"], json!([]));
    ledger.call("post", &path, json!({"answer": "same_person"})).await.expect(404);
    assert_eq!(ledger.found("username=ada").await, ["ada", "ada2"]);
}

async fn conflicts_are_confirmed_together(api: Api) {
    let ledger = ledger(&api).await;
    let org = &ledger.org;
    ledger.conclude(&org.user, Some("they may be two people")).await;
    let wrong = ledger.call("post", "/conflicts", json!({"user_ids": []})).await.expect(422);
    assert_eq!(wrong["errors"][0]["field"], "user_ids");
    let other = json!({"user_ids": [Uuid::now_v7()]});
    assert_eq!(ledger.call("post", "/conflicts", other).await.expect(200)["confirmed"], 0);
    assert_eq!(ledger.call("post", "/conflicts", json!({})).await.expect(200)["confirmed"], 1);
    assert_eq!(ledger.get("/conflicts").await["items"], json!([]));
    let account = ledger.get(&format!("/accounts/{}", org.account)).await;
    let doubts: Vec<&Value> =
        account["claimed_by"].as_array().unwrap().iter().map(|claim| &claim["doubt"]).collect();
    assert_eq!(doubts, [&Value::Null, &Value::Null]);
    assert_eq!(ledger.last_change().await["action"], "account.confirm");
}
