//! Finding, making, changing and deleting accounts.

use atlassian::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef, AccountUpdate, NewAccount};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{anna, find, groups, groups_of, page, refusal, script, user};
use crate::script::{Call, answer, call};

fn active(active: bool) -> AccountUpdate {
    AccountUpdate { active: Some(active), ..AccountUpdate::default() }
}

#[tokio::test]
async fn account_is_found_by_its_whole_name_in_any_case() {
    let script = script().await;
    script.foresee(find("ANNA"), page(&[user(6, "annabel"), user(7, "anna")])).await;
    let expected = Account {
        key: "7".into(),
        username: "anna".into(),
        display_name: "ANNA".into(),
        email: Some("anna@example.com".into()),
        active: true,
        groups: None,
    };
    assert_eq!(script.site.find_account(&AccountQuery::Username("ANNA".into())).await, Ok(Some(expected)));
    assert_eq!(script.site.find_account(&AccountQuery::Username(String::new())).await, Ok(None));
}

#[tokio::test]
async fn account_is_looked_for_on_every_page() {
    let script = script().await;
    let first = json!({
        "values": [user(1, "anna-a")], "size": 1, "limit": 1, "isLastPage": false, "start": 0, "nextPageStart": 3,
    });
    script.foresee(find("anna"), answer(200, first)).await;
    let second = call("GET", "admin/users").query("filter", "anna").query("start", "3");
    script.foresee(second, page(&[user(7, "anna")])).await;
    let found = script.site.find_account(&AccountQuery::Username("anna".into())).await.unwrap();
    assert_eq!(found.unwrap().key, "7");
}

#[tokio::test]
async fn a_known_account_that_was_renamed_is_found_by_its_id_among_all() {
    let script = script().await;
    script.foresee(find("anna"), page(&[user(9, "anna")])).await;
    script.foresee(find(""), page(&[user(9, "anna"), user(7, "zoe")])).await;
    let found = script.site.find_account(&AccountQuery::Known(anna())).await.unwrap().unwrap();
    assert_eq!((found.key.as_str(), found.username.as_str()), ("7", "zoe"));
    script.foresee(find("anna"), page(&[])).await;
    script.foresee(find(""), page(&[user(9, "ben")])).await;
    assert_eq!(script.site.find_account(&AccountQuery::Known(anna())).await, Ok(None));
}

#[tokio::test]
async fn an_address_is_compared_whole_and_may_be_ambiguous() {
    let script = script().await;
    let with = |id: u64, email: &str| {
        let mut user = user(id, "x");
        user["emailAddress"] = json!(email);
        user
    };
    let email = AccountQuery::Email("anna@example.com".into());
    let found = [with(1, "ANNA@example.com"), with(2, "joanna@example.com")];
    script.foresee(find("anna@example.com"), page(&found)).await;
    assert_eq!(script.site.find_account(&email).await.unwrap().unwrap().key, "1");
    let both = [with(1, "anna@example.com"), with(2, "Anna@example.com")];
    script.foresee(find("anna@example.com"), page(&both)).await;
    let error = script.site.find_account(&email).await.unwrap_err();
    assert!(matches!(error, SiteError::Ambiguous { .. }), "{error:?}");
}

#[tokio::test]
async fn groups_of_an_account_or_none_when_it_is_gone() {
    let script = script().await;
    script.foresee(groups_of("anna"), groups(&["a", "B"])).await;
    script.foresee(groups_of("anna"), refusal(404, "No such user")).await;
    assert_eq!(script.site.account_groups(&anna()).await, Ok(Some(vec!["a".to_owned(), "B".to_owned()])));
    assert_eq!(script.site.account_groups(&anna()).await, Ok(None));
}

fn new() -> NewAccount {
    NewAccount { username: "anna".into(), display_name: "Anna".into(), email: Some("a@example.com".into()) }
}

fn create() -> Call {
    call("POST", "admin/users")
        .query("name", "anna")
        .query("displayName", "Anna")
        .query("emailAddress", "a@example.com")
        .query("addToDefaultGroup", "false")
        .query("notify", "false")
}

#[tokio::test]
async fn creation_gives_no_licence_and_is_read_back() {
    let script = script().await;
    script.foresee(create(), ResponseTemplate::new(204)).await;
    script.foresee(find("anna"), page(&[user(7, "anna")])).await;
    assert_eq!(AccountRef::of(&script.site.create_account(&new()).await.unwrap()), anna());
    let requests = script.server.received_requests().await.unwrap();
    let password = requests[0].url.query_pairs().find(|(name, _)| name == "password").unwrap().1;
    assert!(password.len() >= 40, "{password}");
    assert!(requests[0].body.is_empty());
}

