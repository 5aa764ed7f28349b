//! Finding, making, changing and deleting accounts.

use atlassian::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef, AccountUpdate, NewAccount, PageStart};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{refusal, script, user, user_in};
use crate::script::{Call, answer, call};

fn get_key(key: &str) -> Call {
    call("GET", "user").query("key", key).query("expand", "groups")
}

fn get_name(name: &str) -> Call {
    call("GET", "user").query("username", name).query("expand", "groups")
}

fn anna() -> AccountRef {
    AccountRef { key: "JIRAUSER1".into(), username: "anna".into() }
}

fn known(key: &str) -> AccountQuery {
    AccountQuery::Known(AccountRef { key: key.into(), username: "as it was".into() })
}

fn new_anna() -> NewAccount {
    NewAccount {
        username: "anna".into(),
        display_name: "Anna B.".into(),
        email: Some("anna@example.com".into()),
    }
}

fn active(active: bool) -> AccountUpdate {
    AccountUpdate { active: Some(active), ..AccountUpdate::default() }
}

#[tokio::test]
async fn account_is_found_by_key_with_its_groups() {
    let script = script().await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user_in("JIRAUSER1", "anna", &["a", "B"]))).await;
    let found = script.site.find_account(&known("JIRAUSER1")).await.unwrap().unwrap();
    let expected = Account {
        key: "JIRAUSER1".into(),
        username: "anna".into(),
        display_name: "ANNA".into(),
        email: Some("anna@example.com".into()),
        active: true,
        groups: Some(vec!["a".into(), "B".into()]),
    };
    assert_eq!(found, expected);
    assert_eq!(AccountRef::of(&found), anna());
}

#[tokio::test]
async fn account_is_found_by_username_in_any_case_and_with_special_characters() {
    let script = script().await;
    script
        .foresee(get_name("Änna+x&y=z@Example.com"), answer(200, user("k", "änna+X&y=z@example.com", true)))
        .await;
    let query = AccountQuery::Username("Änna+x&y=z@Example.com".into());
    assert_eq!(script.site.find_account(&query).await.unwrap().unwrap().key, "k");
}

#[tokio::test]
async fn another_account_than_the_one_asked_for_is_not_believed() {
    let script = script().await;
    script.foresee(get_name("anna"), answer(200, user("k", "admin", true))).await;
    let error = script.site.find_account(&AccountQuery::Username("anna".into())).await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn missing_and_deleted_accounts_are_none() {
    let script = script().await;
    script.foresee(get_key("gone"), refusal(404, "Der Benutzer existiert nicht")).await;
    let mut deleted = user("old", "old", false);
    deleted["deleted"] = json!(true);
    script.foresee(get_key("old"), answer(200, deleted)).await;
    for key in ["gone", "old", ""] {
        assert_eq!(script.site.find_account(&known(key)).await, Ok(None), "{key}");
    }
}

fn search(text: &str, offset: &str, limit: &str) -> Call {
    call("GET", "user/search")
        .query("username", text)
        .query("includeActive", "true")
        .query("includeInactive", "true")
        .query("startAt", offset)
        .query("maxResults", limit)
}

fn with_email(key: &str, email: &str) -> Value {
    let mut user = user(key, key, true);
    user["emailAddress"] = json!(email);
    user.as_object_mut().unwrap().remove("groups");
    user
}

#[tokio::test]
async fn email_matches_whole_and_in_any_case() {
    let script = script().await;
    let found = json!([
        with_email("a", "anna@example.com.au"),
        with_email("b", "ANNA@example.com"),
        with_email("c", "")
    ]);
    script.foresee(search("anna@Example.com", "0", "50"), answer(200, found)).await;
    let by = AccountQuery::Email("anna@Example.com".into());
    let account = script.site.find_account(&by).await.unwrap().unwrap();
    assert_eq!((account.key.as_str(), account.groups), ("b", None));
}

#[tokio::test]
async fn email_of_nobody_is_none() {
    let script = script().await;
    script.foresee(search("x@example.com", "0", "50"), answer(200, json!([]))).await;
    for email in ["x@example.com", ""] {
        assert_eq!(script.site.find_account(&AccountQuery::Email(email.into())).await, Ok(None));
    }
}

#[tokio::test]
async fn email_of_several_accounts_is_ambiguous() {
    let script = script().await;
    let found = json!([with_email("a", "x@example.com"), with_email("b", "X@example.com")]);
    script.foresee(search("x@example.com", "0", "50"), answer(200, found)).await;
    let error = script.site.find_account(&AccountQuery::Email("x@example.com".into())).await.unwrap_err();
    assert!(matches!(error, SiteError::Ambiguous { .. }), "{error:?}");
}

#[tokio::test]
async fn email_is_looked_for_on_every_page() {
    let script = script().await;
    let full: Vec<Value> = (0..50).map(|n| with_email(&format!("u{n}"), "x@example.com.au")).collect();
    script.foresee(search("x@example.com", "0", "50"), answer(200, json!(full))).await;
    // The same account may be on both pages; it is one all the same.
    let rest = json!([with_email("z", "x@example.com"), with_email("z", "x@example.com")]);
    script.foresee(search("x@example.com", "50", "50"), answer(200, rest)).await;
    let found = script.site.find_account(&AccountQuery::Email("x@example.com".into())).await.unwrap();
    assert_eq!(found.unwrap().key, "z");
}

#[tokio::test]
async fn groups_of_an_account_or_none_when_it_is_gone() {
    let script = script().await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user_in("JIRAUSER1", "anna", &["a"]))).await;
    script.foresee(get_key("JIRAUSER1"), refusal(404, "")).await;
    assert_eq!(script.site.account_groups(&anna()).await, Ok(Some(vec!["a".to_owned()])));
    assert_eq!(script.site.account_groups(&anna()).await, Ok(None));
}

