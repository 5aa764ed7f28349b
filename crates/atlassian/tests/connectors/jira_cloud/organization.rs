//! What the organization's key makes possible. Site and organization are one server here, each with its own credentials.

use std::sync::Arc;

use atlassian::site::{AccountQuery, AccountUpdate, NewAccount};
use atlassian::{Credentials, Product, Site, SiteError};
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{anna, refusal, user};
use crate::script::{answer, settings};

const USERS: &str = "/admin/v2/orgs/o-1/directories/d-1/users";

struct Organization {
    server: MockServer,
    site: Arc<dyn Site>,
}

impl Organization {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let unforeseen = Mock::given(any()).respond_with(ResponseTemplate::new(418)).with_priority(u8::MAX);
        unforeseen.expect(0).mount(&server).await;
        let key = json!({ "id": "o-1", "directory_id": "d-1", "api_key": "0rg", "base_url": server.uri() });
        let secret = json!({ "type": "api_key", "email": "app", "token": "pw", "organization": key });
        let credentials: Credentials = serde_json::from_value(secret).unwrap();
        let base_url = Url::parse(&server.uri()).unwrap();
        let site = atlassian::connect(Product::JiraCloud, &base_url, credentials, &settings()).unwrap();
        Self { server, site }
    }

    async fn foresee(&self, verb: &str, at: &str, body: Option<Value>, response: ResponseTemplate) {
        let authorization = if at.starts_with("/admin") { "Bearer 0rg" } else { "Basic YXBwOnB3" };
        let mut mock = Mock::given(method(verb)).and(path(at)).and(header("authorization", authorization));
        if let Some(body) = body {
            mock = mock.and(body_json(body));
        }
        mock.respond_with(response).up_to_n_times(1).expect(1).mount(&self.server).await;
    }

    async fn foresee_account(&self, status: &str) {
        let jira = user("a-1", None, &["team"]);
        self.foresee("GET", "/rest/api/3/user", None, answer(200, jira)).await;
        let asked = json!({ "accountIds": ["a-1"] });
        let member =
            json!({ "data": [{ "accountId": "a-1", "status": status, "membershipStatus": status }] });
        self.foresee("POST", &format!("{USERS}/search"), Some(asked), answer(200, member)).await;
    }
}

#[tokio::test]
async fn address_is_found_although_it_is_hidden_from_the_site() {
    let script = Organization::start().await;
    let asked = json!({ "emails": ["anna@example.com"] });
    let member = json!({ "data": [{ "accountId": "a-1", "email": "Anna@example.com", "status": "active" }] });
    script.foresee("POST", &format!("{USERS}/search"), Some(asked), answer(200, member)).await;
    script.foresee_account("active").await;
    let query = AccountQuery::Email("anna@example.com".into());
    let found = script.site.find_account(&query).await.unwrap().unwrap();
    assert_eq!((found.key.as_str(), found.active), ("a-1", true));
}

#[tokio::test]
async fn suspended_account_is_inactive_although_jira_shows_it_active() {
    let script = Organization::start().await;
    script.foresee_account("suspended").await;
    let found = script.site.find_account(&AccountQuery::Known(anna())).await.unwrap().unwrap();
    assert!(!found.active);
}

#[tokio::test]
async fn member_whom_jira_does_not_show_is_an_account_and_who_was_not_invited_is_none() {
    let script = Organization::start().await;
    for (status, there) in [("active", true), ("not_invited", false)] {
        script.foresee("GET", "/rest/api/3/user", None, refusal(404, "no such user")).await;
        let member = json!({ "accountId": "a-1", "name": "Anna", "email": "anna@x", "status": status });
        let members = answer(200, json!({ "data": [member] }));
        script.foresee("POST", &format!("{USERS}/search"), None, members).await;
        let found = script.site.find_account(&AccountQuery::Known(anna())).await.unwrap();
        let shown = found.map(|account| (account.username, account.active, account.groups));
        assert_eq!(shown, there.then(|| ("anna@x".to_owned(), true, Some(vec![]))));
    }
}

