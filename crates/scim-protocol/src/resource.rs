//! Request bodies of POST and PUT as documents to store (RFC 7644 §3.3, §3.5.1).
//!
//! A stored document has names in the schema's spelling, holds no attribute without a value, none that is
//! ours to fill (`id`, `meta`, `groups`) and no password. Attributes that no schema knows are refused when
//! strict; else they are dropped, and the repair says which.

use serde_json::{Map, Value};

use crate::Strictness;
use crate::dialect;
use crate::error::ScimError;
use crate::path::resolve_name;
use crate::repairs::Repairs;
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::value::{is_empty, normalize, put_once};

/// A document, and what was repaired or dropped on the way, in words.
pub type Accepted = (Value, Vec<String>);

/// The document of a body.
///
/// Strict, an attribute or schema with data that is not known is 400 `invalidSyntax`: the body does not
/// conform to the schema (RFC 7644 table 9). Lenient, it is dropped, and the drop is said. To have it kept,
/// its schema is registered. What the document needs is checked: required attributes, types, at most one
/// primary element.
pub fn from_request(
    body: Value,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Accepted, ScimError> {
    let Value::Object(members) = body else {
        return Err(ScimError::invalid_syntax("A resource is a JSON object"));
    };
    let mut reader = Reader { document: Map::new(), strictness, repairs: Repairs::default() };
    reader.check_schemas(&members, resource_type)?;
    for (name, value) in members {
        if let Some(extension) = resource_type.extension(&name) {
            reader.extension(extension, value)?;
            continue;
        }
        match resolve_name(&name, resource_type) {
            Some(located) => reader.attribute(located.extension, located.attribute, value)?,
            None => reader.unknown(&name)?,
        }
    }
    Ok((complete(reader.document, None, resource_type)?, reader.repairs.into_sentences()))
}

/// The document that a PUT makes of a stored one.
///
/// What the body leaves out is cleared, except what is ours to fill, and `active`, whose absence must
/// neither activate nor deactivate anyone. An immutable value that changes is 400 `mutability`.
pub fn replace(
    stored: &Value,
    body: Value,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Accepted, ScimError> {
    let (mut document, repairs) = from_request(body, resource_type, strictness)?;
    if let (Some(object), Some(stored)) = (document.as_object_mut(), stored.as_object()) {
        for attribute in resource_type.common.iter().chain(&resource_type.schema.attributes) {
            let stays = attribute.mutability == Mutability::ReadOnly || attribute.name == "active";
            if let Some(value) = stored.get(&attribute.name).filter(|_| stays)
                && !object.contains_key(&attribute.name)
            {
                object.insert(attribute.name.clone(), value.clone());
            }
        }
    }
    check_immutable(stored, &document, resource_type)?;
    Ok((document, repairs))
}

/// Refuses a change of an immutable value: it may be set once and repeated (RFC 7643 §7).
pub(crate) fn check_immutable(
    before: &Value,
    after: &Value,
    resource_type: &ResourceType,
) -> Result<(), ScimError> {
    for attribute in &resource_type.schema.attributes {
        check_unchanged(attribute, Some(before), Some(after), &attribute.name)?;
    }
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        for attribute in &extension.schema.attributes {
            check_unchanged(attribute, before.get(urn), after.get(urn), &attribute.name)?;
        }
    }
    Ok(())
}

fn check_unchanged(
    attribute: &Attribute,
    before: Option<&Value>,
    after: Option<&Value>,
    place: &str,
) -> Result<(), ScimError> {
    let before = before.and_then(|holder| holder.get(&attribute.name));
    let after = after.and_then(|holder| holder.get(&attribute.name));
    if attribute.mutability == Mutability::Immutable && before.is_some() && before != after {
        return Err(ScimError::mutability(format!("{place} cannot be changed")));
    }
    // Elements of lists come and go as a whole.
    if attribute.multi_valued || before.is_none() {
        return Ok(());
    }
    let mut subs = attribute.sub_attributes.iter();
    subs.try_for_each(|sub| check_unchanged(sub, before, after, &format!("{place}.{}", sub.name)))
}

/// Recomputes `schemas` from what is present, and checks what a resource needs.
///
/// An extension that is as it was in `before` is not asked for what it requires: its schema may have become
/// stricter since, and a PATCH that deactivates someone must not fail for a value that it does not touch.
pub(crate) fn complete(
    mut document: Map<String, Value>,
    before: Option<&Value>,
    resource_type: &ResourceType,
) -> Result<Value, ScimError> {
    document.shift_remove("schemas");
    check_required(&resource_type.schema.attributes, &document, "")?;
    let mut urns = vec![Value::String(resource_type.schema.id.clone())];
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        let is_untouched = before.is_some_and(|before| before.get(urn) == document.get(urn));
        match document.get(urn).and_then(Value::as_object) {
            Some(members) => {
                if !is_untouched {
                    check_required(&extension.schema.attributes, members, &format!("{urn}:"))?;
                }
                urns.push(Value::String(urn.clone()));
            }
            None if extension.required && !is_untouched => {
                return Err(ScimError::invalid_value(format!("{urn} is required")));
            }
            None => {}
        }
    }
    let mut complete = Map::with_capacity(document.len() + 1);
    complete.insert("schemas".into(), Value::Array(urns));
    complete.extend(document);
    Ok(Value::Object(complete))
}

