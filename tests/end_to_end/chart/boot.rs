//! The production values, started: the rendered commands, arguments, environments and probes as processes of this
//! machine, with service names mapped to loopback, until every probe passes and an identity provider is served.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Answer, Rendered, environment, rendered_values_files};
use crate::faults::site::Site;
use crate::fleet::servers::Server;
use crate::process::Process;
use crate::program::{OPERATOR_KEY, command, free_address};
use crate::tenant::Tenant;

/// How long everything may take to be ready, on a machine that does much else.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Where each port of each workload is on this machine.
struct Machine {
    ports: BTreeMap<(String, String), SocketAddr>,
    secrets: BTreeMap<&'static str, String>,
}

fn container(rendered: &Rendered) -> &Value {
    &rendered.pods().unwrap()["spec"]["containers"][0]
}

fn ports(rendered: &Rendered) -> impl Iterator<Item = (&str, u64)> {
    let ports = container(rendered)["ports"].as_array().unwrap().iter();
    ports.map(|port| (port["name"].as_str().unwrap(), port["containerPort"].as_u64().unwrap()))
}

impl Machine {
    fn new(deployments: &[&Rendered], secrets: BTreeMap<&'static str, String>) -> Self {
        let ports = deployments.iter().flat_map(|deployment| {
            ports(deployment)
                .map(|(name, _)| ((deployment.name().to_owned(), name.to_owned()), free_address()))
        });
        Self { ports: ports.collect(), secrets }
    }

    fn address(&self, deployment: &Rendered, port: &str) -> SocketAddr {
        self.ports[&(deployment.name().to_owned(), port.to_owned())]
    }

    /// A value of the environment as it is on this machine: what is listened on, and what names of Services lead to.
    fn translate(&self, deployment: &Rendered, answer: &Answer, value: &str) -> String {
        if let Some((name, _)) = ports(deployment).find(|(_, port)| value == format!("0.0.0.0:{port}")) {
            return self.address(deployment, name).to_string();
        }
        if value.starts_with("0.0.0.0:") {
            // Told, and not served by this role.
            return free_address().to_string();
        }
        let mut value = value.to_owned();
        for service in answer.objects.iter().filter(|rendered| rendered.kind() == "Service") {
            for port in service.object["spec"]["ports"].as_array().unwrap() {
                let (number, target) = (&port["port"], port["targetPort"].as_str().unwrap());
                let selected = answer.objects.iter().find(|rendered| {
                    rendered.kind() == "Deployment"
                        && rendered.object["spec"]["selector"]["matchLabels"]
                            == service.object["spec"]["selector"]
                });
                let address = self.address(selected.expect("a Service selects a Deployment"), target);
                value = value.replace(&format!("{}:{number}", service.name()), &address.to_string());
            }
        }
        value
    }

    fn command(&self, workload: &Rendered, answer: &Answer) -> std::process::Command {
        let container = container(workload);
        assert_eq!(container["command"], json!(["/usr/local/bin/rollcall"]), "the image's program");
        let mut command = command();
        command.args(container["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()));
        for (name, value) in environment(container) {
            let value = match value {
                Ok(text) if workload.kind() == "Deployment" => self.translate(workload, answer, text),
                Ok(text) => text.to_owned(),
                Err(key) => self.secrets[key].clone(),
            };
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn production_values_start_and_serve_an_identity_provider() {
    let folder = tempfile::tempdir().unwrap();
    let (mut postgres, mut redis) = (Server::postgres(folder.path()), Server::redis(folder.path()));
    postgres.start().await;
    redis.start().await;
    let files = rendered_values_files();
    let (_, answer) = files.iter().find(|(file, _)| file.contains("production")).unwrap();
    let deployments: Vec<&Rendered> =
        answer.objects.iter().filter(|rendered| rendered.kind() == "Deployment").collect();
    assert_eq!(deployments.len(), 4);
    let machine = Machine::new(
        &deployments,
        BTreeMap::from([
            ("database-url", postgres.url()),
            ("redis-url", redis.url()),
            ("master-key", STANDARD.encode([7; 32])),
            ("internal-key", STANDARD.encode([8; 32])),
            ("operator-key", OPERATOR_KEY.to_owned()),
        ]),
    );

    // Hooks come first, and the release does not go on when one fails.
    let migrate = answer.objects.iter().find(|rendered| rendered.kind() == "Job").unwrap();
    let migrated = machine.command(migrate, answer).output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));

    let log = |deployment: &Rendered| folder.path().join(format!("{}.log", deployment.name()));
    let mut processes: Vec<Process> = Vec::new();
    for deployment in &deployments {
        let mut command = machine.command(deployment, answer);
        // The sites of a test are where those of production must not be.
        command.env("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8");
        command.stderr(File::create(log(deployment)).unwrap());
        processes.push(Process::start(&mut command));
    }
    let deadline = Instant::now() + START_LIMIT;
    for (deployment, process) in deployments.iter().zip(&mut processes) {
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let probe = &container(deployment)[probe]["httpGet"];
            let address = machine.address(deployment, probe["port"].as_str().unwrap());
            let url = format!("http://{address}{}", probe["path"].as_str().unwrap());
            while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                let told = || std::fs::read_to_string(log(deployment)).unwrap_or_default();
                assert!(process.ended().is_none(), "{} ended:\n{}", deployment.name(), told());
                assert!(Instant::now() < deadline, "{} fails {probe}:\n{}", deployment.name(), told());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    // As the Ingress routes: /scim to the gateways, all else to the API.
    let of = |role: &str| {
        let deployment = deployments.iter().find(|deployment| deployment.name().ends_with(role)).unwrap();
        format!("http://{}", machine.address(deployment, "http"))
    };
    let mut tenant = Tenant::register_at(&of("api"), "acme").await;
    let public = "https://scim.example.com";
    assert!(tenant.scim.starts_with(public), "{}", tenant.scim);
    tenant.scim = tenant.scim.replace(public, &of("gateway"));
    let site = Site::jira().await;
    tenant.link(site.product, &site.base_url, json!({})).await;
    let created = loop {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ann", "displayName": "Ann", "emails": [{"value": "ann@example.com"}],
        });
        let created = tenant.scim_post("/Users", &body).await;
        // The gateway may not have met the handlers yet.
        if created.status() != 503 {
            break created;
        }
        assert!(Instant::now() < deadline, "the gateway finds no handlers");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(created.status(), 201);
    let created: Value = created.json().await.unwrap();
    assert!(created["meta"]["location"].as_str().unwrap().starts_with(public));
    while !site.state().users.iter().any(|user| user.name == "ann" && user.active) {
        assert!(Instant::now() < deadline + START_LIMIT, "the site does not show the user");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
