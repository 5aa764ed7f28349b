//! A SCIM directory in Atlassian Cloud.

mod accounts;
mod checks;
mod groups;

use atlassian::Product;
use atlassian::site::AccountRef;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::script::{Call, Script, answer, bearer, call, settings};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn script() -> Script {
    Script::of(Product::AtlassianCloud, "", bearer(), &settings()).await
}

/// The directory's error body.
fn refusal(status: u16, detail: &str) -> ResponseTemplate {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    answer(status, json!({ "schemas": schemas, "status": status.to_string(), "detail": detail }))
}

fn user(id: &str, name: &str, active: bool) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": name,
        "displayName": name.to_uppercase(), "active": active, "title": "Engineer",
        "emails": [{ "value": format!("{name}@example.com"), "type": "work", "primary": true }],
        "groups": [{ "type": "GROUP", "value": "g-1", "display": "team" }],
        "meta": { "resourceType": "User" },
        "urn:scim:schemas:extension:atlassian-external:1.0": { "atlassianAccountId": "712020:x" },
    })
}

fn group(id: &str, name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": id, "displayName": name })
}

fn list(resources: &[Value], total: usize) -> ResponseTemplate {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"];
    answer(200, json!({ "schemas": schemas, "totalResults": total, "startIndex": 1, "Resources": resources }))
}

fn patch_of(path: &'static str, operation: &Value) -> Call {
    call("PATCH", path).body(json!({ "schemas": [PATCH_OP], "Operations": [operation] }))
}

fn find_group(name: &str) -> Call {
    call("GET", "Groups").query("filter", &format!("displayName eq \"{name}\""))
}

fn anna() -> AccountRef {
    AccountRef { key: "u-1".into(), username: "anna".into() }
}
