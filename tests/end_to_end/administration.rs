//! The commands of tenant admins: from nothing to a synchronized site without the console, and a tenant as a file.

use std::fs;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::testing::MASTER_KEY;
use tempfile::TempDir;

use crate::faults::site::Site;
use crate::program::{Engine, OPERATOR_KEY, Program, ROLLCALL, command};
use crate::tenant::Tenant;

/// `rollcall`, as somebody types it.
struct Shell {
    url: String,
    key: String,
    tenant: String,
    folder: TempDir,
}

impl Shell {
    fn new(program: &Program, key: &str, tenant: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: program.url(), key: key.to_owned(), tenant: tenant.to_owned(), folder }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(ROLLCALL);
        command
            .args(arguments)
            .env("ROLLCALL_API_URL", &self.url)
            .env("ROLLCALL_API_KEY", &self.key)
            .env("ROLLCALL_SITE_CREDENTIALS", r#"{"type":"bearer","token":"sandbox-token"}"#)
            .env("ROLLCALL_CREDENTIALS_JIRA", r#"{"type":"bearer","token":"sandbox-token"}"#)
            .current_dir(self.folder.path());
        if !self.tenant.is_empty() {
            command.env("ROLLCALL_TENANT", &self.tenant);
        }
        // The simulated site is served by this test's own runtime.
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// What a command says that must exit like that.
    async fn says(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
        if code == 0 || code == 3 { out.into_owned() } else { err.into_owned() }
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.says(0, &[arguments, &["--output", "json"]].concat()).await;
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output}"))
    }
}

#[tokio::test]
async fn commands_lead_from_nothing_to_a_synchronized_site() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let jira = Site::jira().await;
    let operator = Shell::new(&program, OPERATOR_KEY, "");
    operator.says(0, &["tenants", "create", "acme", "--name", "Acme Inc."]).await;
    assert!(operator.says(0, &["tenants", "list"]).await.contains("Acme Inc."));
    assert!(operator.says(1, &["sites", "list"]).await.contains("which tenant?"));
    let key = operator.json(&["keys", "create", "Owner", "--role", "owner", "--tenant", "acme"]).await;
    let owner = Shell::new(&program, key["key"].as_str().unwrap(), "");
    assert!(owner.says(0, &["keys", "list"]).await.contains("Owner"), "the tenant is the key's own");

    let idp = owner.json(&["connections", "create", "Corporate", "--provider", "oracle"]).await;
    let token = owner.json(&["tokens", "create", "Corporate", "--name", "first"]).await;
    let tenant = Tenant {
        client: crate::tenant::client(),
        api: format!("{}/v1/tenants/acme", program.url()),
        key: owner.key.clone(),
        scim: idp["scim"]["base_url"].as_str().unwrap().to_owned(),
        token: token["token"].as_str().unwrap().to_owned(),
        connection_id: idp["id"].as_str().unwrap().to_owned(),
    };
    let ada = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada", "displayName": "Ada", "active": true,
        "emails": [{"value": "ada@example.com", "primary": true}],
    });
    assert_eq!(tenant.scim_post("/Users", &ada).await.status(), 201);

    owner
        .says(0, &["sites", "create", "Jira", "--product", jira.product, "--base-url", &jira.base_url])
        .await;
    assert!(owner.says(0, &["sites", "test", "Jira"]).await.contains("permission"));
    owner.says(0, &["links", "create", "Corporate", "Jira"]).await;
    let plan = owner.says(3, &["plan", "Corporate/Jira"]).await;
    assert!(plan.contains("create_account") && plan.contains("ada"), "{plan}");
    owner.says(0, &["links", "enable", "Corporate/Jira"]).await;
    let run = owner.says(0, &["sync", "Corporate/Jira"]).await;
    assert!(run.contains("done"), "{run}");
    assert!(jira.state().users.iter().any(|user| user.name == "ada"));
    assert!(owner.says(0, &["plan", "Corporate/Jira"]).await.contains("none"), "nothing is left to do");
    assert!(owner.says(0, &["sync", "--user", "ada"]).await.contains("as it should be"));
    assert!(owner.says(0, &["users", "search", "AD"]).await.contains("Ada"));
    assert!(owner.says(0, &["users", "timeline", "ada"]).await.contains("Created the account"));
    assert!(owner.says(0, &["explain", "ada", "--group", "nobody"]).await.contains("Account: ada"));
    assert!(owner.says(0, &["audit"]).await.contains("link.create"));
    let said = owner.says(0, &["audit", "verify"]).await;
    let end = said.lines().find_map(|line| line.strip_prefix("end: ")).unwrap().to_owned();
    let exported = owner.says(0, &["audit", "export"]).await;
    fs::write(owner.folder.path().join("audit.jsonl"), &exported).unwrap();
    fs::write(owner.folder.path().join("bent.jsonl"), exported.replacen("link.create", "link.delete", 1))
        .unwrap();
    owner.says(0, &["audit", "verify", "--file", "audit.jsonl", "--end", &end]).await;
    let bent = owner.says(3, &["audit", "verify", "--file", "bent.jsonl"]).await;
    assert!(bent.starts_with("NOT WHOLE: entry"), "{bent}");
    let another = format!("1:{}", end.split(':').next_back().unwrap());
    owner.says(3, &["audit", "verify", "--end", &another]).await;

    // What is wrong is said, with what to do.
    let wrong = Shell::new(&program, "rollcall_key_wrong", "acme");
    assert!(wrong.says(1, &["sites", "list"]).await.contains("the key opens nothing here"));
    assert!(owner.says(1, &["sites", "show", "Confluence"]).await.contains("no site has the id or the name"));
    assert!(owner.says(1, &["connections", "create", ""]).await.contains("name:"), "each field is named");
    assert!(owner.says(2, &["sites", "lst"]).await.contains("list"));
    assert!(owner.says(0, &["completions", "bash"]).await.contains("complete"));
    let operators = Shell::new(&program, OPERATOR_KEY, "acme");
    assert!(operators.says(1, &["audit"]).await.contains("tenants break-glass"), "what to do is said");
    operator.says(0, &["tenants", "break-glass", "acme", "--reason", "A. Operator, ticket 42"]).await;
    assert!(operators.says(0, &["audit"]).await.contains("break_glass.open"));
    operator.says(0, &["tenants", "close-glass", "acme"]).await;
    operators.says(1, &["audit"]).await;
    operator.says(0, &["tenants", "suspend", "acme"]).await;
    assert!(owner.says(1, &["sites", "list"]).await.contains("suspended"));
    operator.says(0, &["tenants", "resume", "acme"]).await;
    owner.says(0, &["sites", "list"]).await;

    // The end of it.
    let erase = |arguments: &[&str]| {
        let mut erase = command();
        erase.args(["tenants", "erase", "acme"]).args(arguments);
        erase.env("ROLLCALL_DATABASE_URL", program.database.url());
        erase.env("ROLLCALL_MASTER_KEY", STANDARD.encode(MASTER_KEY));
        let output = erase.output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(told).unwrap())
    };
    let (code, told) = erase(&["--yes"]);
    assert!(code == Some(1) && told.contains("tenants suspend acme"), "{told}");
    operator.says(0, &["tenants", "suspend", "acme"]).await;
    let (code, told) = erase(&[]);
    assert!(code == Some(1) && told.contains("--yes"), "{told}");
    let (code, told) = erase(&["--yes"]);
    assert!(code == Some(0) && told.contains("acme is erased"), "{told}");
    assert!(!operator.says(0, &["tenants", "list"]).await.contains("acme"));
    owner.says(1, &["sites", "list"]).await;
}

