//! The people of the load: one request body, which the creates send and the seed stores.

use anyhow::Context as _;
use scim_protocol::schema::ResourceType;
use scim_protocol::{Strictness, resource, schema, searchable};
use serde_json::{Value, json};

/// Where a user's name stands in the text of a body.
pub(crate) const PLACE: &str = "{n}";

/// The body of `POST /Users` as identity providers send it, with [`PLACE`] for what differs.
pub(crate) fn user_body() -> Value {
    json!({
        "schemas": [schema::USER, schema::ENTERPRISE_USER],
        "userName": "load.user.{n}@example.com",
        "externalId": "00u{n}",
        "name": {"givenName": "Load", "familyName": "User {n}", "formatted": "Load User {n}"},
        "displayName": "Load User {n}",
        "emails": [{"value": "load.user.{n}@example.com", "type": "work", "primary": true}],
        "title": "Engineer",
        "locale": "en-US",
        "active": true,
        (schema::ENTERPRISE_USER): {"employeeNumber": "{n}", "department": "Engineering", "costCenter": "4130"},
    })
}

/// What is stored of a resource: its document and its searchable form.
pub(crate) struct Stored {
    pub(crate) document: Value,
    pub(crate) search: Value,
}

fn stored(body: Value, resource_type: &ResourceType) -> anyhow::Result<Stored> {
    let (document, _) = resource::from_request(body, resource_type, Strictness::Lenient)
        .with_context(|| format!("the {}s of the load", resource_type.name))?;
    let search = searchable::document(&document, resource_type);
    Ok(Stored { document, search })
}

/// What the SCIM handlers store of [`user_body`].
pub(crate) fn stored_user() -> anyhow::Result<Stored> {
    stored(user_body(), schema::user())
}

/// What the SCIM handlers store of a group of this name.
pub(crate) fn stored_group(name: &str) -> anyhow::Result<Stored> {
    let body = json!({"schemas": [schema::GROUP], "displayName": name, "externalId": format!("00g{name}")});
    stored(body, schema::group())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_user_is_what_was_sent_with_a_place_for_the_name() {
        let text = stored_user().unwrap().document.to_string();
        let stored: Value = serde_json::from_str(&text.replace(PLACE, "7")).unwrap();
        assert_eq!(stored["userName"], "load.user.7@example.com");
        assert_eq!(stored[schema::ENTERPRISE_USER]["employeeNumber"], "7");
    }
}
