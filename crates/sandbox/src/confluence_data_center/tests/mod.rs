//! The site through its router, one test a rule. What all Data Center products share is tested at Jira.

mod administration;
mod groups;
mod users;

use serde_json::Value;

use super::{ConfluenceDataCenter, Options, Quirks};
use crate::testing::{ADMIN, Answer, call};

fn site() -> ConfluenceDataCenter {
    with(Quirks::default())
}

fn with(quirks: Quirks) -> ConfluenceDataCenter {
    ConfluenceDataCenter::new(Options { quirks, ..Options::default() })
}

/// A site with people and two groups.
fn peopled(users: usize) -> ConfluenceDataCenter {
    ConfluenceDataCenter::new(Options { users, groups: 2, ..Options::default() })
}

/// Calls a path below `/rest/api`, or one of `/_sandbox`, with these credentials.
async fn call_as(
    confluence: &ConfluenceDataCenter,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let path = if path.starts_with("/_sandbox") { path.to_owned() } else { format!("/rest/api{path}") };
    call(confluence, authorization, method, &path, body).await
}

async fn get(confluence: &ConfluenceDataCenter, path: &str) -> Answer {
    call_as(confluence, Some(ADMIN), "GET", path, None).await
}

async fn post(confluence: &ConfluenceDataCenter, path: &str, body: Value) -> Answer {
    call_as(confluence, Some(ADMIN), "POST", path, Some(body)).await
}

/// A PUT; most have no body.
async fn put(confluence: &ConfluenceDataCenter, path: &str, body: Option<Value>) -> Answer {
    call_as(confluence, Some(ADMIN), "PUT", path, body).await
}

async fn delete(confluence: &ConfluenceDataCenter, path: &str) -> Answer {
    call_as(confluence, Some(ADMIN), "DELETE", path, None).await
}
