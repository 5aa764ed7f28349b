//! References by `bulkId` (RFC 7644 §3.7.2): where they stand, and what they become.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{BulkOperation, Call, Endpoint, Method};
use crate::error::ScimError;
use crate::members::names_members;

/// What begins a reference.
const PREFIX: &str = "bulkId:";

/// What the POSTs of a request have come to, by `bulkId`.
#[derive(Clone, Debug, Default)]
pub struct Created {
    /// The id of the resource, or none when the operation failed.
    ids: BTreeMap<String, Option<String>>,
}

impl Created {
    /// For a request, before anything is done.
    pub fn none_of(operations: &[BulkOperation]) -> Self {
        Self { ids: posts(operations).map(|(_, bulk_id)| (bulk_id.to_owned(), None)).collect() }
    }

    /// Notes that the resource of a `bulkId` has an id now.
    pub fn insert(&mut self, bulk_id: &str, id: String) {
        self.ids.insert(bulk_id.to_owned(), Some(id));
    }

    /// The id that a `bulkId` stands for, or 409.
    pub fn id(&self, bulk_id: &str) -> Result<&str, ScimError> {
        match self.ids.get(bulk_id) {
            Some(Some(id)) => Ok(id),
            Some(None) => Err(ScimError::new(409, format!("bulkId:{bulk_id} was not created"))),
            None => Err(ScimError::new(409, format!("No POST of this request has the bulkId {bulk_id:?}"))),
        }
    }
}

impl Call {
    /// The call with ids in the place of references, and without the members of the `bulkId`s `without`. A
    /// reference to what is not there is 409.
    pub fn resolve(&self, created: &Created, without: &[String]) -> Result<Self, ScimError> {
        let mut call = self.clone();
        if let Some(bulk_id) = call.id.as_deref().and_then(|id| id.strip_prefix(PREFIX)) {
            call.id = Some(created.id(bulk_id)?.to_owned());
        }
        if let Some(data) = &mut call.data {
            if !without.is_empty() {
                drop_members(data, without);
            }
            let replace = &mut |text: &mut String, is_path: bool| {
                if is_path {
                    *text = resolve_in_path(text, created)?;
                } else if let Some(bulk_id) = text.strip_prefix(PREFIX) {
                    *text = created.id(bulk_id)?.to_owned();
                }
                Ok(())
            };
            visit(data, self.method == Method::Patch, replace)?;
        }
        Ok(call)
    }

    /// The `bulkId`s that the call refers to: those that must be there before it, and those that may come
    /// later, since they are nothing but members of a group that it creates.
    pub(super) fn references(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut needed = BTreeSet::new();
        let mut members = BTreeSet::new();
        needed.extend(self.id.as_deref().and_then(|id| id.strip_prefix(PREFIX)).map(str::to_owned));
        let Some(mut data) = self.data.clone() else { return (needed, members) };
        if (self.method, self.endpoint) == (Method::Post, Endpoint::Groups) {
            for element in member_lists(&mut data).flatten() {
                members.extend(member_reference(element).map(str::to_owned));
                *element = Value::Null;
            }
        }
        let mut collect = |text: &mut String, is_path: bool| {
            if is_path {
                needed.extend(quoted(text).map(str::to_owned));
            } else {
                needed.extend(text.strip_prefix(PREFIX).map(str::to_owned));
            }
            Ok(())
        };
        // Nothing is refused here.
        let _visited = visit(&mut data, self.method == Method::Patch, &mut collect);
        members.retain(|bulk_id| !needed.contains(bulk_id));
        (needed, members)
    }
}

/// The operations that create something, with the `bulkId` of what they create.
pub(super) fn posts(operations: &[BulkOperation]) -> impl Iterator<Item = (usize, &str)> {
    operations.iter().enumerate().filter_map(|(index, operation)| {
        let creates = match &operation.call {
            Ok(call) => call.method == Method::Post,
            // It will not, but what refers to it waits for its refusal.
            Err(_) => operation.method.as_deref().is_some_and(|method| method.eq_ignore_ascii_case("POST")),
        };
        Some((index, operation.bulk_id.as_deref().filter(|_| creates)?))
    })
}

/// Two POSTs of one `bulkId` leave open what a reference means.
pub(super) fn check_distinct(operations: &[BulkOperation]) -> Result<(), ScimError> {
    let mut seen = BTreeSet::new();
    for (_, bulk_id) in posts(operations) {
        if !seen.insert(bulk_id) {
            return Err(ScimError::invalid_value(format!("Two POST operations have the bulkId {bulk_id:?}")));
        }
    }
    Ok(())
}

/// Shows each text to `see`, and whether it is the path of a PATCH operation.
fn visit(
    data: &mut Value,
    has_paths: bool,
    see: &mut impl FnMut(&mut String, bool) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    match data {
        Value::String(text) => see(text, false),
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| visit(element, has_paths, see)),
        Value::Object(members) => members.iter_mut().try_for_each(|(name, value)| match value {
            Value::String(text) if has_paths && name.eq_ignore_ascii_case("path") => see(text, true),
            value => visit(value, has_paths, see),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The references in the filters of a path: `members[value eq "bulkId:ann"]`.
fn quoted(path: &str) -> impl Iterator<Item = &str> {
    path.split('"').skip(1).step_by(2).filter_map(|text| text.strip_prefix(PREFIX))
}

fn resolve_in_path(path: &str, created: &Created) -> Result<String, ScimError> {
    let mut resolved = path.to_owned();
    for bulk_id in quoted(path) {
        resolved =
            resolved.replace(&format!("\"{PREFIX}{bulk_id}\""), &format!("{:?}", created.id(bulk_id)?));
    }
    Ok(resolved)
}

/// The lists of members in the document of a group; there is one, unless the client wrote it twice.
fn member_lists(document: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    let members = document.as_object_mut().into_iter().flat_map(Map::iter_mut);
    members.filter(|(name, _)| names_members(name)).filter_map(|(_, value)| value.as_array_mut())
}

fn member_reference(element: &Value) -> Option<&str> {
    let value = match element {
        Value::Object(members) => members.iter().find(|(name, _)| name.eq_ignore_ascii_case("value"))?.1,
        bare => bare,
    };
    value.as_str()?.strip_prefix(PREFIX)
}

fn drop_members(document: &mut Value, without: &[String]) {
    for list in member_lists(document) {
        list.retain(|element| {
            member_reference(element).is_none_or(|bulk_id| !without.iter().any(|id| id == bulk_id))
        });
    }
}
