//! Elements of multi-valued attributes: which are equal, and which one is primary (RFC 7643 §2.4).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use crate::error::ScimError;
use crate::fold;
use crate::schema::{Attribute, AttributeType, Mutability};

/// At most one element may be primary.
pub(crate) fn check_primary(elements: &[Value], place: &str) -> Result<(), ScimError> {
    if elements.iter().filter(|element| is_primary(element)).count() > 1 {
        return Err(ScimError::invalid_value(format!("{place}: more than one element is primary")));
    }
    Ok(())
}

/// Whether an element carries `primary: true`.
pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Takes the mark from all elements but the one at `index`.
pub(crate) fn keep_primary_only_at(elements: &mut [Value], index: usize) {
    for (position, element) in elements.iter_mut().enumerate() {
        if position != index && is_primary(element) {
            element["primary"] = Value::Bool(false);
        }
    }
}

/// Appends elements in stored form. One that is equal to an element which is there already (same value and
/// type) is not added twice: the later one's sub-attributes are laid over it. A primary newcomer takes
/// the mark from whoever had it (RFC 7644 §3.5.2).
pub(crate) fn merge(present: &mut Vec<Value>, given: Vec<Value>, attribute: &Attribute) {
    let mut places: HashMap<String, usize> =
        present.iter().enumerate().map(|(index, element)| (identity(element, attribute), index)).collect();
    let already_primary = present.iter().any(is_primary);
    let mut primary = None;
    for element in given {
        let index = match places.entry(identity(&element, attribute)) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => *place.insert(present.len()),
        };
        if is_primary(&element) {
            primary = Some(index);
        }
        match (present.get_mut(index), element) {
            (Some(Value::Object(there)), Value::Object(members)) => there.extend(members),
            (Some(there), element) => *there = element,
            (None, element) => present.push(element),
        }
    }
    if let Some(index) = primary.filter(|_| already_primary) {
        keep_primary_only_at(present, index);
    }
}

/// What makes an element this one and no other: its value and type. A list whose elements have no `value`
/// (addresses) compares them whole. Where a type cannot be changed the value decides it (members).
pub(crate) fn identity(element: &Value, attribute: &Attribute) -> String {
    let mut key = String::new();
    if attribute.kind != AttributeType::Complex {
        push(&mut key, attribute, Some(element));
        return key;
    }
    let has_value = element.get("value").is_some();
    for sub in &attribute.sub_attributes {
        let counts = match sub.name.as_str() {
            "value" => true,
            "type" => !has_value || sub.mutability == Mutability::ReadWrite,
            "primary" => false,
            _ => !has_value,
        };
        if counts {
            push(&mut key, sub, element.get(&sub.name));
        }
    }
    key
}

fn push(key: &mut String, attribute: &Attribute, value: Option<&Value>) {
    match value {
        Some(Value::String(text)) if attribute.kind == AttributeType::String && !attribute.case_exact => {
            key.push_str(&Value::String(fold(text)).to_string());
        }
        Some(value) => key.push_str(&value.to_string()),
        None => {}
    }
    key.push(',');
}
