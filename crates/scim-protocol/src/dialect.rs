//! Known habits of identity providers that leave the standard, repaired before the strict engine sees
//! them. Each repair says in words what it did; strict mode switches all of them off.
//!
//! [`QUIRKS`] is the list. To teach us a new habit, add an entry with its source and a function of the
//! stage at which it can be repaired.

use serde_json::{Map, Value};

use crate::patch::{Operation, PatchRequest};
use crate::repairs::Repairs;
use crate::schema::{Attribute, ResourceType};

mod message;
mod operation;
mod value;

pub(crate) use value::repair_value;

/// A habit, who has it, and what is made of it.
#[derive(Clone, Copy, Debug)]
pub struct Quirk {
    /// What is sent.
    pub habit: &'static str,
    /// Who sends it, and where that can be read.
    pub source: &'static str,
    /// What is made of it.
    pub repair: &'static str,
    stage: Stage,
}

/// Where in the way of a request a habit is repaired.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// In the JSON of a PATCH message, before it is read.
    Message(fn(&mut Map<String, Value>, &mut Repairs)),
    /// In one operation of a PATCH; it may become several or none.
    Operation(fn(Operation, &ResourceType, &mut Repairs) -> Vec<Operation>),
    /// In a value for an attribute, in PATCH, POST and PUT alike.
    Value(fn(&Attribute, Value, &str, &mut Repairs) -> Value),
    /// In the PATCH engine, since it takes the stored document to see it.
    Document,
    /// In `schemas` of a POST or PUT.
    Schemas,
    /// In the query of a list, since it takes a look-up to see it.
    Query,
}

/// All habits that are repaired, in the order in which they are.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        habit: "`op` in capitals",
        source: "Entra without the aadOptscim062020 flag (its \"Known issues\" of SCIM)",
        repair: "read in any case",
        stage: Stage::Message(message::lower_case_op),
    },
    Quirk {
        habit: "PATCH without `schemas`",
        source: "clients written by hand, OneLogin's templates",
        repair: "taken as a PatchOp",
        stage: Stage::Message(message::assume_patch_op),
    },
    Quirk {
        habit: "an empty `path`",
        source: "clients written by hand",
        repair: "taken as no path",
        stage: Stage::Message(message::drop_empty_path),
    },
    Quirk {
        habit: "POST or PUT without the core URN in `schemas`",
        source: "OneLogin's templates",
        repair: "taken from the endpoint",
        stage: Stage::Schemas,
    },
    Quirk {
        habit: "keys that are paths in a value without a path",
        source: "Entra (`{\"name.givenName\": \"A\"}`)",
        repair: "each becomes an operation of its own",
        stage: Stage::Operation(operation::lift_path_keys),
    },
    Quirk {
        habit: "a path within a schema that nobody registered",
        source: "Entra and Oracle IDCS (custom attributes, such as `urn:…:CustomExtension:2.0:User:tag`)",
        repair: "the operation is dropped, as its attribute would be in POST and PUT",
        stage: Stage::Operation(operation::drop_foreign_paths),
    },
    Quirk {
        habit: "`remove` with a list in `value`",
        source: "Entra without the flag, Okta, OneLogin (members of groups)",
        repair: "removes those elements only",
        stage: Stage::Operation(operation::remove_named_elements),
    },
    Quirk {
        habit: "an empty string where no text can be",
        source: "Oracle's generic SCIM template",
        repair: "taken as no value",
        stage: Stage::Value(value::drop_empty_text),
    },
    Quirk {
        habit: "a list of objects as a JSON text",
        source: "Entra (its mapping of `roles` by AppRoleAssignmentsComplex; not verified on the wire)",
        repair: "read as the list",
        stage: Stage::Value(value::read_json_list),
    },
    Quirk {
        habit: "a list of one for a single value",
        source: "examples of RFC 7644 §3.5.2 misread by several clients",
        repair: "its element is taken",
        stage: Stage::Value(value::unwrap_list_of_one),
    },
    Quirk {
        habit: "booleans as text",
        source: "Entra (`\"active\": \"False\"`, its \"Known issues\" of SCIM)",
        repair: "read as a boolean",
        stage: Stage::Value(value::read_boolean),
    },
    Quirk {
        habit: "a bare string for `manager`",
        source: "Entra (its mapping of `manager`)",
        repair: "taken as its `value`",
        stage: Stage::Value(value::wrap_bare_value),
    },
    Quirk {
        habit: "bare strings in a list of objects",
        source: "templates written by hand (OneLogin)",
        repair: "taken as `value`",
        stage: Stage::Value(value::wrap_bare_elements),
    },
    Quirk {
        habit: "a value filter that no element matches",
        source: "Entra (`emails[type eq \"work\"].value`)",
        repair: "the element is created from the filter's equalities",
        stage: Stage::Document,
    },
    Quirk {
        habit: "an unencoded `+` within a string of a filter in a query",
        source: "clients written by hand (`userName eq \"ann+x@acme.example\"`); form encoding makes it a space",
        repair: "taken as a plus when the filter with a space finds nothing",
        stage: Stage::Query,
    },
];

/// Repairs a PATCH message before it is read.
pub(crate) fn repair_message(body: &mut Map<String, Value>, repairs: &mut Repairs) {
    for quirk in QUIRKS {
        if let Stage::Message(repair) = quirk.stage {
            repair(body, repairs);
        }
    }
}

/// Repairs the operations of a PATCH and their values. Repairing what has been repaired changes nothing.
pub(crate) fn repair_operations(
    request: PatchRequest,
    resource_type: &ResourceType,
    repairs: &mut Repairs,
) -> PatchRequest {
    let mut operations = request.operations;
    for quirk in QUIRKS {
        if let Stage::Operation(repair) = quirk.stage {
            let repaired =
                operations.into_iter().flat_map(|operation| repair(operation, resource_type, repairs));
            operations = repaired.collect();
        }
    }
    for operation in &mut operations {
        operation::repair_values(operation, resource_type, repairs);
    }
    PatchRequest { operations }
}