#[tokio::test]
async fn identifiers_that_would_address_something_else_are_refused_before_anything_is_sent() {
    for (id, directory) in [("..", "d-1"), ("o-1", "a/b")] {
        let key = json!({ "id": id, "directory_id": directory, "api_key": "0rg" });
        let secret = json!({ "type": "api_key", "email": "app", "token": "pw", "organization": key });
        let credentials: Credentials = serde_json::from_value(secret).unwrap();
        let base_url = Url::parse("https://acme.atlassian.net").unwrap();
        let refused =
            atlassian::connect(Product::JiraCloud, &base_url, credentials, &settings()).unwrap_err();
        assert!(matches!(refused, SiteError::NotPossible(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn account_is_suspended_and_restored_and_that_is_read_back() {
    let script = Organization::start().await;
    for (active, step, status) in [(false, "suspend", "suspended"), (true, "restore", "active")] {
        script.foresee("POST", &format!("{USERS}/a-1/{step}"), None, ResponseTemplate::new(204)).await;
        script.foresee_account(status).await;
        let update = AccountUpdate { active: Some(active), ..AccountUpdate::default() };
        assert_eq!(script.site.update_account(&anna(), &update).await.unwrap().active, active);
    }
    script.foresee("POST", &format!("{USERS}/a-1/suspend"), None, ResponseTemplate::new(204)).await;
    script.foresee_account("active").await;
    let update = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert!(matches!(error, SiteError::NotPossible(_)), "accepted and not done: {error:?}");
}

#[tokio::test]
async fn person_is_invited_without_a_mail() {
    let script = Organization::start().await;
    let body = json!({ "emails": ["anna@example.com"], "sendNotification": false });
    let invited = json!({ "data": [{ "id": "a-1", "email": "anna@example.com", "results": [] }] });
    script.foresee("POST", "/admin/v2/orgs/o-1/users/invite", Some(body), answer(200, invited)).await;
    script.foresee_account("active").await;
    let email = "anna@example.com".to_owned();
    let new = NewAccount { username: email.clone(), display_name: "Anna".into(), email: Some(email) };
    assert_eq!(script.site.create_account(&new).await.unwrap().key, "a-1");
}

#[tokio::test]
async fn account_is_removed_from_the_organizations_directory() {
    let script = Organization::start().await;
    script.foresee("DELETE", &format!("{USERS}/a-1"), None, ResponseTemplate::new(204)).await;
    let gone = json!({ "errors": [{ "code": "ADMIN-404-8", "title": "Not found", "detail": "No user" }] });
    script.foresee("DELETE", &format!("{USERS}/a-1"), None, answer(404, gone)).await;
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
    assert_eq!(script.site.delete_account(&anna()).await, Ok(()));
}

#[tokio::test]
async fn directories_are_shown_with_the_one_that_takes_accounts() {
    let script = Organization::start().await;
    let found = json!({ "data": [{ "directoryId": "d-1", "name": "Staff" }, { "directoryId": "d-2" }] });
    script.foresee("GET", "/admin/v2/orgs/o-1/directories", None, answer(200, found)).await;
    let directories = script.site.directories().await.unwrap();
    let shown: Vec<(&str, Option<bool>)> =
        directories.iter().map(|directory| (directory.name.as_str(), directory.takes_accounts)).collect();
    assert_eq!(shown, [("Staff", Some(true)), ("d-2", Some(false))]);
}

#[tokio::test]
async fn refusal_of_the_organization_is_told_in_its_words() {
    let script = Organization::start().await;
    let said = json!({ "errors": [{ "code": "ADMIN-403-3", "title": "Forbidden", "detail": "Not your organization" }] });
    script.foresee("POST", &format!("{USERS}/a-1/suspend"), None, answer(403, said)).await;
    let update = AccountUpdate { active: Some(false), ..AccountUpdate::default() };
    let error = script.site.update_account(&anna(), &update).await.unwrap_err();
    assert_eq!(error, SiteError::Forbidden { detail: "ADMIN-403-3: Not your organization".into() });
}
