//! The OpenAPI document: committed as the code has it, and complete by the rules of OpenAPI 3.1.

use std::collections::HashSet;

use serde_json::Value;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(&tenant_api::openapi_json()).unwrap()
}

/// Every operation as `(path, method, operation)`.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations: Vec<_> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect();
    assert!(operations.len() > 30, "the document has all operations");
    operations
}

/// Calls `visit` with every value below `value`.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| walk(field, visit)),
        _ => {}
    }
}

#[test]
fn the_committed_document_is_what_the_code_says() {
    let committed = include_str!("../../openapi.json");
    assert!(
        committed == tenant_api::openapi_json(),
        "services/tenant-api/openapi.json is stale: run `make openapi` and commit the file"
    );
    assert!(committed.ends_with("}\n"), "the file ends with a line break");
}

#[test]
fn the_head_says_what_this_is() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["title"], "Rollcall");
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["security"][0]["bearer"], serde_json::json!([]));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = 0;
    walk(&document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            references += 1;
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    });
    assert!(references > 100);
}

#[test]
fn every_operation_has_a_name_of_its_own_a_summary_and_described_answers() {
    let document = document();
    let mut names = HashSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(METHODS.contains(&method), "{method} {path}");
        let name = operation["operationId"].as_str().unwrap_or_default();
        assert!(!name.is_empty() && names.insert(name), "{method} {path} has no operationId of its own");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{name} has no summary");
        for (status, response) in operation["responses"].as_object().unwrap() {
            // OpenAPI 3.1 §4.8.17: description is required.
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{name} {status} has no description");
        }
        let statuses = operation["responses"].as_object().unwrap().keys();
        assert_eq!(
            statuses.filter(|status| status.starts_with('2')).count(),
            1,
            "{name} succeeds in one way"
        );
    }
}

#[test]
fn every_refusal_is_a_problem() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        // Nobody is refused for want of a credential where none is asked for.
        let asks = operation["security"] != serde_json::json!([{}]);
        for expected in [if asks { "401" } else { "403" }, "503"] {
            assert!(responses.contains_key(expected), "{method} {path} lacks {expected}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let content = response["content"].as_object().unwrap();
            assert_eq!(content.len(), 1, "{method} {path} {status}");
            assert_eq!(
                content["application/problem+json"]["schema"]["$ref"], "#/components/schemas/Problem",
                "{method} {path} {status}"
            );
        }
    }
}

/// What makes a credential of another: whoever lost the answer asks again.
const ABOUT_CREDENTIALS: &[&str] =
    &["/v1/auth/token", "/v1/sessions", "/v1/sessions/rotate", "/v1/sign-in/start", "/v1/sign-in/finish"];

#[test]
fn parameters_of_a_path_are_those_in_its_braces() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let in_braces: HashSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let no_parameters = Vec::new();
        let parameters = operation["parameters"].as_array().unwrap_or(&no_parameters);
        let declared: HashSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(in_braces, declared, "{method} {path}");
        if method == "post" && !ABOUT_CREDENTIALS.contains(&path) {
            let named = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
            assert!(named, "{method} {path} takes an Idempotency-Key");
        }
    }
}

#[test]
fn every_body_has_an_example_and_nothing_else_has() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let example = operation.pointer("/requestBody/content/application~1json/example");
        assert_eq!(example.is_some(), operation.get("requestBody").is_some(), "{method} {path}: {id}");
        assert_eq!(example, tenant_api::examples::body(id).as_ref(), "{id}");
    }
}
