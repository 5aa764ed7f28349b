//! The site through its router, one test a rule.

mod authentication;
mod controls;
mod faults;
mod groups;
mod projects;
mod users;

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{JiraDataCenter, Options};

const ADMIN: &str = "Bearer sandbox-token";

/// An answer, read whole. A body that is not JSON shows as null.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn site() -> JiraDataCenter {
    JiraDataCenter::new(Options::default())
}

/// A site with people, of whom `ada.abbott.0` leads something, and two groups.
fn peopled(users: usize) -> JiraDataCenter {
    JiraDataCenter::new(Options { users, groups: 2, ..Options::default() })
}

async fn send(jira: &JiraDataCenter, request: Request<Body>) -> Answer {
    let response = jira.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

/// Calls a path below `/rest/api/2`, or one of `/_sandbox`, with these credentials.
async fn call_as(
    jira: &JiraDataCenter,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let uri = if path.starts_with("/_sandbox") { path.to_owned() } else { format!("/rest/api/2{path}") };
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = match body {
        Some(body) => {
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
        }
        None => request.body(Body::empty()),
    };
    send(jira, request.unwrap()).await
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

fn basic(name: &str, password: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")))
}
