//! Confluence Data Center.

mod accounts;
mod checks;
mod groups;

use atlassian::Product;
use atlassian::site::AccountRef;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::script::{Call, Script, answer, bearer, call, settings};

async fn script() -> Script {
    Script::of(Product::ConfluenceDataCenter, "rest/api", bearer(), &settings()).await
}

/// Confluence's error body.
fn refusal(status: u16, message: &str) -> ResponseTemplate {
    let body = json!({
        "statusCode": status, "data": { "authorized": true, "valid": true }, "message": message, "reason": "No",
    });
    answer(status, body)
}

/// A person as every call shows one that is asked for the status.
fn person(key: &str, name: &str, active: bool) -> Value {
    json!({
        "type": "known", "username": name, "userKey": key, "displayName": name.to_uppercase(),
        "profilePicture": { "path": "/x", "width": 48, "height": 48, "isDefault": true },
        "status": if active { "current" } else { "deactivated" }, "_links": { "self": "x" },
    })
}

/// A page that has no next one.
fn page(results: &[Value]) -> ResponseTemplate {
    let size = results.len();
    let body =
        json!({ "results": results, "start": 0, "limit": 200, "size": size, "_links": { "self": "x" } });
    answer(200, body)
}

fn groups(names: &[&str]) -> ResponseTemplate {
    let groups: Vec<Value> = names.iter().map(|name| json!({ "type": "group", "name": name })).collect();
    page(&groups)
}

fn get_key(key: &str) -> Call {
    call("GET", "user").query("key", key).query("expand", "status")
}

fn get_name(name: &str) -> Call {
    call("GET", "user").query("username", name).query("expand", "status")
}

fn groups_of(key: &str) -> Call {
    call("GET", "user/memberof").query("key", key).query("start", "0").query("limit", "200")
}

fn anna() -> AccountRef {
    AccountRef { key: "k1".into(), username: "anna".into() }
}
