//! Bodies of POST and PUT.

use scim_protocol::Strictness::{self, Lenient, Strict};
use scim_protocol::error::ScimError;
use scim_protocol::patch::Op;
use scim_protocol::projection::Projection;
use scim_protocol::resource;
use scim_protocol::schema::{self, ResourceType};
use serde_json::Value;

use super::{MODES, check_refusal, check_repairs, patches, samples};

/// A body is refused or becomes a document in stored form, which as a body is accepted unchanged; leniency
/// changes nothing in a body that needs none.
pub fn resource(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    for resource_type in schema::all() {
        check_body(&body, resource_type);
    }
}

pub(crate) fn check_body(body: &Value, resource_type: &ResourceType) {
    let [strict, lenient] =
        MODES.map(|strictness| resource::from_request(body.clone(), resource_type, strictness));
    match (&strict, &lenient) {
        (Ok((strict, _)), Ok((lenient, _))) => assert_eq!(strict, lenient),
        (Ok(_), Err(error)) => assert_eq!("accepted", error.detail, "leniency refuses what is standard"),
        _ => {}
    }
    for (strictness, outcome) in MODES.into_iter().zip([strict, lenient]) {
        match outcome {
            Ok((document, repairs)) => {
                check_repairs(&repairs);
                check_stored_form(&document, resource_type);
                check_replace(body, &document, resource_type, strictness);
            }
            Err(error) => check_refusal(&error),
        }
    }
}

/// PUT makes the same document whatever was there, except that an absent `active` stays.
fn check_replace(body: &Value, document: &Value, resource_type: &ResourceType, strictness: Strictness) {
    for stored in samples::stored(resource_type) {
        let mut expected = document.clone();
        if expected.get("active").is_none()
            && let Some(active) = stored.get("active")
        {
            expected["active"] = active.clone();
        }
        let (put, _) = accepted(resource::replace(&stored, body.clone(), resource_type, strictness));
        assert_eq!(put, expected);
    }
}

/// A stored document holds no empty value and no password, is accepted as it is as a body, stays as it is
/// when it replaces itself or is merged into itself, and can be shown.
pub(crate) fn check_stored_form(document: &Value, resource_type: &ResourceType) {
    check_no_empty_value(document);
    for strictness in MODES {
        let (again, repairs) = accepted(resource::from_request(document.clone(), resource_type, strictness));
        assert_eq!(again, *document);
        assert_eq!(repairs, Vec::<String>::new());
        let (again, _) = accepted(resource::replace(document, document.clone(), resource_type, strictness));
        assert_eq!(again, *document);
    }
    for op in [Op::Add, Op::Replace] {
        let merged = patches::apply_one(document, op, None, Some(document), resource_type, Strict);
        let merged = accepted(merged);
        assert_eq!(merged.resource, *document, "{op} of a document to itself");
        assert!(!merged.changed);
    }
    // The same through each attribute's own path.
    for (name, value) in document.as_object().into_iter().flatten().filter(|(name, _)| *name != "schemas") {
        for strictness in [Strict, Lenient] {
            let outcome =
                patches::apply_one(document, Op::Replace, Some(name), Some(value), resource_type, strictness);
            let outcome = accepted(outcome);
            assert!(!outcome.changed, "replace of {name} by itself gives {}", outcome.resource);
            assert_eq!(outcome.repairs, Vec::<String>::new());
        }
    }
    let projection = accepted(Projection::parse(None, None, resource_type));
    assert_eq!(projection.apply(document.clone()), *document, "a stored document is shown whole");
}

fn check_no_empty_value(document: &Value) {
    let shown = document.to_string();
    match document {
        Value::Object(members) => {
            assert!(!members.is_empty(), "an empty object");
            assert!(!members.contains_key("password"), "a password is kept");
            for value in members.values() {
                check_no_empty_value(value);
            }
        }
        Value::Array(elements) => {
            assert!(!elements.is_empty(), "an empty list");
            for element in elements {
                check_no_empty_value(element);
            }
        }
        Value::String(text) => assert!(!text.is_empty() && !text.contains('\0'), "{shown}"),
        Value::Null => assert_eq!(shown, "a value"),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What must be accepted.
#[track_caller]
pub(crate) fn accepted<T>(outcome: Result<T, ScimError>) -> T {
    let refusal = outcome.as_ref().err().map(ToString::to_string);
    assert_eq!(refusal, None, "refused");
    let Ok(value) = outcome else { unreachable!("it has just been seen to be no refusal") };
    value
}
