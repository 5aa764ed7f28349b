//! `/group`, `/project`.

use serde_json::json;

use super::{account, ask, start};

#[tokio::test]
async fn group_is_found_by_exact_name_and_goes_by_its_identifier() {
    let jira = start();
    let made = ask(&jira, "POST", "/group", Some(json!({ "name": "team" }))).await;
    let id = made.body["groupId"].as_str().unwrap().to_owned();
    let found = ask(&jira, "GET", "/group/bulk?groupName=team", None).await;
    assert_eq!(found.body["values"], json!([{ "name": "team", "groupId": id }]));
    assert_eq!(ask(&jira, "POST", "/group", Some(json!({ "name": "TEAM" }))).await.status, 400);

    let ada = account(&jira, "ada@example.com").await;
    let join = async || {
        ask(&jira, "POST", &format!("/group/user?groupId={id}"), Some(json!({ "accountId": ada }))).await
    };
    assert_eq!(join().await.status, 201);
    assert_eq!(join().await.status, 400, "a member already");
    let members = ask(&jira, "GET", &format!("/group/member?groupId={id}"), None).await;
    assert_eq!(members.body["values"][0]["accountId"], json!(ada));
    let leave = format!("/group/user?groupId={id}&accountId={ada}");
    assert_eq!(ask(&jira, "DELETE", &leave, None).await.status, 200);
    assert_eq!(ask(&jira, "DELETE", &leave, None).await.status, 404);
    assert_eq!(ask(&jira, "DELETE", &format!("/group?groupId={id}"), None).await.status, 200);
    assert_eq!(ask(&jira, "DELETE", &format!("/group?groupId={id}"), None).await.status, 404);
}

#[tokio::test]
async fn groups_that_administer_are_told() {
    let jira = start();
    let admins = ask(&jira, "GET", "/group/bulk?accessType=site-admin", None).await;
    assert_eq!(admins.body["values"][0]["name"], "site-admins");
}

#[tokio::test]
async fn lead_is_given_by_account() {
    let jira = start();
    let ada = account(&jira, "ada@example.com").await;
    let body = json!({ "leadAccountId": ada });
    assert_eq!(ask(&jira, "PUT", "/project/DEMO", Some(body)).await.body["lead"]["accountId"], json!(ada));
    let projects = ask(&jira, "GET", "/project/search?expand=lead", None).await;
    assert_eq!(projects.body["values"][0]["lead"]["accountId"], json!(ada));
    let nobody = ask(&jira, "PUT", "/project/DEMO", Some(json!({ "leadAccountId": "nobody" }))).await;
    assert_eq!(nobody.status, 400);
}
