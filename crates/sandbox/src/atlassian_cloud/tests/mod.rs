//! The directory against what the vendor's pages say of it.

mod groups;
mod users;

use std::time::Duration;

use serde_json::{Value, json};

use super::{AtlassianCloud, BASE_PATH, Options, Quirks};
use crate::testing::{ADMIN, Answer, call};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn start() -> AtlassianCloud {
    with(Quirks { lag: Duration::ZERO, ..Quirks::default() })
}

fn with(quirks: Quirks) -> AtlassianCloud {
    AtlassianCloud::new(Options { quirks, ..Options::default() })
}

async fn ask(cloud: &AtlassianCloud, method: &str, path: &str, body: Option<Value>) -> Answer {
    call(cloud, Some(ADMIN), method, &format!("{BASE_PATH}{path}"), body).await
}

fn person(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "emails": [{ "value": format!("{name}@example.com"), "primary": true }],
        "displayName": format!("The {name}"),
        "title": "Engineer",
    })
}

async fn user(cloud: &AtlassianCloud, name: &str) -> String {
    let answer = ask(cloud, "POST", "/Users", Some(person(name))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}
