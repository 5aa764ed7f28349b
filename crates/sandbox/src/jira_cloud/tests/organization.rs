//! `/admin/v2/orgs`.

use serde_json::{Value, json};

use super::{account, ask, start};
use crate::jira_cloud::JiraCloud;
use crate::organization::{DIRECTORY_ID, ORGANIZATION_ID};
use crate::testing::{Answer, basic, call};

async fn admin(jira: &JiraCloud, method: &str, path: &str, body: Option<Value>) -> Answer {
    let path = format!("/admin/v2/orgs/{ORGANIZATION_ID}{path}");
    call(jira, Some("Bearer sandbox-organization-key"), method, &path, body).await
}

fn users(rest: &str) -> String {
    format!("/directories/{DIRECTORY_ID}/users{rest}")
}

#[tokio::test]
async fn member_is_searched_suspended_and_restored_while_jira_shows_the_account_as_it_is() {
    let jira = start();
    let ada = account(&jira, "ada@example.com").await;
    let search = async || {
        admin(&jira, "POST", &users("/search"), Some(json!({ "emails": ["ADA@example.com"] }))).await
    };
    assert_eq!(search().await.body["data"][0]["status"], "active");
    assert_eq!(admin(&jira, "POST", &users(&format!("/{ada}/suspend")), None).await.status, 204);
    assert_eq!(search().await.body["data"][0]["status"], "suspended");
    assert_eq!(ask(&jira, "GET", &format!("/user?accountId={ada}"), None).await.body["active"], true);
    assert_eq!(admin(&jira, "POST", &users(&format!("/{ada}/restore")), None).await.status, 204);
    assert_eq!(search().await.body["data"][0]["membershipStatus"], "active");
    assert_eq!(admin(&jira, "DELETE", &users(&format!("/{ada}")), None).await.status, 204);
    assert_eq!(search().await.body["data"], json!([]));
}

#[tokio::test]
async fn directories_are_listed() {
    let listed = admin(&start(), "GET", "/directories", None).await;
    assert_eq!(listed.body["data"][0]["directoryId"], DIRECTORY_ID);
}

#[tokio::test]
async fn people_are_invited_and_told_by_identifier() {
    let jira = start();
    let body = json!({ "emails": ["ada@example.com"], "sendNotification": false });
    let invited = admin(&jira, "POST", "/users/invite", Some(body)).await;
    assert_eq!(invited.body["data"][0]["id"], json!(account(&jira, "ada@example.com").await));
}

#[tokio::test]
async fn account_does_not_open_the_organization_nor_the_key_another_directory() {
    let jira = start();
    let own = basic("rollcall@example.com", "sandbox-token");
    let path = format!("/admin/v2/orgs/{ORGANIZATION_ID}{}", users("/search"));
    let refused = call(&jira, Some(&own), "POST", &path, Some(json!({ "emails": ["a@b.c"] }))).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["code"]), (403, &json!("ADMIN-403-3")));
    let other = admin(&jira, "POST", "/directories/other/users/search", Some(json!({}))).await;
    assert_eq!(other.status, 404);
    let wrong = call(&jira, Some("Bearer wrong"), "POST", &path, Some(json!({}))).await;
    assert_eq!(wrong.status, 401);
}
