//! Each value of the chart does something, is described, and stands in the table of the chart's README.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{Rendered, Renderings, render, repository};
use crate::compose::yaml;

/// A value by its path, with what the schema says of it.
struct Leaf {
    path: Vec<String>,
    description: String,
    example: Value,
}

fn schema() -> Value {
    let path = format!("{}/helm/rollcall/values.schema.json", repository());
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The values that the schema describes, in its order.
fn leaves() -> Vec<Leaf> {
    fn walk(schema: &Value, path: &[String], leaves: &mut Vec<Leaf>) {
        for (name, below) in schema["properties"].as_object().unwrap() {
            let path = [path, std::slice::from_ref(name)].concat();
            if path == ["global"] {
                continue;
            }
            match below["description"].as_str() {
                Some(description) => leaves.push(Leaf {
                    path,
                    description: description.to_owned(),
                    example: below["examples"][0].clone(),
                }),
                None => walk(below, &path, leaves),
            }
        }
    }
    let mut leaves = Vec::new();
    walk(&schema(), &[], &mut leaves);
    leaves
}

/// Values with everything on that can be on at once, with nothing but what is needed, and all in one process.
fn bases() -> [Value; 3] {
    let scaled = json!({"autoscaling": {"enabled": true}});
    [
        json!({
            "publicUrl": "https://scim.example.com",
            "redis": {"enabled": true},
            "tracing": {"endpoint": "http://collector:4317"},
            "externalSecrets": {"enabled": true, "storeName": "store"},
            "gateway": scaled, "scim": scaled, "api": scaled,
            "sync": {"autoscaling": {"enabled": true, "taskAge": {"enabled": true}}},
            "ingress": {"enabled": true, "tlsSecretName": "tls"},
            "httpRoute": {"enabled": true, "parentRefs": [{"name": "public"}]},
            "serviceMonitor": {"enabled": true}, "prometheusRule": {"enabled": true}, "dashboards": {"enabled": true},
        }),
        json!({"publicUrl": "https://scim.example.com", "allowTargets": ["10.1.0.0/16"]}),
        json!({"publicUrl": "https://scim.example.com", "allInOne": {"enabled": true}}),
    ]
}

/// Values with one of them set.
fn with(base: &Value, path: &[String], value: &Value) -> Value {
    let mut values = base.clone();
    let mut place = &mut values;
    for name in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = place.as_object_mut().unwrap().entry(name).or_insert(Value::Null);
    }
    *place = value.clone();
    values
}

#[test]
fn each_value_changes_what_is_rendered() {
    let (leaves, bases) = (leaves(), bases());
    let mut cases: Vec<Value> = bases.iter().map(|base| json!({"values": base})).collect();
    for leaf in &leaves {
        assert!(!leaf.example.is_null(), "{} has no example", leaf.path.join("."));
        cases.extend(bases.iter().map(|base| json!({"values": with(base, &leaf.path, &leaf.example)})));
    }
    let answers = render(&cases).answers;
    let told = |answer: &super::Answer| {
        assert_eq!(answer.error, None);
        let objects = answer.objects.iter().map(|rendered| rendered.object.to_string());
        objects.collect::<Vec<_>>().join("\n") + &answer.notes
    };
    let (before, after) = answers.split_at(bases.len());
    let before: Vec<String> = before.iter().map(told).collect();
    for (leaf, after) in leaves.iter().zip(after.chunks(bases.len())) {
        let changed = before.iter().zip(after).any(|(before, after)| *before != told(after));
        assert!(changed, "{} changes nothing", leaf.path.join("."));
        for answer in after {
            assert_eq!(answer.invalid, Vec::<String>::new(), "{} = {}", leaf.path.join("."), leaf.example);
        }
    }
}

