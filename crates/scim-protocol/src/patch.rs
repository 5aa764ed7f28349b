//! PATCH (RFC 7644 §3.5.2): a general engine over documents. All operations happen or none.

use std::fmt;

use serde_json::{Map, Value};

use crate::Strictness;
use crate::error::ScimError;
use crate::path::{self, PatchPath};
use crate::resource::complete;
use crate::schema::{Located, Mutability, ResourceType, Returned};

mod attribute;

pub use crate::members::{MemberChange, MemberDelta, MemberRef, Members, fold_members, split_members};

/// URN of the PatchOp message.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Adds values.
    Add,
    /// Removes values.
    Remove,
    /// Replaces values.
    Replace,
}

impl fmt::Display for Op {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        })
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What it does.
    pub op: Op,
    /// Where; absent: at the attributes that `value` names.
    pub path: Option<String>,
    /// With what.
    pub value: Option<Value>,
}

/// The operations of a PatchOp message, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// In order.
    pub operations: Vec<Operation>,
}

/// The outcome of [`apply`].
#[derive(Clone, Debug)]
pub struct Patched {
    /// The document afterwards.
    pub resource: Value,
    /// Whether it differs from before.
    pub changed: bool,
    /// What was repaired, in words.
    pub repairs: Vec<String>,
}

impl PatchRequest {
    /// Reads a PatchOp message; also returns what was repaired, in words.
    pub fn parse(body: Value, strictness: Strictness) -> Result<(Self, Vec<String>), ScimError> {
        let mut repairs = Vec::new();
        let Value::Object(members) = body else {
            return Err(ScimError::invalid_syntax("A PATCH body is a JSON object"));
        };
        let mut operations = None;
        let mut schemas = None;
        for (name, value) in members {
            if name.eq_ignore_ascii_case("operations") {
                operations = Some(value);
            } else if name.eq_ignore_ascii_case("schemas") {
                schemas = Some(value);
            }
        }
        check_schemas(schemas.as_ref(), strictness, &mut repairs)?;
        let Some(Value::Array(operations)) = operations else {
            return Err(ScimError::invalid_syntax("Operations must be a list"));
        };
        if operations.is_empty() {
            return Err(ScimError::invalid_syntax("Operations is empty"));
        }
        let operations = operations.into_iter().map(|operation| read(operation, strictness, &mut repairs));
        Ok((Self { operations: operations.collect::<Result<_, _>>()? }, repairs))
    }

    /// What is asked for in a few words, without any value: `replace active, add emails`.
    pub fn summary(&self) -> String {
        const SHOWN: usize = 5;
        let mut words: Vec<String> = Vec::new();
        for operation in &self.operations {
            let place = match (&operation.path, &operation.value) {
                (Some(path), _) => path.split('[').next().unwrap_or_default().to_owned(),
                (None, Some(Value::Object(members))) => {
                    members.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                }
                _ => String::new(),
            };
            let said = format!("{} {place}", operation.op);
            if !words.contains(&said) {
                words.push(said);
            }
        }
        let more = words.len().saturating_sub(SHOWN);
        words.truncate(SHOWN);
        let mut summary = words.join(", ");
        if more > 0 {
            summary.push_str(&format!(" and {more} more"));
        }
        summary.chars().take(300).collect()
    }
}

fn check_schemas(
    schemas: Option<&Value>,
    strictness: Strictness,
    repairs: &mut Vec<String>,
) -> Result<(), ScimError> {
    match schemas {
        None if strictness.is_lenient() => {
            repairs.push("schemas is missing: taken as a PatchOp".into());
            Ok(())
        }
        Some(Value::Array(urns))
            if urns.iter().any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP))) =>
        {
            Ok(())
        }
        _ => Err(ScimError::invalid_syntax(format!("schemas must hold {PATCH_OP}"))),
    }
}

fn read(operation: Value, strictness: Strictness, repairs: &mut Vec<String>) -> Result<Operation, ScimError> {
    let Value::Object(members) = operation else {
        return Err(ScimError::invalid_syntax("An operation is a JSON object"));
    };
    let (mut op, mut path, mut value) = (None, None, None);
    for (name, content) in members {
        match name.to_ascii_lowercase().as_str() {
            "op" => op = Some(content),
            "path" => path = Some(content),
            "value" => value = Some(content),
            _ => {}
        }
    }
    let Some(Value::String(word)) = op else {
        return Err(ScimError::invalid_syntax("op must be add, remove or replace"));
    };
    let op = [("add", Op::Add), ("remove", Op::Remove), ("replace", Op::Replace)]
        .into_iter()
        .find(|(known, _)| *known == word || (strictness.is_lenient() && known.eq_ignore_ascii_case(&word)))
        .map(|(known, op)| {
            if known != word {
                repairs.push(format!("op {word:?} read as {known}"));
            }
            op
        })
        .ok_or_else(|| {
            ScimError::invalid_syntax(format!("op must be add, remove or replace, not {word:?}"))
        })?;
    let path = match path {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.trim().is_empty() && strictness.is_lenient() => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => return Err(ScimError::invalid_path("path must be a string")),
    };
    if value.is_none() && op != Op::Remove {
        return Err(ScimError::invalid_value(format!("{op} needs a value")));
    }
    Ok(Operation { op, path, value })
}

