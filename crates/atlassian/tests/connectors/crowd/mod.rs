//! Crowd.

mod accounts;
mod checks;
mod groups;

use atlassian::site::AccountRef;
use atlassian::{Credentials, Product};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::script::{Call, Script, answer, call, settings};

fn application() -> Credentials {
    serde_json::from_value(json!({ "type": "basic", "username": "app", "password": "pw" })).unwrap()
}

async fn script() -> Script {
    Script::of(Product::Crowd, "rest/usermanagement/1", application(), &settings()).await
}

/// Crowd's error body.
fn refusal(status: u16, reason: &str) -> ResponseTemplate {
    answer(status, json!({ "reason": reason, "message": format!("{reason} it is.") }))
}

fn user(key: &str, name: &str, active: bool) -> Value {
    json!({
        "link": { "href": "x", "rel": "self" }, "name": name, "first-name": "F", "last-name": "L",
        "display-name": name.to_uppercase(), "email": format!("{name}@example.com"), "active": active, "key": key,
        "attributes": { "attributes": [] },
    })
}

fn groups(names: &[&str]) -> ResponseTemplate {
    let groups: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    answer(200, json!({ "expand": "group", "groups": groups }))
}

fn get_name(name: &str) -> Call {
    call("GET", "user").query("username", name)
}

fn get_key(key: &str) -> Call {
    call("GET", "user").query("key", key)
}

fn groups_of(name: &str) -> Call {
    call("GET", "user/group/direct").query("username", name).query("start-index", "0")
}

fn anna() -> AccountRef {
    AccountRef { key: "1:a".into(), username: "anna".into() }
}
