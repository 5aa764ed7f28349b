//! What holds of every object that the chart renders, whatever the values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Answer, Rendered, environment, render, rendered_values_files};
use crate::program::command;

/// Never in plain sight.
const SECRETS: [&str; 5] = [
    "ROLLCALL_DATABASE_URL",
    "ROLLCALL_MASTER_KEY",
    "ROLLCALL_OPERATOR_KEY",
    "ROLLCALL_INTERNAL_KEY",
    "ROLLCALL_REDIS_URL",
];

#[test]
fn every_values_file_renders_what_helm_and_kubernetes_accept() {
    let mut used = BTreeSet::new();
    for (file, answer) in rendered_values_files() {
        assert_eq!(answer.error, None, "{file}");
        assert_eq!(answer.lint, Vec::<String>::new(), "{file}");
        assert_eq!(answer.invalid, Vec::<String>::new(), "{file}");
        assert!(answer.notes.contains("https://scim.example.com"), "{file}: {}", answer.notes);
        used.extend(answer.objects.iter().map(|rendered| rendered.template.clone()));
    }
    for template in render(&[]).templates {
        let makes_objects = !template.contains("/_") && !template.ends_with("NOTES.txt");
        assert!(
            !makes_objects || used.contains(&format!("rollcall/{template}")),
            "{template} renders nothing"
        );
    }
}

#[test]
fn every_object_says_what_it_belongs_to_and_has_a_name_of_its_own() {
    for (file, answer) in rendered_values_files() {
        let mut names = BTreeSet::new();
        for rendered in &answer.objects {
            assert!(names.insert((rendered.kind(), rendered.name())), "{file}: two {}", rendered.name());
            for label in ["name", "instance", "component", "version", "managed-by"] {
                let label = &rendered.object["metadata"]["labels"][format!("app.kubernetes.io/{label}")];
                assert!(label.is_string(), "{file}: {} {}", rendered.kind(), rendered.name());
            }
        }
    }
}

