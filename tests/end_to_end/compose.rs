//! The compose file, without containers: what it mounts is there and says what it must, and its services start as
//! processes of this machine, with service names mapped to loopback.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regex::{Captures, Regex};
use serde_json::{Value, json};

use crate::fleet::servers::Server;
use crate::process::Process;
use crate::program::{command, free_address};
use crate::tenant::Tenant;

const START_LIMIT: Duration = Duration::from_mins(1);
const ROLES: [&str; 4] = ["gateway", "scim", "api", "sync"];

fn infra() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra")
}

/// A YAML file, with aliases and merges resolved.
pub(crate) fn yaml(path: &Path) -> Value {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    let read = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let run = Command::new(python).args(["-c", read]).arg(path).output().expect("`make setup` was run");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

fn compose() -> Value {
    yaml(&infra().join("compose/compose.yaml"))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap())
}

/// The variables that `make-env` writes.
fn secrets() -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("make-env");
    std::fs::copy(infra().join("compose/make-env"), &script).unwrap();
    let made = || {
        assert!(
            Command::new(&script).stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap().success()
        );
        std::fs::read_to_string(folder.path().join(".env")).unwrap()
    };
    let text = made();
    assert_eq!(made(), text, "an existing file stays");
    let file = folder.path().join(".env").metadata().unwrap();
    assert_eq!(file.permissions().mode() & 0o077, 0, "nobody else reads it");
    text.lines().map(|line| line.split_once('=').unwrap()).map(|(n, v)| (n.into(), v.into())).collect()
}

/// Compose's `${NAME:?error}` and `${NAME:-default}`.
fn interpolate(text: &str, known: &BTreeMap<String, String>) -> String {
    let variable = Regex::new(r"\$\{(\w+):([?-])([^}]*)\}").unwrap();
    let value = |found: &Captures<'_>| match (known.get(&found[1]), &found[2]) {
        (Some(value), _) => value.clone(),
        (None, "-") => found[3].to_owned(),
        (None, _) => panic!("{} is not written by make-env", &found[1]),
    };
    variable.replace_all(text, value).into_owned()
}

