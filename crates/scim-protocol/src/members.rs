//! PATCH operations on the members of a group, as set changes.
//!
//! A group may have a hundred thousand members, and the store keeps each as a row. So operations that add
//! or remove members by id are taken out of the request and become changes of rows; only what cannot be
//! said so needs the whole document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::Strictness;
use crate::dialect;
use crate::error::ScimError;
use crate::filter::{CompareOp, CompareValue, Filter};
use crate::patch::{Op, Operation, PatchRequest};
use crate::path::{self, PatchPath};
use crate::repairs::Repairs;
use crate::schema::{self, Attribute, ResourceType};
use crate::value::{is_empty, normalize_one};

mod unclear;

pub use unclear::Unclear;

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
    /// Read literally it empties the group, and it is unlikely to be meant so.
    Unclear(Unclear),
}

/// What a request asks of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// Set changes, in order; none when the request does not speak of members.
    Changes(Vec<MemberChange>),
    /// Something that only makes sense over the whole list: apply the request to the whole document.
    NeedsDocument {
        /// Every member that the request adds by name; nobody else comes in.
        named: Vec<MemberRef>,
        /// Why an empty list would not be what is meant.
        unclear: Option<Unclear>,
    },
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
    /// Why everyone's going is hardly meant: [`Unclear::check`] decides once the group is known.
    pub unclear: Option<Unclear>,
}

/// Takes the operations on members out of a request. Returns the rest, the changes, and what was repaired.
///
/// When an operation cannot be said as set changes the request comes back whole, with
/// [`Members::NeedsDocument`].
pub fn split_members(
    request: PatchRequest,
    group: &ResourceType,
    strictness: Strictness,
) -> Result<(PatchRequest, Members, Vec<String>), ScimError> {
    let mut repairs = Repairs::default();
    let by_filter = request.operations.iter().find_map(|operation| unclear::by_filter(operation, group));
    let request = if strictness.is_lenient() {
        dialect::repair_operations(request, group, &mut repairs)
    } else {
        request
    };
    let targets: Vec<Target> =
        request.operations.iter().map(|operation| Target::of(operation, group, strictness)).collect();
    let whole = targets.contains(&Target::NeedsDocument).then(|| request.clone());
    let mut changes = Vec::new();
    let mut rest = Vec::new();
    for (operation, target) in request.operations.into_iter().zip(targets) {
        match target {
            Target::Ids(ids) => changes.push(MemberChange::Remove(ids)),
            Target::List => changes.push(list_change(operation.op, operation.value, strictness)?),
            Target::Keys => rest.extend(take_keys(operation, &mut changes, strictness)?),
            Target::Elsewhere | Target::NeedsDocument => rest.push(operation),
        }
    }
    let Some(request) = whole else {
        return Ok((PatchRequest { operations: rest }, Members::Changes(changes), repairs.into_sentences()));
    };
    let delta = fold_members(&changes);
    let unclear = delta.unclear.or_else(|| by_filter.filter(|_| strictness.is_lenient()));
    let named = changes.into_iter().flat_map(|change| match change {
        MemberChange::Add(members) | MemberChange::Replace(members) => members,
        _ => Vec::new(),
    });
    let members = Members::NeedsDocument { named: named.collect(), unclear };
    Ok((request, members, repairs.into_sentences()))
}

/// Takes `members` out of the body of a POST or PUT, so that the rest is a document and these are rows.
/// `None` when the body does not speak of members; `null` says nothing, except in strict mode, where it is
/// RFC 7643 §2.5's "unassigned". Returns what was repaired as well.
pub fn take_members(
    body: &mut Value,
    strictness: Strictness,
) -> Result<(Option<MemberChange>, Vec<String>), ScimError> {
    let mut repairs = Repairs::default();
    let Some(object) = body.as_object_mut() else { return Ok((None, Vec::new())) };
    let names: Vec<String> = object.keys().filter(|name| names_members(name)).cloned().collect();
    let mut given = names.iter().filter_map(|name| object.shift_remove(name));
    let Some(value) = given.next() else { return Ok((None, Vec::new())) };
    if given.any(|other| other != value) {
        return Err(ScimError::invalid_value("members is given twice, with different values"));
    }
    if !strictness.is_lenient() {
        return Ok((Some(list_change(Op::Replace, Some(value), strictness)?), Vec::new()));
    }
    if value.is_null() {
        return Ok((None, Vec::new()));
    }
    let Some(members) = schema::group().schema.attribute("members") else { return Ok((None, Vec::new())) };
    let mut value = dialect::repair_value(members, value, "members", &mut repairs);
    if let Some(elements) = value.as_array_mut().filter(|elements| !elements.iter().all(names_nobody)) {
        let before = elements.len();
        elements.retain(|element| !names_nobody(element));
        if elements.len() < before {
            repairs.note(format!("members: {} without a value dropped", before - elements.len()));
        }
    }
    let change = list_change(Op::Replace, Some(value), strictness)?;
    Ok((Some(change), repairs.into_sentences()))
}

