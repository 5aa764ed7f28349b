//! The enterprise extension of users (RFC 7643 §4.3).

use super::{Attribute, ENTERPRISE_USER, Mutability, Schema};

pub(super) fn schema() -> Schema {
    Schema {
        id: ENTERPRISE_USER.into(),
        name: "EnterpriseUser".into(),
        description: "Enterprise user".into(),
        attributes: vec![
            Attribute::string("employeeNumber", "Number or code given by the organization"),
            Attribute::string("costCenter", "Cost center"),
            Attribute::string("organization", "Organization"),
            Attribute::string("division", "Division"),
            Attribute::string("department", "Department"),
            Attribute::complex(
                "manager",
                "The user's manager",
                vec![
                    Attribute::string("value", "Identifier of the manager").exact(),
                    Attribute::reference("$ref", "Address of the manager", &["User"]),
                    Attribute::string("displayName", "Name of the manager").mutability(Mutability::ReadOnly),
                ],
            ),
        ],
    }
}
