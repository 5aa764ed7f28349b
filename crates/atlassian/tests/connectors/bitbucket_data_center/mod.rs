//! Bitbucket Data Center.

mod accounts;
mod checks;
mod groups;

use atlassian::Product;
use atlassian::site::AccountRef;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::script::{Call, Script, answer, bearer, call, settings};

async fn script() -> Script {
    Script::of(Product::BitbucketDataCenter, "rest/api/latest", bearer(), &settings()).await
}

/// Bitbucket's error body.
fn refusal(status: u16, message: &str) -> ResponseTemplate {
    let error = json!({ "context": null, "message": message, "exceptionName": "com.atlassian.bitbucket.X" });
    answer(status, json!({ "errors": [error] }))
}

/// A user as the administrators' calls show it.
fn user(id: u64, name: &str) -> Value {
    json!({
        "id": id, "name": name, "slug": name, "displayName": name.to_uppercase(), "active": true,
        "emailAddress": format!("{name}@example.com"), "type": "NORMAL", "directoryName": "x", "deletable": true,
    })
}

/// A page that has no next one.
fn page(values: &[Value]) -> ResponseTemplate {
    let size = values.len();
    let body = json!({ "values": values, "size": size, "limit": 1000, "isLastPage": true, "start": 0 });
    answer(200, body)
}

fn groups(names: &[&str]) -> ResponseTemplate {
    let groups: Vec<Value> = names.iter().map(|name| json!({ "name": name, "deletable": true })).collect();
    page(&groups)
}

fn find(filter: &str) -> Call {
    call("GET", "admin/users").query("filter", filter).query("start", "0").query("limit", "1000")
}

fn groups_of(name: &str) -> Call {
    call("GET", "admin/users/more-members").query("context", name)
}

fn anna() -> AccountRef {
    AccountRef { key: "7".into(), username: "anna".into() }
}
