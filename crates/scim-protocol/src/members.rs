//! PATCH operations on the members of a group, as set changes.
//!
//! A group may have a hundred thousand members, and the store keeps each as a row. So operations that add
//! or remove members by id are taken out of the request and become changes of rows; only what cannot be
//! said so needs the whole document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Strictness;
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::patch::{Op, Operation, PatchRequest};
use crate::path::{self, PatchPath};
use crate::schema;

/// A member as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRef {
    /// Its id.
    pub value: String,
    /// `User` or `Group`, if the request says so.
    pub kind: Option<String>,
}

/// One change of the set of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// These become members.
    Add(Vec<MemberRef>),
    /// These ids are members no more.
    Remove(Vec<String>),
    /// Nobody is a member any more.
    RemoveAll,
    /// These are the members, and nobody else.
    Replace(Vec<MemberRef>),
}

/// What a request asks of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// Set changes, in order; none when the request does not speak of members.
    Changes(Vec<MemberChange>),
    /// Something that only makes sense over the whole list: apply the request to the whole document.
    NeedsDocument,
}

/// The net effect of changes in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDelta {
    /// Whether everyone who is not in `add` goes.
    pub replaces_all: bool,
    /// Who is a member afterwards.
    pub add: Vec<MemberRef>,
    /// Who is not.
    pub remove: BTreeSet<String>,
}

/// Takes the operations on members out of a request. Returns the rest, the changes, and what was repaired.
pub fn split_members(
    request: PatchRequest,
    strictness: Strictness,
) -> Result<(PatchRequest, Members, Vec<String>), ScimError> {
    let mut split = Split { strictness, changes: Vec::new(), repairs: Vec::new() };
    let mut rest = Vec::new();
    for operation in request.operations {
        match split.take(operation)? {
            Taken::Whole => {}
            Taken::NotMembers(operation) => rest.push(operation),
            Taken::NeedsDocument => {
                return Ok((PatchRequest { operations: Vec::new() }, Members::NeedsDocument, Vec::new()));
            }
        }
    }
    Ok((PatchRequest { operations: rest }, Members::Changes(split.changes), split.repairs))
}

/// The net effect of changes: of two that speak of one member, the later wins.
pub fn fold_members(changes: &[MemberChange]) -> MemberDelta {
    let mut replaces_all = false;
    let mut add: BTreeMap<&str, &MemberRef> = BTreeMap::new();
    let mut remove: BTreeSet<String> = BTreeSet::new();
    for change in changes {
        if matches!(change, MemberChange::RemoveAll | MemberChange::Replace(_)) {
            replaces_all = true;
            add.clear();
            remove.clear();
        }
        match change {
            MemberChange::Add(members) | MemberChange::Replace(members) => {
                for member in members {
                    remove.remove(&member.value);
                    add.insert(&member.value, member);
                }
            }
            MemberChange::Remove(ids) => {
                for id in ids {
                    add.remove(id.as_str());
                    if !replaces_all {
                        remove.insert(id.clone());
                    }
                }
            }
            MemberChange::RemoveAll => {}
        }
    }
    MemberDelta { replaces_all, add: add.into_values().cloned().collect(), remove }
}

struct Split {
    strictness: Strictness,
    changes: Vec<MemberChange>,
    repairs: Vec<String>,
}

enum Taken {
    Whole,
    NotMembers(Operation),
    NeedsDocument,
}

impl Split {
    fn take(&mut self, operation: Operation) -> Result<Taken, ScimError> {
        let Some(text) = &operation.path else { return self.take_pathless(operation) };
        // What cannot be read is for the general engine to refuse, in its own words.
        let Ok(PatchPath::Attribute { located, filter, sub }) =
            path::parse(text, schema::group(), self.strictness)
        else {
            return Ok(Taken::NotMembers(operation));
        };
        if located.attribute.name != "members" {
            return Ok(Taken::NotMembers(operation));
        }
        match (operation.op, filter, sub) {
            (Op::Remove, Some(filter), None) => Ok(match ids(&filter) {
                Some(ids) => {
                    self.changes.push(MemberChange::Remove(ids));
                    Taken::Whole
                }
                None => Taken::NeedsDocument,
            }),
            (op, None, None) => {
                self.whole_list(op, operation.value)?;
                Ok(Taken::Whole)
            }
            _ => Ok(Taken::NeedsDocument),
        }
    }