#[tokio::test]
async fn a_taken_name_and_a_full_licence_are_told_apart() {
    let script = script().await;
    script.foresee(create(), refusal(409, "exists.")).await;
    script.foresee(create(), refusal(403, "full.")).await;
    let error = script.site.create_account(&new()).await.unwrap_err();
    assert_eq!(error, SiteError::AlreadyExists { detail: "exists".into() });
    let error = script.site.create_account(&new()).await.unwrap_err();
    assert_eq!(error, SiteError::Forbidden { detail: "full".into() });
}

#[tokio::test]
async fn an_update_names_the_account_as_it_is_called_now() {
    let script = script().await;
    script.foresee(find("anna"), page(&[])).await;
    script.foresee(find(""), page(&[user(7, "zoe")])).await;
    let details = json!({ "name": "zoe", "displayName": "Zoe" });
    script.foresee(call("PUT", "admin/users").body(details), answer(200, user(7, "zoe"))).await;
    let rename = call("POST", "admin/users/rename").body(json!({ "name": "zoe", "newName": "anna" }));
    script.foresee(rename, answer(200, user(7, "anna"))).await;
    let update = AccountUpdate {
        username: Some("anna".into()),
        display_name: Some("Zoe".into()),
        ..AccountUpdate::default()
    };
    assert_eq!(AccountRef::of(&script.site.update_account(&anna(), &update).await.unwrap()), anna());
}

#[tokio::test]
async fn a_rename_to_a_taken_name_is_told_whatever_the_status() {
    for status in [400, 409] {
        let script = script().await;
        script.foresee(find("anna"), page(&[user(7, "anna")])).await;
        script.foresee(call("POST", "admin/users/rename"), refusal(status, "taken")).await;
        if status == 400 {
            script.foresee(find("ben"), page(&[user(8, "Ben")])).await;
        }
        let update = AccountUpdate { username: Some("ben".into()), ..AccountUpdate::default() };
        let error = script.site.update_account(&anna(), &update).await.unwrap_err();
        assert_eq!(error, SiteError::AlreadyExists { detail: "taken".into() });
    }
}

fn permissions() -> Call {
    call("GET", "admin/permissions/users").query("filter", "anna")
}

#[tokio::test]
async fn a_deactivation_takes_the_accounts_own_permission_away() {
    let script = script().await;
    let held = |id: u64, name: &str| json!({ "user": user(id, name), "permission": "LICENSED_USER" });
    script.foresee(find("anna"), page(&[user(7, "anna")])).await;
    script.foresee(permissions(), page(&[held(6, "annabel"), held(7, "anna")])).await;
    let withdraw = call("DELETE", "admin/permissions/users").query("name", "anna");
    script.foresee(withdraw, ResponseTemplate::new(204)).await;
    assert!(!script.site.update_account(&anna(), &active(false)).await.unwrap().active);
    script.foresee(find("anna"), page(&[user(7, "anna")])).await;
    script.foresee(permissions(), page(&[held(6, "annabel")])).await;
    assert!(!script.site.update_account(&anna(), &active(false)).await.unwrap().active);
}

#[tokio::test]
async fn an_activation_needs_nothing_unless_the_directory_deactivated_the_account() {
    let script = script().await;
    script.foresee(find("anna"), page(&[user(7, "anna")])).await;
    assert!(script.site.update_account(&anna(), &active(true)).await.unwrap().active);
    let mut inactive = user(7, "anna");
    inactive["active"] = Value::Bool(false);
    script.foresee(find("anna"), page(&[inactive])).await;
    let error = script.site.update_account(&anna(), &active(true)).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}

#[tokio::test]
async fn only_the_account_that_is_known_is_deleted() {
    let script = script().await;
    let delete = || call("DELETE", "admin/users").query("name", "anna");
    script.foresee(find("anna"), page(&[user(7, "anna")])).await;
    script.foresee(delete(), answer(200, user(7, "anna"))).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    // Somebody else has the name.
    script.foresee(find("anna"), page(&[user(9, "anna")])).await;
    script.foresee(find(""), page(&[user(9, "anna")])).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    script.foresee(find("anna"), page(&[user(7, "anna")])).await;
    script.foresee(delete(), refusal(409, "yourself")).await;
    let error = script.site.delete_account(&anna()).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 409, detail: "yourself".into() });
}
