use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{call_as, get, peopled, post, put, site, with};
use crate::{confluence_data_center::Quirks, testing::basic};

#[tokio::test]
async fn server_tells_its_version_to_who_is_logged_in() {
    let answer = get(&site(), "/server-information").await;
    assert_eq!((answer.status, &answer.body["version"]), (StatusCode::OK, &json!("9.2.0")));
    let anonymous = call_as(&site(), None, "GET", "/server-information", None).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    let old = with(Quirks { tells_version: false, ..Quirks::default() });
    assert_eq!(get(&old, "/server-information").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_asking_is_told_by_type_and_nobody_is_refused() {
    let confluence = site();
    let mine = get(&confluence, "/user/current").await;
    assert_eq!((&mine.body["type"], &mine.body["username"]), (&json!("known"), &json!("rollcall")));
    assert_eq!(mine.header("x-ausername"), "rollcall");
    let anonymous = call_as(&confluence, None, "GET", "/user/current", None).await;
    assert_eq!((anonymous.status, &anonymous.body["type"]), (StatusCode::OK, &json!("anonymous")));
}

#[tokio::test]
async fn wrong_credentials_are_401_and_three_wrong_passwords_lead_to_a_captcha() {
    let confluence = site();
    let wrong = basic("rollcall", "wrong");
    for _ in 0..3 {
        let refused = call_as(&confluence, Some(&wrong), "GET", "/user/current", None).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.header("www-authenticate"), "Basic realm=\"Confluence\"");
    }
    let right = basic("rollcall", "sandbox-password");
    let denied = call_as(&confluence, Some(&right), "GET", "/user/current", None).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(denied.header("x-authentication-denied-reason").starts_with("CAPTCHA_CHALLENGE"));
}

#[tokio::test]
async fn user_is_found_by_name_in_any_case_and_by_key_without_an_address() {
    let confluence = peopled(1);
    let by_name = get(&confluence, "/user?username=ADA.abbott.0").await;
    assert_eq!(by_name.body["displayName"], "Ada Abbott");
    assert_eq!((&by_name.body["email"], &by_name.body["status"]), (&Value::Null, &Value::Null));
    let key = by_name.body["userKey"].as_str().unwrap();
    assert_eq!(key.len(), 32);
    let by_key = get(&confluence, &format!("/user?key={key}&expand=status")).await;
    assert_eq!(
        (&by_key.body["username"], &by_key.body["status"]),
        (&json!("ada.abbott.0"), &json!("current"))
    );
    assert_eq!(get(&confluence, "/user?username=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&confluence, "/user?key=nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&confluence, "/user").await.status, StatusCode::BAD_REQUEST);
    let anonymous = call_as(&confluence, None, "GET", "/user?username=ada.abbott.0", None).await;
    assert_eq!(anonymous.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn refusal_names_status_message_and_reason() {
    let answer = get(&site(), "/user?username=nobody").await;
    assert_eq!((&answer.body["statusCode"], &answer.body["reason"]), (&json!(404), &json!("Not Found")));
    assert!(answer.body["message"].as_str().unwrap().contains("nobody"));
    assert_eq!(answer.body["data"]["successful"], false);
}

#[tokio::test]
async fn everybody_is_listed_in_capped_pages_linked_to_the_next() {
    for links_apart in [true, false] {
        let confluence = super::ConfluenceDataCenter::new(super::Options {
            users: 250,
            quirks: Quirks { links_apart, ..Quirks::default() },
            ..super::Options::default()
        });
        put(&confluence, "/admin/user/ada.abbott.0/disable", None).await;
        let mut seen = Vec::new();
        let mut next = Some("/user/list?limit=5000&expand=status".to_owned());
        while let Some(path) = next {
            let page = get(&confluence, &path).await.body;
            assert_eq!(page["limit"], 200);
            let results = page["results"].as_array().unwrap();
            assert_eq!(page["size"], results.len());
            seen.extend(results.iter().map(|person| person["username"].as_str().unwrap().to_owned()));
            let links = if links_apart { &page["_links"] } else { &page };
            next = links["next"].as_str().map(|link| link.strip_prefix("/rest/api").unwrap().to_owned());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 251);
        let active = get(&confluence, "/admin/users/list/active?limit=200&start=200").await;
        assert_eq!(active.body["size"], 50, "without the deactivated one");
    }
}

#[tokio::test]
async fn reading_needs_a_login_and_counts_must_be_numbers() {
    let confluence = site();
    for path in ["/user/list", "/group", "/group/confluence-users/member", "/user/memberof?username=rollcall"]
    {
        let anonymous = call_as(&confluence, None, "GET", path, None).await;
        assert_eq!(anonymous.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(get(&confluence, "/user/list?start=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&confluence, "/nowhere").await.status, StatusCode::NOT_FOUND);
    post(&confluence, "/_sandbox/faults", json!({"probabilities": {"500": 1.0}})).await;
    let failed = get(&confluence, "/user/list").await;
    assert_eq!((failed.status, &failed.body["statusCode"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!(500)));
}