#[test]
fn each_default_is_described_and_what_is_described_has_a_default() {
    fn paths(values: &Value, described: &[Leaf], path: &[String], found: &mut Vec<String>) {
        for (name, value) in values.as_object().unwrap() {
            let path = [path, std::slice::from_ref(name)].concat();
            if described.iter().any(|leaf| leaf.path == path) || !value.is_object() {
                found.push(path.join("."));
            } else {
                paths(value, described, &path, found);
            }
        }
    }
    let leaves = leaves();
    let mut found = Vec::new();
    paths(&render(&[]).defaults, &leaves, &[], &mut found);
    found.sort();
    let mut described: Vec<String> = leaves.iter().map(|leaf| leaf.path.join(".")).collect();
    described.sort();
    assert_eq!(found, described);
}

#[test]
fn values_that_cannot_be_meant_are_refused_by_name() {
    let url = "https://scim.example.com";
    let refused = [
        (json!({}), "publicUrl"),
        (json!({"publicUrl": "scim.example.com"}), "publicUrl"),
        (json!({"publicUrl": url, "replicas": 3}), "replicas"),
        (json!({"publicUrl": url, "gateway": {"replica": 3}}), "replica"),
        (json!({"publicUrl": url, "gateway": {"replicas": 0}}), "replicas"),
        (json!({"publicUrl": url, "gateway": {"replicas": "many"}}), "replicas"),
        (json!({"publicUrl": url, "leaseSeconds": 1}), "leaseSeconds"),
        (json!({"publicUrl": url, "tracing": {"ratio": 2}}), "ratio"),
        (json!({"publicUrl": url, "log": {"format": "xml"}}), "format"),
        (json!({"publicUrl": url, "externalSecrets": {"enabled": true}}), "storeName"),
        (json!({"publicUrl": url, "httpRoute": {"enabled": true}}), "parentRefs"),
    ];
    let cases: Vec<Value> = refused.iter().map(|(values, _)| json!({"values": values})).collect();
    for ((values, name), answer) in refused.iter().zip(render(&cases).answers) {
        assert!(answer.error.is_some_and(|error| error.contains(name)), "{values} is taken");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "only this test reads the variable; it is no configuration")]
fn readme_has_the_table_of_values() {
    let path = format!("{}/helm/rollcall/README.md", repository());
    let readme = std::fs::read_to_string(&path).unwrap();
    let (start, rest) = readme.split_once("<!-- values -->\n").unwrap();
    let (_, end) = rest.split_once("<!-- /values -->").unwrap();
    let Renderings { defaults, .. } = render(&[]);
    let mut table = String::from("| value | default | meaning |\n| --- | --- | --- |\n");
    for leaf in leaves() {
        let default = leaf.path.iter().fold(&defaults, |place, name| &place[name]);
        let (name, meaning) = (leaf.path.join("."), leaf.description.replace('|', "\\|"));
        writeln!(table, "| `{name}` | `{default}` | {meaning} |").unwrap();
    }
    let expected = format!("{start}<!-- values -->\n{table}<!-- /values -->{end}");
    if std::env::var("ROLLCALL_WRITE_DOCS").is_ok() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == expected, "run this test with ROLLCALL_WRITE_DOCS=1 to renew {path}");
}

/// The example of Argo CD gives the chart values that it takes.
#[test]
fn argo_cd_example_renders() {
    let example = yaml(&Path::new(&repository()).join("infra/argocd/rollcall.yaml"));
    let source = &example["spec"]["source"];
    assert_eq!(source["path"], "helm/rollcall");
    let helm = &source["helm"];
    let case = json!({"file": helm["valueFiles"][0], "values": helm["valuesObject"]});
    let answer = render(&[case]).answers.remove(0);
    assert_eq!(answer.error, None);
    assert!(answer.lint.is_empty() && answer.invalid.is_empty(), "{:?} {:?}", answer.lint, answer.invalid);
    let image = helm["valuesObject"]["image"]["repository"].as_str().unwrap();
    let pods = answer.objects.iter().filter_map(Rendered::pods);
    let images: Vec<&Value> = pods.map(|pod| &pod["spec"]["containers"][0]["image"]).collect();
    assert!(images.len() >= 5 && images.iter().all(|used| used.as_str().unwrap().starts_with(image)));
}
