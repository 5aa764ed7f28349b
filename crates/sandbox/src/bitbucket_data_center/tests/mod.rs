//! The site through its router, one test a rule. What all Data Center products share is tested at Jira.

mod groups;
mod permissions;
mod users;

use serde_json::Value;

use super::{BitbucketDataCenter, Options, Quirks};
use crate::testing::{ADMIN, Answer, call};

fn site() -> BitbucketDataCenter {
    with(Quirks::default())
}

fn with(quirks: Quirks) -> BitbucketDataCenter {
    BitbucketDataCenter::new(Options { quirks, ..Options::default() })
}

/// A site with people and two groups.
fn peopled(users: usize) -> BitbucketDataCenter {
    BitbucketDataCenter::new(Options { users, groups: 2, ..Options::default() })
}

/// Calls a path below the API's as the administrator, or one of `/_sandbox`.
async fn ask(bitbucket: &BitbucketDataCenter, method: &str, path: &str, body: Option<Value>) -> Answer {
    ask_as(bitbucket, Some(ADMIN), method, path, body).await
}

async fn ask_as(
    bitbucket: &BitbucketDataCenter,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let path =
        if path.starts_with("/_sandbox") { path.to_owned() } else { format!("/rest/api/latest{path}") };
    call(bitbucket, authorization, method, &path, body).await
}

async fn create(bitbucket: &BitbucketDataCenter, name: &str) -> Answer {
    let query = format!("name={name}&displayName={name}&emailAddress={name}%40example.com&password=x");
    ask(bitbucket, "POST", &format!("/admin/users?{query}&addToDefaultGroup=false"), None).await
}
