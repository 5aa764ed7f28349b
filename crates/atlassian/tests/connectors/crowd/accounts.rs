//! Finding, making, changing and deleting users.

use atlassian::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef, AccountUpdate, NewAccount, PageStart};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{anna, get_key, get_name, refusal, script, user};
use crate::script::{Call, answer, call};

#[tokio::test]
async fn a_user_is_found_by_name_in_any_case() {
    let script = script().await;
    script.foresee(get_name("ANNA"), answer(200, user("1:a", "anna", false))).await;
    let expected = Account {
        key: "1:a".into(),
        username: "anna".into(),
        display_name: "ANNA".into(),
        email: Some("anna@example.com".into()),
        active: false,
        groups: None,
    };
    assert_eq!(script.site.find_account(&AccountQuery::Username("ANNA".into())).await, Ok(Some(expected)));
    script.foresee(get_name("ben"), refusal(404, "USER_NOT_FOUND")).await;
    assert_eq!(script.site.find_account(&AccountQuery::Username("ben".into())).await, Ok(None));
}

#[tokio::test]
async fn a_known_user_that_was_renamed_is_found_by_its_key() {
    let script = script().await;
    script.foresee(get_name("anna"), answer(200, user("1:other", "anna", true))).await;
    script.foresee(get_key("1:a"), answer(200, user("1:a", "zoe", true))).await;
    let found = script.site.find_account(&AccountQuery::Known(anna())).await.unwrap().unwrap();
    assert_eq!(found.username, "zoe");
    for gone in [refusal(404, "USER_NOT_FOUND"), refusal(400, "ILLEGAL_ARGUMENT")] {
        script.foresee(get_name("anna"), refusal(404, "USER_NOT_FOUND")).await;
        script.foresee(get_key("1:a"), gone).await;
        assert_eq!(script.site.find_account(&AccountQuery::Known(anna())).await, Ok(None));
    }
}

#[tokio::test]
async fn where_no_key_is_told_the_name_is_the_identity() {
    let script = script().await;
    let mut keyless = user("", "Anna", true);
    keyless.as_object_mut().unwrap().remove("key");
    script.foresee(get_name("anna"), answer(200, keyless)).await;
    let found = script.site.find_account(&AccountQuery::Username("anna".into())).await.unwrap().unwrap();
    assert_eq!(found.key, "anna");
    script.foresee(get_name("Anna"), refusal(404, "USER_NOT_FOUND")).await;
    assert_eq!(script.site.find_account(&AccountQuery::Known(AccountRef::of(&found))).await, Ok(None));
}

fn search(restriction: &str, start: &str) -> Call {
    call("GET", "search")
        .query("entity-type", "user")
        .query("expand", "user")
        .query("restriction", restriction)
        .query("start-index", start)
        .query("max-results", "1000")
}

fn users(users: &[Value]) -> ResponseTemplate {
    answer(200, json!({ "expand": "user", "users": users }))
}

#[tokio::test]
async fn an_address_is_quoted_compared_whole_and_may_be_ambiguous() {
    let script = script().await;
    let email = AccountQuery::Email("anna@example.com".into());
    let restriction = "email = \"anna@example.com\"";
    script.foresee(search(restriction, "0"), users(&[user("1:a", "anna", true)])).await;
    assert_eq!(script.site.find_account(&email).await.unwrap().unwrap().key, "1:a");
    let mut namesake = user("1:b", "ben", true);
    namesake["email"] = json!("ANNA@example.com");
    script.foresee(search(restriction, "0"), users(&[user("1:a", "anna", true), namesake])).await;
    let error = script.site.find_account(&email).await.unwrap_err();
    assert!(matches!(error, SiteError::Ambiguous { .. }), "{error:?}");
    script.foresee(search("email = \"a\\\"b\\\\@x.example\"", "0"), users(&[])).await;
    assert_eq!(script.site.find_account(&AccountQuery::Email("a\"b\\@x.example".into())).await, Ok(None));
}

fn new() -> NewAccount {
    NewAccount { username: "anna".into(), display_name: "Anna B".into(), email: Some("a@example.com".into()) }
}

