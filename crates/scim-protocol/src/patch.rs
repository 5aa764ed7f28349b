//! PATCH (RFC 7644 §3.5.2): a general engine over documents. All operations happen or none.
//!
//! Start at [`PatchRequest::parse`] and [`apply`]. Groups keep their members as rows, so their services go
//! through [`split_members`] first.

use std::fmt;

use serde_json::Value;

use crate::Strictness;
use crate::dialect;
use crate::error::ScimError;
use crate::repairs::Repairs;
use crate::resource::{check_immutable, complete};
use crate::schema::ResourceType;

mod attribute;
mod operation;

pub use crate::members::{
    MemberChange, MemberDelta, MemberRef, Members, Unclear, fold_members, split_members, take_members,
};

/// URN of the `PatchOp` message.
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

/// The operations of a `PatchOp` message, in order.
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

/// The words of the operations on the wire.
pub(crate) const OPS: [(&str, Op); 3] = [("add", Op::Add), ("remove", Op::Remove), ("replace", Op::Replace)];

impl PatchRequest {
    /// Reads a `PatchOp` message; also returns what was repaired, in words.
    pub fn parse(body: Value, strictness: Strictness) -> Result<(Self, Vec<String>), ScimError> {
        let mut repairs = Repairs::default();
        let Value::Object(mut members) = body else {
            return Err(ScimError::invalid_syntax("A PATCH body is a JSON object"));
        };
        if strictness.is_lenient() {
            dialect::repair_message(&mut members, &mut repairs);
        }
        let mut operations = None;
        let mut urns = None;
        for (name, value) in members {
            if name.eq_ignore_ascii_case("operations") {
                operations = Some(value);
            } else if name.eq_ignore_ascii_case("schemas") {
                urns = Some(value);
            }
        }
        let is_patch_op = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP));
        if !urns.as_ref().and_then(Value::as_array).is_some_and(|urns| urns.iter().any(is_patch_op)) {
            return Err(ScimError::invalid_syntax(format!("schemas must hold {PATCH_OP}")));
        }
        let Some(Value::Array(operations)) = operations else {
            return Err(ScimError::invalid_syntax("Operations must be a list"));
        };
        if operations.is_empty() {
            return Err(ScimError::invalid_syntax("Operations is empty"));
        }
        let operations = operations.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((Self { operations }, repairs.into_sentences()))
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
            summary.push_str(" and more");
        }
        summary.chars().take(300).collect()
    }
}

fn read(operation: Value) -> Result<Operation, ScimError> {
    let Value::Object(members) = operation else {
        return Err(ScimError::invalid_syntax("An operation is a JSON object"));
    };
    let (mut word, mut path, mut value) = (None, None, None);
    for (name, content) in members {
        match name.to_ascii_lowercase().as_str() {
            "op" => word = Some(content),
            "path" => path = Some(content),
            "value" => value = Some(content),
            _ => {}
        }
    }
    let word = word.as_ref().and_then(Value::as_str).unwrap_or_default();
    let (_, op) = OPS.into_iter().find(|(known, _)| *known == word).ok_or_else(|| {
        let word: String = word.chars().take(20).collect();
        ScimError::invalid_syntax(format!("op must be add, remove or replace, not {word:?}"))
    })?;
    let path = match path {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => return Err(ScimError::invalid_path("path must be a string")),
    };
    if value.is_none() && op != Op::Remove {
        return Err(ScimError::invalid_value(format!("{op} needs a value")));
    }
    Ok(Operation { op, path, value })
}

/// Applies all operations to a stored document, or none: an error leaves the input as it was. Rules that
/// a resource must keep (required attributes, one primary, immutable values) hold for the result, not
/// between operations.
pub fn apply(
    resource: &Value,
    request: &PatchRequest,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Patched, ScimError> {
    let mut repairs = Repairs::default();
    let repaired;
    let request = if strictness.is_lenient() {
        repaired = dialect::repair_operations(request.clone(), resource_type, &mut repairs);
        &repaired
    } else {
        request
    };
    let before = resource.as_object().cloned().unwrap_or_default();
    let document =
        operation::apply_all(before, &request.operations, resource_type, strictness, &mut repairs)?;
    let patched = complete(document, Some(resource), resource_type)?;
    check_immutable(resource, &patched, resource_type)?;
    Ok(Patched { changed: patched != *resource, resource: patched, repairs: repairs.into_sentences() })
}

#[cfg(test)]
mod tests;
