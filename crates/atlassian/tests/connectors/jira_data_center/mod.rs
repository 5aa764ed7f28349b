//! Jira Data Center.

mod accounts;
mod answers;
mod checks;
mod groups;
mod leads;
mod members;

use std::sync::Arc;
use std::time::Duration;

use atlassian::http::HttpSettings;
use atlassian::{Credentials, Product, Site};
use serde_json::{Value, json};
use url::Url;
use wiremock::ResponseTemplate;

use crate::script::{Script, answer, bearer, settings};

async fn script() -> Script {
    with(&settings()).await
}

/// A site whose calls may take `limit`.
async fn hurried(limit: Duration) -> Script {
    with(&HttpSettings { request_timeout: limit, ..settings() }).await
}

async fn with(settings: &HttpSettings) -> Script {
    Script::of(Product::JiraDataCenter, "rest/api/2", bearer(), settings).await
}

fn connector(base_url: &str, credentials: Credentials, settings: &HttpSettings) -> Arc<dyn Site> {
    let base_url = Url::parse(base_url).unwrap();
    atlassian::connect(Product::JiraDataCenter, &base_url, credentials, settings).unwrap()
}

/// Jira's error body with one message.
fn refusal(status: u16, message: &str) -> ResponseTemplate {
    answer(status, json!({ "errorMessages": [message], "errors": {} }))
}

/// A user as GET `/user` shows it.
fn user(key: &str, name: &str, active: bool) -> Value {
    json!({
        "self": format!("https://jira.example.com/rest/api/2/user?username={name}"),
        "key": key, "name": name, "emailAddress": format!("{name}@example.com"),
        "avatarUrls": { "48x48": "https://jira.example.com/avatar" },
        "displayName": name.to_uppercase(), "active": active, "deleted": false,
        "timeZone": "Europe/Rome", "locale": "en_US",
        "groups": { "size": 0, "items": [] }, "applicationRoles": { "size": 1, "items": [] }
    })
}

/// The same, in groups.
fn user_in(key: &str, name: &str, groups: &[&str]) -> Value {
    let mut user = user(key, name, true);
    let items: Vec<Value> = groups.iter().map(|name| json!({ "name": name, "self": "x" })).collect();
    user["groups"] = json!({ "size": items.len(), "items": items });
    user
}
