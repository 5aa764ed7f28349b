use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{delete, get, peopled, post, put, site};
use crate::{
    SimulatedSite,
    jira_data_center::{JiraDataCenter, Options, Quirks},
    testing::Answer,
};

async fn create(jira: &JiraDataCenter, name: &str) -> Answer {
    let email = format!("{}@example.com", name.to_lowercase());
    post(jira, "/user", json!({"name": name, "emailAddress": email, "displayName": "Zoe Zimmer"})).await
}

#[tokio::test]
async fn create_answers_201_with_the_user_and_joins_the_default_group() {
    let jira = site();
    let answer = create(&jira, "Zoe").await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.body["name"], "Zoe");
    assert_eq!(answer.body["key"], "JIRAUSER10101");
    assert_eq!(answer.body["active"], true);
    assert_eq!(answer.body["groups"]["size"], 1);
    assert_eq!(answer.header("location"), answer.body["self"].as_str().unwrap());
    let user = get(&jira, "/user?username=zoe&expand=groups,applicationRoles").await;
    assert_eq!(user.body["groups"]["items"][0]["name"], "jira-software-users");
    assert_eq!(user.body["applicationRoles"]["items"][0]["key"], "jira-software");
    let state = jira.state();
    assert_eq!(state.users.iter().find(|user| user.name == "Zoe").unwrap().created_by, "rollcall");
    assert_eq!(state.creates_by_name["zoe"], 1);
}

#[tokio::test]
async fn create_without_application_keys_gives_no_product_access() {
    let jira = site();
    let body =
        json!({"name": "zoe", "emailAddress": "z@example.com", "displayName": "Z", "applicationKeys": []});
    assert_eq!(post(&jira, "/user", body).await.body["groups"]["size"], 0);
    let unknown =
        json!({"name": "yan", "emailAddress": "y@example.com", "displayName": "Y", "applicationKeys": ["x"]});
    let answer = post(&jira, "/user", unknown).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body["errors"]["applicationKeys"].is_string());
}

#[tokio::test]
async fn create_duplicate_in_another_case_is_400_on_username_and_not_counted_as_created() {
    let jira = site();
    create(&jira, "zoe").await;
    let answer = create(&jira, "ZOE").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body["errors"]["username"].is_string());
    assert_eq!(answer.body["errorMessages"], json!([]));
    assert_eq!(jira.state().creates_by_name["zoe"], 1);
    assert_eq!(jira.state().calls.rejected, 1);
}

