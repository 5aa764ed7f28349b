use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{call_as, delete, get, post, put, site};
use crate::{SimulatedSite, state::StateSnapshot};

#[tokio::test]
async fn state_over_http_is_the_state_in_process() {
    let jira = site();
    get(&jira, "/user?username=nobody").await;
    let answer = call_as(&jira, None, "GET", "/_sandbox/state", None).await;
    let snapshot: StateSnapshot = serde_json::from_value(answer.body.clone()).unwrap();
    assert_eq!(snapshot, jira.state());
    let fields: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["users", "groups", "projects", "calls", "creates_by_name"]);
}

#[tokio::test]
async fn calls_are_counted_by_route_and_only_refused_writes_as_rejected() {
    let jira = site();
    get(&jira, "/user?username=nobody").await;
    get(&jira, "/user?username=rollcall").await;
    put(&jira, "/project/DEMO", json!({"lead": "nobody"})).await;
    delete(&jira, "/user?username=nobody").await;
    get(&jira, "/nowhere").await;
    call_as(&jira, None, "GET", "/_sandbox/state", None).await;
    let calls = jira.state().calls;
    assert_eq!((calls.total, calls.rejected), (5, 2));
    let counts: Vec<(&str, u64)> =
        calls.by_operation.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let expected = [("DELETE /user", 1), ("GET (unknown)", 1), ("GET /user", 2), ("PUT /project/{key}", 1)];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn accounts_change_behind_the_clients_back_and_are_not_counted_as_created() {
    let jira = site();
    let made = post(&jira, "/_sandbox/users", json!({"name": "Zoe", "email": "z@example.com"})).await;
    assert_eq!(made.status, StatusCode::NO_CONTENT);
    post(&jira, "/_sandbox/users", json!({"name": "zoe", "display_name": "Zoe Z", "active": false})).await;
    let user = get(&jira, "/user?username=zoe").await;
    assert_eq!((&user.body["name"], &user.body["emailAddress"]), (&json!("Zoe"), &json!("z@example.com")));
    assert_eq!((&user.body["displayName"], &user.body["active"]), (&json!("Zoe Z"), &json!(false)));
    assert!(jira.state().creates_by_name.is_empty());
    let taken = post(&jira, "/_sandbox/users", json!({"rename": "zoe", "to": "Rollcall"})).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    post(&jira, "/_sandbox/users", json!({"rename": "zoe", "to": "zora"})).await;
    let renamed = get(&jira, &format!("/user?key={}", user.body["key"].as_str().unwrap())).await;
    assert_eq!(renamed.body["name"], json!("zora"));
    post(&jira, "/_sandbox/users", json!({"rename": "ZORA", "to": "zoe"})).await;
    let gone = post(&jira, "/_sandbox/users", json!({"delete": "ZOE"})).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&jira, "/user?username=zoe").await.status, StatusCode::NOT_FOUND);
    let again = post(&jira, "/_sandbox/users", json!({"delete": "zoe"})).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let unclear = post(&jira, "/_sandbox/users", json!({"nickname": "zoe"})).await;
    assert_eq!(unclear.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn groups_change_behind_the_clients_back() {
    let jira = site();
    post(&jira, "/_sandbox/groups", json!({"name": "Team", "members": ["rollcall"]})).await;
    post(&jira, "/_sandbox/groups", json!({"name": "team"})).await;
    let members = |jira: &crate::jira_data_center::JiraDataCenter| {
        let groups = jira.state().groups;
        groups.into_iter().find(|group| group.name == "Team").map(|group| group.members)
    };
    assert_eq!(members(&jira), Some(vec!["rollcall".to_owned()]));
    let unknown = post(&jira, "/_sandbox/groups", json!({"name": "team", "members": ["nobody"]})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    post(&jira, "/_sandbox/groups", json!({"name": "team", "members": []})).await;
    assert_eq!(members(&jira), Some(Vec::new()));
    post(&jira, "/_sandbox/groups", json!({"delete": "team"})).await;
    assert_eq!(members(&jira), None);
}

#[tokio::test]
async fn projects_are_made_behind_the_clients_back() {
    let jira = site();
    let body = json!({"key": "OPS", "lead": "rollcall", "components": [{"name": "Night", "lead": "rollcall"}, {"name": "Day"}]});
    assert_eq!(post(&jira, "/_sandbox/projects", body).await.status, StatusCode::NO_CONTENT);
    let project = get(&jira, "/project/OPS").await;
    assert_eq!(project.body["components"][0]["leadUserName"], "rollcall");
    assert_eq!(project.body["components"][1]["leadUserName"], Value::Null);
}

#[tokio::test]
async fn wrong_method_is_405_and_unknown_route_404() {
    let jira = site();
    assert_eq!(put(&jira, "/myself", json!({})).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(&jira, "/nowhere").await.status, StatusCode::NOT_FOUND);
}