#[tokio::test]
async fn creation_makes_an_active_user_with_a_password_of_its_own() {
    let script = script().await;
    script.foresee(call("POST", "user"), ResponseTemplate::new(201)).await;
    script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
    assert_eq!(AccountRef::of(&script.site.create_account(&new()).await.unwrap()), anna());
    let requests = script.server.received_requests().await.unwrap();
    let mut body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let password = body.as_object_mut().unwrap().remove("password").unwrap();
    assert!(password["value"].as_str().unwrap().len() >= 40);
    let expected = json!({
        "name": "anna", "first-name": "Anna", "last-name": "B", "display-name": "Anna B",
        "email": "a@example.com", "active": true,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_taken_name_is_told_by_the_user_and_not_by_the_sentence() {
    let script = script().await;
    script.foresee(call("POST", "user"), refusal(400, "INVALID_USER")).await;
    script.foresee(get_name("anna"), answer(200, user("1:x", "Anna", true))).await;
    let error = script.site.create_account(&new()).await.unwrap_err();
    assert_eq!(error, SiteError::AlreadyExists { detail: "INVALID_USER it is".into() });
    script.foresee(call("POST", "user"), refusal(400, "INVALID_USER")).await;
    script.foresee(get_name("anna"), refusal(404, "USER_NOT_FOUND")).await;
    let error = script.site.create_account(&new()).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "INVALID_USER it is".into() });
}

fn put(body: Value) -> Call {
    call("PUT", "user").query("username", "anna").body(body)
}

#[tokio::test]
async fn an_update_sends_the_user_whole_and_leaves_nothing_out() {
    let script = script().await;
    script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
    let whole = json!({
        "name": "anna", "first-name": "F", "last-name": "L", "display-name": "ANNA", "email": "c@example.com",
        "active": true,
    });
    script.foresee(put(whole), ResponseTemplate::new(204)).await;
    let update = AccountUpdate { email: Some("c@example.com".into()), ..AccountUpdate::default() };
    let updated = script.site.update_account(&anna(), &update).await.unwrap();
    assert_eq!(updated.email.as_deref(), Some("c@example.com"));
}

#[tokio::test]
async fn a_deactivation_is_read_back() {
    for ignored in [false, true] {
        let script = script().await;
        script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
        let whole = json!({
            "name": "anna", "first-name": "F", "last-name": "L", "display-name": "ANNA",
            "email": "anna@example.com", "active": false,
        });
        script.foresee(put(whole), ResponseTemplate::new(204)).await;
        script.foresee(get_name("anna"), answer(200, user("1:a", "anna", ignored))).await;
        let update = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
        match script.site.update_account(&anna(), &update).await {
            Ok(account) => assert!(!ignored && !account.active),
            Err(error) => assert!(ignored && matches!(error, SiteError::NotPossible(_)), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_rename_is_read_back_and_a_taken_name_is_told() {
    let script = script().await;
    let update = AccountUpdate { username: Some("ben".into()), ..AccountUpdate::default() };
    let rename = || call("POST", "user/rename").query("username", "anna").body(json!({ "new-name": "ben" }));
    script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
    script.foresee(rename(), answer(200, user("1:a", "ben", true))).await;
    script.foresee(get_name("ben"), answer(200, user("1:a", "ben", true))).await;
    assert_eq!(script.site.update_account(&anna(), &update).await.unwrap().username, "ben");
    script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
    script.foresee(rename(), refusal(400, "INVALID_USER")).await;
    script.foresee(get_name("ben"), answer(200, user("1:b", "ben", true))).await;
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(matches!(error, SiteError::AlreadyExists { .. }), "{error:?}");
}

#[tokio::test]
async fn only_the_user_that_is_known_is_deleted() {
    let script = script().await;
    script.foresee(get_name("anna"), answer(200, user("1:a", "anna", true))).await;
    let delete = call("DELETE", "user").query("username", "anna");
    script.foresee(delete, ResponseTemplate::new(204)).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    script.foresee(get_name("anna"), answer(200, user("1:other", "anna", true))).await;
    script.foresee(get_key("1:a"), refusal(404, "USER_NOT_FOUND")).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
}

#[tokio::test]
async fn all_users_are_listed_until_a_page_is_empty() {
    let script = script().await;
    script.foresee(search("", "0"), users(&[user("1:a", "anna", true)])).await;
    script.foresee(search("", "1"), users(&[])).await;
    let first = script.site.list_accounts(PageStart::FIRST).await.unwrap();
    assert_eq!(first.items.len(), 1);
    let last = script.site.list_accounts(first.next.unwrap()).await.unwrap();
    assert_eq!((last.items.len(), last.next), (0, None));
}