    fn take_pathless(&mut self, mut operation: Operation) -> Result<Taken, ScimError> {
        if operation.op == Op::Remove {
            return Ok(Taken::NotMembers(operation));
        }
        let Some(Value::Object(members)) = &mut operation.value else {
            return Ok(Taken::NotMembers(operation));
        };
        let Some(name) = members.keys().find(|name| name.eq_ignore_ascii_case("members")).cloned() else {
            return Ok(Taken::NotMembers(operation));
        };
        let value = members.shift_remove(&name);
        let rest_is_empty = members.is_empty();
        self.whole_list(operation.op, value)?;
        Ok(if rest_is_empty { Taken::Whole } else { Taken::NotMembers(operation) })
    }

    /// `members` without a filter.
    fn whole_list(&mut self, op: Op, value: Option<Value>) -> Result<(), ScimError> {
        let value = value.filter(|value| !value.is_null());
        let change = match (op, value) {
            (Op::Remove, None) => MemberChange::RemoveAll,
            (Op::Remove, Some(value)) => {
                // RFC 7644 §3.5.2.2 gives `remove` no value. Read literally this would empty the group,
                // which is never what a provider means that lists members.
                if !self.strictness.is_lenient() {
                    return Err(ScimError::invalid_syntax(
                        "remove takes no value; name members as members[value eq \"…\"]",
                    ));
                }
                let ids: Vec<String> =
                    self.references(value)?.into_iter().map(|member| member.value).collect();
                let n = ids.len();
                let members = if n == 1 { "member" } else { "members" };
                self.repairs.push(format!("remove with members in value: {n} {members} named"));
                MemberChange::Remove(ids)
            }
            (Op::Add, value) => MemberChange::Add(self.references(value.unwrap_or(Value::Null))?),
            (Op::Replace, value) => MemberChange::Replace(self.references(value.unwrap_or(Value::Null))?),
        };
        self.changes.push(change);
        Ok(())
    }

    fn references(&mut self, value: Value) -> Result<Vec<MemberRef>, ScimError> {
        let elements = match value {
            Value::Null => Vec::new(),
            Value::Array(elements) => elements,
            other => vec![other],
        };
        elements.into_iter().map(|element| self.reference(element)).collect()
    }

    fn reference(&mut self, element: Value) -> Result<MemberRef, ScimError> {
        let missing = || ScimError::invalid_value("members: each needs a value, the id of a user or group");
        match element {
            Value::String(value) if self.strictness.is_lenient() && !value.is_empty() => {
                self.repairs.push("members: a bare string taken as its value".into());
                Ok(MemberRef { value, kind: None })
            }
            Value::Object(members) => {
                let text = |wanted: &str| {
                    let found = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                    found.and_then(|(_, value)| value.as_str()).map(str::to_owned)
                };
                let value = text("value").filter(|value| !value.is_empty()).ok_or_else(missing)?;
                Ok(MemberRef { value, kind: text("type") })
            }
            _ => Err(missing()),
        }
    }
}

/// The ids of `value eq "…"`, alone or joined by `or`.
fn ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(path, CompareOp::Eq, CompareValue::String(id))
            if path.attribute.eq_ignore_ascii_case("value") =>
        {
            Some(vec![id.clone()])
        }
        Filter::Or(filters) => {
            let mut all = Vec::new();
            for filter in filters {
                all.extend(ids(filter)?);
            }
            Some(all)
        }
        _ => None,
    }
}
