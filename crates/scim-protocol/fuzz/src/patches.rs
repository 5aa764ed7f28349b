//! PATCH.
//!
//! The engine borrows the stored document, so a refused request cannot have changed it; what is checked
//! here is what comes out of one that is obeyed.

use scim_protocol::Strictness::{self, Lenient, Strict};
use scim_protocol::error::ScimError;
use scim_protocol::patch::{self, Op, Operation, PatchRequest, Patched};
use scim_protocol::resource;
use scim_protocol::schema::{self, ResourceType};
use serde_json::Value;

use super::resources::{accepted, check_stored_form};
use super::{MODES, check_refusal, check_repairs, members};

/// A stored resource and a PATCH body in one JSON object (`{"resource":…,"patch":…}`): the body is refused
/// or applied, and what comes out keeps all rules.
pub fn patch(data: &[u8]) {
    let Ok(Value::Object(mut input)) = serde_json::from_slice(data) else { return };
    let (Some(resource), Some(body)) = (input.remove("resource"), input.remove("patch")) else { return };
    for resource_type in schema::all() {
        let Ok((stored, _)) = resource::from_request(resource.clone(), resource_type, Lenient) else {
            continue;
        };
        check_patch(&stored, &body, resource_type);
    }
}

/// The body of a PATCH at a stored document.
pub(crate) fn check_patch(stored: &Value, body: &Value, resource_type: &ResourceType) {
    let [strict, lenient] = MODES.map(|strictness| PatchRequest::parse(body.clone(), strictness));
    match (&strict, &lenient) {
        (Ok((strict, _)), Ok((lenient, repairs))) => assert!(strict == lenient || !repairs.is_empty()),
        (Ok(_), Err(error)) => assert_eq!("accepted", error.detail, "leniency refuses what is standard"),
        _ => {}
    }
    if let (Ok((strict, _)), Ok((lenient, _))) = (&strict, &lenient)
        && strict == lenient
    {
        return check_request(stored, strict, resource_type);
    }
    for outcome in [strict, lenient] {
        match outcome {
            Ok((request, repairs)) => {
                check_repairs(&repairs);
                check_request(stored, &request, resource_type);
            }
            Err(error) => check_refusal(&error),
        }
    }
}

/// Operations at a stored document.
pub(crate) fn check_operations(
    stored: &Value,
    operations: &[(Op, Option<&str>, Option<&Value>)],
    resource_type: &ResourceType,
) {
    let operations = operations.iter().map(|(op, path, value)| operation(*op, *path, *value)).collect();
    check_request(stored, &PatchRequest { operations }, resource_type);
}

fn check_request(stored: &Value, request: &PatchRequest, resource_type: &ResourceType) {
    assert!(request.summary().chars().count() <= 300);
    let [strict, lenient] = MODES.map(|strictness| patch::apply(stored, request, resource_type, strictness));
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => {
            assert_eq!(strict.resource, lenient.resource, "leniency changes what is standard");
            assert_eq!(lenient.repairs, Vec::<String>::new(), "a repair of what is standard");
        }
        (Ok(_), Err(error)) => assert_eq!("accepted", error.detail, "leniency refuses what is standard"),
        _ => {}
    }
    for (strictness, outcome) in MODES.into_iter().zip([strict, lenient]) {
        match &outcome {
            Ok(patched) => check_patched(stored, request, patched, resource_type, strictness),
            Err(error) => check_refusal(error),
        }
        if resource_type.name == "Group" {
            members::check_split(stored, request, &outcome, strictness);
        }
    }
}

fn check_patched(
    stored: &Value,
    request: &PatchRequest,
    patched: &Patched,
    resource_type: &ResourceType,
    strictness: Strictness,
) {
    check_repairs(&patched.repairs);
    assert_eq!(patched.changed, patched.resource != *stored);
    check_stored_form(&patched.resource, resource_type);

    // PATCH is PUT of its result, except that a PUT without `active` leaves it alone.
    let (mut put, _) = accepted(resource::replace(stored, patched.resource.clone(), resource_type, Strict));
    if patched.resource.get("active").is_none()
        && let Some(put) = put.as_object_mut()
    {
        put.remove("active");
    }
    assert_eq!(put, patched.resource, "PUT of the result of {request:?} at {stored}");

    if repeats_without_change(request) {
        let again = accepted(patch::apply(&patched.resource, request, resource_type, strictness));
        assert_eq!(again.resource, patched.resource, "{request:?} at {stored} and again");
    }
}

/// Whether applying a request twice must be the same as applying it once: it says what is to be, not what
/// is to be added, and selects nothing by what is.
fn repeats_without_change(request: &PatchRequest) -> bool {
    let is_plain = |operation: &Operation| {
        operation.op != Op::Add && operation.path.as_deref().is_some_and(|path| !path.contains('['))
    };
    request.operations.len() == 1 && request.operations.iter().all(is_plain)
}

/// Applies one operation.
pub(crate) fn apply_one(
    stored: &Value,
    op: Op,
    path: Option<&str>,
    value: Option<&Value>,
    resource_type: &ResourceType,
    strictness: Strictness,
) -> Result<Patched, ScimError> {
    let request = PatchRequest { operations: vec![operation(op, path, value)] };
    patch::apply(stored, &request, resource_type, strictness)
}

fn operation(op: Op, path: Option<&str>, value: Option<&Value>) -> Operation {
    Operation { op, path: path.map(str::to_owned), value: value.cloned() }
}
