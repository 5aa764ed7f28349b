//! Operations on the members of a group, as changes of rows and as changes of the document.

use std::collections::BTreeSet;

use scim_protocol::Strictness;
use scim_protocol::error::ScimError;
use scim_protocol::patch::{self, Members, PatchRequest, Patched, fold_members, split_members};
use scim_protocol::schema;
use serde_json::Value;

use super::{check_refusal, check_repairs};

/// The split request, applied to rows and to the rest of the document, is the request applied whole.
pub(crate) fn check_split(
    stored: &Value,
    request: &PatchRequest,
    whole: &Result<Patched, ScimError>,
    strictness: Strictness,
) {
    let (rest, members, repairs) = match split_members(request.clone(), schema::group(), strictness) {
        Ok(split) => split,
        Err(error) => {
            check_refusal(&error);
            // Rows need an id; in a document an element without one is passed over or kept.
            let is_nameless = error.detail.contains("each needs a value");
            return assert!(whole.is_err() || is_nameless, "{error}: {request:?}");
        }
    };
    check_repairs(&repairs);
    let Members::Changes(changes) = members else { return };
    let delta = fold_members(&changes);
    if delta.unclear.is_some() {
        // Whether these are obeyed at all depends on the group.
        return;
    }
    let rest = patch::apply(stored, &rest, schema::group(), strictness);
    let (Ok(rest), Ok(whole)) = (&rest, whole) else {
        return assert_eq!(rest.is_err(), whole.is_err(), "split and whole differ about {request:?}");
    };
    if ids(stored).is_none() {
        return;
    }
    let mut rows = if delta.replaces_all { BTreeSet::new() } else { ids(stored).unwrap_or_default() };
    rows.retain(|id| !delta.remove.contains(id));
    rows.extend(delta.add.into_iter().map(|member| member.value));
    assert_eq!(Some(rows), ids(&whole.resource), "{request:?} at {stored}");
    assert_eq!(without_members(&rest.resource), without_members(&whole.resource));
}

/// The ids of all members; `None` if one has none.
fn ids(group: &Value) -> Option<BTreeSet<String>> {
    let Some(members) = group.get("members").and_then(Value::as_array) else { return Some(BTreeSet::new()) };
    members.iter().map(|member| Some(member.get("value")?.as_str()?.to_owned())).collect()
}

fn without_members(group: &Value) -> Value {
    let mut group = group.clone();
    if let Some(group) = group.as_object_mut() {
        group.remove("members");
    }
    group
}
