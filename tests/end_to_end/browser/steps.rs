//! The six steps from nothing to a synchronized site, as somebody takes them who has nothing but the console.

use std::time::{Duration, Instant};

use sandbox::faults::Faults;

use super::chromium::{Browser, LIGHT, Reader};
use super::providers::{Configured, Provider};
use crate::faults::site::Site;
use crate::program::{Engine, OPERATOR_KEY, Program};

/// People whom the provider sends: enough for a bar that moves.
const PEOPLE: usize = 30;

/// A console with a tenant, whose owner is signed in.
pub(super) struct Desk {
    pub(super) browser: Browser,
    pub(super) site: Site,
    _program: Program,
}

impl Desk {
    pub(super) async fn open(reader: Reader) -> Self {
        let program = Program::start(Engine::Sqlite, &[]).await;
        let site = Site::jira().await;
        let browser = Browser::open(&program.url(), reader).await;
        Self { browser, site, _program: program }
    }

    /// The operator registers a tenant and makes its owner's key; the owner signs in with it.
    pub(super) async fn sign_in(&mut self) {
        let browser = &mut self.browser;
        browser.go("/").await;
        browser.look("sign-in").await;
        browser.fill("key", "rollcall_key_wrong").await;
        browser.press("Sign in").await;
        browser.reads("That key opens nothing here").await;
        browser.fill("key", OPERATOR_KEY).await;
        browser.press("Sign in").await;
        browser.reads("No organization is registered yet").await;
        browser.fill("name", "Acme Inc.").await;
        browser.fill("slug", "Not A Slug").await;
        browser.press("Register").await;
        browser.look("tenants-refused").await;
        browser.fill("slug", "acme").await;
        browser.press("Register").await;
        browser.reads("From nothing to a synchronized site").await;
        browser.look("overview-empty").await;
        browser.go("/console/tenants").await;
        browser.look("tenants").await;
        browser.go("/console/t/acme/keys").await;
        browser.fill("name", "Owner").await;
        browser.choose("role", "owner").await;
        browser.press("Make the key").await;
        let key = browser.value("new-key").await;
        browser.look("keys").await;
        browser.run("document.querySelector('header form').submit()", vec![]).await;
        browser.reads("Sign in").await;
        browser.fill("key", &key).await;
        browser.press("Sign in").await;
        browser.reads("Acme Inc.").await;
        assert_eq!(browser.path().await, "/console/t/acme");
    }

    /// Steps 1 and 2: adds the provider, copies the values, and sees its test arrive.
    pub(super) async fn connect(&mut self, provider: Provider) -> Configured {
        let browser = &mut self.browser;
        browser.go("/console/t/acme/connections/new").await;
        browser.look(&format!("{}-new", provider.id())).await;
        browser.choose("provider", provider.id()).await;
        browser.fill("name", &format!("Corporate {}", provider.id())).await;
        browser.press("Add it").await;
        browser.reads("Waiting for the first request").await;
        browser.reads(provider.test_words()).await;
        browser.fill("name", "first").await;
        browser.press("Make a token").await;
        let mut base_url = String::new();
        for field in provider.address_fields() {
            base_url.push_str(&browser.value(field).await);
        }
        let token = browser.value("token").await;
        assert!(token.starts_with("rollcall_scim_"));
        browser.look(&format!("{}-token", provider.id())).await;

        // Somebody copied a part of it.
        let mistaken = Configured::new(provider, &base_url, &token[..token.len() - 1]);
        assert_eq!(mistaken.test().await, 401);
        browser.reads("with a token that does not fit").await;
        browser.reads("Copy it again").await;
        browser.look(&format!("{}-mistaken", provider.id())).await;

        let configured = Configured::new(provider, &base_url, &token);
        assert_eq!(configured.test().await, 200);
        browser.find(".light.on").await;
        browser.reads("/Users?").await;
        browser.look(&format!("{}-connected", provider.id())).await;
        configured
    }

    /// Step 3: adds the site, whose test shows what is well.
    pub(super) async fn add_site(&mut self) {
        let browser = &mut self.browser;
        browser.go("/console/t/acme/sites/new").await;
        browser.look("site-new").await;
        browser.choose("product", self.site.product).await;
        browser.fill("name", "Jira").await;
        browser.fill("base_url", &self.site.base_url).await;
        browser.fill("token", "wrong").await;
        browser.press("Add and test it").await;
        browser.reads("Something is missing").await;
        browser.look("site-refused").await;
        browser.fill("token", "sandbox-token").await;
        browser.press("Replace the credentials").await;
        browser.reads("New credentials are in use").await;
        browser.press("Test it").await;
        browser.reads("Everything that we need is there").await;
        browser.look("site-tested").await;
    }

