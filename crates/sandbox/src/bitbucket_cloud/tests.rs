//! The workspace against the vendor's description and documentation.

use serde_json::{Value, json};

use super::{BitbucketCloud, Options};
use crate::organization::{DIRECTORY_ID, ORGANIZATION_ID, ORGANIZATION_KEY};
use crate::testing::{Answer, basic, call};

fn start() -> BitbucketCloud {
    BitbucketCloud::new(Options { users: 12, groups: 1, ..Options::default() })
}

async fn ask(bitbucket: &BitbucketCloud, method: &str, path: &str, body: Option<Value>) -> Answer {
    call(bitbucket, Some(&basic("rollcall@example.com", "sandbox-token")), method, path, body).await
}

async fn search(bitbucket: &BitbucketCloud, authorization: &str) -> Answer {
    let path = format!("/admin/v2/orgs/{ORGANIZATION_ID}/directories/{DIRECTORY_ID}/users/search");
    let body = json!({ "emails": ["rollcall@example.com"] });
    call(bitbucket, Some(authorization), "POST", &path, Some(body)).await
}

#[tokio::test]
async fn people_are_shown_page_by_page_without_addresses() {
    let bitbucket = start();
    let first = ask(&bitbucket, "GET", "/2.0/workspaces/acme/members", None).await;
    assert_eq!((first.status.as_u16(), first.body["values"].as_array().map(Vec::len)), (200, Some(10)));
    assert!(first.body["next"].as_str().unwrap().ends_with("/members?page=2"));
    assert!(!first.body.to_string().contains('@'), "{}", first.body);
    let last = ask(&bitbucket, "GET", "/2.0/workspaces/acme/members?page=2", None).await;
    assert_eq!((last.body["values"].as_array().map(Vec::len), &last.body["next"]), (Some(3), &Value::Null));
    assert_eq!(ask(&bitbucket, "GET", "/2.0/workspaces/other/members", None).await.status, 404);
}

#[tokio::test]
async fn only_owners_have_the_permission() {
    let bitbucket = start();
    let path = "/2.0/workspaces/acme/permissions?q=permission%3D%22owner%22";
    let owners = ask(&bitbucket, "GET", path, None).await;
    assert_eq!(owners.body["size"], 1);
    assert_eq!(owners.body["values"][0]["permission"], "owner");
}

#[tokio::test]
async fn members_go_by_uuid_and_join_and_leave_once() {
    let bitbucket = start();
    let me = ask(&bitbucket, "GET", "/2.0/user", None).await.body;
    let uuid = me["uuid"].as_str().unwrap().replace('{', "%7B").replace('}', "%7D");
    let path = format!("/1.0/groups/acme/team-0/members/{uuid}");
    for expected in [200, 409] {
        assert_eq!(ask(&bitbucket, "PUT", &path, Some(json!({}))).await.status, expected);
    }
    let members = ask(&bitbucket, "GET", "/1.0/groups/acme/team-0/members", None).await.body;
    assert_eq!(members.as_array().map(Vec::len), Some(13));
    for expected in [204, 404] {
        assert_eq!(ask(&bitbucket, "DELETE", &path, None).await.status, expected);
    }
}

#[tokio::test]
async fn organization_is_opened_by_its_key_alone() {
    let bitbucket = start();
    assert_eq!(search(&bitbucket, &basic("rollcall@example.com", "sandbox-token")).await.status, 403);
    let found = search(&bitbucket, &format!("Bearer {ORGANIZATION_KEY}")).await;
    assert_eq!((found.status.as_u16(), found.body["data"].as_array().map(Vec::len)), (200, Some(1)));
}
