//! Jira in Atlassian Cloud, with and without the organization's key.

mod accounts;
mod checks;
mod groups;
mod leads;
mod organization;

use atlassian::site::AccountRef;
use atlassian::{Credentials, Product};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::script::{Call, Script, answer, call, settings};

fn api_key() -> Credentials {
    serde_json::from_value(json!({ "type": "api_key", "email": "app", "token": "pw" })).unwrap()
}

async fn script() -> Script {
    Script::of(Product::JiraCloud, "rest/api/3", api_key(), &settings()).await
}

/// Jira's error body.
fn refusal(status: u16, text: &str) -> ResponseTemplate {
    answer(status, json!({ "errorMessages": [text], "errors": {} }))
}

fn user(id: &str, email: Option<&str>, groups: &[&str]) -> Value {
    let items: Vec<Value> =
        groups.iter().map(|name| json!({ "name": name, "groupId": format!("g-{name}") })).collect();
    let mut body = json!({
        "accountId": id, "accountType": "atlassian", "displayName": format!("The {id}"), "active": true,
        "groups": { "size": items.len(), "items": items },
    });
    if let Some(email) = email {
        body["emailAddress"] = json!(email);
    }
    body
}

fn get_user(id: &str) -> Call {
    call("GET", "user").query("accountId", id).query("expand", "groups")
}

fn search(email: &str) -> Call {
    call("GET", "user/search").query("query", email)
}

fn find_group(name: &str) -> Call {
    call("GET", "group/bulk").query("groupName", name)
}

fn page(values: &Value) -> ResponseTemplate {
    answer(200, json!({ "startAt": 0, "maxResults": 50, "isLast": true, "values": values }))
}

fn anna() -> AccountRef {
    AccountRef { key: "a-1".into(), username: "anna@example.com".into() }
}