    /// Step 4: links them, and chooses settings with their effect before one's eyes.
    pub(super) async fn link(&mut self) {
        let browser = &mut self.browser;
        browser.go("/console/t/acme/links/new").await;
        browser.look("link-new").await;
        browser.press("Go on to the settings").await;
        browser.reads("What it comes to").await;
        browser.reads("everyone → everyone").await;
        browser.fill("scope", "userName co").await;
        browser.reads("user_sync.scope").await;
        browser.fill("scope", "").await;
        browser.fill("rename", "^(every.+)$ → acme-$1").await;
        browser.fill("exclude", "^pilot").await;
        browser.reads("everyone → acme-everyone").await;
        browser.reads("pilot → not:").await;
        browser.look("settings").await;
        browser.fill("window_0_hours", "0").await;
        browser.press("Save").await;
        browser.find("[role=alert]").await;
        browser.look("settings-refused").await;
        browser.fill("window_0_hours", "24").await;
        browser.press("Save").await;
        browser.reads("Nothing is done at the site").await;
        browser.look("link-off").await;
    }

    /// Step 5: sees what would be done.
    pub(super) async fn plan(&mut self, people: usize) {
        let browser = &mut self.browser;
        browser.follow("Plan and synchronize").await;
        browser.press("Make the plan").await;
        browser.reads("Create account").await;
        browser.reads("acme-everyone").await;
        assert!(browser.count("#changes tbody tr").await >= people);
        browser.run("document.getElementById('filter').focus()", vec![]).await;
        browser.find("#filter").await.send_keys("create group").await.unwrap();
        browser.reads("1 of ").await;
        browser.look("plan").await;
    }

    /// Step 6: does exactly that, and watches.
    pub(super) async fn synchronize(&mut self, people: usize) {
        self.site.set_faults(Faults { latency_ms: 60, ..Faults::default() });
        let browser = &mut self.browser;
        browser.press("Switch on and do exactly this").await;
        let script =
            "const p = document.querySelector('progress[value]'); return p ? [p.value, p.max] : null";
        let mut values = Vec::new();
        let began = Instant::now();
        let looked = loop {
            assert!(
                began.elapsed() < Duration::from_mins(2),
                "the run does not end: {}",
                browser.text().await
            );
            let seen = browser.run(script, vec![]).await;
            if let Some(value) = seen[0].as_f64()
                && values.last() != Some(&value)
            {
                values.push(value);
            }
            if browser.text().await.contains("Everything was looked at.") {
                break values.len();
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        };
        assert!(looked >= 3, "the bar moves: {values:?}");
        // The page with the results comes by itself.
        browser.find("#results ~ .scroll tbody tr").await;
        browser.reads("Changed").await;
        browser.look("run-done").await;
        let path = browser.path().await;
        let csv = browser.fetch(&format!("{}/results.csv", path.split(['?', '#']).next().unwrap())).await;
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].starts_with("kind,id,name,outcome"), "{csv}");
        assert!(lines.len() > people, "one line for each person: {}", lines.len());
        let json = browser.fetch(&format!("{}/results.json", path.split(['?', '#']).next().unwrap())).await;
        let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
        assert_eq!(json.len() + 1, lines.len());
        self.site.set_faults(Faults::default());
        let state = self.site.state();
        let group = state.groups.iter().find(|group| group.name == "acme-everyone").unwrap();
        assert_eq!(group.members.len(), people);
        assert!(!state.groups.iter().any(|group| group.name == "pilot"));
    }

    pub(super) async fn close(self) {
        let serious: Vec<&String> = self.browser.found.iter().collect();
        assert!(serious.is_empty(), "{serious:#?}");
        self.browser.close().await;
    }
}

async fn six_steps(provider: Provider, second: Option<Provider>) {
    let mut desk = Desk::open(LIGHT).await;
    // The pages differ in their words alone: they are looked at once.
    desk.browser.looks = provider == Provider::Oracle;
    desk.sign_in().await;
    let idp = desk.connect(provider).await;
    idp.provision(0, PEOPLE).await;
    desk.add_site().await;
    desk.link().await;
    desk.plan(PEOPLE).await;
    desk.synchronize(PEOPLE).await;
    // The overview has nothing left to set up, and a second provider is added as the first one was.
    desk.browser.go("/console/t/acme").await;
    desk.browser.reads("Identity providers").await;
    assert!(!desk.browser.text().await.contains("From nothing to a synchronized site"));
    if let Some(second) = second {
        desk.connect(second).await;
    }
    desk.close().await;
}

#[tokio::test]
async fn six_steps_lead_from_nothing_to_a_synchronized_site_with_oracle() {
    six_steps(Provider::Oracle, Some(Provider::Okta)).await;
}

#[tokio::test]
async fn six_steps_lead_from_nothing_to_a_synchronized_site_with_okta() {
    six_steps(Provider::Okta, None).await;
}

#[tokio::test]
async fn six_steps_lead_from_nothing_to_a_synchronized_site_with_entra() {
    six_steps(Provider::Entra, None).await;
}