#[tokio::test]
async fn create_names_every_bad_field_at_once() {
    let jira = site();
    let answer = post(&jira, "/user", json!({"name": "a<b"})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let fields: Vec<&String> = answer.body["errors"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["username", "email", "displayName"]);
    let bad_email = json!({"name": "zoe", "emailAddress": "nobody", "displayName": "Z"});
    let answer = post(&jira, "/user", bad_email).await;
    assert_eq!(answer.body["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["email"]);
    assert_eq!(jira.state().users.len(), 1);
}

#[tokio::test]
async fn unknown_field_and_wrong_type_are_400() {
    let jira = site();
    let unknown = post(&jira, "/user", json!({"name": "zoe", "mail": "z@example.com"})).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(unknown.body["errorMessages"][0].as_str().unwrap().contains("mail"));
    let wrong = put(&jira, "/user?username=rollcall", json!({"active": "no"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn get_finds_by_name_without_case_and_by_key() {
    let jira = site();
    create(&jira, "Zoe").await;
    assert_eq!(get(&jira, "/user?username=zOE").await.body["name"], "Zoe");
    assert_eq!(get(&jira, "/user?key=JIRAUSER10101").await.body["name"], "Zoe");
    assert_eq!(get(&jira, "/user?username=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/user?key=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/user").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn update_changes_only_what_is_sent() {
    let jira = site();
    create(&jira, "zoe").await;
    let answer = put(&jira, "/user?username=zoe", json!({"emailAddress": "new@example.com"})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["emailAddress"], "new@example.com");
    assert_eq!(answer.body["displayName"], "Zoe Zimmer");
    let nothing = put(&jira, "/user?username=zoe", json!({})).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert_eq!(nothing.body["errorMessages"][0], "error.no.value.found.to.be.changed");
    let empty = put(&jira, "/user?username=zoe", json!({"displayName": " "})).await;
    assert!(empty.body["errors"]["displayName"].is_string());
    assert_eq!(put(&jira, "/user?username=nobody", json!({"name": "x"})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rename_keeps_key_and_memberships_and_refuses_a_taken_name() {
    let jira = site();
    create(&jira, "zoe").await;
    create(&jira, "yan").await;
    let taken = put(&jira, "/user?username=zoe", json!({"name": "YAN"})).await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST);
    assert!(taken.body["errors"]["username"].is_string());
    let renamed = put(&jira, "/user?key=JIRAUSER10101", json!({"name": "Zara"})).await;
    assert_eq!(renamed.status, StatusCode::OK);
    assert_eq!(renamed.body["key"], "JIRAUSER10101");
    assert_eq!(renamed.body["groups"]["size"], 1);
    assert_eq!(get(&jira, "/user?username=zoe").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/user?key=JIRAUSER10101").await.body["name"], "Zara");
    let own_case = put(&jira, "/user?username=zara", json!({"name": "ZARA"})).await;
    assert_eq!(own_case.body["name"], "ZARA");
}

#[tokio::test]
async fn deactivate_and_reactivate_show_when_read_back() {
    let jira = site();
    create(&jira, "zoe").await;
    assert_eq!(put(&jira, "/user?username=zoe", json!({"active": false})).await.status, StatusCode::OK);
    assert_eq!(get(&jira, "/user?username=zoe").await.body["active"], false);
    put(&jira, "/user?username=zoe", json!({"active": true})).await;
    assert_eq!(get(&jira, "/user?username=zoe").await.body["active"], true);
}

#[tokio::test]
async fn older_version_refuses_to_deactivate_by_update() {
    let jira = JiraDataCenter::new(Options {
        quirks: Quirks { deactivates_by_update: false, ..Quirks::default() },
        ..Options::default()
    });
    create(&jira, "zoe").await;
    let alone = put(&jira, "/user?username=zoe", json!({"active": false})).await;
    assert_eq!(alone.status, StatusCode::BAD_REQUEST);
    let beside = put(&jira, "/user?username=zoe", json!({"active": false, "displayName": "Z"})).await;
    assert_eq!(beside.status, StatusCode::OK);
    assert_eq!(beside.body["active"], true);
}

#[tokio::test]
async fn lead_is_neither_deactivated_nor_deleted() {
    let jira = peopled(2);
    for answer in [
        put(&jira, "/user?username=ada.abbott.0", json!({"active": false})).await,
        delete(&jira, "/user?username=ada.abbott.0").await,
    ] {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body["errorMessages"][0].as_str().unwrap().contains("LEGACY: Billing"));
    }
    let rename = put(&jira, "/user?username=ada.abbott.0", json!({"displayName": "Ada"})).await;
    assert_eq!(rename.status, StatusCode::OK);
    assert_eq!(delete(&jira, "/user?username=bruno.abbott.1").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn own_account_is_neither_deactivated_nor_deleted() {
    let jira = site();
    put(&jira, "/user?username=rollcall", json!({"displayName": "Robot"})).await;
    let answer = put(&jira, "/user?username=rollcall", json!({"active": false})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(delete(&jira, "/user?username=Rollcall").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn deleted_user_is_gone_unless_asked_for_and_keeps_the_key_of_the_name() {
    let jira = site();
    create(&jira, "zoe").await;
    assert_eq!(delete(&jira, "/user?username=zoe").await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&jira, "/user?username=zoe").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/user?username=zoe").await.status, StatusCode::NOT_FOUND);
    let deleted = get(&jira, "/user?username=zoe&includeDeleted=true").await;
    assert_eq!((&deleted.body["deleted"], &deleted.body["active"]), (&json!(true), &json!(false)));
    assert_eq!(get(&jira, "/group/member?groupname=jira-software-users").await.body["total"], 1);
    assert_eq!(create(&jira, "Zoe").await.body["key"], "JIRAUSER10101");
    assert_eq!(jira.state().creates_by_name["zoe"], 2);
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.body.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn search_matches_beginnings_of_name_email_and_words_of_the_display_name() {
    let jira = peopled(25);
    assert_eq!(names(&get(&jira, "/user/search?username=ADA").await), ["ada.abbott.0", "ada.bergstrm.20"]);
    assert_eq!(names(&get(&jira, "/user/search?username=bergstr%C3%B6m").await).len(), 5);
    assert_eq!(names(&get(&jira, "/user/search?username=bruno.abbott.1@").await), ["bruno.abbott.1"]);
    assert!(names(&get(&jira, "/user/search?username=bbott").await).is_empty());
    assert_eq!(get(&jira, "/user/search").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&jira, "/user/search?username=.&startAt=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn search_pages_without_overlap_and_leaves_out_inactive_people() {
    let jira = peopled(120);
    put(&jira, "/user?username=bruno.abbott.1", json!({"active": false})).await;
    let first = get(&jira, "/user/search?username=.").await;
    assert_eq!(names(&first).len(), 50);
    let mut all: Vec<String> = Vec::new();
    for start in [0, 50, 100] {
        let path = format!("/user/search?username=.&startAt={start}&maxResults=50");
        all.extend(names(&get(&jira, &path).await).into_iter().map(str::to_owned));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 120, "119 active people and the administrator");
    let inactive = get(&jira, "/user/search?username=.&includeActive=false&includeInactive=true").await;
    assert_eq!(names(&inactive), ["bruno.abbott.1"]);
    assert_eq!(inactive.body[0]["active"], Value::Bool(false));
}
