//! Every page that has something to show, in light, in dark and on a phone: looked at by axe, none wider than the screen,
//! and photographed where `ROLLCALL_SCREENSHOTS` names a folder.

use reqwest::Method;
use serde_json::{Value, json};

use super::chromium::{Browser, DARK, LIGHT, PHONE, Reader};
use crate::faults::site::Site;
use crate::program::{Engine, Program};
use crate::tenant::Tenant;

/// People of the first directory: more than a threshold lets go at once.
const PEOPLE: usize = 30;

/// Everything that the pages are about.
struct Stage {
    tenant: Tenant,
    site: String,
    link: String,
    run: String,
    user: String,
    group: String,
    account: String,
    /// Somebody of a second directory, who may be somebody else.
    doubtful: String,
    setup: String,
    _jira: Site,
}

fn user(name: &str, email: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "displayName": name,
        "emails": [{"value": email, "primary": true}], "active": true,
    })
}

impl Stage {
    /// An organization at work: synchronized, with work that is held, somebody who is in doubt, and members who wait.
    async fn set(program: &Program) -> Self {
        let tenant = Tenant::register(program, "acme").await;
        let jira = Site::jira().await;
        let link = tenant.link(jira.product, &jira.base_url, json!({})).await;
        let mut ids = Vec::new();
        for index in 0..PEOPLE {
            let body = user(&format!("person.{index:02}"), &format!("person.{index:02}@example.com"));
            let made: Value = tenant.scim_post("/Users", &body).await.json().await.unwrap();
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        let mut members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        members.push(json!({"value": "somebody.who.comes.later"}));
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "jira-users", "members": members,
        });
        let group: Value = tenant.scim_post("/Groups", &group).await.json().await.unwrap();
        settled(&tenant).await;

        // A second directory claims an account of the first under another address.
        let second = tenant.post("/connections", &json!({"name": "Partners", "provider": "okta"})).await;
        let second_id = second["id"].as_str().unwrap();
        let token = tenant.post(&format!("/connections/{second_id}/tokens"), &json!({"name": "t"})).await;
        let site = tenant.get("/sites").await["items"][0]["id"].as_str().unwrap().to_owned();
        tenant.post("/links", &json!({"connection_id": second_id, "site_id": site})).await;
        let address = format!("{}/Users", second["scim"]["base_url"].as_str().unwrap());
        let request =
            tenant.client.request(Method::POST, &address).bearer_auth(token["token"].as_str().unwrap());
        let doubtful: Value = request
            .json(&user("person.03", "other@partners.example"))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();

        // Half of the first directory leaves at once.
        for id in ids.iter().skip(PEOPLE / 2) {
            let patch = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "active", "value": false}],
            });
            let request = tenant.client.request(Method::PATCH, format!("{}/Users/{id}", tenant.scim));
            let answer = request.bearer_auth(&tenant.token).json(&patch).send().await.unwrap();
            assert!(answer.status().is_success());
        }
        let run =
            tenant.post(&format!("/links/{link}/runs"), &json!({})).await["id"].as_str().unwrap().to_owned();
        settled(&tenant).await;
        let setup =
            tenant.post(&format!("/connections/{}/setup-links", tenant.connection_id), &json!({})).await;
        let accounts = tenant.get(&format!("/sites/{site}/accounts?username=person.03")).await;
        Self {
            site,
            link,
            run,
            user: ids[3].clone(),
            group: group["id"].as_str().unwrap().to_owned(),
            account: accounts["items"][0]["id"].as_str().unwrap().to_owned(),
            doubtful: doubtful["id"].as_str().unwrap().to_owned(),
            setup: setup["url"].as_str().unwrap().to_owned(),
            tenant,
            _jira: jira,
        }
    }

    /// Every page, by a name of its own and what it must say.
    fn pages(&self) -> Vec<(&'static str, String, &'static str)> {
        let Self { site, link, run, user, group, account, doubtful, tenant, .. } = self;
        let connection = &tenant.connection_id;
        vec![
            ("overview", String::new(), "Work is held by a safety threshold"),
            ("connections", "/connections".into(), "Partners"),
            ("connection-new", "/connections/new".into(), "Add an identity provider"),
            ("connection", format!("/connections/{connection}"), "Exchange the token without an outage"),
            ("requests", format!("/connections/{connection}/requests"), "Passwords are masked"),
            ("sites", "/sites".into(), "Jira Data Center"),
            ("site-add", "/sites/new".into(), "Credentials are sealed"),
            ("site", format!("/sites/{site}"), "held for an answer"),
            ("links", "/links".into(), "Precedence"),
            ("link-add", "/links/new".into(), "Go on to the settings"),
            ("link", format!("/links/{link}"), "What it does"),
            ("link-settings", format!("/links/{link}/settings"), "jira-users → jira-users"),
            ("plan-ask", format!("/links/{link}/plan"), "See first, then do"),
            ("run", format!("/links/{link}/runs/{run}"), "Everything was looked at."),
            ("people", "/people".into(), "person.00"),
            ("people-found", "/people?search=person.1".into(), "person.19"),
            ("person", format!("/people/{user}?group=finance"), "Every value, and where it comes from"),
            ("groups", "/groups".into(), "jira-users"),
            ("group", format!("/groups/{group}"), "somebody.who.comes.later"),
            ("review", "/review".into(), "Approve the chosen"),
            ("conflict", format!("/review/conflicts/{site}/{doubtful}"), "They are two"),
            ("ledger", "/ledger".into(), "person.03"),
            ("account", format!("/ledger/{site}/{account}"), "The site's own key"),
            ("audit", "/audit".into(), "link.create"),
            ("operator-access", "/break-glass".into(), "The operator has never asked"),
            ("keys-list", "/keys".into(), "Make a key"),
            ("sign-in-settings", "/sign-in".into(), "Whoever has none is not let in"),
            ("nowhere", "/people/00000000-0000-0000-0000-000000000000".into(), "There is nothing here"),
        ]
    }
}