#[tokio::test]
async fn a_tenant_is_exported_and_applied_to_another_without_a_difference() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let jira = Site::jira().await;
    let (from, to) = (Tenant::register(&program, "acme").await, Tenant::register(&program, "copy").await);
    let link = json!({
        "enabled": false, "precedence": 7,
        "user_sync": {"scope": "active eq true", "attributes": {"email": "user.emails[0].value", "username": "user.userName"}},
        "group_sync": {"mode": "manual", "mappings": [{"idp_group": "Staff", "site_groups": ["a", "b"]}]},
        "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
    });
    let site = json!({
        "name": "Jira", "product": jira.product, "base_url": jira.base_url,
        "credentials": {"type": "bearer", "token": "sandbox-token"},
    });
    let site = from.post("/sites", &site).await;
    let mut body = link.clone();
    body["connection_id"] = json!(from.connection_id);
    body["site_id"] = site["id"].clone();
    from.post("/links", &body).await;
    let schema = json!({"resource_type": "user", "definition":
        {"id": "urn:acme:schemas:badge", "attributes": [{"name": "level", "type": "integer"}]}});
    from.post("/schemas", &schema).await;

    let shell = Shell::new(&program, &from.key, "");
    let exported = shell.says(0, &["export"]).await;
    assert!(!exported.contains("sandbox-token"), "no secret is in it");
    assert!(exported.contains("ROLLCALL_CREDENTIALS_JIRA"), "{exported}");
    let file = shell.folder.path().join("acme.yaml");
    fs::write(&file, &exported).unwrap();
    assert_eq!(shell.says(0, &["diff", "acme.yaml"]).await, "", "a tenant does not differ from its own file");

    let copy = Shell::new(&program, &to.key, "");
    fs::write(copy.folder.path().join("acme.yaml"), &exported).unwrap();
    let differs = copy.says(3, &["diff", "acme.yaml"]).await;
    assert!(differs.contains("+ site \"Jira\"") && differs.contains("+ link IdP/Jira"), "{differs}");
    let audit = to.get("/audit").await["items"].as_array().unwrap().len();
    copy.says(0, &["apply", "acme.yaml", "--dry-run"]).await;
    assert_eq!(to.get("/audit").await["items"].as_array().unwrap().len(), audit, "nothing was done");
    copy.says(0, &["apply", "acme.yaml"]).await;
    assert_eq!(copy.says(0, &["diff", "acme.yaml"]).await, "");
    let audit = to.get("/audit").await["items"].as_array().unwrap().len();
    copy.says(0, &["apply", "acme.yaml"]).await;
    assert_eq!(
        to.get("/audit").await["items"].as_array().unwrap().len(),
        audit,
        "again nothing is to be done"
    );

    // A setting that is taken out of a map goes, and what the file leaves out stays.
    let links = to.get("/links").await["items"][0].clone();
    let path = format!("/links/{}", links["id"].as_str().unwrap());
    let drifted = json!({"precedence": 9, "user_sync": {"attributes": {"display_name": "user.displayName"}}});
    to.patch(&path, &drifted).await;
    to.post("/connections", &json!({"name": "Another", "provider": "okta"})).await;
    let differs = copy.says(3, &["diff", "acme.yaml"]).await;
    assert!(differs.contains("precedence: 9 → 7") && differs.contains("user_sync.attributes"), "{differs}");
    assert!(differs.contains("connection \"Another\" is not in the file, and is left alone"), "{differs}");
    copy.says(0, &["apply", "acme.yaml", "--credentials"]).await;
    let differs = copy.says(3, &["diff", "acme.yaml"]).await;
    assert_eq!(differs.lines().count(), 1, "only the other connection is left: {differs}");

    fs::write(copy.folder.path().join("broken.yaml"), "sites: [{name: J}]").unwrap();
    assert!(copy.says(1, &["apply", "broken.yaml"]).await.contains("product"));
}
