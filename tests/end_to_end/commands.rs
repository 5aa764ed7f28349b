//! The other commands, and how `serve` starts and stops.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use store::entity::words::TenantStatus;
use store::testing::{MASTER_KEY, postgres_store, sqlite_store};

use crate::fleet::servers::{Server, postgres_bin};
use crate::process::Process;
use crate::program::{Engine, OPERATOR_KEY, Program, command, free_address};
use crate::tenant::{Tenant, client};

#[test]
fn help_teaches_every_command_and_setting() {
    let help = |arguments: &[&str]| {
        let run = command().args(arguments).arg("--help").output().unwrap();
        assert!(run.status.success());
        String::from_utf8(run.stdout).unwrap()
    };
    for expected in ["serve", "demo", "migrate", "move-tenant", "doctor", "sandbox", "rollcall.toml"] {
        assert!(help(&[]).contains(expected), "{expected}");
    }
    for variable in [
        "LISTEN",
        "INTERNAL_LISTEN",
        "PUBLIC_URL",
        "DATABASE_URL",
        "DATA_DIR",
        "OPERATOR_KEY",
        "MASTER_KEY",
        "ALLOW_TARGETS",
    ] {
        assert!(help(&["serve"]).contains(&format!("ROLLCALL_{variable}")), "{variable}");
    }
}

