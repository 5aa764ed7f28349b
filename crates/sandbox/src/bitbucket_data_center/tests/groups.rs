use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{BitbucketDataCenter, Quirks, ask, create, site, with};
use crate::SimulatedSite;

async fn post(bitbucket: &BitbucketDataCenter, path: &str, body: Value) -> StatusCode {
    ask(bitbucket, "POST", path, Some(body)).await.status
}

fn members(bitbucket: &BitbucketDataCenter, name: &str) -> Vec<String> {
    let groups = bitbucket.state().groups;
    groups.into_iter().find(|group| group.name == name).map(|group| group.members).unwrap_or_default()
}

#[tokio::test]
async fn groups_are_made_found_and_deleted() {
    let bitbucket = site();
    assert_eq!(ask(&bitbucket, "POST", "/admin/groups?name=Team", None).await.body["name"], "Team");
    let again = ask(&bitbucket, "POST", "/admin/groups?name=team", None).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(ask(&bitbucket, "POST", "/admin/groups", None).await.status, StatusCode::BAD_REQUEST);
    let found = ask(&bitbucket, "GET", "/admin/groups?filter=EA", None).await;
    assert_eq!(found.body["values"][0]["name"], "Team");
    assert_eq!(ask(&bitbucket, "DELETE", "/admin/groups?name=TEAM", None).await.status, StatusCode::OK);
    assert_eq!(
        ask(&bitbucket, "DELETE", "/admin/groups?name=team", None).await.status,
        StatusCode::NOT_FOUND
    );
    let own = ask(&bitbucket, "DELETE", "/admin/groups?name=bitbucket-admins", None).await;
    assert_eq!(own.status, StatusCode::CONFLICT, "one's own permission");
}

#[tokio::test]
async fn many_join_at_once_or_nobody() {
    let bitbucket = site();
    for name in ["ann", "ben"] {
        create(&bitbucket, name).await;
        ask(&bitbucket, "POST", &format!("/admin/groups?name=team-{name}"), None).await;
    }
    let some = json!({ "group": "team-ann", "users": ["ann", "nobody"] });
    assert_eq!(post(&bitbucket, "/admin/groups/add-users", some).await, StatusCode::NOT_FOUND);
    assert!(members(&bitbucket, "team-ann").is_empty());
    let all = json!({ "group": "TEAM-ANN", "users": ["Ann", "ben"] });
    for _ in 0..2 {
        assert_eq!(post(&bitbucket, "/admin/groups/add-users", all.clone()).await, StatusCode::OK);
    }
    assert_eq!(members(&bitbucket, "team-ann"), ["ann", "ben"]);
    let some = json!({ "user": "ann", "groups": ["team-ben", "nowhere"] });
    assert_eq!(post(&bitbucket, "/admin/users/add-groups", some).await, StatusCode::NOT_FOUND);
    let all = json!({ "user": "ann", "groups": ["team-ben", "team-ann"] });
    assert_eq!(post(&bitbucket, "/admin/users/add-groups", all).await, StatusCode::OK);
    assert_eq!(members(&bitbucket, "team-ben"), ["ann"]);
    let found = ask(&bitbucket, "GET", "/admin/groups/more-members?context=team-ann&filter=be", None).await;
    assert_eq!(found.body["values"][0]["name"], "ben");
    let outside = ask(&bitbucket, "GET", "/admin/groups/more-non-members?context=team-ben", None).await;
    assert_eq!(outside.body["size"], 2);
}

#[tokio::test]
async fn one_is_named_from_either_side() {
    let bitbucket = site();
    create(&bitbucket, "ann").await;
    ask(&bitbucket, "POST", "/admin/groups?name=team", None).await;
    let of_group = json!({ "context": "team", "itemName": "ann" });
    let of_user = json!({ "context": "ann", "itemName": "team" });
    assert_eq!(post(&bitbucket, "/admin/groups/add-user", of_group.clone()).await, StatusCode::OK);
    assert_eq!(post(&bitbucket, "/admin/users/remove-group", of_user.clone()).await, StatusCode::OK);
    assert!(members(&bitbucket, "team").is_empty());
    assert_eq!(post(&bitbucket, "/admin/users/add-group", of_user).await, StatusCode::OK);
    assert_eq!(post(&bitbucket, "/admin/groups/remove-user", of_group.clone()).await, StatusCode::OK);
    assert_eq!(post(&bitbucket, "/admin/groups/remove-user", of_group.clone()).await, StatusCode::NOT_FOUND);
    let tolerant = with(Quirks { removes_strangers: true, ..Quirks::default() });
    create(&tolerant, "ann").await;
    ask(&tolerant, "POST", "/admin/groups?name=team", None).await;
    assert_eq!(post(&tolerant, "/admin/groups/remove-user", of_group).await, StatusCode::OK);
}
