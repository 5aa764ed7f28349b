//! Schemathesis makes requests of the OpenAPI document, good and bad, and holds each answer against it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::faults::site::Site;
use crate::program::{Engine, Program};
use crate::tenant::{Tenant, text};

/// One of everything that a path can name, as the tool's configuration.
async fn objects(tenant: &Tenant) -> String {
    let made = async |path: &str, body| text(&tenant.post(path, &body).await, "id");
    let link = text(&tenant.get("/links").await["items"][0], "id");
    let site = text(&tenant.get("/sites").await["items"][0], "id");
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"});
    let user: serde_json::Value = tenant.scim_post("/Users", &user).await.json().await.unwrap();
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "g", "members": [{"value": user["id"]}],
    });
    let group: serde_json::Value = tenant.scim_post("/Groups", &group).await.json().await.unwrap();
    let account = loop {
        let accounts = tenant.get(&format!("/sites/{site}/accounts")).await;
        if let Some(account) = accounts["items"].get(0) {
            break text(account, "id");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let connection = &tenant.connection_id;
    let definition = json!({"id": "urn:acme:badge", "attributes": [{"name": "level", "type": "integer"}]});
    let named = [
        ("path.tenant", "acme".to_owned()),
        ("path.connection", connection.clone()),
        ("path.token", made(&format!("/connections/{connection}/tokens"), json!({"name": "spare"})).await),
        ("path.setup_link", made(&format!("/connections/{connection}/setup-links"), json!({})).await),
        ("path.key", made("/keys", json!({"name": "spare", "role": "auditor"})).await),
        ("path.schema", made("/schemas", json!({"resource_type": "user", "definition": definition})).await),
        ("path.run", made(&format!("/links/{link}/runs"), json!({})).await),
        ("path.site", site),
        ("path.link", link),
        ("path.user", text(&user, "id")),
        ("path.group", text(&group, "id")),
        ("path.account", account),
        ("query.connection_id", connection.clone()),
    ];
    let lines = named.map(|(name, value)| format!("\"{name}\" = \"{value}\"\n"));
    // A site that does not answer is told with 502, and the document says where.
    format!(
        "[parameters]\n{}\n[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"4xx\", \"502\"]\n",
        lines.concat()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_failure_and_no_answer_that_the_document_does_not_know() {
    let wanted = std::env::var_os("ROLLCALL_OPENAPI_SECONDS");
    let seconds: u64 =
        wanted.as_ref().map_or(15, |seconds| seconds.to_string_lossy().parse().expect("seconds"));
    let program = Program::start(Engine::Sqlite, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let jira = Site::jira().await;
    tenant.link(jira.product, &jira.base_url, json!({})).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schemathesis.toml"), objects(&tenant).await).unwrap();
    let mut run = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.venv/bin/schemathesis"));
    run.args(["run", &format!("{}/v1/openapi.json", program.url())])
        .args(["--header", &format!("Authorization: Bearer {}", tenant.key)])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"])
        // Two threads trip over Python 3.11's parser: "AST constructor recursion depth mismatch".
        .args(["--workers", "1"])
        // A stream ends with its run.
        .args(["--max-time", &seconds.to_string(), "--exclude-path-regex", "events$"])
        .current_dir(folder.path());
    if wanted.is_none() {
        // The suite asks the same each time; `make schemathesis` asks for longer, and something else.
        run.args(["--seed", "20"]);
    }
    let told = tokio::task::spawn_blocking(move || run.output().expect(".venv is missing; run `make setup`"));
    let told = told.await.unwrap();
    let out = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{out}\n{}", String::from_utf8_lossy(&told.stderr));
    let cases = out.lines().find(|line| line.contains(" generated, ")).unwrap_or_default();
    println!("{}", cases.trim());
    assert!(out.contains("Test cases"), "{out}");
}
