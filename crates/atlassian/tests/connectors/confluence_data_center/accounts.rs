//! Finding, making, changing and deleting accounts.

use atlassian::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef, AccountUpdate, NewAccount, PageStart};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{anna, get_key, get_name, groups, groups_of, page, person, refusal, script};
use crate::script::{Call, answer, call};

fn known(key: &str) -> AccountQuery {
    AccountQuery::Known(AccountRef { key: key.into(), username: "as it was".into() })
}

fn active(active: bool) -> AccountUpdate {
    AccountUpdate { active: Some(active), ..AccountUpdate::default() }
}

#[tokio::test]
async fn account_is_found_by_key_and_shows_no_address() {
    let script = script().await;
    script.foresee(get_key("k1"), answer(200, person("k1", "anna", false))).await;
    let expected = Account {
        key: "k1".into(),
        username: "anna".into(),
        display_name: "ANNA".into(),
        email: None,
        active: false,
        groups: None,
    };
    assert_eq!(script.site.find_account(&known("k1")).await, Ok(Some(expected)));
}

#[tokio::test]
async fn missing_unknown_and_anonymous_people_are_none() {
    let script = script().await;
    script.foresee(get_key("gone"), refusal(404, "No user found")).await;
    script
        .foresee(get_key("erased"), answer(200, json!({ "type": "unknown", "displayName": "Unknown" })))
        .await;
    script.foresee(get_name("anonymous"), answer(200, json!({ "type": "anonymous" }))).await;
    for query in [known("gone"), known("erased"), known(""), AccountQuery::Username("anonymous".into())] {
        assert_eq!(script.site.find_account(&query).await, Ok(None), "{query:?}");
    }
}

