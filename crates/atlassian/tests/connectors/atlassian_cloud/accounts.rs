//! Users.

use atlassian::SiteError;
use atlassian::site::{AccountQuery, AccountUpdate, NewAccount, PageStart};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{PATCH_OP, anna, list, patch_of, refusal, script, user};
use crate::script::{answer, call};

fn new_anna(email: Option<&str>) -> NewAccount {
    NewAccount { username: "anna".into(), display_name: " ".into(), email: email.map(str::to_owned) }
}

#[tokio::test]
async fn user_is_found_by_name_and_then_read_by_its_identifier() {
    let script = script().await;
    let find = call("GET", "Users").query("filter", "userName eq \"An\\\"na\"");
    script.foresee(find, list(&[user("u-1", "An\"na", false)], 1)).await;
    script.foresee(call("GET", "Users/u-1"), answer(200, user("u-1", "an\"na", true))).await;
    let query = AccountQuery::Username("An\"na".into());
    let found = script.site.find_account(&query).await.unwrap().unwrap();
    assert_eq!((found.key.as_str(), found.active), ("u-1", true), "the list shows what was");
    assert_eq!(found.groups, Some(vec!["team".to_owned()]));
}

#[tokio::test]
async fn user_that_the_list_shows_and_that_is_gone_is_not_found() {
    let script = script().await;
    let find = call("GET", "Users").query("filter", "userName eq \"anna\"");
    script.foresee(find, list(&[user("u-1", "anna", true)], 1)).await;
    script.foresee(call("GET", "Users/u-1"), refusal(404, "Resource [USER]: with id[u-1] not found.")).await;
    let query = AccountQuery::Username("anna".into());
    assert_eq!(script.site.find_account(&query).await, Ok(None));
}

#[tokio::test]
async fn address_is_looked_for_in_the_whole_directory_as_far_as_it_goes() {
    let script = script().await;
    let page = |start: &str| call("GET", "Users").query("startIndex", start).query("count", "1000");
    script.foresee(page("1"), list(&[user("u-1", "anna", true), user("u-2", "ben", true)], 3)).await;
    script.foresee(page("3"), list(&[user("u-3", "carl", true)], 3)).await;
    script.foresee(call("GET", "Users/u-3"), answer(200, user("u-3", "carl", false))).await;
    let query = AccountQuery::Email("CARL@example.com".into());
    let found = script.site.find_account(&query).await.unwrap().unwrap();
    assert_eq!((found.key.as_str(), found.active), ("u-3", false), "the list shows what was");
}

#[tokio::test]
async fn new_user_is_active_and_has_one_primary_address() {
    let script = script().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "anna", "displayName": "anna",
        "emails": [{ "value": "a@example.com", "type": "work", "primary": true }], "active": true,
    });
    script.foresee(call("POST", "Users").body(body), answer(201, user("u-1", "anna", true))).await;
    assert_eq!(script.site.create_account(&new_anna(Some("a@example.com"))).await.unwrap().key, "u-1");
    let none = script.site.create_account(&new_anna(None)).await.unwrap_err();
    assert!(matches!(none, SiteError::NotPossible(_)), "asked for without a call: {none:?}");
}

#[tokio::test]
async fn name_or_address_that_is_taken_is_told_in_the_directorys_words() {
    let script = script().await;
    let said = "Resource [USER]: with email[a@example.com] already exists.";
    script.foresee(call("POST", "Users"), refusal(409, said)).await;
    let error = script.site.create_account(&new_anna(Some("a@example.com"))).await.unwrap_err();
    assert_eq!(error, SiteError::AlreadyExists { detail: said.trim_end_matches('.').into() });
}

#[tokio::test]
async fn parts_are_changed_in_one_call() {
    let script = script().await;
    let operations = json!([
        { "op": "replace", "path": "userName", "value": "ann" },
        { "op": "replace", "path": "active", "value": false },
    ]);
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    script.foresee(call("PATCH", "Users/u-1").body(body), answer(200, user("u-1", "ann", false))).await;
    let update =
        AccountUpdate { username: Some("ann".into()), active: Some(false), ..AccountUpdate::default() };
    let after = script.site.update_account(&anna(), &update).await.unwrap();
    assert_eq!((after.username.as_str(), after.active), ("ann", false));
}

#[tokio::test]
async fn what_was_accepted_and_not_done_is_told() {
    let script = script().await;
    let off = json!({ "op": "replace", "path": "active", "value": false });
    script.foresee(patch_of("Users/u-1", &off), answer(200, user("u-1", "anna", true))).await;
    let update = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
    let rename = json!({ "op": "replace", "path": "userName", "value": "ann" });
    script.foresee(patch_of("Users/u-1", &rename), answer(200, user("u-1", "anna", true))).await;
    let update = AccountUpdate { username: Some("ann".into()), ..AccountUpdate::default() };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(error.to_string().contains("kept anna"), "{error}");
}

#[tokio::test]
async fn address_is_written_with_everything_else_that_the_user_has() {
    let script = script().await;
    script.foresee(call("GET", "Users/u-1"), answer(200, user("u-1", "anna", true))).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "anna", "displayName": "ANNA",
        "active": true, "title": "Engineer", "emails": [{ "value": "new@x", "type": "work", "primary": true }],
    });
    script.foresee(call("PUT", "Users/u-1").body(body), answer(200, user("u-1", "anna", true))).await;
    let update = AccountUpdate { email: Some("new@x".into()), ..AccountUpdate::default() };
    assert!(script.site.update_account(&anna(), &update).await.is_ok());
}

#[tokio::test]
async fn deleting_who_is_gone_is_no_error() {
    let script = script().await;
    script.foresee(call("DELETE", "Users/u-1"), ResponseTemplate::new(204)).await;
    script.foresee(call("DELETE", "Users/u-1"), refusal(404, "not found")).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
}

#[tokio::test]
async fn list_goes_on_where_the_page_ended_however_short_it_was() {
    let script = script().await;
    let page = |start: &str| call("GET", "Users").query("startIndex", start).query("count", "1000");
    script.foresee(page("1"), list(&[user("u-1", "anna", true)], 2)).await;
    script.foresee(page("2"), list(&[user("u-2", "ben", false)], 2)).await;
    let first = script.site.list_accounts(PageStart::FIRST).await.unwrap();
    let second = script.site.list_accounts(first.next.unwrap()).await.unwrap();
    assert_eq!((second.items[0].key.as_str(), second.next), ("u-2", None));
}