/// Files below a folder that end so.
fn files(folder: &Path, suffix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, suffix, found);
        } else if name.ends_with(suffix) {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let model = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut code = Vec::new();
    for folder in ["crates", "services", "tests", "proto"] {
        files(&root.join(folder), ".rs", &mut code);
    }
    let rows = model.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let names = rows.flat_map(|row| row.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let (test, rule) = (format!("fn {name}("), format!("    {name},\n"));
        // A rule that is tested on both databases is a function that a list names.
        let exists = code.iter().any(|file| file.contains(&test) || file.contains(&rule));
        assert!(exists, "no test is called {name}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_whole_and_ends_with_1() {
    let run = command()
        .arg("serve")
        .env("ROLLCALL_DATABASE_URL", "postgres://127.0.0.1/none")
        .env("ROLLCALL_OPERATOR_KEY", "short")
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(told.contains("master_key") && told.contains("operator_key"), "{told}");
    assert!(!told.contains("short\n"), "{told}");
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rollcall.toml");
    std::fs::write(&file, "listen = '127.0.0.1:1001'\ninternal_listen = '127.0.0.1:1002'\n").unwrap();
    let doctor = |flags: &[&str]| {
        let run = command()
            .arg("doctor")
            .args(flags)
            .env("ROLLCALL_CONFIG", &file)
            .env("ROLLCALL_INTERNAL_LISTEN", "127.0.0.1:1003")
            .env("ROLLCALL_DATA_DIR", folder.path())
            .output()
            .unwrap();
        String::from_utf8(run.stdout).unwrap()
    };
    let told = doctor(&[]);
    assert!(told.contains("127.0.0.1:1001") && told.contains("127.0.0.1:1003"), "{told}");
    assert!(doctor(&["--listen", "127.0.0.1:1004"]).contains("127.0.0.1:1004"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_a_master_key_that_opens_nothing() {
    let database = sqlite_store().await;
    database.tenants().insert("acme", "Acme").await.unwrap();
    let run = command()
        .arg("doctor")
        .env("ROLLCALL_DATABASE_URL", database.url())
        .env("ROLLCALL_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .env("ROLLCALL_DATA_DIR", std::env::temp_dir())
        .output()
        .unwrap();
    let told = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(told.contains("does not open the stored secrets"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_redis_and_the_handlers_of_cells() {
    let folder = tempfile::tempdir().unwrap();
    let mut redis = Server::redis(folder.path());
    redis.start().await;
    let (nobody, handlers) = (free_address(), free_address());
    let (internal_key, redis_url) = (STANDARD.encode([5; 32]), redis.url());
    let mut scim = command();
    scim.args(["serve", "--role", "scim"])
        .env("ROLLCALL_DATA_DIR", folder.path())
        .env("ROLLCALL_INTERNAL_LISTEN", free_address().to_string())
        .env("ROLLCALL_CELL_LISTEN", handlers.to_string())
        .env("ROLLCALL_INTERNAL_KEY", &internal_key)
        .stderr(Stdio::null());
    let _scim = Process::start(&mut scim);
    let doctor = |cells: String| {
        let run = command()
            .arg("doctor")
            .env("ROLLCALL_DATA_DIR", folder.path())
            .env("ROLLCALL_REDIS_URL", &redis_url)
            .env("ROLLCALL_INTERNAL_KEY", &internal_key)
            .env("ROLLCALL_CELLS", cells)
            .output()
            .unwrap();
        String::from_utf8(run.stdout).unwrap()
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while !doctor(format!("http://{handlers}")).contains("takes requests") {
        assert!(Instant::now() < deadline, "{}", doctor(format!("http://{handlers}")));
    }
    let told = doctor(format!("eu=http://{handlers},us=http://{nobody}"));
    assert!(told.contains("ok     Redis            answers"), "{told}");
    assert!(told.contains(&format!("ok     cell             eu at {handlers}")), "{told}");
    assert!(told.contains(&format!("WRONG  cell             us at {nobody}")), "{told}");
    redis.crash();
    let told = doctor(format!("http://{handlers}"));
    assert!(told.contains("WRONG  Redis"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn move_that_takes_too_long_leaves_the_tenant_where_it_was() {
    let (here, there) = (postgres_store().await, postgres_store().await);
    let acme = here.tenants().insert("acme", "Acme").await.unwrap().id;
    let move_it = |within: &str| {
        let mut command = command();
        command
            .args(["move-tenant", "acme", "--within", within])
            .env("ROLLCALL_DATABASE_URL", here.url())
            .env("ROLLCALL_MASTER_KEY", STANDARD.encode(MASTER_KEY))
            .env("ROLLCALL_TO_DATABASE_URL", there.url());
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    // The other database comes to stand still in the middle of the copy.
    let mut holder = std::process::Command::new(postgres_bin().join("psql"));
    holder.arg(there.url()).stdout(Stdio::null());
    for statement in ["BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(6)"] {
        holder.args(["-c", statement]);
    }
    let holder = Process::start(&mut holder);
    let run = move_it("3").await.unwrap();
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(told.contains("the tenant is served where it was: not done within 3 s"), "{told}");
    assert_eq!(here.tenants().get(acme).await.unwrap().status, TenantStatus::Active);
    assert_eq!(holder.wait(), Some(0));
    let run = move_it("60").await.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(there.tenants().get(acme).await.unwrap().status, TenantStatus::Active);
    // There is nothing to move any more, and it says where it went.
    let run = move_it("60").await.unwrap();
    assert!(String::from_utf8_lossy(&run.stderr).contains("lives in the other cell already"));
}

#[test]
fn migrate_makes_the_schema_and_finds_nothing_to_do_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let migrate = || {
        let run = command().arg("migrate").env("ROLLCALL_DATA_DIR", folder.path()).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    assert!(migrate().contains("m0001_foundation: done"));
    assert_eq!(migrate(), "the schema is up to date\n");
}

#[test]
fn the_openapi_document_is_printed_as_committed() {
    let run = command().arg("openapi").output().unwrap();
    let committed = include_str!("../../services/tenant-api/openapi.json");
    assert_eq!(String::from_utf8(run.stdout).unwrap(), committed, "run `make openapi`");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_answers_health_metrics_and_documentation_and_stops_when_told() {
    let mut program = Program::start(Engine::Sqlite, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let get = async |url: String| {
        let answer = client().get(&url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get(format!("{}/healthz", program.internal_url())).await.0, 200);
    assert_eq!(get(format!("{}/readyz", program.internal_url())).await.0, 200);
    assert_eq!(get(format!("{}/v1/docs", program.url())).await.0, 200);
    // The public address serves neither health nor metrics.
    assert_eq!(get(format!("{}/metrics", program.url())).await.0, 404);
    let users =
        client().get(format!("{}/Users", tenant.scim)).bearer_auth(&tenant.token).send().await.unwrap();
    assert_eq!(users.status().as_u16(), 200);
    let (_, metrics) = get(format!("{}/metrics", program.internal_url())).await;
    for name in ["rollcall_scim_requests_total", "rollcall_tasks"] {
        assert!(metrics.contains(name), "{name} is missing in:\n{metrics}");
    }
    let internal = program.internal_url().replace("http://", "");
    let health = || command().arg("health").env("ROLLCALL_INTERNAL_LISTEN", &internal).status().unwrap();
    assert!(health().success());
    assert_eq!(program.terminate(), Some(0), "{}", program.log());
    assert_eq!(health().code(), Some(1), "nobody is there any more");
    assert!(program.log().contains("stopped"), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_or_personal_is_logged() {
    let program = Program::start(Engine::Sqlite, &[("ROLLCALL_LOG", "debug")]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let body = json!({"userName": "canary.person", "emails": [{"value": "canary@example.com"}]});
    let request = client().post(format!("{}/Users", tenant.scim)).bearer_auth(&tenant.token);
    assert_eq!(request.json(&body).send().await.unwrap().status().as_u16(), 201);
    let look_up = format!("{}/Users?filter=userName%20eq%20%22canary.person%22", tenant.scim);
    client().get(look_up).bearer_auth(&tenant.token).send().await.unwrap();
    let log = program.log();
    assert!(!log.is_empty());
    for secret in ["canary", &tenant.token, &tenant.key, OPERATOR_KEY] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_site_serves_until_it_is_told_to_stop() {
    for (product, whoami) in [
        ("jira-data-center", "rest/api/2/myself"),
        ("confluence-data-center", "rest/api/user/current"),
        ("bitbucket-data-center", "rest/api/latest/admin/users"),
        ("crowd", "rest/usermanagement/1/user?username=rollcall"),
        ("atlassian-cloud", "Users"),
        ("jira-cloud", "rest/api/3/myself"),
    ] {
        serves_until_it_is_told_to_stop(product, whoami).await;
    }
}

async fn serves_until_it_is_told_to_stop(product: &str, whoami: &str) {
    let mut child = command()
        .args(["sandbox", "--product", product, "--listen", "127.0.0.1:0", "--admin-token", "t"])
        .args(["--users", "3", "--groups", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut told).unwrap();
    let url = told.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches(';');
    let origin = url.split("/scim/").next().unwrap();
    let state: serde_json::Value =
        client().get(format!("{origin}/_sandbox/state")).send().await.unwrap().json().await.unwrap();
    // In the Cloud a key lets in, and there is no administrator.
    let people = if product == "atlassian-cloud" { 3 } else { 4 };
    assert_eq!(state["users"].as_array().unwrap().len(), people, "three people and the administrator");
    let request = client().get(format!("{url}/{whoami}"));
    let request = match product {
        "crowd" => request.basic_auth("rollcall", Some("t")),
        "jira-cloud" => request.basic_auth("rollcall@example.com", Some("t")),
        _ => request.bearer_auth("t"),
    };
    let myself = request.send().await.unwrap();
    assert_eq!(myself.status().as_u16(), 200);
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let ended =
        tokio::time::timeout(Duration::from_secs(10), tokio::task::spawn_blocking(move || child.wait()));
    assert!(ended.await.unwrap().unwrap().unwrap().success());
}
