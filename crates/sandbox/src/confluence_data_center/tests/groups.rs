use axum::http::StatusCode;
use serde_json::json;

use super::{call_as, delete, get, peopled, post, put, site};
use crate::SimulatedSite;

#[tokio::test]
async fn group_is_made_once_whatever_the_case() {
    let confluence = site();
    let made = post(&confluence, "/admin/group", json!({"type": "group", "name": "Team A"})).await;
    assert_eq!((made.status, &made.body["name"]), (StatusCode::CREATED, &json!("Team A")));
    let again = post(&confluence, "/admin/group", json!({"name": "team a"})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let nameless = post(&confluence, "/admin/group", json!({"name": " "})).await;
    assert_eq!(nameless.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&confluence, "/group/TEAM%20a").await.body["name"], "Team A");
    assert_eq!(get(&confluence, "/group/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn group_is_deleted_but_not_the_administrators() {
    let confluence = peopled(0);
    assert_eq!(delete(&confluence, "/admin/group/TEAM-0").await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&confluence, "/admin/group/team-0").await.status, StatusCode::NOT_FOUND);
    let last = delete(&confluence, "/admin/group/confluence-administrators").await;
    assert_eq!(last.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn memberships_may_be_made_and_ended_twice() {
    let confluence = peopled(1);
    let path = "/user/ADA.abbott.0/group/Team-1";
    for _ in 0..2 {
        assert_eq!(put(&confluence, path, None).await.status, StatusCode::NO_CONTENT);
    }
    let groups = get(&confluence, "/user/memberof?username=ada.abbott.0").await;
    let names: Vec<&str> = groups.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["confluence-users", "team-0", "team-1"]);
    for _ in 0..2 {
        assert_eq!(delete(&confluence, path).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(get(&confluence, "/group/team-1/member").await.body["size"], 0);
    for path in ["/user/nobody/group/team-1", "/user/ada.abbott.0/group/nowhere"] {
        assert_eq!(put(&confluence, path, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(delete(&confluence, path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn deactivated_members_are_shown() {
    let confluence = peopled(1);
    put(&confluence, "/admin/user/ada.abbott.0/disable", None).await;
    let members = get(&confluence, "/group/team-0/member?expand=status").await;
    assert_eq!(members.body["results"][0]["status"], "deactivated");
    assert_eq!(get(&confluence, "/group/nowhere/member").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&confluence, "/group/team-0/groupmember").await.body["size"], 0);
}

#[tokio::test]
async fn only_administrators_change_memberships() {
    let confluence = peopled(1);
    post(&confluence, "/_sandbox/users", json!({"name": "zoe", "token": "zoes"})).await;
    for (who, status) in [(Some("Bearer zoes"), StatusCode::FORBIDDEN), (None, StatusCode::UNAUTHORIZED)] {
        for (method, path) in [
            ("PUT", "/user/zoe/group/team-0"),
            ("DELETE", "/user/ada.abbott.0/group/team-0"),
            ("PUT", "/admin/user/ada.abbott.0/disable"),
            ("PUT", "/admin/user/nobody/enable"),
            ("DELETE", "/admin/user/ada.abbott.0"),
            ("DELETE", "/admin/group/team-0"),
        ] {
            assert_eq!(call_as(&confluence, who, method, path, None).await.status, status, "{method} {path}");
        }
    }
    assert_eq!(get(&confluence, "/group/team-0/member").await.body["size"], 1);
}

#[tokio::test]
async fn escaped_slash_does_not_reach_the_product() {
    let confluence = site();
    post(&confluence, "/admin/group", json!({"name": "dev/ops"})).await;
    let answer = put(&confluence, "/user/rollcall/group/dev%2Fops", None).await;
    assert_eq!((answer.status, answer.body.is_null()), (StatusCode::BAD_REQUEST, true));
    assert_eq!(confluence.state().calls.total, 2);
}
