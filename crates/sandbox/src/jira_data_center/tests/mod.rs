//! The site through its router, one test a rule.

mod authentication;
mod controls;
mod faults;
mod groups;
mod projects;
mod users;

use serde_json::Value;

use super::{JiraDataCenter, Options};
use crate::testing::{ADMIN, Answer, call};

fn site() -> JiraDataCenter {
    JiraDataCenter::new(Options::default())
}

/// A site with people, of whom `ada.abbott.0` leads something, and two groups.
fn peopled(users: usize) -> JiraDataCenter {
    JiraDataCenter::new(Options { users, groups: 2, ..Options::default() })
}

/// Calls a path below `/rest/api/2`, or one of `/_sandbox`, with these credentials.
async fn call_as(
    jira: &JiraDataCenter,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let path = if path.starts_with("/_sandbox") { path.to_owned() } else { format!("/rest/api/2{path}") };
    call(jira, authorization, method, &path, body).await
}

async fn get(jira: &JiraDataCenter, path: &str) -> Answer {
    call_as(jira, Some(ADMIN), "GET", path, None).await
}

async fn post(jira: &JiraDataCenter, path: &str, body: Value) -> Answer {
    call_as(jira, Some(ADMIN), "POST", path, Some(body)).await
}

async fn put(jira: &JiraDataCenter, path: &str, body: Value) -> Answer {
    call_as(jira, Some(ADMIN), "PUT", path, Some(body)).await
}

async fn delete(jira: &JiraDataCenter, path: &str) -> Answer {
    call_as(jira, Some(ADMIN), "DELETE", path, None).await
}
