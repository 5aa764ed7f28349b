//! Repairs in the JSON of a PATCH message.

use serde_json::{Map, Value, json};

use crate::patch::{OPS, PATCH_OP};
use crate::repairs::Repairs;

pub(super) fn lower_case_op(body: &mut Map<String, Value>, repairs: &mut Repairs) {
    for operation in operations(body) {
        for (_, op) in operation.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("op")) {
            let Some(word) = op.as_str() else { continue };
            let known = OPS.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(word));
            if let Some(known) = known.filter(|known| *known != word) {
                repairs.note(format!("op {word:?} read as {known}"));
                *op = Value::String(known.into());
            }
        }
    }
}

pub(super) fn assume_patch_op(body: &mut Map<String, Value>, repairs: &mut Repairs) {
    if !body.keys().any(|name| name.eq_ignore_ascii_case("schemas")) {
        repairs.note("schemas is missing: taken as a PatchOp");
        body.insert("schemas".into(), json!([PATCH_OP]));
    }
}

pub(super) fn drop_empty_path(body: &mut Map<String, Value>, repairs: &mut Repairs) {
    for operation in operations(body) {
        for (_, path) in operation.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("path")) {
            if path.as_str().is_some_and(|path| path.trim().is_empty()) {
                repairs.note("an empty path taken as none");
                *path = Value::Null;
            }
        }
    }
}

fn operations(body: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    body.iter_mut()
        .filter(|(name, _)| name.eq_ignore_ascii_case("operations"))
        .filter_map(|(_, value)| value.as_array_mut())
        .flatten()
        .filter_map(Value::as_object_mut)
}
