//! How a tenant differs from a file.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::document::{Connection, Document, Link, Schema, Site};

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub(super) enum Difference {
    /// The file has it, and the tenant has not.
    Missing { object: String },
    /// A value is another one.
    Other { object: String, field: String, found: Value, wanted: Value },
    /// The tenant has it, and the file does not mention it: it is left alone.
    Unmentioned { object: String },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { object } => write!(formatter, "+ {object}"),
            Self::Other { object, field, found, wanted } => {
                write!(formatter, "~ {object}: {field}: {found} → {wanted}")
            }
            Self::Unmentioned { object } => {
                write!(formatter, "? {object} is not in the file, and is left alone")
            }
        }
    }
}

/// What must be done to `found` to make it `wanted`.
pub(super) fn between(found: &Document, wanted: &Document) -> Vec<Difference> {
    let mut differences = Vec::new();
    let schema = |schema: &Schema| (format!("schema {}", schema.id()), schema_fields(schema));
    compare(&mut differences, &found.schemas, &wanted.schemas, schema);
    let connection = |connection: &Connection| {
        (format!("connection {:?}", connection.name), fields(connection, &["name"]))
    };
    compare(&mut differences, &found.connections, &wanted.connections, connection);
    // Where credentials are found is the file's own business.
    let site = |site: &Site| (format!("site {:?}", site.name), fields(site, &["name", "credentials"]));
    compare(&mut differences, &found.sites, &wanted.sites, site);
    compare(&mut differences, &found.links, &wanted.links, |link| {
        (format!("link {}", link.ends()), link_fields(link))
    });
    differences
}

fn fields(object: &impl Serialize, without: &[&str]) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(object) else { return Map::new() };
    fields.retain(|name, _| !without.contains(&name.as_str()));
    fields
}

fn schema_fields(schema: &Schema) -> Map<String, Value> {
    Map::from_iter([
        ("resource_type".to_owned(), json!(schema.resource_type)),
        ("definition".to_owned(), schema.definition.clone()),
    ])
}

/// Settings field by field, so that a difference names the one that it is.
fn link_fields(link: &Link) -> Map<String, Value> {
    let mut fields = Map::from_iter([
        ("precedence".to_owned(), json!(link.precedence)),
        ("enabled".to_owned(), json!(link.enabled)),
    ]);
    for (section, settings) in [
        ("user_sync", &link.user_sync),
        ("group_sync", &link.group_sync),
        ("safety", &link.safety),
        ("schedule", &link.schedule),
    ] {
        fields.extend(settings.iter().map(|(name, value)| (format!("{section}.{name}"), value.clone())));
    }
    fields
}

fn compare<T>(
    differences: &mut Vec<Difference>,
    found: &[T],
    wanted: &[T],
    told: impl Fn(&T) -> (String, Map<String, Value>),
) {
    let found: Vec<(String, Map<String, Value>)> = found.iter().map(&told).collect();
    let wanted: Vec<(String, Map<String, Value>)> = wanted.iter().map(&told).collect();
    for (object, fields) in &wanted {
        let Some((_, standing)) = found.iter().find(|(other, _)| other == object) else {
            differences.push(Difference::Missing { object: object.clone() });
            continue;
        };
        // A setting that the file leaves out stays as it is.
        for (field, value) in fields {
            let stands = standing.get(field).unwrap_or(&Value::Null);
            if stands != value {
                differences.push(Difference::Other {
                    object: object.clone(),
                    field: field.clone(),
                    found: stands.clone(),
                    wanted: value.clone(),
                });
            }
        }
    }
    let unmentioned = found.iter().filter(|(object, _)| !wanted.iter().any(|(other, _)| other == object));
    differences.extend(unmentioned.map(|(object, _)| Difference::Unmentioned { object: object.clone() }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn a_document_differs_from_itself_in_nothing() {
        let own = document("connections: [{name: IdP, provider: okta}]");
        assert_eq!(between(&own, &own), []);
    }

    #[test]
    fn each_setting_is_told_by_itself_and_what_is_left_out_stays() {
        let found = document(
            "connections: [{name: IdP, provider: okta}, {name: Old, provider: okta}]\n\
             sites: [{name: J, product: crowd, base_url: 'https://j', credentials: {env: A}}]\n\
             links: [{connection: IdP, site: J, user_sync: {create: true, update: true}}]",
        );
        let wanted = document(
            "connections: [{name: IdP, provider: okta, status: paused}, {name: New, provider: entra}]\n\
             sites: [{name: J, product: crowd, base_url: 'https://j', credentials: {file: b}}]\n\
             links: [{connection: IdP, site: J, user_sync: {create: false}}]",
        );
        let told: Vec<String> = between(&found, &wanted).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "~ connection \"IdP\": status: \"active\" → \"paused\"",
                "+ connection \"New\"",
                "? connection \"Old\" is not in the file, and is left alone",
                "~ link IdP/J: user_sync.create: true → false",
            ]
        );
    }
}
