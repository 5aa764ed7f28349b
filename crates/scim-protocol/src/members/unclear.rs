//! The guard before a group is emptied by accident.
//!
//! A group that loses everybody takes access from everybody, and some requests that say so read literally
//! come from a client whose list was not loaded, or whose template put nothing where ids belong. Those
//! are refused while the group has members; whoever means it has a plain form for it.

use serde_json::Value;

use super::{names_members, names_nobody};
use crate::Strictness;
use crate::error::ScimError;
use crate::filter::Filter;
use crate::patch::{Op, Operation};
use crate::path::{self, PatchPath};
use crate::schema::ResourceType;
use crate::value::is_empty;

/// Why a request that empties a group is hardly meant so.
///
/// | form | verdict |
/// | --- | --- |
/// | `remove` of `members` without a `value` | plain: obeyed |
/// | `replace` of `members`, or PUT, with `[]` | plain: obeyed |
/// | `remove` of `members[…]` by a filter on what members have | plain: obeyed, also when it matches everybody |
/// | PUT without `members`, or with `null` | says nothing of them: they stay |
/// | `remove` of `members` with `"value": null` | [`Unclear::RemoveNull`] |
/// | `replace` with `null`, `""` or `{}`; PUT with `""` or `{}` | [`Unclear::ReplaceNothing`] |
/// | `replace` or PUT with `[{}]`, `[null]`, `[{"display": "Ann"}]` | [`Unclear::NobodyNamed`] |
/// | `replace` or PUT with ids of which none is known | [`Unclear::NobodyKnown`] |
/// | `remove` of elements by their type alone, or by `display`, which members here never have | [`Unclear::Filter`] |
///
/// In strict mode only what RFC 7643 §2.5 says counts: `null` and `[]` unassign, and nothing that names
/// elements without a value is accepted. Ids that nobody knows are refused there for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// `remove` carries no value (RFC 7644 §3.5.2.2); a client that writes one means certain members, and
    /// had none at hand.
    RemoveNull,
    /// A list is replaced by what is no list.
    ReplaceNothing,
    /// A list whose elements name nobody: a template without its ids.
    NobodyNamed,
    /// A list of foreign ids: another system's, or another tenant's.
    NobodyKnown,
    /// A filter that selects everybody because of what it does not compare.
    Filter,
}

impl Unclear {
    /// The verdict on `members` as a list, before anything is known of the group.
    pub(super) fn of(op: Op, value: Option<&Value>, strictness: Strictness) -> Option<Self> {
        let nobody_named = |elements: &Vec<Value>| !elements.is_empty() && elements.iter().all(names_nobody);
        match (op, value?) {
            (Op::Replace, Value::Array(elements)) if nobody_named(elements) => Some(Self::NobodyNamed),
            (Op::Replace, element @ Value::Object(members))
                if !members.is_empty() && names_nobody(element) =>
            {
                Some(Self::NobodyNamed)
            }
            _ if !strictness.is_lenient() => None,
            (Op::Replace, value) if is_empty(value) && !value.is_array() => Some(Self::ReplaceNothing),
            (Op::Remove, Value::Null) => Some(Self::RemoveNull),
            _ => None,
        }
    }

    /// Refuses what would empty a group: `had_members` and `keeps_any` say whether anybody was in it
    /// before and will be after. Elements that name nobody are refused always, since there is nothing in
    /// them to obey.
    pub fn check(self, had_members: bool, keeps_any: bool) -> Result<(), ScimError> {
        let empties = had_members && (self != Self::Filter || !keeps_any);
        if empties || self == Self::NobodyNamed {
            return Err(ScimError::invalid_value(self.detail()));
        }
        Ok(())
    }

    /// What is wrong with it, and which form to use instead.
    fn detail(self) -> &'static str {
        match self {
            Self::RemoveNull => {
                "members: remove with the value null would empty the group; leave value out to remove \
                 everybody, or name members as members[value eq \"…\"]"
            }
            Self::ReplaceNothing => {
                "members: null, an empty text or {} would empty the group; send [] to remove everybody, or \
                 leave members out to keep them"
            }
            Self::NobodyNamed => {
                "members: no element has a value, the id of a user or group; send [] to remove everybody"
            }
            Self::NobodyKnown => {
                "members: no user or group of this directory has any of these ids, so the group would be \
                 empty; send [] to remove everybody"
            }
            Self::Filter => {
                "members: these elements are not named by their value, and everybody would be removed; name \
                 members as members[value eq \"…\"], or remove members without a value"
            }
        }
    }
}

/// Whether an operation removes members by what does not tell them apart: elements in `value` without their
/// ids, which the dialect turns into a filter, or a filter on `display`, which is ours and never kept.
pub(super) fn by_filter(operation: &Operation, group: &ResourceType) -> Option<Unclear> {
    let (Op::Remove, Some(text)) = (operation.op, &operation.path) else { return None };
    let unclear = match (path::parse(text, group, Strictness::Lenient), &operation.value) {
        (Ok(PatchPath::Attribute { located, filter: None, sub: None }), Some(value)) => {
            let elements = match value {
                Value::Array(elements) => elements.as_slice(),
                element => std::slice::from_ref(element),
            };
            names_members(&located.attribute.name) && elements.iter().any(names_nobody)
        }
        (Ok(PatchPath::Attribute { located, filter: Some(filter), .. }), _) => {
            names_members(&located.attribute.name) && Filter::mentions(&filter, "display")
        }
        _ => false,
    };
    unclear.then_some(Unclear::Filter)
}

#[cfg(test)]
mod tests;
