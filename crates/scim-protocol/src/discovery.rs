//! Discovery documents (RFC 7643 §5–7, RFC 7644 §4), rendered from the same definitions that run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::list::list_response;
use crate::schema::{ResourceType, ResourceTypes, Schema};

/// What the server does beyond the basics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Resources in one page at the most.
    pub filter_max_results: usize,
    /// Whether `sortBy` is obeyed.
    pub sort: bool,
    /// What one Bulk request may hold, where Bulk is served.
    pub bulk: Option<BulkLimits>,
    /// Paging by cursor, where it is served; paging by index always is, and is the default.
    pub cursor: Option<CursorLimits>,
}

/// What paging by cursor allows (RFC 9865 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorLimits {
    /// Resources in a page when `count` is absent.
    pub default_page_size: usize,
    /// Resources in a page at the most.
    pub max_page_size: usize,
    /// How long a cursor is good for.
    pub timeout: Duration,
}

/// How much a Bulk request may hold (RFC 7644 §3.7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkLimits {
    /// Operations.
    pub max_operations: usize,
    /// Bytes of the body.
    pub max_payload_size: usize,
}

impl Default for Features {
    fn default() -> Self {
        Self { filter_max_results: 1_000, sort: false, bulk: None, cursor: None }
    }
}

/// `/ServiceProviderConfig`.
pub fn service_provider_config(base_url: &str, features: &Features) -> Value {
    let mut config = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": {
            "supported": features.bulk.is_some(),
            "maxOperations": features.bulk.map_or(0, |limits| limits.max_operations),
            "maxPayloadSize": features.bulk.map_or(0, |limits| limits.max_payload_size),
        },
        "filter": { "supported": true, "maxResults": features.filter_max_results },
        "changePassword": { "supported": false },
        "sort": { "supported": features.sort },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of this connection in the Authorization header",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    });
    if let Some(limits) = features.cursor {
        config["pagination"] = json!({
            "cursor": true,
            "index": true,
            // Clients that know nothing of cursors must not meet one (RFC 9865 §2.4).
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.default_page_size,
            "maxPageSize": limits.max_page_size,
            "cursorTimeout": limits.timeout.as_secs(),
        });
    }
    config
}

/// `/Schemas`.
pub fn schemas(base_url: &str, types: &ResourceTypes) -> Value {
    let schemas: Vec<Value> = all_schemas(types).map(|schema| render_schema(schema, base_url)).collect();
    list_response(schemas.len(), 1, schemas)
}

/// `/Schemas/{urn}`; the URN in any case.
pub fn schema(base_url: &str, types: &ResourceTypes, urn: &str) -> Option<Value> {
    let found = all_schemas(types).find(|schema| schema.id.eq_ignore_ascii_case(urn))?;
    Some(render_schema(found, base_url))
}

/// `/ResourceTypes`.
pub fn resource_types(base_url: &str, types: &ResourceTypes) -> Value {
    let rendered: Vec<Value> = types.all().iter().map(|kind| render_type(kind, base_url)).collect();
    list_response(rendered.len(), 1, rendered)
}

/// `/ResourceTypes/{name}`.
pub fn resource_type(base_url: &str, types: &ResourceTypes, name: &str) -> Option<Value> {
    let found = types.all().into_iter().find(|kind| kind.name.eq_ignore_ascii_case(name))?;
    Some(render_type(found, base_url))
}

fn all_schemas(types: &ResourceTypes) -> impl Iterator<Item = &Schema> {
    types.all().into_iter().flat_map(ResourceType::schemas)
}

fn render_type(kind: &ResourceType, base_url: &str) -> Value {
    let extensions: Vec<Value> = kind
        .extensions
        .iter()
        .map(|extension| json!({ "schema": extension.schema.id, "required": extension.required }))
        .collect();
    let mut rendered = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "description": kind.description,
        "endpoint": kind.endpoint,
        "schema": kind.schema.id,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base_url}/ResourceTypes/{}", kind.name),
        },
    });
    if let Some(object) = rendered.as_object_mut().filter(|_| !extensions.is_empty()) {
        object.insert("schemaExtensions".into(), Value::Array(extensions));
    }
    rendered
}

fn render_schema(schema: &Schema, base_url: &str) -> Value {
    let mut rendered = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"] });
    let meta = json!({
        "resourceType": "Schema",
        "location": format!("{base_url}/Schemas/{}", schema.id),
    });
    if let (Some(object), Value::Object(definition)) = (rendered.as_object_mut(), schema.to_definition()) {
        object.extend(definition);
        object.insert("meta".into(), meta);
    }
    rendered
}

#[cfg(test)]
mod tests;