/// Waits until nothing is left to do but what waits for an answer.
async fn settled(tenant: &Tenant) {
    for _ in 0..600 {
        let site = tenant.get("/sites").await["items"][0]["id"].as_str().unwrap().to_owned();
        let backlog = tenant.get(&format!("/sites/{site}")).await["backlog"].clone();
        let links = tenant.get("/links").await;
        let mut running = false;
        for link in links["items"].as_array().unwrap() {
            let runs = tenant.get(&format!("/links/{}/runs", link["id"].as_str().unwrap())).await;
            running |= runs["items"].as_array().unwrap().iter().any(|run| run["finished_at"].is_null());
        }
        if backlog["waiting"] == 0 && !running {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the site does not settle");
}

async fn see(program: &Program, stage: &Stage, reader: Reader) {
    let mut browser = Browser::open(&program.url(), reader).await;
    browser.go("/console/t/acme").await;
    browser.fill("key", &stage.tenant.key).await;
    browser.press("Sign in").await;
    for (name, path, words) in stage.pages() {
        browser.go(&format!("/console/t/acme{path}")).await;
        browser.reads(words).await;
        browser.look(name).await;
    }
    // What only whoever has the link sees.
    browser.go(stage.setup.strip_prefix(&program.url()).unwrap()).await;
    browser.reads("keeps its Atlassian accounts in step").await;
    assert_eq!(browser.path().await, "/setup", "the secret stays in no history");
    browser.fill("name", "by the provider's administrator").await;
    browser.press("Make a token").await;
    browser.reads("It is shown this once").await;
    browser.look("setup").await;
    assert!(browser.found.is_empty(), "{:#?}", browser.found);
    browser.close().await;
}

#[tokio::test]
async fn every_page_is_fit_for_every_reader() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let stage = Stage::set(&program).await;
    for reader in [LIGHT, DARK, PHONE] {
        see(&program, &stage, reader).await;
    }
    answers(&program, &stage).await;
}

/// What waits is answered, by the ways that the pages offer.
async fn answers(program: &Program, stage: &Stage) {
    let browser = Browser::open(&program.url(), LIGHT).await;
    browser.go("/console/t/acme/review").await;
    browser.fill("key", &stage.tenant.key).await;
    browser.press("Sign in").await;
    assert_eq!(browser.path().await, "/console/t/acme/review", "whoever had to sign in comes back");
    let held = browser.count("input[name=object]").await;
    assert!(held > 1, "the threshold holds more than one back");
    browser.tick("object").await;
    browser.press("Approve the chosen").await;
    browser.reads("Approved: the work goes on.").await;
    settled(&stage.tenant).await;
    browser.go("/console/t/acme/review").await;
    assert_eq!(browser.count("input[name=object]").await, held - 1, "one was let pass, and the others wait");
    browser.press_and_confirm("Reject all").await;
    browser.reads("Rejected").await;
    assert_eq!(browser.count("input[name=object]").await, 0);

    browser.follow("person.03").await;
    browser.fill("username", "person.03.partner").await;
    browser.press("Two people").await;
    browser.reads("Nothing waits for an answer.").await;
    settled(&stage.tenant).await;
    browser.go(&format!("/console/t/acme/people/{}", stage.doubtful)).await;
    browser.reads("person.03.partner").await;
    // One user on demand, with its steps as they happen.
    browser.press("Synchronize now").await;
    browser.reads("On its way").await;
    browser.close().await;
}