/// Required attributes must have a value that is not blank; required sub-attributes, where the attribute
/// that holds them is present.
fn check_required(
    attributes: &[Attribute],
    holder: &Map<String, Value>,
    place: &str,
) -> Result<(), ScimError> {
    for attribute in attributes {
        let value = holder.get(&attribute.name);
        let blank = match value {
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(value) => is_empty(value),
            None => true,
        };
        // Values that are ours to fill are not in the document yet.
        if blank && attribute.required && attribute.mutability != Mutability::ReadOnly {
            return Err(ScimError::invalid_value(format!("{place}{} is required", attribute.name)));
        }
        if !attribute.sub_attributes.iter().any(|sub| sub.required) {
            continue;
        }
        let place = format!("{place}{}.", attribute.name);
        let objects = match value {
            Some(Value::Array(elements)) => elements.iter().filter_map(Value::as_object).collect(),
            Some(Value::Object(members)) => vec![members],
            _ => Vec::new(),
        };
        objects
            .into_iter()
            .try_for_each(|members| check_required(&attribute.sub_attributes, members, &place))?;
    }
    Ok(())
}

struct Reader {
    document: Map<String, Value>,
    strictness: Strictness,
    repairs: Repairs,
}

impl Reader {
    fn check_schemas(
        &mut self,
        members: &Map<String, Value>,
        resource_type: &ResourceType,
    ) -> Result<(), ScimError> {
        let given = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas"));
        let urns: Vec<&str> = match given.map(|(_, value)| value) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(urns)) if urns.iter().all(Value::is_string) => {
                urns.iter().filter_map(Value::as_str).collect()
            }
            Some(_) => return Err(ScimError::invalid_value("schemas must be a list of URNs")),
        };
        let core = &resource_type.schema.id;
        let is_core = |urn: &&str| urn.eq_ignore_ascii_case(core);
        if !urns.iter().any(is_core) {
            // Schemas of another kind are no habit but a mistake, also where habits are repaired.
            let repairable = urns.iter().all(|urn| resource_type.extension(urn).is_some());
            if !self.strictness.is_lenient() || !repairable {
                return Err(ScimError::invalid_syntax(format!("schemas must hold {core}")));
            }
            self.repairs.note("schemas lacks the core schema: taken from the endpoint");
        }
        for urn in urns {
            if !is_core(&urn) && resource_type.extension(urn).is_none() {
                self.repairs.note(format!("schema {urn} is not known: ignored"));
            }
        }
        Ok(())
    }

    fn extension(&mut self, extension: &Schema, value: Value) -> Result<(), ScimError> {
        let members = match value {
            Value::Object(members) => members,
            Value::Null => return Ok(()),
            _ => return Err(ScimError::invalid_value(format!("{} must be an object", extension.id))),
        };
        for (name, value) in members {
            match extension.attribute(&name) {
                Some(attribute) => self.attribute(Some(extension), attribute, value)?,
                None => self.unknown(&format!("{}:{name}", extension.id))?,
            }
        }
        Ok(())
    }

    /// An attribute, or a schema with data, that is in no schema of the resource type.
    fn unknown(&mut self, name: &str) -> Result<(), ScimError> {
        if !self.strictness.is_lenient() {
            return Err(ScimError::invalid_syntax(format!("{name} is not in the schema")));
        }
        self.repairs.note(format!("{name} is not in the schema: dropped"));
        Ok(())
    }

    fn attribute(
        &mut self,
        extension: Option<&Schema>,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), ScimError> {
        // Clients echo what they read; what is ours to fill is passed over, and a password is not kept.
        if !attribute.is_kept() {
            return Ok(());
        }
        let place = &attribute.name;
        let value = if self.strictness.is_lenient() {
            dialect::repair_value(attribute, value, place, &mut self.repairs)
        } else {
            value
        };
        let Some(value) = normalize(attribute, value, place)? else { return Ok(()) };
        let Some(extension) = extension else { return put_once(&mut self.document, attribute, value, place) };
        let holder = self.document.entry(extension.id.clone()).or_insert_with(|| Value::Object(Map::new()));
        match holder {
            Value::Object(holder) => put_once(holder, attribute, value, place),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
