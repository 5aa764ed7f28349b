//! The core Group schema (RFC 7643 §4.2).

use super::{Attribute, GROUP, Mutability, Schema};

pub(super) fn schema() -> Schema {
    let member = vec![
        Attribute::string("value", "Identifier of the member").exact().mutability(Mutability::Immutable),
        Attribute::reference("$ref", "Address of the member", &["User", "Group"])
            .mutability(Mutability::Immutable),
        Attribute::string("type", "What the member is")
            .suggesting(&["User", "Group"])
            .mutability(Mutability::Immutable),
        Attribute::string("display", "Name of the member").mutability(Mutability::ReadOnly),
    ];
    Schema {
        id: GROUP.into(),
        name: "Group".into(),
        description: "Group of users".into(),
        attributes: vec![
            Attribute::string("displayName", "Name of the group").required(),
            Attribute::complex("members", "Members of the group", member).many(),
        ],
    }
}
