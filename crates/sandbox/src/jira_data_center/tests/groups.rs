use axum::http::StatusCode;
use serde_json::json;

use super::{call_as, delete, get, peopled, post, put, site};

#[tokio::test]
async fn create_group_answers_201_and_a_second_in_another_case_400() {
    let jira = site();
    let created = post(&jira, "/group", json!({"name": "Team A"})).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.body["name"], "Team A");
    assert_eq!(post(&jira, "/group", json!({"name": "team a"})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(post(&jira, "/group", json!({"name": " "})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(post(&jira, "/group", json!({})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&jira, "/group?groupname=TEAM%20A").await.body["name"], "Team A");
}

#[tokio::test]
async fn delete_group_answers_200_then_404_and_wants_a_real_swap_group() {
    let jira = site();
    post(&jira, "/group", json!({"name": "team"})).await;
    let swap = delete(&jira, "/group?groupname=team&swapGroup=nowhere").await;
    assert_eq!(swap.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&jira, "/group?groupname=TEAM").await.status, StatusCode::OK);
    assert_eq!(delete(&jira, "/group?groupname=team").await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&jira, "/group").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn add_member_answers_201_and_a_second_time_400() {
    let jira = peopled(2);
    post(&jira, "/group", json!({"name": "team"})).await;
    let path = "/group/user?groupname=Team";
    assert_eq!(post(&jira, path, json!({"name": "Bruno.Abbott.1"})).await.status, StatusCode::CREATED);
    let again = post(&jira, path, json!({"name": "bruno.abbott.1"})).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(again.body["errorMessages"][0].as_str().unwrap().contains("already a member"));
    let members = get(&jira, "/group/member?groupname=team").await;
    assert_eq!((&members.body["total"], &members.body["isLast"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn unknown_group_and_unknown_user_are_404() {
    let jira = peopled(1);
    let user = json!({"name": "ada.abbott.0"});
    assert_eq!(post(&jira, "/group/user?groupname=nowhere", user).await.status, StatusCode::NOT_FOUND);
    let nobody = post(&jira, "/group/user?groupname=team-0", json!({"name": "nobody"})).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/group/member?groupname=nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/group/member").await.status, StatusCode::BAD_REQUEST);
    let leaving = delete(&jira, "/group/user?groupname=team-0&username=nobody").await;
    assert_eq!(leaving.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn remove_member_answers_200_and_a_second_time_400() {
    let jira = peopled(1);
    let path = "/group/user?groupname=team-0&username=ADA.abbott.0";
    assert_eq!(delete(&jira, path).await.status, StatusCode::OK);
    assert_eq!(delete(&jira, path).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn members_come_in_pages_of_at_most_fifty_linked_to_the_next() {
    let jira = peopled(120);
    let first = get(&jira, "/group/member?groupname=jira-software-users&maxResults=1000").await;
    assert_eq!((&first.body["maxResults"], &first.body["total"]), (&json!(50), &json!(121)));
    assert_eq!(first.body["values"].as_array().unwrap().len(), 50);
    let mut seen = Vec::new();
    let mut next = Some("/group/member?groupname=jira-software-users".to_owned());
    while let Some(path) = next {
        let page = get(&jira, &path).await;
        let values = page.body["values"].as_array().unwrap();
        seen.extend(values.iter().map(|user| user["key"].as_str().unwrap().to_owned()));
        next =
            page.body["nextPage"].as_str().map(|link| link.split_once("/rest/api/2").unwrap().1.to_owned());
        assert_eq!(next.is_none(), page.body["isLast"] == true);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 121);
}

#[tokio::test]
async fn inactive_members_stay_and_show_only_when_asked_for() {
    let jira = peopled(4);
    put(&jira, "/user?username=bruno.abbott.1", json!({"active": false})).await;
    assert_eq!(get(&jira, "/group/member?groupname=team-1").await.body["total"], 1);
    let all = get(&jira, "/group/member?groupname=team-1&includeInactiveUsers=true").await;
    assert_eq!(all.body["total"], 2);
}

#[tokio::test]
async fn picker_finds_by_part_of_the_name_and_counts_all() {
    let jira = site();
    for number in 0..30 {
        post(&jira, "/group", json!({"name": format!("Team {number}")})).await;
    }
    let answer = get(&jira, "/groups/picker?query=eam%202").await;
    assert_eq!(answer.body["total"], 11);
    assert_eq!(answer.body["groups"][0]["html"], "T<b>eam 2</b>");
    let all = get(&jira, "/groups/picker").await;
    assert_eq!((all.body["groups"].as_array().unwrap().len(), &all.body["total"]), (20, &json!(33)));
    assert_eq!(all.body["header"], "Showing 20 of 33 matching groups");
    let more = get(&jira, "/groups/picker?maxResults=1000&exclude=Team%201&exclude=Team%202").await;
    assert_eq!(more.body["groups"].as_array().unwrap().len(), 31);
    let anonymous = call_as(&jira, None, "GET", "/groups/picker", None).await;
    assert_eq!((anonymous.status, &anonymous.body["total"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test]
async fn administrators_cannot_lock_themselves_out() {
    let jira = site();
    let leave = |group: &str| format!("/group/user?groupname={group}&username=rollcall");
    assert_eq!(delete(&jira, &leave("jira-administrators")).await.status, StatusCode::OK);
    assert_eq!(delete(&jira, &leave("jira-system-administrators")).await.status, StatusCode::BAD_REQUEST);
    let whole = delete(&jira, "/group?groupname=jira-system-administrators").await;
    assert_eq!(whole.status, StatusCode::BAD_REQUEST);
}
