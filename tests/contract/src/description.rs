//! One vendor's OpenAPI document: which operation a request is, and what may stand in it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;

use anyhow::Context as _;
use jsonschema::{ValidationError, Validator};
use sandbox::installation::recording::Exchange;
use serde_json::{Map, Value, json};

/// Statuses that any call may be answered with, whatever its description lists.
const ALWAYS: [u16; 6] = [401, 429, 500, 502, 503, 504];

/// The most of a problem's text that is told: it may quote a whole body.
const TOLD_CHARACTERS: usize = 200;

/// A description, with its schemas closed: a field that it does not name is wrong.
pub(crate) struct Description {
    document: Value,
    /// By the schema's text; making one takes longer than using it.
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

/// An operation of it.
struct Operation<'a> {
    /// `PUT /rest/api/2/user`.
    name: String,
    value: &'a Value,
}

impl Description {
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let mut document: Value =
            serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", file.display()))?;
        close(&mut document);
        Ok(Self { document, validators: RefCell::default() })
    }

    /// The operation's name, and everything in the exchange that is not as described. `None` when it is none of these
    /// operations.
    pub(crate) fn check(&self, exchange: &Exchange) -> Option<(String, Vec<String>)> {
        let operation = self.operation(exchange)?;
        let mut problems = Vec::new();
        let known = operation.query_parameters();
        for name in exchange.query.iter().filter(|name| !known.contains(name.as_str())) {
            problems.push(format!("the query has no parameter {name}"));
        }
        let described = operation.value.pointer("/requestBody/content/application~1json/schema");
        match (&exchange.request, described) {
            (Some(body), Some(schema)) => problems.extend(self.violations("the request", schema, body)),
            (Some(_), None) => problems.push("a body is sent where none is described".to_owned()),
            (None, _) => {}
        }
        problems.extend(self.answer_problems(&operation, exchange));
        Some((operation.name, problems))
    }

    fn answer_problems(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<String> {
        let status = exchange.status.to_string();
        let responses = operation.value.get("responses").and_then(Value::as_object);
        let range = format!("{}XX", &status[..1]);
        let described =
            responses.and_then(|responses| responses.get(&status).or_else(|| responses.get(&range)));
        let Some(response) = described else {
            let always = ALWAYS.contains(&exchange.status);
            return if always { Vec::new() } else { vec![format!("the status {status} is not described")] };
        };
        let schema = response.pointer("/content/application~1json/schema");
        match (schema, &exchange.answer) {
            // Of a list the documents describe what it is a list of.
            (Some(schema), Some(Value::Array(items))) if !self.is_list(schema) => {
                items.iter().flat_map(|item| self.violations("the answer", schema, item)).collect()
            }
            (Some(schema), Some(answer)) => self.violations("the answer", schema, answer),
            _ => Vec::new(),
        }
    }

    fn is_list(&self, schema: &Value) -> bool {
        let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        let schema = target.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(schema);
        schema["type"] == "array"
    }

    fn violations(&self, what: &str, schema: &Value, value: &Value) -> Vec<String> {
        match self.validator(schema) {
            Ok(validator) => {
                let told = |error: ValidationError<'_>| {
                    let text = format!("{what} at '{}': {error}", error.instance_path());
                    text.chars().take(TOLD_CHARACTERS).collect()
                };
                validator.iter_errors(value).map(told).collect()
            }
            Err(error) => vec![format!("the description of {what} cannot be used: {error}")],
        }
    }

    fn validator(&self, schema: &Value) -> Result<Rc<Validator>, String> {
        let text = schema.to_string();
        if let Some(validator) = self.validators.borrow().get(&text) {
            return Ok(Rc::clone(validator));
        }
        // References lead into the document's own components.
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = Rc::new(jsonschema::validator_for(&whole).map_err(|error| error.to_string())?);
        self.validators.borrow_mut().insert(text, Rc::clone(&validator));
        Ok(validator)
    }

    /// What stands between the host and the described paths.
    fn base_path(&self) -> String {
        let server = self.document["servers"][0]["url"].as_str().unwrap_or_default();
        let path =
            server.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
        path.unwrap_or_default().trim_end_matches('/').to_owned()
    }

    /// The operation that a request is; a path that names every segment goes before one with placeholders.
    fn operation(&self, exchange: &Exchange) -> Option<Operation<'_>> {
        let paths = self.document["paths"].as_object()?;
        let asked = exchange.path.strip_prefix(&self.base_path())?;
        let fitting = paths.iter().filter(|(path, _)| fits(path, asked));
        let (path, operations) = fitting.min_by_key(|(path, _)| path.matches('{').count())?;
        let value = operations.get(exchange.method.to_lowercase())?;
        Some(Operation { name: format!("{} {path}", exchange.method), value })
    }
}

