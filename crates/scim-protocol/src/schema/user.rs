//! The core User schema (RFC 7643 §4.1).

use super::{Attribute, AttributeType, Mutability, Returned, Schema, USER, Uniqueness};

pub(super) fn schema() -> Schema {
    Schema {
        id: USER.into(),
        name: "User".into(),
        description: "User account".into(),
        attributes: singular().into_iter().chain(plural()).collect(),
    }
}

fn singular() -> Vec<Attribute> {
    let user_name = Attribute {
        uniqueness: Uniqueness::Server,
        ..Attribute::string("userName", "Name by which the user logs in, unique in any case").required()
    };
    vec![
        user_name,
        Attribute::complex(
            "name",
            "The components of the user's name",
            vec![
                Attribute::string("formatted", "The whole name as it is to be shown"),
                Attribute::string("familyName", "Family name"),
                Attribute::string("givenName", "Given name"),
                Attribute::string("middleName", "Middle names"),
                Attribute::string("honorificPrefix", "Title before the name"),
                Attribute::string("honorificSuffix", "Title after the name"),
            ],
        ),
        Attribute::string("displayName", "Name to be shown"),
        Attribute::string("nickName", "Casual name"),
        Attribute::reference("profileUrl", "Address of the user's profile", &["external"]),
        Attribute::string("title", "Position, such as Vice President"),
        Attribute::string("userType", "Relation to the organization, such as Contractor"),
        Attribute::string("preferredLanguage", "Language for texts, as in Accept-Language"),
        Attribute::string("locale", "Locale for numbers and dates, such as en-US"),
        Attribute::string("timezone", "Time zone, such as Europe/Berlin"),
        Attribute::new("active", AttributeType::Boolean, "Whether the user may log in"),
        Attribute::string("password", "Accepted and not kept")
            .mutability(Mutability::WriteOnly)
            .returned(Returned::Never),
    ]
}

fn plural() -> Vec<Attribute> {
    vec![
        listed(
            "emails",
            "E-mail addresses",
            Attribute::string("value", "Address"),
            &["work", "home", "other"],
        ),
        listed(
            "phoneNumbers",
            "Telephone numbers",
            Attribute::string("value", "Number"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        listed(
            "ims",
            "Instant messaging addresses",
            Attribute::string("value", "Address"),
            &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"],
        ),
        listed(
            "photos",
            "Pictures of the user",
            Attribute::reference("value", "Address of the picture", &["external"]),
            &["photo", "thumbnail"],
        ),
        addresses(),
        groups(),
        listed("entitlements", "Entitlements", Attribute::string("value", "Entitlement"), &[]),
        listed("roles", "Roles", Attribute::string("value", "Role"), &[]),
        listed(
            "x509Certificates",
            "Certificates",
            Attribute { case_exact: true, ..Attribute::new("value", AttributeType::Binary, "Certificate") },
            &[],
        ),
    ]
}

/// A list of elements with `value`, `display`, `type` and `primary` (RFC 7643 §2.4).
fn listed(name: &str, description: &str, value: Attribute, types: &[&str]) -> Attribute {
    let sub_attributes = vec![
        value,
        Attribute::string("display", "Name for people"),
        Attribute::string("type", "What it is for").suggesting(types),
        Attribute::new("primary", AttributeType::Boolean, "Whether it is the preferred one"),
    ];
    Attribute::complex(name, description, sub_attributes).many()
}

fn addresses() -> Attribute {
    let sub_attributes = vec![
        Attribute::string("formatted", "The whole address as it is to be shown"),
        Attribute::string("streetAddress", "Street and house number"),
        Attribute::string("locality", "City"),
        Attribute::string("region", "State or region"),
        Attribute::string("postalCode", "Postal code"),
        Attribute::string("country", "Country, ISO 3166-1 alpha-2"),
        Attribute::string("type", "What it is for").suggesting(&["work", "home", "other"]),
        Attribute::new("primary", AttributeType::Boolean, "Whether it is the preferred one"),
    ];
    Attribute::complex("addresses", "Postal addresses", sub_attributes).many()
}

/// Groups that hold the user: changed at the groups, shown here.
fn groups() -> Attribute {
    let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
    let sub_attributes = vec![
        read_only(Attribute::string("value", "Identifier of the group").exact()),
        read_only(Attribute::reference("$ref", "Address of the group", &["Group"])),
        read_only(Attribute::string("display", "Name of the group")),
        read_only(
            Attribute::string("type", "Direct or through a nested group").suggesting(&["direct", "indirect"]),
        ),
    ];
    read_only(Attribute::complex("groups", "Groups that hold the user", sub_attributes).many())
}
