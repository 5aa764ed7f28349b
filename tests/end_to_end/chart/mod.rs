//! The Helm chart, rendered by Helm 4: what holds of every object, what each value does, and whether what was rendered
//! really starts.

mod boot;
mod objects;
mod values;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

/// Release and namespace of every rendering.
const RELEASE: &str = "release";
const NAMESPACE: &str = "identity";

/// Values files that the chart brings along.
const CI_VALUES: [&str; 4] = [
    "ci/minimal-values.yaml",
    "ci/production-values.yaml",
    "ci/external-secrets-values.yaml",
    "ci/all-in-one-values.yaml",
];

/// A rendered object.
#[derive(Clone, Debug, Deserialize)]
struct Rendered {
    template: String,
    object: Value,
}

impl Rendered {
    fn kind(&self) -> &str {
        self.object["kind"].as_str().unwrap()
    }

    fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap()
    }

    /// The pods that it makes, if it makes any.
    fn pods(&self) -> Option<&Value> {
        let template = &self.object["spec"]["template"];
        matches!(self.kind(), "Deployment" | "StatefulSet" | "Job").then_some(template)
    }
}

/// What came of one set of values.
#[derive(Clone, Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    lint: Vec<String>,
    #[serde(default)]
    objects: Vec<Rendered>,
    #[serde(default)]
    invalid: Vec<String>,
    #[serde(default)]
    notes: String,
}

#[derive(Debug, Deserialize)]
struct Renderings {
    answers: Vec<Answer>,
    templates: Vec<String>,
    defaults: Value,
}

fn repository() -> String {
    format!("{}/../..", env!("CARGO_MANIFEST_DIR"))
}

/// Renders the chart for each case: `{"file"?, "values"?}`.
fn render(cases: &[Value]) -> Renderings {
    let named = |case: &Value| {
        let mut case = case.clone();
        case["release"] = json!(RELEASE);
        case["namespace"] = json!(NAMESPACE);
        case
    };
    let cases: Vec<Value> = cases.iter().map(named).collect();
    let root = repository();
    let mut helm = Command::new(format!("{root}/.venv/bin/python"))
        .arg(format!("{root}/tests/chart/render.py"))
        .arg(format!("{root}/helm/rollcall"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect(".venv has Python; run `make setup`");
    let mut input = helm.stdin.take().unwrap();
    let text = json!(cases).to_string();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let run = helm.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The chart as each of its own values files renders it.
fn rendered_values_files() -> Vec<(&'static str, Answer)> {
    let cases = CI_VALUES.map(|file| json!({"file": file}));
    CI_VALUES.into_iter().zip(render(&cases).answers).collect()
}

/// Names and values of a container's environment: plain text, or the key of the Secret.
fn environment(container: &Value) -> impl Iterator<Item = (&str, Result<&str, &str>)> {
    container["env"].as_array().unwrap().iter().map(|variable| {
        let name = variable["name"].as_str().unwrap();
        match variable["value"].as_str() {
            Some(value) => (name, Ok(value)),
            None => (name, Err(variable["valueFrom"]["secretKeyRef"]["key"].as_str().unwrap())),
        }
    })
}