#[test]
fn what_the_compose_file_mounts_is_there_and_fits() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    let secrets = secrets();
    for (name, service) in services {
        for mount in texts(&service["volumes"]).filter(|mount| mount.starts_with('.')) {
            let path = mount.split(':').next().unwrap();
            assert!(infra().join("compose").join(path).exists(), "{name}: {path}");
        }
        for published in texts(&service["ports"]) {
            assert!(published.starts_with("127.0.0.1:"), "{name} is open to the network: {published}");
        }
        for depended in service["depends_on"].as_object().into_iter().flatten() {
            assert!(services.contains_key(depended.0), "{name} waits for {}", depended.0);
        }
        for value in service["environment"].as_object().into_iter().flatten() {
            interpolate(value.1.as_str().unwrap(), &secrets);
        }
    }
    // Only who goes out to sites or is published has a way out.
    assert_eq!(compose["networks"]["cell"]["internal"], true);
    for inner in ["scim", "migrate", "postgres", "redis"] {
        assert_eq!(texts(&services[inner]["networks"]).collect::<Vec<_>>(), ["cell"], "{inner}");
    }

    let prometheus = yaml(&infra().join("compose/prometheus.yaml"));
    let scraped = &prometheus["scrape_configs"][0]["dns_sd_configs"][0];
    assert_eq!(texts(&scraped["names"]).collect::<Vec<_>>(), ROLES);
    for role in ROLES {
        let listens = services[role]["environment"]["ROLLCALL_INTERNAL_LISTEN"].as_str().unwrap();
        assert_eq!(listens, format!("0.0.0.0:{}", scraped["port"]), "{role}");
    }
    let mounted = |service: &str, inside: &str| {
        texts(&services[service]["volumes"]).any(|mount| mount.split(':').nth(1) == Some(inside))
    };
    assert!(mounted("prometheus", prometheus["rule_files"][0].as_str().unwrap()));
    let provided = yaml(&infra().join("compose/grafana/dashboards/rollcall.yaml"));
    assert!(mounted("grafana", provided["providers"][0]["options"]["path"].as_str().unwrap()));

    let collector = yaml(&infra().join("compose/otel-collector.yaml"));
    let port = |address: &Value| address.as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let told = &services["sync"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"];
    assert_eq!(port(told), port(&collector["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]));
    let host = |address: &Value| address.as_str().unwrap().split(':').next().unwrap().to_owned();
    assert!(services.contains_key(&host(&collector["exporters"]["otlp"]["endpoint"])));
    let sources = yaml(&infra().join("compose/grafana/datasources/rollcall.yaml"));
    for source in sources["datasources"].as_array().unwrap() {
        let url = source["url"].as_str().unwrap().trim_start_matches("http://");
        assert!(services.contains_key(url.split(':').next().unwrap()), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_the_compose_file_start_and_serve_an_identity_provider() {
    let folder = tempfile::tempdir().unwrap();
    let (mut postgres, mut redis) = (Server::postgres(folder.path()), Server::redis(folder.path()));
    postgres.start().await;
    redis.start().await;
    let compose = compose();
    let services = &compose["services"];
    let secrets = secrets();
    // Each address that a service listens on, on this machine.
    let mut places: BTreeMap<(String, u16), SocketAddr> = BTreeMap::new();
    for name in ROLES.iter().chain(&["jira"]) {
        for port in [8080, 8081, 8082, 9001] {
            places.insert(((*name).to_owned(), port), free_address());
        }
    }
    let listened = Regex::new(r"0\.0\.0\.0:(\d+)").unwrap();
    let called = Regex::new(r"http://(\w+):(\d+)").unwrap();
    let translate = |name: &str, text: &str| {
        let text = interpolate(text, &secrets);
        if text.starts_with("postgres://") {
            return postgres.url();
        }
        if text.starts_with("redis://") {
            return redis.url();
        }
        let at = |host: &str, port: &str| places.get(&(host.to_owned(), port.parse().unwrap()));
        let text =
            listened.replace_all(&text, |found: &Captures<'_>| at(name, &found[1]).unwrap().to_string());
        let there = |found: &Captures<'_>| {
            at(&found[1], &found[2]).map_or_else(|| found[0].to_owned(), |place| format!("http://{place}"))
        };
        called.replace_all(&text, there).into_owned()
    };
    let run = |name: &str| {
        let service = &services[name];
        let mut command = command();
        command.args(texts(&service["command"]).map(|argument| translate(name, argument)));
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            command.env(variable, translate(name, value.as_str().unwrap()));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let migrated = run("migrate").output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let mut processes = Vec::new();
    for name in ROLES.iter().chain(&["jira"]) {
        let mut command = run(name);
        if services[name]["environment"]["ROLLCALL_ALLOW_TARGETS"].is_string() {
            // Docker's networks are elsewhere.
            command.env("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8");
        }
        command.stderr(File::create(folder.path().join(name)).unwrap());
        processes.push(Process::start(&mut command));
    }
    let deadline = Instant::now() + START_LIMIT;
    let place = |name: &str, port: u16| places[&(name.to_owned(), port)];
    for name in ROLES {
        let url = format!("http://{}/readyz", place(name, 8081));
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            let log = || std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
            assert!(Instant::now() < deadline, "{name} is not ready:\n{}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut tenant = Tenant::register_with(
        &format!("http://{}", place("api", 8080)),
        "acme",
        &secrets["ROLLCALL_OPERATOR_KEY"],
    )
    .await;
    let public = services["gateway"]["environment"]["ROLLCALL_PUBLIC_URL"].as_str().unwrap();
    tenant.scim = tenant.scim.replace(public, &format!("http://{}", place("gateway", 8080)));
    tenant.link("jira-data-center", &format!("http://{}", place("jira", 9001)), json!({})).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ann", "displayName": "Ann", "emails": [{"value": "ann@example.com"}],
    });
    // The gateway may not have met the handlers yet.
    while tenant.scim_post("/Users", &body).await.status() != 201 {
        assert!(Instant::now() < deadline, "the gateway finds no handlers");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = format!("http://{}/_sandbox/state", place("jira", 9001));
    loop {
        let state: Value = reqwest::get(&state).await.unwrap().json().await.unwrap();
        if state["users"].as_array().unwrap().iter().any(|user| user["name"] == "ann") {
            break;
        }
        assert!(Instant::now() < deadline + START_LIMIT, "the site does not show the user");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
