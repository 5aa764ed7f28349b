//! Repairs of values for attributes.

use serde_json::{Value, json};

use super::{QUIRKS, Stage};
use crate::repairs::Repairs;
use crate::schema::{Attribute, AttributeType};

/// Repairs a value for an attribute, at all levels below it. `place` names the attribute in sentences.
pub(crate) fn repair_value(attribute: &Attribute, value: Value, place: &str, repairs: &mut Repairs) -> Value {
    let mut value = value;
    for quirk in QUIRKS {
        if let Stage::Value(repair) = quirk.stage {
            value = repair(attribute, value, place, repairs);
        }
    }
    match value {
        Value::Array(elements) if attribute.multi_valued => {
            let element_of = attribute.element();
            let repaired = elements.into_iter().map(|element| match element {
                // Lists within lists are nobody's habit.
                Value::Array(_) => element,
                element => repair_value(&element_of, element, place, repairs),
            });
            repaired.collect()
        }
        Value::Object(members) if attribute.kind == AttributeType::Complex => {
            let repaired = members.into_iter().map(|(name, value)| match attribute.sub(&name) {
                Some(sub) if sub.is_kept() => {
                    let value = repair_value(sub, value, &format!("{place}.{}", sub.name), repairs);
                    (name, value)
                }
                _ => (name, value),
            });
            Value::Object(repaired.collect())
        }
        other => other,
    }
}

pub(super) fn drop_empty_text(
    attribute: &Attribute,
    value: Value,
    place: &str,
    repairs: &mut Repairs,
) -> Value {
    let is_empty = value.as_str().is_some_and(str::is_empty);
    if is_empty && (attribute.multi_valued || !attribute.kind.is_text()) {
        repairs.note(format!("{place}: empty text taken as no value"));
        return Value::Null;
    }
    value
}

pub(super) fn read_json_list(
    attribute: &Attribute,
    value: Value,
    place: &str,
    repairs: &mut Repairs,
) -> Value {
    let is_list = attribute.multi_valued && attribute.kind == AttributeType::Complex;
    let Some(text) = value.as_str().filter(|text| is_list && text.trim_start().starts_with('[')) else {
        return value;
    };
    match serde_json::from_str(text) {
        Ok(Value::Array(elements)) if elements.iter().all(Value::is_object) => {
            repairs.note(format!("{place}: a JSON text read as the list that it holds"));
            Value::Array(elements)
        }
        _ => value,
    }
}

pub(super) fn unwrap_list_of_one(
    attribute: &Attribute,
    value: Value,
    place: &str,
    repairs: &mut Repairs,
) -> Value {
    match value {
        // Lists within lists are nobody's habit, and unwrapping them again would go on where this ends.
        Value::Array(mut elements)
            if !attribute.multi_valued && elements.len() == 1 && !elements[0].is_array() =>
        {
            repairs.note(format!("{place}: a list of one taken as its element"));
            elements.remove(0)
        }
        other => other,
    }
}

pub(super) fn read_boolean(attribute: &Attribute, value: Value, place: &str, repairs: &mut Repairs) -> Value {
    let Some(text) = value.as_str().filter(|_| attribute.kind == AttributeType::Boolean) else {
        return value;
    };
    let known = [("true", true), ("false", false)];
    match known.into_iter().find(|(word, _)| text.trim().eq_ignore_ascii_case(word)) {
        Some((_, boolean)) => {
            repairs.note(format!("{place}: the text {text:?} read as {boolean}"));
            Value::Bool(boolean)
        }
        None => value,
    }
}

pub(super) fn wrap_bare_value(
    attribute: &Attribute,
    value: Value,
    place: &str,
    repairs: &mut Repairs,
) -> Value {
    let Value::String(text) = value else { return value };
    if attribute.multi_valued || !takes_bare_strings(attribute) || text.is_empty() {
        return Value::String(text);
    }
    repairs.note(format!("{place}: a bare string taken as its value"));
    json!({ "value": text })
}

pub(super) fn wrap_bare_elements(
    attribute: &Attribute,
    value: Value,
    place: &str,
    repairs: &mut Repairs,
) -> Value {
    let Value::Array(elements) = value else { return value };
    if !attribute.multi_valued || !takes_bare_strings(attribute) {
        return Value::Array(elements);
    }
    let element_of = attribute.element();
    elements.into_iter().map(|element| wrap_bare_value(&element_of, element, place, repairs)).collect()
}

fn takes_bare_strings(attribute: &Attribute) -> bool {
    attribute.kind == AttributeType::Complex && attribute.sub("value").is_some()
}
