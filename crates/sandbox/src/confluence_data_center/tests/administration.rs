use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{ConfluenceDataCenter, delete, get, peopled, post, put, site, with};
use crate::{SimulatedSite, confluence_data_center::Quirks, testing::Answer};

async fn create(confluence: &ConfluenceDataCenter, name: &str) -> Answer {
    let body = json!({"userName": name, "fullName": "Zoe", "email": "z@example.com", "password": "secret"});
    post(confluence, "/admin/user", body).await
}

fn email(confluence: &ConfluenceDataCenter, name: &str) -> Option<String> {
    let users = confluence.state().users;
    users.into_iter().find(|user| user.name == name).map(|user| user.email)
}

#[tokio::test]
async fn creation_answers_with_the_key_and_joins_the_users() {
    let confluence = site();
    let created = create(&confluence, "zoe").await;
    assert_eq!(created.status, StatusCode::CREATED);
    let key = created.body["userKey"].as_str().unwrap();
    assert_eq!(get(&confluence, &format!("/user?key={key}")).await.body["username"], "zoe");
    let groups = get(&confluence, "/user/memberof?username=zoe").await;
    assert_eq!(groups.body["results"][0]["name"], "confluence-users");
    assert_eq!(create(&confluence, "zoe").await.status, StatusCode::CONFLICT);
    assert_eq!(confluence.state().creates_by_name["zoe"], 1);
}

#[tokio::test]
async fn user_names_are_in_lower_case_and_of_allowed_characters() {
    let confluence = site();
    for name in ["Zoe", "", "z oe", "z+oe", "z,oe", "z\\oe", "<zoe>", "z'oe", "z\"oe", "anonymous"] {
        assert_eq!(create(&confluence, name).await.status, StatusCode::BAD_REQUEST, "{name}");
    }
    for name in ["zoe@example.com", "zoe.o-b_1", "zoë"] {
        assert_eq!(create(&confluence, name).await.status, StatusCode::CREATED, "{name}");
    }
}

#[tokio::test]
async fn creation_needs_name_address_and_a_password_or_mail() {
    let confluence = site();
    let whole = json!({"userName": "zoe", "fullName": "Zoe", "email": "z@example.com", "password": "secret"});
    for (field, value) in
        [("fullName", json!(" ")), ("email", json!("z")), ("password", Value::Null), ("fullname", json!("x"))]
    {
        let mut body = whole.clone();
        body[field] = value;
        let refused = post(&confluence, "/admin/user", body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field}");
    }
    let mut invited = whole;
    invited["password"] = Value::Null;
    invited["notifyViaEmail"] = json!(true);
    assert_eq!(post(&confluence, "/admin/user", invited).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn creation_beyond_the_licence_is_402() {
    let confluence = with(Quirks { seats: Some(2), ..Quirks::default() });
    assert_eq!(create(&confluence, "zoe").await.status, StatusCode::CREATED);
    assert_eq!(create(&confluence, "yan").await.status, StatusCode::PAYMENT_REQUIRED);
    put(&confluence, "/admin/user/zoe/disable", None).await;
    assert_eq!(create(&confluence, "yan").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn update_changes_only_what_is_sent_and_never_the_name() {
    let confluence = site();
    create(&confluence, "zoe").await;
    let body = |body: Value| Some(body);
    let done = put(&confluence, "/admin/user/ZOE", body(json!({"fullName": "Zoe Z"}))).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&confluence, "/user?username=zoe").await.body["displayName"], "Zoe Z");
    assert_eq!(email(&confluence, "zoe").as_deref(), Some("z@example.com"));
    put(&confluence, "/admin/user/zoe", body(json!({"email": "zz@example.com"}))).await;
    assert_eq!(email(&confluence, "zoe").as_deref(), Some("zz@example.com"));
    for refused in [json!({"userName": "yan"}), json!({"email": "nowhere"}), json!({"fullName": ""})] {
        let answer = put(&confluence, "/admin/user/zoe", body(refused)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let old = with(Quirks { updates_users: false, ..Quirks::default() });
    let missing = put(&old, "/admin/user/rollcall", body(json!({"fullName": "x"}))).await;
    assert_eq!(missing.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn disabled_user_cannot_log_in_and_is_enabled_again() {
    let confluence = peopled(1);
    for (verb, status) in [("disable", "deactivated"), ("disable", "deactivated"), ("enable", "current")] {
        let path = format!("/admin/user/ada.abbott.0/{verb}");
        assert_eq!(put(&confluence, &path, None).await.status, StatusCode::NO_CONTENT);
        let shown = get(&confluence, "/user?username=ada.abbott.0&expand=status").await;
        assert_eq!(shown.body["status"], status);
    }
    assert_eq!(put(&confluence, "/admin/user/nobody/disable", None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(put(&confluence, "/admin/user/nobody/enable", None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(put(&confluence, "/admin/user/rollcall/disable", None).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn deletion_is_accepted_and_done_later_and_the_name_comes_back_as_another_account() {
    let quirks = Quirks { deletion_takes: Duration::from_secs(5), ..Quirks::default() };
    let confluence = with(quirks);
    let first = create(&confluence, "zoe").await.body;
    let accepted = delete(&confluence, "/admin/user/zoe").await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    assert!(accepted.body["links"]["status"].as_str().unwrap().contains("longtask"));
    assert_eq!(get(&confluence, "/user?username=zoe").await.status, StatusCode::OK);
    assert_eq!(create(&confluence, "zoe").await.status, StatusCode::CONFLICT);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(get(&confluence, "/user?username=zoe").await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&confluence, "/admin/user/zoe").await.status, StatusCode::NOT_FOUND);
    assert_ne!(create(&confluence, "zoe").await.body, first);
    assert_eq!(delete(&confluence, "/admin/user/rollcall").await.status, StatusCode::FORBIDDEN);
}
