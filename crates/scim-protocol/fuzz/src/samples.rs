//! Documents that requests are tried on.

use scim_protocol::schema::{ENTERPRISE_USER, GROUP, ResourceType, USER};
use serde_json::{Value, json};

/// Complete representations of a resource type: one rich, one bare, one with awkward values.
pub(crate) fn shown(resource_type: &ResourceType) -> Vec<Value> {
    let meta = json!({
        "resourceType": resource_type.name,
        "created": "2026-01-31T12:00:00.000Z",
        "lastModified": "2026-02-01T00:30:00.250+01:00",
        "location": "https://rollcall.example/scim/c1/v2/Users/u1",
        "version": "W/\"3\"",
    });
    let mut documents = stored(resource_type);
    for (index, document) in documents.iter_mut().enumerate() {
        document["id"] = json!(format!("u{}", index + 1));
        document["meta"] = meta.clone();
    }
    if let Some(first) = documents.first_mut().filter(|_| resource_type.name == "User") {
        first["groups"] = json!([
            {"value": "g1", "display": "Sales", "type": "direct"},
            {"value": "g2", "display": "Everyone", "type": "indirect"},
        ]);
    }
    documents
}

/// The same in the form in which they are stored.
pub(crate) fn stored(resource_type: &ResourceType) -> Vec<Value> {
    if resource_type.name == "Group" {
        return vec![
            json!({
                "schemas": [GROUP],
                "displayName": "Sales",
                "externalId": "s-1",
                "members": [
                    {"value": "u1", "type": "User"},
                    {"value": "u2"},
                    {"value": "g2", "type": "Group"},
                ],
            }),
            json!({"schemas": [GROUP], "displayName": "Empty"}),
        ];
    }
    vec![
        json!({
            "schemas": [USER, ENTERPRISE_USER],
            "userName": "anne@example.com",
            "externalId": "a-1",
            "name": {"givenName": "Anne", "familyName": "Ek", "formatted": "Anne Ek"},
            "displayName": "Anne Ek",
            "title": "Engineer",
            "active": true,
            "emails": [
                {"value": "anne@example.com", "type": "work", "primary": true},
                {"value": "anne@home.example", "type": "home"},
                {"value": "ae@example.com", "type": "work", "display": "short"},
            ],
            "phoneNumbers": [{"value": "+46 1", "type": "mobile"}],
            "addresses": [{"type": "work", "locality": "Lund", "country": "SE"}],
            "roles": [{"value": "admin"}, {"value": "auditor", "primary": true}],
            ENTERPRISE_USER: {"department": "Sales", "employeeNumber": "7", "manager": {"value": "m1"}},
        }),
        json!({"schemas": [USER], "userName": "bo"}),
        json!({
            "schemas": [USER],
            "userName": "STRASSE \u{1f600} \"quoted\\",
            "active": false,
            "name": {"familyName": "e\u{301}k"},
            "emails": [{"type": "work"}, {"display": "only a name"}],
            "x509Certificates": [{"value": "AAEC"}],
        }),
    ]
}
