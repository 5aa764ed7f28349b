//! People.

use atlassian::SiteError;
use atlassian::site::{AccountQuery, AccountUpdate, NewAccount, PageStart};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{anna, get_user, refusal, script, search, user};
use crate::script::{answer, call};

fn new_anna() -> NewAccount {
    let email = "anna@example.com".to_owned();
    NewAccount { username: email.clone(), display_name: "Anna".into(), email: Some(email) }
}

#[tokio::test]
async fn known_account_is_read_with_its_groups_and_keeps_the_address_that_it_hides() {
    let script = script().await;
    script.foresee(get_user("a-1"), answer(200, user("a-1", None, &["team"]))).await;
    let found = script.site.find_account(&AccountQuery::Known(anna())).await.unwrap().unwrap();
    assert_eq!((found.username.as_str(), found.email), ("anna@example.com", None));
    assert_eq!(found.groups, Some(vec!["team".to_owned()]));
}

#[tokio::test]
async fn address_is_found_exactly_and_of_persons_only() {
    let script = script().await;
    let mut customer = user("c-1", Some("anna@example.com"), &[]);
    customer["accountType"] = json!("customer");
    let found = json!([
        user("a-2", Some("anna@example.com.au"), &[]),
        customer,
        user("a-1", Some("ANNA@example.com"), &[])
    ]);
    script.foresee(search("anna@example.com"), answer(200, found)).await;
    script.foresee(get_user("a-1"), answer(200, user("a-1", Some("anna@example.com"), &[]))).await;
    let query = AccountQuery::Username("anna@example.com".into());
    assert_eq!(script.site.find_account(&query).await.unwrap().unwrap().key, "a-1");
}

#[tokio::test]
async fn two_with_one_address_are_not_guessed_between() {
    let script = script().await;
    let found =
        json!([user("a-1", Some("anna@example.com"), &[]), user("a-2", Some("anna@example.com"), &[])]);
    script.foresee(search("anna@example.com"), answer(200, found)).await;
    let query = AccountQuery::Email("anna@example.com".into());
    let error = script.site.find_account(&query).await.unwrap_err();
    assert!(matches!(error, SiteError::Ambiguous { .. }), "{error:?}");
}

#[tokio::test]
async fn person_is_invited_to_no_product() {
    let script = script().await;
    let body = json!({ "emailAddress": "anna@example.com", "products": [] });
    script.foresee(call("POST", "user").body(body), answer(201, user("a-1", None, &[]))).await;
    script.foresee(get_user("a-1"), answer(200, user("a-1", None, &["jira-users"]))).await;
    let made = script.site.create_account(&new_anna()).await.unwrap();
    assert_eq!((made.key.as_str(), made.username.as_str()), ("a-1", "anna@example.com"));
}

#[tokio::test]
async fn invitation_that_is_answered_with_400_is_looked_into() {
    let script = script().await;
    let said = "User could not be created: Failed to add user HttpErrorCode 404 - User not found";
    script.foresee(call("POST", "user"), refusal(400, said)).await;
    script
        .foresee(search("anna@example.com"), answer(200, json!([user("a-1", Some("anna@example.com"), &[])])))
        .await;
    script.foresee(get_user("a-1"), answer(200, user("a-1", None, &[]))).await;
    assert_eq!(script.site.create_account(&new_anna()).await.unwrap().key, "a-1");
}

#[tokio::test]
async fn invited_person_who_is_not_shown_yet_is_waited_for() {
    let script = script().await;
    script.foresee(call("POST", "user"), refusal(400, "HttpErrorCode 404 - User not found")).await;
    for _ in 0..2 {
        script.foresee(search("anna@example.com"), answer(200, json!([]))).await;
    }
    let error = script.site.create_account(&new_anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::Pending { .. }), "{error:?}");
    assert!(error.outcome_unknown() && error.retryable() && !error.concerns_site());
}

#[tokio::test]
async fn another_refusal_of_an_invitation_is_passed_on() {
    let script = script().await;
    script.foresee(call("POST", "user"), refusal(400, "The number of licensed users is exceeded")).await;
    script.foresee(search("anna@example.com"), answer(200, json!([]))).await;
    let error = script.site.create_account(&new_anna()).await.unwrap_err();
    assert!(matches!(&error, SiteError::Rejected { status: 400, .. }), "{error:?}");
    assert!(error.to_string().contains("licensed users"), "{error}");
}

#[tokio::test]
async fn profile_is_the_persons_and_asked_for_of_nobody() {
    let script = script().await;
    for update in [
        AccountUpdate { display_name: Some("A".into()), ..AccountUpdate::default() },
        AccountUpdate { email: Some("a@x".into()), ..AccountUpdate::default() },
        AccountUpdate { username: Some("a".into()), ..AccountUpdate::default() },
    ] {
        let error = script.site.update_account(&anna(), &update).await.unwrap_err();
        assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
    }
}

#[tokio::test]
async fn without_the_key_access_is_what_groups_gave() {
    let script = script().await;
    script.foresee(get_user("a-1"), answer(200, user("a-1", None, &[]))).await;
    let update = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
    assert!(!script.site.update_account(&anna(), &update).await.unwrap().active);
    let mut deactivated = user("a-1", None, &[]);
    deactivated["active"] = json!(false);
    script.foresee(get_user("a-1"), answer(200, deactivated)).await;
    let update = AccountUpdate { active: Some(true), ..AccountUpdate::default() };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(error.to_string().contains("Atlassian Administration"), "{error}");
}

#[tokio::test]
async fn leaving_the_site_twice_is_no_error() {
    let script = script().await;
    let leave = || call("DELETE", "user").query("accountId", "a-1");
    script.foresee(leave(), ResponseTemplate::new(204)).await;
    script.foresee(leave(), refusal(404, "no such user")).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
}

#[tokio::test]
async fn list_of_accounts_ends_with_an_empty_page() {
    let script = script().await;
    let page = |start: &str| call("GET", "users/search").query("startAt", start);
    let mut app = user("x-1", None, &[]);
    app["accountType"] = json!("app");
    script.foresee(page("0"), answer(200, json!([user("a-1", None, &[]), app]))).await;
    script.foresee(page("2"), answer(200, json!([]))).await;
    let first = script.site.list_accounts(PageStart::FIRST).await.unwrap();
    assert_eq!(first.items.len(), 1, "no apps");
    let second = script.site.list_accounts(first.next.unwrap()).await.unwrap();
    assert_eq!((second.items.len(), second.next), (0, None));
}
