//! `/user`, `/users`.

use serde_json::{Value, json};

use super::{Quirks, account, ask, invite, start, with};
use crate::testing::{basic, call};

#[tokio::test]
async fn person_is_invited_found_by_address_and_leaves_with_the_account() {
    let jira = start();
    let id = account(&jira, "ada@example.com").await;
    let found = ask(&jira, "GET", "/user/search?query=ADA@example.com", None).await;
    assert_eq!(found.body[0]["accountId"], json!(id));
    assert_eq!(ask(&jira, "DELETE", &format!("/user?accountId={id}"), None).await.status, 204);
    assert_eq!(ask(&jira, "GET", &format!("/user?accountId={id}"), None).await.status, 404);
    assert_eq!(account(&jira, "ada@example.com").await, id, "the account is the person's");
}

#[tokio::test]
async fn whoever_is_there_already_is_answered_with_the_account() {
    let jira = start();
    let id = account(&jira, "ada@example.com").await;
    assert_eq!(account(&jira, "Ada@example.com").await, id);
}

#[tokio::test]
async fn token_of_another_and_a_password_do_not_let_in() {
    let jira = start();
    for credentials in [basic("eve@example.com", "sandbox-token"), basic("rollcall@example.com", "wrong")] {
        let answer = call(&jira, Some(&credentials), "GET", "/rest/api/3/myself", None).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("x-seraph-loginreason"), "");
    }
    let key = call(&jira, Some("Bearer sandbox-organization-key"), "GET", "/rest/api/3/myself", None).await;
    assert_eq!(key.status, 401, "the organization's key opens no site");
}

#[tokio::test]
async fn hidden_address_is_neither_shown_nor_searched() {
    let jira = with(Quirks { hides_emails: true, ..Quirks::default() });
    let id = account(&jira, "ada@example.com").await;
    let shown = ask(&jira, "GET", &format!("/user?accountId={id}"), None).await;
    assert_eq!(shown.body["emailAddress"], Value::Null);
    tokio::time::sleep(Quirks::default().lag).await;
    assert_eq!(ask(&jira, "GET", "/user/search?query=ada@example.com", None).await.body, json!([]));
}

#[tokio::test]
async fn search_lags_and_reading_by_identifier_does_not() {
    let jira = with(Quirks::default());
    let id = account(&jira, "ada@example.com").await;
    assert_eq!(ask(&jira, "GET", "/user/search?query=ada@example.com", None).await.body, json!([]));
    assert_eq!(ask(&jira, "GET", &format!("/user?accountId={id}"), None).await.status, 200);
}

#[tokio::test]
async fn invited_person_may_be_refused_by_the_answer() {
    let jira = with(Quirks { refuses_whom_it_invites: true, ..Quirks::default() });
    let refused = invite(&jira, "ada@example.com").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body["errorMessages"][0].as_str().unwrap().contains("User not found"));
    assert_eq!(invite(&jira, "ada@example.com").await.status, 201);
}

#[tokio::test]
async fn products_are_known_ones_and_fields_are_described_ones() {
    let jira = start();
    for body in [
        json!({ "emailAddress": "a@b.c", "products": ["jira"] }),
        json!({ "emailAddress": "a@b.c" }),
        json!({ "emailAddress": "no address", "products": [] }),
    ] {
        assert_eq!(ask(&jira, "POST", "/user", Some(body)).await.status, 400);
    }
}
