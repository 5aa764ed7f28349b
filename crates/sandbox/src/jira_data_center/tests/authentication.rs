use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use super::{call_as, get, post, site};
use crate::{
    jira_data_center::JiraDataCenter,
    testing::{ADMIN, Answer, basic, send},
};

async fn myself(jira: &JiraDataCenter, authorization: &str) -> Answer {
    call_as(jira, Some(authorization), "GET", "/myself", None).await
}

#[tokio::test]
async fn token_and_password_log_in() {
    let jira = site();
    for authorization in [ADMIN.to_owned(), basic("RollCall", "sandbox-password")] {
        let answer = myself(&jira, &authorization).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body["name"], "rollcall");
        assert_eq!(answer.header("x-seraph-loginreason"), "OK");
        assert_eq!(answer.header("x-ausername"), "rollcall");
    }
}

#[tokio::test]
async fn wrong_credentials_are_401_even_where_nobody_need_log_in() {
    let jira = site();
    for authorization in ["Bearer wrong", "Basic ???", "Digest x", "", &basic("rollcall", "wrong")] {
        let answer = call_as(&jira, Some(authorization), "GET", "/serverInfo", None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(answer.header("x-seraph-loginreason"), "AUTHENTICATED_FAILED");
    }
    assert_eq!(call_as(&jira, None, "GET", "/serverInfo", None).await.status, StatusCode::OK);
    assert_eq!(call_as(&jira, None, "GET", "/myself", None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(call_as(&jira, None, "GET", "/mypermissions", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn three_wrong_passwords_ask_for_a_captcha_that_also_refuses_the_right_one() {
    let jira = site();
    let right = basic("rollcall", "sandbox-password");
    let wrong = basic("rollcall", "wrong");
    for _ in 0..3 {
        assert_eq!(myself(&jira, &wrong).await.status, StatusCode::UNAUTHORIZED);
    }
    let denied = myself(&jira, &right).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(denied.header("x-authentication-denied-reason").starts_with("CAPTCHA_CHALLENGE; login-url=http"));
    assert_eq!(denied.header("x-seraph-loginreason"), "AUTHENTICATION_DENIED");
    assert_eq!(myself(&jira, ADMIN).await.status, StatusCode::OK, "a token is not held back");
    let cleared = call_as(&jira, None, "POST", "/_sandbox/captcha/clear", None).await;
    assert_eq!(cleared.status, StatusCode::NO_CONTENT);
    assert_eq!(myself(&jira, &right).await.status, StatusCode::OK);
}

#[tokio::test]
async fn right_password_forgives_the_failures_before_it() {
    let jira = site();
    for password in ["wrong", "wrong", "sandbox-password", "wrong", "wrong"] {
        myself(&jira, &basic("rollcall", password)).await;
    }
    assert_eq!(myself(&jira, &basic("rollcall", "sandbox-password")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn account_without_administration_reads_users_but_administers_nothing() {
    let jira = site();
    post(&jira, "/_sandbox/users", json!({"name": "zoe", "token": "zoes"})).await;
    let zoe = Some("Bearer zoes");
    assert_eq!(call_as(&jira, zoe, "GET", "/user?username=rollcall", None).await.status, StatusCode::OK);
    let permissions = call_as(&jira, zoe, "GET", "/mypermissions", None).await;
    assert_eq!(permissions.body["permissions"]["ADMINISTER"]["havePermission"], false);
    let name = Some(json!({"name": "x"}));
    for (method, path, body) in [
        ("POST", "/user", name.clone()),
        ("PUT", "/user?username=zoe", name.clone()),
        ("DELETE", "/user?username=rollcall", None),
        ("POST", "/group", name.clone()),
        ("DELETE", "/group?groupname=jira-software-users", None),
        ("GET", "/group?groupname=jira-software-users", None),
        ("GET", "/group/member?groupname=jira-software-users", None),
        ("POST", "/group/user?groupname=jira-software-users", name.clone()),
        ("DELETE", "/group/user?groupname=jira-software-users&username=rollcall", None),
        ("PUT", "/project/DEMO", Some(json!({"lead": "zoe"}))),
        ("PUT", "/component/1", Some(json!({"leadUserName": "zoe"}))),
    ] {
        assert_eq!(
            call_as(&jira, zoe, method, path, body.clone()).await.status,
            StatusCode::FORBIDDEN,
            "{method} {path}"
        );
        assert_eq!(
            call_as(&jira, None, method, path, body).await.status,
            StatusCode::UNAUTHORIZED,
            "{method} {path}"
        );
    }
    let mine = get(&jira, "/mypermissions").await;
    assert_eq!(mine.body["permissions"]["ADMINISTER"]["havePermission"], true);
    assert_eq!(mine.body["permissions"]["SYSTEM_ADMIN"]["havePermission"], true);
}

#[tokio::test]
async fn inactive_or_deleted_account_cannot_log_in() {
    let jira = site();
    post(&jira, "/_sandbox/users", json!({"name": "zoe", "token": "zoes", "password": "secret"})).await;
    assert_eq!(myself(&jira, &basic("zoe", "secret")).await.status, StatusCode::OK);
    post(&jira, "/_sandbox/users", json!({"name": "zoe", "active": false})).await;
    assert_eq!(myself(&jira, "Bearer zoes").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(myself(&jira, &basic("zoe", "secret")).await.status, StatusCode::UNAUTHORIZED);
    post(&jira, "/_sandbox/users", json!({"delete": "zoe"})).await;
    assert_eq!(myself(&jira, "Bearer zoes").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn browsers_write_needs_the_no_check_header_and_a_json_body() {
    let jira = site();
    let request = |token: Option<&str>, content_type: &str| {
        let mut request = Request::post("/rest/api/2/group").header("authorization", ADMIN);
        request = request.header("user-agent", "Mozilla/5.0").header("content-type", content_type);
        if let Some(token) = token {
            request = request.header("x-atlassian-token", token);
        }
        request.body(Body::from(r#"{"name":"team"}"#)).unwrap()
    };
    assert_eq!(send(&jira, request(None, "application/json")).await.status, StatusCode::FORBIDDEN);
    let form = send(&jira, request(Some("no-check"), "text/plain")).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let json = send(&jira, request(Some("no-check"), "application/json;charset=UTF-8")).await;
    assert_eq!(json.status, StatusCode::CREATED);
}

#[tokio::test]
async fn server_info_tells_version_in_numbers_too() {
    let answer = call_as(&site(), None, "GET", "/serverInfo", None).await;
    assert_eq!(answer.body["version"], "10.3.0");
    assert_eq!(answer.body["versionNumbers"], json!([10, 3, 0]));
    assert_eq!(answer.body["deploymentType"], "Server");
    assert_eq!(answer.body["buildNumber"], 10_003_000);
}
