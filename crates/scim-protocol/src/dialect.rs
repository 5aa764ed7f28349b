//! Known habits of identity providers that leave the standard, repaired before the strict engine sees
//! them. Each repair says in words what it did; strict mode switches all of them off.
//!
//! | habit | who (source) | repair |
//! | --- | --- | --- |
//! | booleans as strings, `"False"` | Entra ("Known issues" of its SCIM client) | read as a boolean |
//! | a bare string for `manager` | Entra (attribute mapping of `manager`) | taken as its `value` |
//! | bare strings in lists of objects | templates written by hand (OneLogin) | taken as `value` |
//! | a list of one for a single value | several (RFC 7644 §3.5.2 examples misread) | its element is taken |
//! | an object for a list | RFC 7644 §3.5.2.1 allows it in PATCH | taken as the one element (no repair) |
//! | `op` in capitals | Entra without the `aadOptscim062020` flag | read in any case |
//! | PATCH without `schemas` | hand-written clients | accepted |
//! | keys that are paths in a value | Entra (`"name.givenName": "A"`) | applied as paths |
//! | a filter that matches no element | Entra (`emails[type eq "work"].value`) | the element is created |
//! | `remove` with a `value` | Entra without the flag | only those elements are removed |

use serde_json::{Value, json};

use crate::Strictness;
use crate::schema::{Attribute, AttributeType};

/// Repairs a value for an attribute, at all levels below it.
pub(crate) fn repair_value(
    attribute: &Attribute,
    value: Value,
    place: &str,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Value {
    if !strictness.is_lenient() {
        return value;
    }
    match value {
        Value::Array(mut elements) if !attribute.multi_valued && elements.len() == 1 => {
            repairs.push(format!("{place}: a list of one taken as its element"));
            repair_one(attribute, elements.remove(0), place, repairs)
        }
        Value::Array(elements) => {
            elements.into_iter().map(|element| repair_one(attribute, element, place, repairs)).collect()
        }
        Value::String(text)
            if attribute.multi_valued && attribute.kind == AttributeType::Complex && !text.is_empty() =>
        {
            Value::Array(vec![repair_one(attribute, Value::String(text), place, repairs)])
        }
        other => repair_one(attribute, other, place, repairs),
    }
}

fn repair_one(attribute: &Attribute, value: Value, place: &str, repairs: &mut Vec<String>) -> Value {
    match (attribute.kind, value) {
        (AttributeType::Boolean, Value::String(text)) => match boolean(&text) {
            Some(boolean) => {
                repairs.push(format!("{place}: the text {text:?} read as {boolean}"));
                Value::Bool(boolean)
            }
            None => Value::String(text),
        },
        (AttributeType::Complex, Value::String(text))
            if attribute.sub("value").is_some() && !text.is_empty() =>
        {
            repairs.push(format!("{place}: a bare string taken as its value"));
            json!({ "value": text })
        }
        (AttributeType::Complex, Value::Object(members)) => {
            let repaired = members.into_iter().map(|(name, value)| {
                let value = match attribute.sub(&name) {
                    Some(sub) => {
                        let place = format!("{place}.{}", sub.name);
                        repair_value(sub, value, &place, Strictness::Lenient, repairs)
                    }
                    None => value,
                };
                (name, value)
            });
            Value::Object(repaired.collect())
        }
        (_, other) => other,
    }
}

fn boolean(text: &str) -> Option<bool> {
    [("true", true), ("false", false)]
        .into_iter()
        .find(|(word, _)| text.trim().eq_ignore_ascii_case(word))
        .map(|(_, boolean)| boolean)
}