/// The net effect of changes: of two that speak of one member, the later wins.
pub fn fold_members(changes: &[MemberChange]) -> MemberDelta {
    let mut replaces_all = false;
    let mut add: BTreeMap<&str, &MemberRef> = BTreeMap::new();
    let mut remove: BTreeSet<String> = BTreeSet::new();
    let mut unclear = None;
    for change in changes {
        if matches!(change, MemberChange::RemoveAll | MemberChange::Replace(_) | MemberChange::Unclear(_)) {
            replaces_all = true;
            add.clear();
            remove.clear();
            unclear = None;
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
            MemberChange::Unclear(why) => unclear = Some(*why),
        }
    }
    MemberDelta { replaces_all, add: add.into_values().cloned().collect(), remove, unclear }
}

/// What an operation works at.
#[derive(PartialEq)]
enum Target {
    /// Not at members.
    Elsewhere,
    /// At `members` as a list.
    List,
    /// At keys of a value without a path, `members` among them.
    Keys,
    /// Removes the members of these ids.
    Ids(Vec<String>),
    /// At some members, named by more than their ids.
    NeedsDocument,
}

impl Target {
    fn of(operation: &Operation, group: &ResourceType, strictness: Strictness) -> Self {
        let Some(text) = &operation.path else {
            let value = operation.value.as_ref().and_then(Value::as_object);
            let has_members = value.is_some_and(|members| members.keys().any(|name| names_members(name)));
            return if has_members && operation.op != Op::Remove { Self::Keys } else { Self::Elsewhere };
        };
        // What cannot be read is for the general engine to refuse, in its own words.
        match path::parse(text, group, strictness) {
            Ok(PatchPath::Attribute { located, filter, sub }) if located.attribute.name == "members" => {
                match (filter, sub, operation.op) {
                    (None, None, _) => Self::List,
                    (Some(filter), None, Op::Remove) => ids(&filter).map_or(Self::NeedsDocument, Self::Ids),
                    _ => Self::NeedsDocument,
                }
            }
            _ => Self::Elsewhere,
        }
    }
}

/// Whether a key of a body means the members, in any case or as a full URN.
pub(crate) fn names_members(name: &str) -> bool {
    path::resolve_name(name, schema::group()).is_some_and(|located| located.attribute.name == "members")
}

/// Takes `members` out of a value without a path; what is left of the operation, if anything.
fn take_keys(
    operation: Operation,
    changes: &mut Vec<MemberChange>,
    strictness: Strictness,
) -> Result<Option<Operation>, ScimError> {
    let Operation { op, path, value: Some(Value::Object(keys)) } = operation else {
        return Ok(Some(operation));
    };
    let mut rest = Map::new();
    for (name, value) in keys {
        if names_members(&name) {
            changes.push(list_change(op, Some(value), strictness)?);
        } else {
            rest.insert(name, value);
        }
    }
    Ok((!rest.is_empty()).then_some(Operation { op, path, value: Some(Value::Object(rest)) }))
}

/// `members` without a filter.
fn list_change(op: Op, value: Option<Value>, strictness: Strictness) -> Result<MemberChange, ScimError> {
    if let Some(unclear) = Unclear::of(op, value.as_ref(), strictness) {
        if unclear == Unclear::NobodyNamed {
            // A later operation may say clearly who the members are; one that is no valid member is refused even so.
            check_elements(value)?;
        }
        return Ok(MemberChange::Unclear(unclear));
    }
    let value = value.filter(|value| !value.is_null());
    match (op, value) {
        (Op::Remove, None) => Ok(MemberChange::RemoveAll),
        // RFC 7644 §3.5.2.2 gives `remove` no value; read literally this would empty the group.
        (Op::Remove, Some(_)) => {
            Err(ScimError::invalid_syntax("remove takes no value; name members as members[value eq \"…\"]"))
        }
        (Op::Add, value) => references(value).map(MemberChange::Add),
        (Op::Replace, value) => references(value).map(MemberChange::Replace),
    }
}

fn references(value: Option<Value>) -> Result<Vec<MemberRef>, ScimError> {
    let Some(members) = schema::group().schema.attribute("members") else { return Ok(Vec::new()) };
    let member = members.element();
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(elements)) => {
            elements.into_iter().map(|element| reference(element, &member)).collect()
        }
        Some(element) => Ok(vec![reference(element, &member)?]),
    }
}

/// Refuses what would be refused in any document.
fn check_elements(value: Option<Value>) -> Result<(), ScimError> {
    let Some(members) = schema::group().schema.attribute("members") else { return Ok(()) };
    let member = members.element();
    let elements = match value {
        Some(Value::Array(elements)) => elements,
        value => value.into_iter().collect(),
    };
    elements.into_iter().try_for_each(|element| normalize_one(&member, element, "members").map(drop))
}

/// Types and texts are checked as in any document, since the id comes to be stored.
fn reference(element: Value, attribute: &Attribute) -> Result<MemberRef, ScimError> {
    let member = normalize_one(attribute, element, "members")?;
    let text = |name: &str| member.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let value = text("value")
        .ok_or_else(|| ScimError::invalid_value("members: each needs a value, the id of a user or group"))?;
    Ok(MemberRef { value, kind: text("type") })
}

/// Whether an element is an object, or nothing at all, that names nobody.
fn names_nobody(element: &Value) -> bool {
    match element {
        Value::Object(members) => {
            let mut values = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("value"));
            values.all(|(_, value)| is_empty(value))
        }
        other => is_empty(other),
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

#[cfg(test)]
mod tests;