#[tokio::test]
async fn groups_that_are_cut_short_are_not_taken_for_all() {
    let script = script().await;
    let mut cut_short = user_in("JIRAUSER1", "anna", &["a"]);
    cut_short["groups"]["size"] = json!(2);
    script.foresee(get_key("JIRAUSER1"), answer(200, cut_short)).await;
    let error = script.site.account_groups(&anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}

fn create() -> Call {
    call("POST", "user").body(json!({
        "name": "anna", "displayName": "Anna B.", "emailAddress": "anna@example.com", "applicationKeys": []
    }))
}

#[tokio::test]
async fn creation_sends_no_password_and_answers_with_the_account() {
    let script = script().await;
    script.foresee(create(), answer(201, user("JIRAUSER1", "anna", true))).await;
    let created = script.site.create_account(&new_anna()).await.unwrap();
    assert_eq!(AccountRef::of(&created), anna());
}

#[tokio::test]
async fn creation_without_a_readable_answer_is_read_back() {
    let script = script().await;
    script.foresee(create(), ResponseTemplate::new(201)).await;
    script.foresee(get_name("anna"), answer(200, user("JIRAUSER1", "anna", true))).await;
    assert_eq!(script.site.create_account(&new_anna()).await.unwrap().key, "JIRAUSER1");
}

#[tokio::test]
async fn creation_of_a_taken_name_is_told_by_the_account_and_not_by_the_sentence() {
    let script = script().await;
    let taken = json!({ "errorMessages": [], "errors": { "username": "Ein Benutzer ist schon da." } });
    script.foresee(create(), answer(400, taken.clone())).await;
    script.foresee(get_name("anna"), answer(200, user("JIRAUSER7", "Anna", true))).await;
    let error = script.site.create_account(&new_anna()).await.unwrap_err();
    let detail = "username: Ein Benutzer ist schon da".to_owned();
    assert_eq!(error, SiteError::AlreadyExists { detail: detail.clone() });

    script.foresee(create(), answer(400, taken)).await;
    script.foresee(get_name("anna"), refusal(404, "")).await;
    let error = script.site.create_account(&new_anna()).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail });
}

#[tokio::test]
async fn failed_creation_may_have_been_applied() {
    let script = script().await;
    script.foresee(create(), refusal(500, "Boom")).await;
    let error = script.site.create_account(&new_anna()).await.unwrap_err();
    assert!(error.outcome_unknown() && error.retryable() && !error.concerns_site(), "{error:?}");
}

fn put(body: Value) -> Call {
    call("PUT", "user").query("key", "JIRAUSER1").body(body)
}

#[tokio::test]
async fn update_sends_only_what_changes_and_goes_by_key() {
    let script = script().await;
    let body = json!({ "name": "anna2", "displayName": "A", "emailAddress": "a2@example.com" });
    script.foresee(put(body), answer(200, user("JIRAUSER1", "anna2", true))).await;
    let update = AccountUpdate {
        username: Some("anna2".into()),
        display_name: Some("A".into()),
        email: Some("a2@example.com".into()),
        active: None,
    };
    assert_eq!(script.site.update_account(&anna(), &update).await.unwrap().username, "anna2");
}

#[tokio::test]
async fn update_without_a_readable_answer_is_read_back() {
    let script = script().await;
    script.foresee(put(json!({ "displayName": "A" })), ResponseTemplate::new(204)).await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", true))).await;
    let update = AccountUpdate { display_name: Some("A".into()), ..AccountUpdate::default() };
    assert_eq!(script.site.update_account(&anna(), &update).await.unwrap().key, "JIRAUSER1");
}

