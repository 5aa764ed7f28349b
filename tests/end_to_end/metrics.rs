//! Alerts and dashboards name metrics that exist, and the catalogue of metrics is what the code reports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use regex::Regex;
use serde_json::{Value, json};
use telemetry::catalogue::{Kind, METRICS};

use crate::compose::yaml;
use crate::program::{Engine, Program};
use crate::tenant::Tenant;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All Rust sources of services and crates but tests and the catalogue itself.
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" && name != "target" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "catalogue.rs" {
            found.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn catalogue_has_every_metric_that_the_code_reports_and_no_other() {
    let mut code = String::new();
    for folder in ["services", "crates"] {
        sources(&repository().join(folder), &mut code);
    }
    // Names in macros, and in constants that macros are given.
    let named =
        Regex::new(r#"(?:counter!|gauge!|histogram!)\(\s*"(\w+)"|const \w+: &str = "(rollcall_\w+)""#)
            .unwrap();
    let reported: BTreeSet<&str> = named
        .captures_iter(&code)
        .map(|found| found.get(1).or(found.get(2)).unwrap().as_str())
        .filter(|name| !name.ends_with('_'))
        .collect();
    let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(reported, known);
}

/// Metrics and labels that expressions name.
fn named(expressions: &str) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    let metric = Regex::new(r"\b((?:rollcall|process)_\w+)(?:\{([^}]*)\})?").unwrap();
    let label = Regex::new(r"(\w+)\s*(?:=~|!~|!=|=)").unwrap();
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for found in metric.captures_iter(expressions) {
        metrics.insert(found[1].to_owned());
        if let Some(matched) = found.get(2) {
            for found_label in label.captures_iter(matched.as_str()) {
                labels.insert((found[1].to_owned(), found_label[1].to_owned()));
            }
        }
    }
    (metrics, labels)
}

/// Names as Prometheus shows them.
fn exposed() -> BTreeSet<String> {
    METRICS
        .iter()
        .flat_map(|metric| match metric.kind {
            Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
            Kind::Seconds => ["bucket", "sum", "count"].map(|part| format!("{}_{part}", metric.name)).into(),
        })
        // What `metrics-process` reports.
        .chain(["process_resident_memory_bytes".to_owned()])
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_dashboards_name_metrics_that_exist() {
    let files = repository().join("helm/rollcall/files");
    let alerts = std::fs::read_to_string(files.join("alerts.yaml")).unwrap();
    let expressions: String = Regex::new(r"(?s)expr:(.*?)\n        (?:for|labels):")
        .unwrap()
        .find_iter(&alerts)
        .map(|found| found.as_str())
        .collect();
    let overview = std::fs::read_to_string(files.join("dashboards/overview.json")).unwrap();
    let overview: Value = serde_json::from_str(&overview).unwrap();
    let panels = overview["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    let alerts = yaml(&files.join("alerts.yaml"));
    let rules = alerts["groups"][0]["rules"].as_array().unwrap().iter();
    for expression in rules.map(|rule| rule["expr"].as_str().unwrap()).chain(shown.iter().copied()) {
        // Grafana's own variables, as it fills them in.
        let filled = expression.replace("$__rate_interval", "1m").replace("$__range", "1h");
        if let Err(error) = promql_parser::parser::parse(&filled) {
            panic!("{expression}: {error}");
        }
    }
    let (alerting, mut labels) = named(&expressions);
    let (showing, more) = named(&shown.join("\n"));
    labels.extend(more);
    assert!(alerting.len() > 5 && showing.len() > 10, "{alerting:?} {showing:?}");
    let exposed = exposed();
    for name in alerting.union(&showing) {
        assert!(exposed.contains(name), "{name} does not exist");
    }
    for (name, label) in labels {
        let metric = METRICS.iter().find(|metric| name.starts_with(metric.name)).unwrap();
        assert!(metric.labels.contains(&label.as_str()), "{name} has no label {label}");
    }

    // What a process really shows after one request of each kind has the names and labels of the catalogue.
    let program = Program::start(Engine::Sqlite, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let body =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann"}).to_string();
    let create = || tenant.client.post(format!("{}/Users", tenant.scim)).body(body.clone());
    assert_eq!(create().bearer_auth(&tenant.token).send().await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(create().send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let text =
        reqwest::get(format!("{}/metrics", program.internal_url())).await.unwrap().text().await.unwrap();
    for name in [
        "rollcall_build_info{version=",
        "rollcall_scim_requests_total{method=\"POST\",resource=\"Users\",status=\"201\"} 1",
        "rollcall_scim_request_seconds_bucket{method=",
        "rollcall_scim_handler_seconds_bucket{method=\"POST\",route=\"/Users\"",
        "rollcall_gateway_refusals_total{reason=\"unauthorized\"} 1",
        "rollcall_api_requests_total{method=\"POST\",route=\"/v1/tenants\",status=\"201\"} 1",
        "rollcall_api_request_seconds_bucket{method=",
        "rollcall_tasks{state=\"ready\"}",
        "rollcall_oldest_task_age_seconds{state=",
        "process_resident_memory_bytes ",
        "# HELP rollcall_scim_requests_total",
    ] {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
    let shown = Regex::new(r"(?m)^(rollcall_\w+)").unwrap();
    for found in shown.captures_iter(&text) {
        assert!(exposed.contains(&found[1]), "{} is not in the catalogue", &found[1]);
    }
}
