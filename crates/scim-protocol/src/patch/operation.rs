//! One operation after the other on a document.

use serde_json::{Map, Value};

use super::attribute::{Change, Effort};
use super::{Op, Operation};
use crate::Strictness;
use crate::error::ScimError;
use crate::filter::Filter;
use crate::path::{self, PatchPath, resolve_name};
use crate::repairs::Repairs;
use crate::schema::{Attribute, Located, Mutability, ResourceType, Returned, Schema};

/// The document after all operations.
pub(super) fn apply_all(
    document: Map<String, Value>,
    operations: &[Operation],
    resource_type: &ResourceType,
    strictness: Strictness,
    repairs: &mut Repairs,
) -> Result<Map<String, Value>, ScimError> {
    let mut patcher = Patcher {
        document,
        resource_type,
        strictness,
        repairs,
        effort: Effort::default(),
        removed: Vec::new(),
    };
    for operation in operations {
        patcher.operation(operation)?;
    }
    patcher.check_removed()?;
    Ok(patcher.document)
}

struct Patcher<'a> {
    document: Map<String, Value>,
    resource_type: &'a ResourceType,
    strictness: Strictness,
    repairs: &'a mut Repairs,
    effort: Effort,
    /// Required attributes that an operation removed.
    removed: Vec<Located<'a>>,
}

impl<'a> Patcher<'a> {
    /// A required attribute may be removed if a later operation gives it back: a resource must be whole after
    /// all of them. One that stays away is `mutability` (RFC 7644 §3.5.2.2).
    fn check_removed(&self) -> Result<(), ScimError> {
        for Located { extension, attribute } in &self.removed {
            let holder = match extension {
                Some(extension) => self.document.get(&extension.id).and_then(Value::as_object),
                None => Some(&self.document),
            };
            if !holder.is_some_and(|holder| holder.contains_key(&attribute.name)) {
                let name = &attribute.name;
                return Err(ScimError::mutability(format!("{name} is required and cannot be removed")));
            }
        }
        Ok(())
    }

    fn operation(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let value = operation.value.clone().unwrap_or(Value::Null);
        match (&operation.path, operation.op) {
            (Some(path), op) => self.at_path(op, path, value),
            (None, Op::Remove) => Err(ScimError::no_target("remove needs a path")),
            (None, op) => {
                let Value::Object(members) = value else {
                    return Err(ScimError::invalid_value(
                        "Without a path, value must be an object of attributes",
                    ));
                };
                members.into_iter().try_for_each(|(name, value)| self.member(op, &name, value))
            }
        }
    }

    /// One member of the value of an operation without a path.
    fn member(&mut self, op: Op, name: &str, value: Value) -> Result<(), ScimError> {
        let resource_type = self.resource_type;
        if let Some(extension) = resource_type.extension(name) {
            return self.at_extension(op, extension, value);
        }
        let located = resolve_name(name, resource_type).ok_or_else(|| {
            ScimError::invalid_path(format!("{name:?} is no attribute of a {}", resource_type.name))
        })?;
        // Clients echo what they read: what is ours to fill is passed over here.
        if located.attribute.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        self.at_attribute(op, located, None, None, value)
    }

    fn at_path(&mut self, op: Op, text: &str, value: Value) -> Result<(), ScimError> {
        let path = path::parse(text, self.resource_type, self.strictness)?;
        if path.is_read_only() {
            return Err(ScimError::mutability(format!("{text} is read-only")));
        }
        match path {
            PatchPath::Extension(extension) => self.at_extension(op, extension, value),
            PatchPath::Attribute { located, filter, sub } => {
                self.at_attribute(op, located, filter.as_ref(), sub, value)
            }
        }
    }

    /// A whole extension: a complex attribute of its own (RFC 7643 §3.3).
    fn at_extension(&mut self, op: Op, extension: &'a Schema, value: Value) -> Result<(), ScimError> {
        let urn = &extension.id;
        if op == Op::Remove || (op == Op::Replace && value.is_null()) {
            self.document.shift_remove(urn);
            return Ok(());
        }
        let members = match value {
            Value::Object(members) => members,
            Value::Null => return Ok(()),
            _ => return Err(ScimError::invalid_value(format!("{urn} must be an object"))),
        };
        for (name, value) in members {
            let Some(attribute) = extension.attribute(&name) else {
                // Some clients repeat `schemas` within an extension.
                if self.strictness.is_lenient() {
                    self.repairs.note(format!("{urn}:{name} is not in the schema: dropped"));
                    continue;
                }
                return Err(ScimError::invalid_path(format!("{name:?} is no attribute of {urn}")));
            };
            if attribute.mutability != Mutability::ReadOnly {
                let located = Located { extension: Some(extension), attribute };
                self.at_attribute(op, located, None, None, value)?;
            }
        }
        Ok(())
    }

    fn at_attribute(
        &mut self,
        op: Op,
        located: Located<'a>,
        filter: Option<&Filter>,
        sub: Option<&Attribute>,
        value: Value,
    ) -> Result<(), ScimError> {
        if op == Op::Remove && located.attribute.required && filter.is_none() && sub.is_none() {
            self.removed.push(located);
        }
        // A password is accepted and not kept.
        if located.attribute.returned == Returned::Never {
            return Ok(());
        }
        let change = Change {
            op,
            attribute: located.attribute,
            filter,
            sub,
            creates_missing: self.strictness.is_lenient(),
            repairs: self.repairs,
            effort: &mut self.effort,
        };
        let Some(extension) = located.extension else { return change.apply(&mut self.document, value) };
        let holder = self.document.entry(extension.id.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Some(holder) = holder.as_object_mut() else { return Ok(()) };
        change.apply(holder, value)?;
        if holder.is_empty() {
            self.document.shift_remove(&extension.id);
        }
        Ok(())
    }
}