#[tokio::test]
async fn another_account_than_the_one_asked_for_is_not_believed() {
    let script = script().await;
    script.foresee(get_name("anna"), answer(200, person("k2", "admin", true))).await;
    let error = script.site.find_account(&AccountQuery::Username("anna".into())).await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn an_account_whose_status_is_not_told_is_taken_neither_for_active_nor_for_deactivated() {
    for status in [Value::Null, json!("unlicensed")] {
        let script = script().await;
        let mut anna = person("k1", "anna", true);
        anna["status"] = status;
        script.foresee(get_key("k1"), answer(200, anna)).await;
        let error = script.site.find_account(&known("k1")).await.unwrap_err();
        assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn nobody_is_looked_for_by_an_address() {
    let script = script().await;
    let error = script.site.find_account(&AccountQuery::Email("a@b.example".into())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not possible here, because Confluence's REST API does not show e-mail addresses"
    );
}

#[tokio::test]
async fn groups_of_an_account_are_read_to_the_last_page() {
    let script = script().await;
    let first = json!({
        "results": [{ "type": "group", "name": "a" }], "start": 0, "limit": 1, "size": 1,
        "_links": { "next": "/rest/api/user/memberof?key=k1&limit=1&start=1" },
    });
    script.foresee(groups_of("k1"), answer(200, first)).await;
    let next = call("GET", "user/memberof").query("key", "k1").query("start", "1");
    script.foresee(next, groups(&["B"])).await;
    assert_eq!(script.site.account_groups(&anna()).await, Ok(Some(vec!["a".to_owned(), "B".to_owned()])));
    script.foresee(groups_of("k1"), refusal(404, "")).await;
    assert_eq!(script.site.account_groups(&anna()).await, Ok(None));
}

fn new(username: &str, display_name: &str) -> NewAccount {
    NewAccount {
        username: username.into(),
        display_name: display_name.into(),
        email: Some("anna@example.com".into()),
    }
}

#[tokio::test]
async fn creation_sends_a_lower_case_name_and_a_password_of_its_own() {
    let script = script().await;
    for _ in 0..2 {
        script.foresee(call("POST", "admin/user"), answer(200, json!({ "userKey": "k1" }))).await;
    }
    let created = script.site.create_account(&new("Anna", "Anna B.")).await.unwrap();
    assert_eq!((AccountRef::of(&created), created.active), (anna(), true));
    assert_eq!(created.display_name, "Anna B.");
    let nameless = script.site.create_account(&new("anna", " ")).await.unwrap();
    assert_eq!(nameless.display_name, "anna");
    let requests = script.server.received_requests().await.unwrap();
    let bodies: Vec<Value> =
        requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    let mut passwords = Vec::new();
    for (body, full_name) in bodies.iter().zip(["Anna B.", "anna"]) {
        let mut body = body.clone();
        let password = body.as_object_mut().unwrap().remove("password").unwrap();
        passwords.push(password.as_str().unwrap().to_owned());
        let expected = json!({
            "userName": "anna", "fullName": full_name, "email": "anna@example.com", "notifyViaEmail": false
        });
        assert_eq!(body, expected);
    }
    assert_ne!(passwords[0], passwords[1]);
    assert!(passwords.iter().all(|password| password.len() >= 40), "{passwords:?}");
}

#[tokio::test]
async fn creation_without_a_readable_answer_is_read_back() {
    let script = script().await;
    script.foresee(call("POST", "admin/user"), ResponseTemplate::new(204)).await;
    script.foresee(get_name("anna"), answer(200, person("k1", "anna", true))).await;
    assert_eq!(script.site.create_account(&new("anna", "A")).await.unwrap().key, "k1");
}

#[tokio::test]
async fn a_taken_name_and_a_full_licence_are_told_apart() {
    let script = script().await;
    script.foresee(call("POST", "admin/user"), refusal(409, "already exists.")).await;
    script.foresee(call("POST", "admin/user"), refusal(402, "No more licenses.")).await;
    let error = script.site.create_account(&new("anna", "A")).await.unwrap_err();
    assert_eq!(error, SiteError::AlreadyExists { detail: "already exists".into() });
    let error = script.site.create_account(&new("anna", "A")).await.unwrap_err();
    assert_eq!(error, SiteError::Rejected { status: 402, detail: "No more licenses".into() });
}

fn put(body: Value) -> Call {
    call("PUT", "admin/user/anna").body(body)
}

#[tokio::test]
async fn an_update_is_of_the_account_that_has_the_key_whatever_it_is_called_now() {
    let script = script().await;
    script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
    script
        .foresee(put(json!({ "fullName": "Anna C.", "email": "c@example.com" })), ResponseTemplate::new(204))
        .await;
    let known_as_before = AccountRef { key: "k1".into(), username: "annabel".into() };
    let update = AccountUpdate {
        display_name: Some("Anna C.".into()),
        email: Some("c@example.com".into()),
        ..AccountUpdate::default()
    };
    let updated = script.site.update_account(&known_as_before, &update).await.unwrap();
    assert_eq!(AccountRef::of(&updated), anna());
    assert_eq!((updated.display_name.as_str(), updated.email.as_deref()), ("Anna C.", Some("c@example.com")));
}

#[tokio::test]
async fn a_rename_is_not_possible_and_sends_nothing() {
    let script = script().await;
    let update = AccountUpdate { username: Some("ben".into()), ..active(true) };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}

#[tokio::test]
async fn a_version_without_the_call_that_updates_says_so() {
    let script = script().await;
    script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
    script
        .foresee(put(json!({ "fullName": "A" })), ResponseTemplate::new(405).set_body_string("<html/>"))
        .await;
    let update = AccountUpdate { display_name: Some("A".into()), ..AccountUpdate::default() };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}

#[tokio::test]
async fn a_deactivation_is_read_back() {
    let script = script().await;
    let disable = || call("PUT", "admin/user/anna/disable");
    script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
    script.foresee(disable(), ResponseTemplate::new(204)).await;
    script.foresee(get_key("k1"), answer(200, person("k1", "anna", false))).await;
    assert!(!script.site.update_account(&anna(), &active(false)).await.unwrap().active);
    for _ in 0..2 {
        script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
    }
    script.foresee(disable(), ResponseTemplate::new(204)).await;
    let error = script.site.update_account(&anna(), &active(false)).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "{error:?}");
}

#[tokio::test]
async fn an_account_that_is_gone_is_not_looked_for_under_its_name() {
    let script = script().await;
    script.foresee(get_key("k1"), refusal(404, "")).await;
    let error = script.site.update_account(&anna(), &active(true)).await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_deletion_is_waited_for() {
    let script = script().await;
    for _ in 0..2 {
        script.foresee(get_key("k1"), answer(200, person("k1", "anna", true))).await;
    }
    let task = json!({ "id": "7", "links": { "status": "/rest/api/longtask/7" } });
    script.foresee(call("DELETE", "admin/user/anna"), answer(202, task)).await;
    script.foresee(get_key("k1"), refusal(404, "")).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
}

#[tokio::test]
async fn an_account_that_is_gone_is_deleted_already() {
    let script = script().await;
    script.foresee(get_key("k1"), refusal(404, "")).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
}

#[tokio::test]
async fn all_accounts_are_listed_page_by_page_without_nobodies() {
    let script = script().await;
    let page_at = |start: &str| call("GET", "user/list").query("start", start).query("expand", "status");
    let first = json!({
        "results": [person("k1", "anna", true), { "type": "unknown" }], "start": 0, "limit": 2, "size": 2,
        "_links": { "next": "/rest/api/user/list?limit=2&start=2" },
    });
    script.foresee(page_at("0"), answer(200, first)).await;
    script.foresee(page_at("2"), page(&[person("k2", "ben", false)])).await;
    let first = script.site.list_accounts(PageStart::FIRST).await.unwrap();
    assert_eq!(first.items.iter().map(|account| account.key.as_str()).collect::<Vec<_>>(), ["k1"]);
    let last = script.site.list_accounts(first.next.unwrap()).await.unwrap();
    assert_eq!((last.items[0].active, last.next), (false, None));
}
