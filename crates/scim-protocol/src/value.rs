//! Values against their definitions: types, spelling of names, and what counts as no value.

use serde_json::{Map, Value};

use crate::elements;
use crate::error::ScimError;
use crate::instant;
use crate::schema::{Attribute, AttributeType};

/// Whether a value, of whatever attribute, holds nothing: what `pr` in a filter denies, and what is not
/// kept in a document.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Whether a value unassigns this attribute: null and, for a list, `[]` (RFC 7643 §2.5); an empty string
/// for text as well, since providers send it for "no value". Anything else must be of the right type.
pub(crate) fn unassigns(attribute: &Attribute, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => attribute.multi_valued && elements.is_empty(),
        Value::String(text) => text.is_empty() && !attribute.multi_valued && attribute.kind.is_text(),
        Value::Object(members) => members.is_empty() && attribute.kind == AttributeType::Complex,
        _ => false,
    }
}

/// Brings a value into the form that is stored: names in the schema's spelling, types checked, what is
/// ours to fill left out, equal elements merged, no value as `None`. `place` names the attribute in errors.
pub(crate) fn normalize(
    attribute: &Attribute,
    value: Value,
    place: &str,
) -> Result<Option<Value>, ScimError> {
    if unassigns(attribute, &value) {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return normalize_one(attribute, value, place);
    }
    let given = match value {
        Value::Array(elements) => elements,
        // RFC 7644 §3.5.2.1 lets PATCH add one element without brackets.
        object @ Value::Object(_) if attribute.kind == AttributeType::Complex => vec![object],
        other => return Err(wrong_type(place, "a list", &other)),
    };
    let mut normal = Vec::with_capacity(given.len());
    for element in given {
        if element.is_array() {
            return Err(wrong_type(place, "a list of single values", &element));
        }
        normal.extend(normalize_one(attribute, element, place)?);
    }
    let mut kept = Vec::with_capacity(normal.len());
    elements::merge(&mut kept, normal, attribute);
    elements::check_primary(&kept, place)?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// The same for one element of a list, or the value of an attribute that is no list.
pub(crate) fn normalize_one(
    attribute: &Attribute,
    value: Value,
    place: &str,
) -> Result<Option<Value>, ScimError> {
    let nothing = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty() && attribute.kind.is_text(),
        _ => false,
    };
    if nothing {
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
        if !sub.is_kept() {
            continue;
        }
        let place = format!("{place}.{}", sub.name);
        if let Some(value) = normalize(sub, value, &place)? {
            put_once(&mut kept, sub, value, &place)?;
        }
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}

/// Puts a value in stored form into its place. The same name in two spellings with two values is refused,
/// since there is no telling which one is meant.
pub(crate) fn put_once(
    target: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Value,
    place: &str,
) -> Result<(), ScimError> {
    match target.get(&attribute.name) {
        Some(present) if *present != value => {
            Err(ScimError::invalid_value(format!("{place} is given twice, with different values")))
        }
        _ => {
            target.insert(attribute.name.clone(), value);
            Ok(())
        }
    }
}

fn scalar(attribute: &Attribute, value: Value, place: &str) -> Result<Value, ScimError> {
    // PostgreSQL cannot store NUL, and nobody means it.
    if value.as_str().is_some_and(|text| text.contains('\0')) {
        return Err(ScimError::invalid_value(format!("{place} contains a NUL character")));
    }
    let (fits, expected) = match attribute.kind {
        AttributeType::Boolean => (value.is_boolean(), "true or false"),
        AttributeType::Integer => (value.is_i64() || value.is_u64(), "a whole number"),
        AttributeType::Decimal => (value.is_number(), "a number"),
        AttributeType::DateTime => (
            value.as_str().is_some_and(|text| instant::parse(text).is_some()),
            "a dateTime such as 2026-01-31T12:00:00Z",
        ),
        AttributeType::String | AttributeType::Binary | AttributeType::Reference | AttributeType::Complex => {
            (value.is_string(), "a string")
        }
    };
    if fits { Ok(value) } else { Err(wrong_type(place, expected, &value)) }
}

fn wrong_type(place: &str, expected: &str, value: &Value) -> ScimError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "this number",
        Value::String(_) => "this string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ScimError::invalid_value(format!("{place} must be {expected}, not {found}"))
}