impl Operation<'_> {
    fn query_parameters(&self) -> BTreeSet<&str> {
        let parameters = self.value["parameters"].as_array().into_iter().flatten();
        parameters.filter(|parameter| parameter["in"] == "query").filter_map(|p| p["name"].as_str()).collect()
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, found): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    wanted.len() == found.len()
        && wanted.iter().zip(found).all(|(wanted, found)| wanted.starts_with('{') || *wanted == found)
}

/// Lets no object with described fields have others. Objects whose fields the vendor left open stay open.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let describes =
                fields.get("properties").and_then(Value::as_object).is_some_and(|p| !p.is_empty());
            if describes && fields.get("type").and_then(Value::as_str) == Some("object") {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
            allow_null(fields);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// OpenAPI 3.0 has a keyword of its own for what JSON Schema says with a type.
fn allow_null(fields: &mut Map<String, Value>) {
    if fields.get("nullable") == Some(&Value::Bool(true))
        && let Some(Value::String(kind)) = fields.get("type").cloned()
    {
        fields.insert("type".to_owned(), json!([kind, "null"]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description() -> Description {
        let user = json!({"type": "object", "properties": {"name": {"type": "string"}}});
        let content = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
        let reference = json!({"$ref": "#/components/schemas/User"});
        let mut document = json!({
            "paths": {
                "/api/user/{name}": {"put": {
                    "parameters": [{"name": "key", "in": "query"}],
                    "requestBody": content(reference.clone()),
                    "responses": {"2XX": content(reference), "404": {}},
                }},
                "/api/user/search": {"get": {"responses": {"200": {}}}},
            },
            "components": {"schemas": {"User": user}},
        });
        close(&mut document);
        Description { document, validators: RefCell::default() }
    }

    fn exchange(method: &str, path: &str) -> Exchange {
        Exchange {
            product: "P".into(),
            method: method.into(),
            path: path.into(),
            query: vec![],
            request: None,
            status: 200,
            answer: None,
        }
    }

    fn problems(exchange: &Exchange) -> Vec<String> {
        match description().check(exchange) {
            Some((_, problems)) => problems,
            None => vec!["no such operation".to_owned()],
        }
    }

    #[test]
    fn what_is_as_described_has_no_problems() {
        let put = Exchange {
            query: vec!["key".into()],
            request: Some(json!({"name": "ann"})),
            answer: Some(json!({"name": "ann"})),
            ..exchange("PUT", "/api/user/ann")
        };
        assert_eq!(description().check(&put), Some(("PUT /api/user/{name}".to_owned(), vec![])));
        assert_eq!(problems(&exchange("GET", "/api/user/search")), [""; 0]);
        assert_eq!(problems(&Exchange { status: 503, ..exchange("GET", "/api/user/search") }), [""; 0]);
    }

    #[test]
    fn path_of_the_server_comes_before_the_described_ones() {
        let mut below = description();
        below.document["servers"] = json!([{ "url": "https://host.example.com/admin/" }]);
        assert!(below.check(&exchange("GET", "/admin/api/user/search")).is_some());
        assert!(below.check(&exchange("GET", "/api/user/search")).is_none());
    }

    #[test]
    fn a_changed_field_name_is_found_on_either_side() {
        let sent = Exchange { request: Some(json!({"nom": "ann"})), ..exchange("PUT", "/api/user/ann") };
        assert!(problems(&sent)[0].contains("nom"), "{:?}", problems(&sent));
        let answered = Exchange { answer: Some(json!({"nom": "ann"})), ..exchange("PUT", "/api/user/ann") };
        assert!(problems(&answered)[0].contains("nom"), "{:?}", problems(&answered));
    }

    #[test]
    fn unknown_paths_methods_parameters_bodies_and_statuses_are_found() {
        let cases = [
            (exchange("GET", "/api/users"), "no such operation"),
            (exchange("DELETE", "/api/user/ann"), "no such operation"),
            (Exchange { query: vec!["k".into()], ..exchange("PUT", "/api/user/ann") }, "no parameter k"),
            (
                Exchange { request: Some(json!({})), ..exchange("GET", "/api/user/search") },
                "none is described",
            ),
            (Exchange { status: 409, ..exchange("PUT", "/api/user/ann") }, "409 is not described"),
        ];
        for (exchange, expected) in cases {
            assert!(problems(&exchange)[0].contains(expected), "{:?}", problems(&exchange));
        }
    }
}
