//! Request bodies of POST and PUT as documents to store (RFC 7644 §3.3, §3.5.1).
//!
//! A stored document has names in the schema's spelling, holds no attribute without a value, none that is
//! ours to fill (`id`, `meta`, `groups`) and no password. Attributes that no schema knows are dropped, and
//! the repair says which.

use serde_json::{Map, Value};

use crate::Strictness;
use crate::dialect;
use crate::error::ScimError;
use crate::schema::{Attribute, Mutability, ResourceType, Returned};
use crate::value::{is_unassigned, normalize};

/// A document, and what was repaired or dropped on the way, in words.
pub type Accepted = (Value, Vec<String>);

/// The document of a body.
pub fn from_request(
    body: Value,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Accepted, ScimError> {
    let mut repairs = Vec::new();
    let Value::Object(members) = body else {
        return Err(ScimError::invalid_syntax("A resource is a JSON object"));
    };
    check_schemas(&members, resource_type, strictness, &mut repairs)?;
    let mut document = Map::new();
    for (name, value) in members {
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        if let Some(extension) = resource_type.extension(&name) {
            let Value::Object(members) = value else {
                if is_unassigned(&value) {
                    continue;
                }
                return Err(ScimError::invalid_value(format!("{name} must be an object")));
            };
            let mut kept = Map::new();
            for (name, value) in members {
                match extension.attribute(&name) {
                    Some(attribute) => put(&mut kept, attribute, value, strictness, &mut repairs)?,
                    None => repairs.push(format!("{}:{name} is not in the schema: dropped", extension.id)),
                }
            }
            if !kept.is_empty() {
                document.insert(extension.id.clone(), Value::Object(kept));
            }
            continue;
        }
        match resource_type.find(None, &name) {
            Some(located) => put(&mut document, located.attribute, value, strictness, &mut repairs)?,
            None => repairs.push(format!("{name} is not in the schema: dropped")),
        }
    }
    Ok((complete(document, resource_type)?, repairs))
}

/// The document that a PUT makes of a stored one: what the body leaves out is cleared, except `active`,
/// whose absence must neither activate nor deactivate anyone.
pub fn replace(
    stored: &Value,
    body: Value,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Accepted, ScimError> {
    let (mut document, repairs) = from_request(body, resource_type, strictness)?;
    if let Some(object) = document.as_object_mut() {
        if let (Some(active), false) = (stored.get("active"), object.contains_key("active")) {
            object.insert("active".into(), active.clone());
        }
    }
    for attribute in &resource_type.schema.attributes {
        let (before, after) = (stored.get(&attribute.name), document.get(&attribute.name));
        if attribute.mutability == Mutability::Immutable && before.is_some() && before != after {
            return Err(ScimError::mutability(format!("{} cannot be changed", attribute.name)));
        }
    }
    Ok((document, repairs))
}

/// Recomputes `schemas` from what is present, and checks what a resource needs.
pub(crate) fn complete(
    mut document: Map<String, Value>,
    resource_type: &ResourceType,
) -> Result<Value, ScimError> {
    document.shift_remove("schemas");
    for attribute in resource_type.schema.attributes.iter().filter(|attribute| attribute.required) {
        let blank = match document.get(&attribute.name) {
            None => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        if blank {
            return Err(ScimError::invalid_value(format!("{} is required", attribute.name)));
        }
    }
    let present = resource_type.extensions.iter().filter(|schema| document.contains_key(&schema.id));
    let schemas = std::iter::once(&resource_type.schema).chain(present);
    let schemas: Value = schemas.map(|schema| Value::String(schema.id.clone())).collect();
    let mut complete = Map::with_capacity(document.len() + 1);
    complete.insert("schemas".into(), schemas);
    complete.extend(document);
    Ok(Value::Object(complete))
}

fn check_schemas(
    members: &Map<String, Value>,
    resource_type: &ResourceType,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Result<(), ScimError> {
    let given = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
    let Some(given) = given.filter(|value| !is_unassigned(value)) else {
        if strictness.is_lenient() {
            repairs.push("schemas is missing: taken from the endpoint".into());
            return Ok(());
        }
        return Err(ScimError::invalid_syntax("schemas is missing"));
    };
    let urns: Option<Vec<&str>> = given.as_array().and_then(|urns| urns.iter().map(Value::as_str).collect());
    let urns = urns.ok_or_else(|| ScimError::invalid_value("schemas must be a list of URNs"))?;
    if !urns.iter().any(|urn| urn.eq_ignore_ascii_case(&resource_type.schema.id)) {
        return Err(ScimError::invalid_syntax(format!("schemas must hold {}", resource_type.schema.id)));
    }
    for urn in urns {
        if !resource_type.urns().any(|known| known.eq_ignore_ascii_case(urn)) {
            repairs.push(format!("schema {urn} is not known: ignored"));
        }
    }
    Ok(())
}

fn put(
    target: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Value,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Result<(), ScimError> {
    // Clients echo what they read; what is ours to fill is passed over, and a password is not kept.
    if attribute.mutability == Mutability::ReadOnly || attribute.returned == Returned::Never {
        return Ok(());
    }
    let value = dialect::repair_value(attribute, value, &attribute.name, strictness, repairs);
    match normalize(attribute, value, &attribute.name)? {
        Some(value) => target.insert(attribute.name.clone(), value),
        None => target.shift_remove(&attribute.name),
    };
    Ok(())
}