/// Applies all operations to a stored document, or none: an error leaves the input as it was. Rules that
/// a resource must keep (required attributes, one primary) hold for the result, not between operations.
pub fn apply(
    resource: &Value,
    request: &PatchRequest,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Patched, ScimError> {
    let mut patcher = Patcher {
        document: resource.as_object().cloned().unwrap_or_default(),
        resource_type,
        strictness,
        repairs: Vec::new(),
    };
    for operation in &request.operations {
        patcher.operation(operation)?;
    }
    let patched = complete(patcher.document, resource_type)?;
    Ok(Patched { changed: patched != *resource, resource: patched, repairs: patcher.repairs })
}

struct Patcher<'a> {
    document: Map<String, Value>,
    resource_type: &'a ResourceType,
    strictness: Strictness,
    repairs: Vec<String>,
}

impl Patcher<'_> {
    fn operation(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let value = operation.value.clone().unwrap_or(Value::Null);
        match &operation.path {
            Some(path) => self.at_path(operation.op, path, value),
            None if operation.op == Op::Remove => Err(ScimError::no_target("remove needs a path")),
            None => {
                let Value::Object(members) = value else {
                    return Err(ScimError::invalid_value(
                        "Without a path, value must be an object of attributes",
                    ));
                };
                members.into_iter().try_for_each(|(name, value)| self.member(operation.op, &name, value))
            }
        }
    }

    /// One member of the value of an operation without a path.
    fn member(&mut self, op: Op, name: &str, value: Value) -> Result<(), ScimError> {
        if name.eq_ignore_ascii_case("schemas") {
            return Ok(());
        }
        if let Some(extension) = self.resource_type.extension(name) {
            return self.at_extension(op, &extension.id, value);
        }
        if let Some(located) = self.resource_type.find(None, name) {
            // Clients echo what they read: what is ours to fill is passed over here.
            if located.attribute.mutability == Mutability::ReadOnly {
                return Ok(());
            }
            return self.at_attribute(op, located, None, None, value);
        }
        if !self.strictness.is_lenient() {
            return Err(ScimError::invalid_path(format!(
                "{name:?} is no attribute of a {}",
                self.resource_type.name
            )));
        }
        if path::parse(name, self.resource_type, self.strictness).is_ok() {
            self.repairs.push(format!("the key {name:?} applied as a path"));
            return self.at_path(op, name, value);
        }
        self.repairs.push(format!("{name} is not in the schema: dropped"));
        Ok(())
    }

    fn at_path(&mut self, op: Op, text: &str, value: Value) -> Result<(), ScimError> {
        match path::parse(text, self.resource_type, self.strictness)? {
            PatchPath::Extension(schema) => self.at_extension(op, &schema.id, value),
            PatchPath::Attribute { located, filter, sub } => {
                let read_only = |mutability| mutability == Mutability::ReadOnly;
                if read_only(located.attribute.mutability) || sub.is_some_and(|sub| read_only(sub.mutability))
                {
                    return Err(ScimError::mutability(format!("{text} is read-only")));
                }
                self.at_attribute(op, located, filter.as_ref(), sub, value)
            }
        }
    }

    fn at_extension(&mut self, op: Op, urn: &str, value: Value) -> Result<(), ScimError> {
        if op == Op::Remove {
            self.document.shift_remove(urn);
            return Ok(());
        }
        let Value::Object(members) = value else {
            return Err(ScimError::invalid_value(format!("{urn} must be an object")));
        };
        for (name, value) in members {
            match self.resource_type.find(Some(urn), &name) {
                Some(located) if located.attribute.mutability == Mutability::ReadOnly => {}
                Some(located) => self.at_attribute(op, located, None, None, value)?,
                None if self.strictness.is_lenient() => {
                    self.repairs.push(format!("{urn}:{name} is not in the schema: dropped"));
                }
                None => return Err(ScimError::invalid_path(format!("{name:?} is no attribute of {urn}"))),
            }
        }
        Ok(())
    }

    fn at_attribute(
        &mut self,
        op: Op,
        located: Located<'_>,
        filter: Option<&crate::filter::Filter>,
        sub: Option<&crate::schema::Attribute>,
        value: Value,
    ) -> Result<(), ScimError> {
        // A password is accepted and not kept.
        if located.attribute.returned == Returned::Never {
            return Ok(());
        }
        let change = attribute::Change {
            op,
            attribute: located.attribute,
            filter,
            sub,
            strictness: self.strictness,
            repairs: &mut self.repairs,
        };
        match located.extension {
            None => change.apply(&mut self.document, value),
            Some(extension) => {
                let holder =
                    self.document.entry(extension.id.clone()).or_insert_with(|| Value::Object(Map::new()));
                let Some(holder) = holder.as_object_mut() else { return Ok(()) };
                let done = change.apply(holder, value);
                if holder.is_empty() {
                    self.document.shift_remove(&extension.id);
                }
                done
            }
        }
    }
}
