//! Repairs of PATCH operations.

use serde_json::{Map, Value};

use super::repair_value;
use crate::Strictness;
use crate::patch::{Op, Operation};
use crate::path::{self, PatchPath, resolve_name};
use crate::repairs::Repairs;
use crate::schema::{Attribute, ResourceType, Schema};
use crate::value::is_empty;

/// Makes operations of their own out of keys such as `name.givenName`, and drops keys that lead nowhere.
pub(super) fn lift_path_keys(
    mut operation: Operation,
    resource_type: &ResourceType,
    repairs: &mut Repairs,
) -> Vec<Operation> {
    let (None, Op::Add | Op::Replace) = (&operation.path, operation.op) else { return vec![operation] };
    let Some(Value::Object(members)) = operation.value.take() else { return vec![operation] };
    let mut plain = Map::new();
    let mut lifted = Vec::new();
    for (name, mut value) in members {
        if let Some(extension) = resource_type.extension(&name) {
            drop_unknown(&mut value, extension, repairs);
            plain.insert(name, value);
        } else if resolve_name(&name, resource_type).is_some() {
            plain.insert(name, value);
        } else if let Ok(path) = path::parse(&name, resource_type, Strictness::Lenient) {
            // Clients echo what they read: what is ours to fill is passed over, as for plain keys.
            if !path.is_read_only() {
                repairs.note(format!("the key {name:?} applied as a path"));
                lifted.push(Operation { op: operation.op, path: Some(name), value: Some(value) });
            }
        } else {
            repairs.note(format!("{name} is not in the schema: dropped"));
        }
    }
    if !plain.is_empty() || lifted.is_empty() {
        operation.value = Some(Value::Object(plain));
        lifted.insert(0, operation);
    }
    lifted
}

/// Drops an operation at what an extension may have elsewhere and has not here. A name without a URN, or
/// with the core schema's, is more likely a mistake and left for the engine to refuse.
pub(super) fn drop_foreign_paths(
    operation: Operation,
    resource_type: &ResourceType,
    repairs: &mut Repairs,
) -> Vec<Operation> {
    let Some(text) = &operation.path else { return vec![operation] };
    let text = text.trim();
    let name = text.split_once('[').map_or(text, |(name, _)| name);
    let is_foreign = path::split_name(name).is_some_and(|name| {
        let urn = name.urn.as_deref();
        urn.is_some_and(|urn| !urn.eq_ignore_ascii_case(&resource_type.schema.id))
            && resource_type.find(urn, &name.attribute).is_none()
    });
    if !is_foreign || resource_type.extension(text).is_some() {
        return vec![operation];
    }
    repairs.note(format!("{name} is not in the schema: dropped"));
    Vec::new()
}

fn drop_unknown(value: &mut Value, extension: &Schema, repairs: &mut Repairs) {
    let Some(members) = value.as_object_mut() else { return };
    members.retain(|name, _| {
        let known = extension.attribute(name).is_some();
        if !known {
            repairs.note(format!("{}:{name} is not in the schema: dropped", extension.id));
        }
        known
    });
}

/// Names each element of the value by a filter in a path of its own. Read literally, `remove` would ignore
/// the value and empty the list, which is never what a client means that lists elements.
pub(super) fn remove_named_elements(
    operation: Operation,
    resource_type: &ResourceType,
    repairs: &mut Repairs,
) -> Vec<Operation> {
    let (Op::Remove, Some(text), Some(value)) = (operation.op, &operation.path, &operation.value) else {
        return vec![operation];
    };
    let text = text.trim();
    let attribute = match path::parse(text, resource_type, Strictness::Lenient) {
        Ok(PatchPath::Attribute { located, filter: None, sub: None }) => located.attribute,
        _ => return vec![operation],
    };
    if !attribute.multi_valued {
        return vec![Operation { value: None, ..operation }];
    }
    // For members it matters that somebody wrote null (`members::Unclear`); elsewhere it is no value.
    if value.is_null() {
        return vec![operation];
    }
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        other => std::slice::from_ref(other),
    };
    let named: Vec<Operation> = elements
        .iter()
        .filter_map(|element| filter_for(element, attribute))
        .map(|filter| Operation { op: Op::Remove, path: Some(format!("{text}[{filter}]")), value: None })
        .collect();
    let plural = if named.len() == 1 { "element" } else { "elements" };
    repairs.note(format!("remove of {} with a value: {} {plural} named", attribute.name, named.len()));
    named
}

/// The filter that selects an element: by its value if it has one, else by all that is given.
fn filter_for(element: &Value, attribute: &Attribute) -> Option<String> {
    let Value::Object(members) = element else {
        return (!is_empty(element) && !element.is_array()).then(|| format!("value eq {element}"));
    };
    let given = members.iter().filter_map(|(name, value)| {
        let sub = attribute.sub(name)?;
        let is_scalar = !is_empty(value) && !value.is_array() && !value.is_object();
        is_scalar.then_some((sub.name.as_str(), value))
    });
    let mut equalities: Vec<(&str, &Value)> = given.collect();
    if let Some(position) = equalities.iter().position(|(name, _)| *name == "value") {
        equalities = vec![equalities[position]];
    }
    let words: Vec<String> = equalities.iter().map(|(name, value)| format!("{name} eq {value}")).collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

/// Repairs the value of an operation for the attribute that it is meant for.
pub(super) fn repair_values(operation: &mut Operation, resource_type: &ResourceType, repairs: &mut Repairs) {
    let Some(value) = operation.value.as_mut().filter(|_| operation.op != Op::Remove) else { return };
    let Some(text) = &operation.path else {
        let Some(members) = value.as_object_mut() else { return };
        for (name, value) in members.iter_mut() {
            if let Some(extension) = resource_type.extension(name) {
                repair_extension(extension, value, repairs);
            } else if let Some(located) = resolve_name(name, resource_type)
                && located.attribute.is_kept()
            {
                repair_in_place(located.attribute, value, &located.attribute.name, repairs);
            }
        }
        return;
    };
    match path::parse(text, resource_type, Strictness::Lenient) {
        // What is not kept may be of any form.
        Ok(PatchPath::Attribute { located, .. }) if !located.attribute.is_kept() => {}
        Ok(PatchPath::Extension(extension)) => repair_extension(extension, value, repairs),
        Ok(PatchPath::Attribute { sub: Some(sub), .. }) => repair_in_place(sub, value, text, repairs),
        Ok(PatchPath::Attribute { located, filter: Some(_), sub: None }) => {
            repair_in_place(&located.attribute.element(), value, text, repairs);
        }
        Ok(PatchPath::Attribute { located, .. }) => repair_in_place(located.attribute, value, text, repairs),
        // The engine refuses it in its own words.
        Err(_) => {}
    }
}

fn repair_extension(extension: &Schema, value: &mut Value, repairs: &mut Repairs) {
    let Some(members) = value.as_object_mut() else { return };
    for (name, value) in members.iter_mut() {
        if let Some(attribute) = extension.attribute(name).filter(|found| found.is_kept()) {
            repair_in_place(attribute, value, &attribute.name, repairs);
        }
    }
}

fn repair_in_place(attribute: &Attribute, value: &mut Value, place: &str, repairs: &mut Repairs) {
    *value = repair_value(attribute, value.take(), place, repairs);
}