#[tokio::test]
async fn rename_to_a_taken_name_already_exists() {
    let script = script().await;
    let update = AccountUpdate { username: Some("ben".into()), ..AccountUpdate::default() };
    script.foresee(put(json!({ "name": "ben" })), refusal(400, "nein")).await;
    script.foresee(get_name("ben"), answer(200, user("JIRAUSER2", "ben", true))).await;
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert_eq!(error, SiteError::AlreadyExists { detail: "nein".into() });
}

#[tokio::test]
async fn refused_rename_to_another_case_of_the_own_name_is_no_clash() {
    let script = script().await;
    let update = AccountUpdate { username: Some("Anna".into()), ..AccountUpdate::default() };
    script.foresee(put(json!({ "name": "Anna" })), refusal(400, "nein")).await;
    script.foresee(get_name("Anna"), answer(200, user("JIRAUSER1", "anna", true))).await;
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "nein".into() });
}

#[tokio::test]
async fn update_of_a_missing_account_is_not_found() {
    let script = script().await;
    script.foresee(put(json!({ "active": false })), refusal(404, "weg")).await;
    let error = script.site.update_account(&anna(), &active(false)).await.unwrap_err();
    assert_eq!(error, SiteError::NotFound { detail: "weg".into() });
}

#[tokio::test]
async fn deactivation_and_reactivation_are_read_back() {
    for wanted in [false, true] {
        let script = script().await;
        // What PUT answers is not believed.
        script
            .foresee(put(json!({ "active": wanted })), answer(200, user("JIRAUSER1", "anna", !wanted)))
            .await;
        script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", wanted))).await;
        assert_eq!(script.site.update_account(&anna(), &active(wanted)).await.unwrap().active, wanted);
    }
}

#[tokio::test]
async fn deactivation_that_the_site_ignores_is_not_possible() {
    let script = script().await;
    script.foresee(put(json!({ "active": false })), answer(200, user("JIRAUSER1", "anna", false))).await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", true))).await;
    let error = script.site.update_account(&anna(), &active(false)).await.unwrap_err();
    assert!(matches!(&error, SiteError::NotPossible(text) if text.contains("deactivate")), "{error:?}");
}

#[tokio::test]
async fn version_that_does_not_know_active_makes_deactivation_not_possible() {
    let script = script().await;
    let unknown = refusal(400, "error.no.value.found.to.be.changed");
    script.foresee(put(json!({ "active": false })), unknown).await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", true))).await;
    let error = script.site.update_account(&anna(), &active(false)).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}

#[tokio::test]
async fn refused_deactivation_keeps_the_sites_words_unless_it_stands_already() {
    let script = script().await;
    script.foresee(put(json!({ "active": false })), refusal(400, "Leads project PRJ.")).await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", true))).await;
    let error = script.site.update_account(&anna(), &active(false)).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "Leads project PRJ".into() });

    script.foresee(put(json!({ "active": false })), refusal(400, "Nothing to do")).await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", false))).await;
    assert!(!script.site.update_account(&anna(), &active(false)).await.unwrap().active);
}

#[tokio::test]
async fn deletion_goes_by_key_and_a_gone_account_is_fine() {
    let delete = || call("DELETE", "user").query("key", "JIRAUSER1");
    let script = script().await;
    script.foresee(delete(), ResponseTemplate::new(204)).await;
    script.foresee(delete(), refusal(404, "")).await;
    script.foresee(delete(), refusal(400, "")).await;
    script.foresee(get_key("JIRAUSER1"), refusal(404, "")).await;
    for _ in 0..3 {
        assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    }
    script.foresee(delete(), refusal(400, "has issues")).await;
    script.foresee(get_key("JIRAUSER1"), answer(200, user("JIRAUSER1", "anna", true))).await;
    let error = script.site.delete_account(&anna()).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 400, detail: "has issues".into() });
}

#[tokio::test]
async fn accounts_are_listed_until_an_empty_page() {
    let script = script().await;
    let first = json!([with_email("a", "a@example.com"), with_email("b", "b@example.com")]);
    script.foresee(search(".", "0", "1000"), answer(200, first)).await;
    script.foresee(search(".", "2", "1000"), answer(200, json!([]))).await;
    let page = script.site.list_accounts(PageStart::FIRST).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let next = serde_json::from_value(serde_json::to_value(page.next.unwrap()).unwrap()).unwrap();
    let page = script.site.list_accounts(next).await.unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[tokio::test]
async fn empty_list_of_all_accounts_is_not_believed() {
    let script = script().await;
    script.foresee(search(".", "0", "1000"), answer(200, json!([]))).await;
    let error = script.site.list_accounts(PageStart::FIRST).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}
