//! Values against their definitions: types, spelling of names, and what counts as no value.

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::instant;
use crate::schema::{Attribute, AttributeType, Mutability, Returned};

/// Whether a value counts as none (RFC 7643 §2.5: null and the empty list; an empty string as well,
/// since providers send it for "no value").
pub(crate) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Brings a value into the form that is stored: names in the schema's spelling, types checked, what is
/// ours to fill left out, no value as `None`. `place` names the attribute in errors.
pub(crate) fn normalize(
    attribute: &Attribute,
    value: Value,
    place: &str,
) -> Result<Option<Value>, ScimError> {
    if is_unassigned(&value) {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return normalize_one(attribute, value, place);
    }
    let elements = match value {
        Value::Array(elements) => elements,
        // RFC 7644 §3.5.2.1 lets PATCH add one element without brackets.
        object @ Value::Object(_) if attribute.kind == AttributeType::Complex => vec![object],
        other => return Err(wrong_type(place, "a list", &other)),
    };
    let mut kept: Vec<Value> = Vec::with_capacity(elements.len());
    for element in elements {
        if let Some(element) = normalize_one(attribute, element, place)? {
            merge_element(&mut kept, element);
        }
    }
    check_primary(&kept, place)?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// At most one element may be primary (RFC 7643 §2.4).
pub(crate) fn check_primary(elements: &[Value], place: &str) -> Result<(), ScimError> {
    let primary = elements.iter().filter(|element| element.get("primary") == Some(&Value::Bool(true)));
    if primary.count() > 1 {
        return Err(ScimError::invalid_value(format!("{place}: more than one element is primary")));
    }
    Ok(())
}

/// Appends an element unless an equal one (same type and value, RFC 7643 §2.4) is there; then the later
/// one's other members win.
pub(crate) fn merge_element(elements: &mut Vec<Value>, element: Value) {
    let identity = |element: &Value| match element {
        Value::Object(members) => {
            members.get("value").map(|value| (value.clone(), members.get("type").cloned()))
        }
        other => Some((other.clone(), None)),
    };
    let wanted = identity(&element);
    let equal = elements
        .iter_mut()
        .find(|present| **present == element || (wanted.is_some() && identity(present) == wanted));
    match (equal, element) {
        (Some(Value::Object(present)), Value::Object(members)) => present.extend(members),
        (Some(_), _) => {}
        (None, element) => elements.push(element),
    }
}

fn normalize_one(attribute: &Attribute, value: Value, place: &str) -> Result<Option<Value>, ScimError> {
    if is_unassigned(&value) {
        return Ok(None);
    }
    match attribute.kind {
        AttributeType::Complex => complex(attribute, value, place),
        _ => scalar(attribute, value, place).map(Some),
    }
}

fn complex(attribute: &Attribute, value: Value, place: &str) -> Result<Option<Value>, ScimError> {
    let Value::Object(members) = value else { return Err(wrong_type(place, "an object", &value)) };
    let mut kept = Map::new();
    for (name, value) in members {
        // Sub-attributes that no schema has, and those that are ours to fill, are left out.
        let Some(sub) = attribute.sub(&name) else { continue };
        if sub.mutability == Mutability::ReadOnly || sub.returned == Returned::Never {
            continue;
        }
        if let Some(value) = normalize(sub, value, &format!("{place}.{}", sub.name))? {
            kept.insert(sub.name.clone(), value);
        }
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}

fn scalar(attribute: &Attribute, value: Value, place: &str) -> Result<Value, ScimError> {
    let expected = match (attribute.kind, &value) {
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, Value::String(text)) => {
            // PostgreSQL cannot store NUL, and nobody means it.
            if text.contains('\0') {
                return Err(ScimError::invalid_value(format!("{place} contains a NUL character")));
            }
            return Ok(value);
        }
        (AttributeType::DateTime, Value::String(text)) if instant::parse(text).is_some() => return Ok(value),
        (AttributeType::Boolean, Value::Bool(_)) => return Ok(value),
        (AttributeType::Integer, Value::Number(number)) if !number.is_f64() => return Ok(value),
        (AttributeType::Decimal, Value::Number(_)) => return Ok(value),
        (AttributeType::Boolean, _) => "true or false",
        (AttributeType::Integer, _) => "a whole number",
        (AttributeType::Decimal, _) => "a number",
        (AttributeType::DateTime, _) => "a dateTime such as 2026-01-31T12:00:00Z",
        _ => "a string",
    };
    Err(wrong_type(place, expected, &value))
}

fn wrong_type(place: &str, expected: &str, value: &Value) -> ScimError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ScimError::invalid_value(format!("{place} must be {expected}, not {found}"))
}
