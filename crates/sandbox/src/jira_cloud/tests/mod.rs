//! The site and its organization against the vendor's descriptions.

mod groups;
mod organization;
mod users;

use std::time::Duration;

use serde_json::{Value, json};

use super::{JiraCloud, Options, Quirks};
use crate::testing::{Answer, basic, call};

fn start() -> JiraCloud {
    with(Quirks { lag: Duration::ZERO, ..Quirks::default() })
}

fn with(quirks: Quirks) -> JiraCloud {
    JiraCloud::new(Options { quirks, ..Options::default() })
}

async fn ask(jira: &JiraCloud, method: &str, path: &str, body: Option<Value>) -> Answer {
    let authorization = basic("rollcall@example.com", "sandbox-token");
    call(jira, Some(&authorization), method, &format!("/rest/api/3{path}"), body).await
}

async fn invite(jira: &JiraCloud, email: &str) -> Answer {
    ask(jira, "POST", "/user", Some(json!({ "emailAddress": email, "products": [] }))).await
}

async fn account(jira: &JiraCloud, email: &str) -> String {
    let answer = invite(jira, email).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["accountId"].as_str().unwrap().to_owned()
}