#[test]
fn every_pod_runs_without_rights_within_limits_and_is_probed() {
    for (file, answer) in rendered_values_files() {
        for rendered in &answer.objects {
            let Some(pods) = rendered.pods() else { continue };
            let (pod, what) = (&pods["spec"], format!("{file}: {}", rendered.name()));
            assert_eq!(pod["automountServiceAccountToken"], false, "{what}");
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{what}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{what}");
            for field in ["hostNetwork", "hostPID", "hostIPC"] {
                assert!(pod[field].is_null(), "{what}");
            }
            for container in pod["containers"].as_array().unwrap() {
                let security = &container["securityContext"];
                assert_eq!(security["allowPrivilegeEscalation"], false, "{what}");
                assert_eq!(security["readOnlyRootFilesystem"], true, "{what}");
                assert_eq!(security["capabilities"]["drop"][0], "ALL", "{what}");
                assert!(security["capabilities"]["add"].is_null(), "{what}");
                let resources = &container["resources"];
                for amount in [
                    &resources["requests"]["cpu"],
                    &resources["requests"]["memory"],
                    &resources["limits"]["memory"],
                ] {
                    assert!(amount.is_string(), "{what}: {resources}");
                }
                let image = container["image"].as_str().unwrap();
                assert!(image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest"), "{what}: {image}");
                if rendered.kind() == "Job" {
                    continue;
                }
                for (probe, path) in [
                    ("startupProbe", "/healthz"),
                    ("livenessProbe", "/healthz"),
                    ("readinessProbe", "/readyz"),
                ] {
                    assert_eq!(container[probe]["httpGet"]["path"], path, "{what}");
                }
                let seconds = |name: &str| {
                    environment(container)
                        .find(|(known, _)| *known == name)
                        .unwrap()
                        .1
                        .unwrap()
                        .parse::<u64>()
                        .unwrap()
                };
                let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
                assert!(
                    grace > seconds("ROLLCALL_DRAIN_SECONDS") + seconds("ROLLCALL_DRAIN_DELAY_SECONDS"),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn secrets_come_from_the_secret_and_only_to_whom_they_concern() {
    let help = command().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (file, answer) in rendered_values_files() {
        for rendered in &answer.objects {
            let Some(pods) = rendered.pods() else { continue };
            let container = &pods["spec"]["containers"][0];
            let mut names = BTreeSet::new();
            for (name, value) in environment(container) {
                assert!(names.insert(name), "{file}: {} has {name} twice", rendered.name());
                assert!(help.contains(name), "{file}: the program does not know {name}");
                assert_eq!(SECRETS.contains(&name), value.is_err(), "{file}: {name}");
            }
            let has = |name: &str| names.contains(name);
            let component = &pods["metadata"]["labels"]["app.kubernetes.io/component"];
            match component.as_str().unwrap() {
                "gateway" => {
                    assert!(has("ROLLCALL_INTERNAL_KEY"));
                    for kept in ["ROLLCALL_DATABASE_URL", "ROLLCALL_MASTER_KEY", "ROLLCALL_OPERATOR_KEY"] {
                        assert!(!has(kept), "{file}: a gateway is told {kept}");
                    }
                }
                "scim" | "sync" | "migrate" => assert!(!has("ROLLCALL_OPERATOR_KEY"), "{file}: {component}"),
                _ => assert!(has("ROLLCALL_OPERATOR_KEY"), "{file}: {component}"),
            }
        }
        // Everything that is read from the Secret is put there by whoever makes it.
        let made = answer.objects.iter().find(|rendered| rendered.kind() == "ExternalSecret");
        if let Some(made) = made {
            let made: BTreeSet<&str> = made.object["spec"]["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["secretKey"].as_str().unwrap())
                .collect();
            let read: BTreeSet<&str> = answer
                .objects
                .iter()
                .filter_map(Rendered::pods)
                .flat_map(|pods| environment(&pods["spec"]["containers"][0]))
                .filter_map(|(_, value)| value.err())
                .collect();
            assert_eq!(made, read, "{file}");
        }
    }
}

/// Whether labels of pods are those that a selector asks for.
fn selects(selector: &Value, pods: &Value) -> bool {
    let labels = &pods["metadata"]["labels"];
    selector.as_object().unwrap().iter().all(|(name, value)| labels[name] == *value)
}

/// Workloads whose pods a selector selects.
fn selected<'a>(answer: &'a Answer, selector: &Value) -> Vec<&'a Rendered> {
    let is_selected = |rendered: &&Rendered| rendered.pods().is_some_and(|pods| selects(selector, pods));
    answer.objects.iter().filter(is_selected).collect()
}

#[test]
fn what_refers_to_something_refers_to_something_that_is_there() {
    for (file, answer) in rendered_values_files() {
        let named = |kind: &str, name: &Value| {
            answer.objects.iter().find(|rendered| rendered.kind() == kind && *name == rendered.name())
        };
        let has_port = |service: &Value, port: &Value| {
            let service = named("Service", service).unwrap_or_else(|| panic!("{file}: no Service {service}"));
            let ports = service.object["spec"]["ports"].as_array().unwrap();
            assert!(
                ports.iter().any(|known| known["port"] == *port || known["name"] == *port),
                "{file}: {port}"
            );
        };
        for rendered in &answer.objects {
            let (spec, what) = (&rendered.object["spec"], format!("{file}: {}", rendered.name()));
            let selector = match rendered.kind() {
                "Service" => Some(&spec["selector"]),
                "Deployment" | "StatefulSet" | "PodDisruptionBudget" => {
                    Some(&spec["selector"]["matchLabels"])
                }
                "NetworkPolicy" => Some(&spec["podSelector"]["matchLabels"]),
                _ => None,
            };
            if let Some(selector) = selector {
                let selected = selected(&answer, selector);
                assert_eq!(selected.len(), 1, "{what} selects {} workloads", selected.len());
                if rendered.kind() == "Service" {
                    let ports = &selected[0].pods().unwrap()["spec"]["containers"][0]["ports"];
                    for port in spec["ports"].as_array().unwrap() {
                        let there =
                            ports.as_array().unwrap().iter().any(|known| known["name"] == port["targetPort"]);
                        assert!(there, "{what}: {port}");
                    }
                }
            }
            match rendered.kind() {
                "HorizontalPodAutoscaler" => {
                    let scaled = named("Deployment", &spec["scaleTargetRef"]["name"]).expect(&what);
                    assert!(scaled.object["spec"]["replicas"].is_null(), "{what}: two would set the number");
                }
                "Ingress" => {
                    for path in spec["rules"][0]["http"]["paths"].as_array().unwrap() {
                        let service = &path["backend"]["service"];
                        has_port(&service["name"], &service["port"]["name"]);
                    }
                }
                "HTTPRoute" => {
                    for rule in spec["rules"].as_array().unwrap() {
                        has_port(&rule["backendRefs"][0]["name"], &rule["backendRefs"][0]["port"]);
                    }
                }
                _ => {}
            }
            if let Some(pods) = rendered.pods() {
                assert!(named("ServiceAccount", &pods["spec"]["serviceAccountName"]).is_some(), "{what}");
            }
        }
    }
}

#[test]
fn each_role_talks_only_to_whom_it_has_to() {
    let files = rendered_values_files();
    let (_, production) = files.iter().find(|(file, _)| file.contains("production")).unwrap();
    let ports = |component: &str, direction: &str| {
        let policy = production
            .objects
            .iter()
            .find(|rendered| rendered.kind() == "NetworkPolicy" && rendered.name().ends_with(component))
            .unwrap();
        let rules = policy.object["spec"][direction].as_array().unwrap().iter();
        let ports = rules.flat_map(|rule| rule["ports"].as_array().unwrap());
        ports.map(|port| port["port"].to_string().replace('"', "")).collect::<BTreeSet<_>>()
    };
    let set = |ports: &[&str]| ports.iter().map(|port| (*port).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ports("gateway", "egress"), set(&["53", "8082", "6379", "4317"]), "no database, no sites");
    assert_eq!(ports("scim", "egress"), set(&["53", "5432", "6379", "4317"]), "no sites");
    assert_eq!(ports("api", "egress"), set(&["53", "5432", "6379", "4317", "443"]));
    assert_eq!(ports("sync", "egress"), set(&["53", "5432", "6379", "4317", "443"]));
    assert_eq!(ports("migrate", "egress"), set(&["53", "5432"]));
    assert_eq!(ports("scim", "ingress"), set(&["cell", "internal"]));
    assert_eq!(ports("sync", "ingress"), set(&["internal"]));
    assert!(ports("migrate", "ingress").is_empty());
}
