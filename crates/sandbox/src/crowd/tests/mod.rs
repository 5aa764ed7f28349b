//! The server through its router, one test a rule. What all products share is tested at Jira.

mod groups;
mod users;

use serde_json::Value;

use super::{Crowd, Options, Quirks};
use crate::testing::{Answer, basic, call};

fn server() -> Crowd {
    with(Quirks::default())
}

fn with(quirks: Quirks) -> Crowd {
    Crowd::new(Options { quirks, ..Options::default() })
}

/// Calls a path below the API's as the application.
async fn ask(crowd: &Crowd, method: &str, path: &str, body: Option<Value>) -> Answer {
    ask_as(crowd, &basic("rollcall", "sandbox-password"), method, path, body).await
}

async fn ask_as(crowd: &Crowd, authorization: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    call(crowd, Some(authorization), method, &format!("/rest/usermanagement/1{path}"), body).await
}

fn ann() -> Value {
    serde_json::json!({
        "name": "Ann", "first-name": "Ann", "last-name": "B", "display-name": "Ann B", "email": "ann@x.example",
        "active": true, "password": { "value": "pw" },
    })
}
