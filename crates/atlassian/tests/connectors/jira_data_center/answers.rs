//! What statuses, headers, broken connections and strange bodies become.

use std::time::Duration;

use atlassian::SiteError;
use atlassian::http::{HttpSettings, MAX_ANSWER_BYTES};
use atlassian::site::{AccountQuery, NewAccount};
use atlassian::{Credentials, Product};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{connector, hurried, refusal, script, user};
use crate::script::{answer, bearer, call, settings};

async fn myself(answer: ResponseTemplate) -> SiteError {
    let script = script().await;
    script.foresee(call("GET", "myself"), answer).await;
    script.site.own_account().await.unwrap_err()
}

#[tokio::test]
async fn every_status_becomes_its_error() {
    let detail = || "nein".to_owned();
    let unavailable =
        |status| SiteError::Unavailable { status: Some(status), retry_after: None, detail: detail() };
    let table = [
        (400, SiteError::Rejected { status: 400, detail: detail() }),
        (401, SiteError::Unauthorized { captcha: false, detail: detail() }),
        (402, SiteError::Rejected { status: 402, detail: detail() }),
        (403, SiteError::Forbidden { detail: detail() }),
        (404, SiteError::NotFound { detail: detail() }),
        (405, SiteError::Rejected { status: 405, detail: detail() }),
        (408, unavailable(408)),
        (409, SiteError::AlreadyExists { detail: detail() }),
        (413, SiteError::Rejected { status: 413, detail: detail() }),
        (429, SiteError::RateLimited { retry_after: None }),
        (500, unavailable(500)),
        (502, unavailable(502)),
        (503, unavailable(503)),
        (504, unavailable(504)),
    ];
    for (status, expected) in table {
        assert_eq!(myself(refusal(status, "nein")).await, expected, "{status}");
    }
}

#[tokio::test]
async fn wait_that_the_site_asks_for_is_passed_on() {
    for status in [429, 503] {
        let error = myself(refusal(status, "").insert_header("Retry-After", "17")).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(17)), "{status}");
    }
}

#[tokio::test]
async fn captcha_is_told_from_a_missing_permission() {
    let denied = "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/login.jsp";
    let by_reason = refusal(403, "x").insert_header("X-Authentication-Denied-Reason", denied);
    let by_seraph = refusal(403, "x").insert_header("X-Seraph-LoginReason", "AUTHENTICATION_DENIED");
    let on_401 = refusal(401, "x").insert_header("X-Authentication-Denied-Reason", denied);
    for answer in [by_reason, by_seraph, on_401] {
        let error = myself(answer).await;
        assert!(matches!(error, SiteError::Unauthorized { captcha: true, .. }), "{error:?}");
        assert!(error.pauses_site() && !error.outcome_unknown());
    }
}

#[tokio::test]
async fn success_of_a_stranger_is_a_refusal() {
    for (name, value) in [("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"), ("X-AUSERNAME", "anonymous")] {
        let error = myself(answer(200, user("k", "anna", true)).insert_header(name, value)).await;
        assert!(matches!(error, SiteError::Unauthorized { captcha: false, .. }), "{name}: {error:?}");
    }
    let script = script().await;
    let named = answer(200, user("k", "anna", true)).insert_header("X-AUSERNAME", "anna");
    script.foresee(call("GET", "myself"), named.insert_header("X-Seraph-LoginReason", "OK")).await;
    assert_eq!(script.site.own_account().await.unwrap().key, "k");
}

#[tokio::test]
async fn garbage_is_not_understood_and_not_quoted() {
    let page = "<html>someone@example.com</html>";
    for body in [page, "", "[]", "{\"key\":1}", "null", "{\"key\":\"someone@example.com\"}", "\u{0}\u{1}"] {
        let error = myself(ResponseTemplate::new(200).set_body_raw(body, "text/html")).await;
        assert!(matches!(error, SiteError::Protocol { .. }), "{body}: {error:?}");
        assert!(error.outcome_unknown() && !error.to_string().contains("someone"), "{error}");
    }
    for status in [400, 401, 403, 500] {
        let error = myself(ResponseTemplate::new(status).set_body_raw(page, "text/html")).await;
        assert!(error.to_string().ends_with(&format!("status {status}")), "{error}");
    }
}

#[tokio::test]
async fn a_proxys_404_is_not_taken_for_a_missing_account() {
    let foreign = ResponseTemplate::new(404).set_body_raw("<h1>Not here</h1>", "text/html");
    let script = script().await;
    script.foresee(call("GET", "user"), foreign).await;
    let error = script.site.find_account(&AccountQuery::Username("anna".into())).await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn redirects_are_named_and_not_followed() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/login?os_destination=secret#x", elsewhere.uri());
        let error = myself(ResponseTemplate::new(status).insert_header("Location", target)).await;
        let text = error.to_string();
        assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
        assert!(text.contains(&format!("{}/login", elsewhere.uri())) && !text.contains("secret"), "{text}");
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn endless_answer_is_cut_off() {
    let error = myself(ResponseTemplate::new(200).set_body_bytes(vec![b' '; MAX_ANSWER_BYTES + 1])).await;
    assert!(matches!(&error, SiteError::Protocol { detail } if detail.contains("longer")), "{error:?}");
}

#[tokio::test]
async fn long_and_many_lined_words_of_the_site_are_shortened_to_one_line() {
    let error = myself(refusal(400, &format!("first\r\nsecond{}", "ä".repeat(5000)))).await;
    let SiteError::Rejected { detail, .. } = error else { panic!("{error:?}") };
    assert!(detail.starts_with("first  second") && detail.chars().count() == 301, "{detail}");
}

fn new_anna() -> NewAccount {
    NewAccount { username: "anna".into(), display_name: "Anna".into(), email: None }
}

#[tokio::test]
async fn late_answer_leaves_the_outcome_unknown() {
    let script = hurried(Duration::from_millis(300)).await;
    let late = answer(201, user("k", "anna", true)).set_delay(Duration::from_mins(1));
    script.foresee(call("POST", "user"), late).await;
    let error = script.site.create_account(&new_anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::Timeout { .. }), "{error:?}");
    assert!(error.outcome_unknown() && error.retryable() && !error.to_string().contains("anna"));
}

#[tokio::test]
async fn refused_connection_was_certainly_not_applied() {
    // Bound and dropped: nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let site = connector(&format!("http://{address}"), bearer(), &settings());
    let error = site.create_account(&new_anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::Unreachable { .. }), "{error:?}");
    assert!(!error.outcome_unknown() && error.retryable() && error.concerns_site());
}

#[tokio::test]
async fn handshake_that_never_ends_was_certainly_not_applied() {
    // The system accepts the connection; nobody speaks on it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let settings = HttpSettings { connect_timeout: Duration::from_millis(200), ..settings() };
    let error = connector(&address, bearer(), &settings).create_account(&new_anna()).await.unwrap_err();
    assert!(matches!(error, SiteError::Unreachable { .. }), "{error:?}");
}

/// Answers one connection with some bytes after the request's head has come, and closes it.
async fn one_answer(bytes: &'static [u8]) -> SiteError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0_u8; 4096];
        let n_read = stream.read(&mut request).await.unwrap();
        assert!(n_read > 0);
        stream.write_all(bytes).await.unwrap();
    });
    let site = connector(&format!("http://{address}"), bearer(), &settings());
    let error = site.create_account(&new_anna()).await.unwrap_err();
    serving.await.unwrap();
    error
}

#[tokio::test]
async fn lost_connection_leaves_the_outcome_unknown() {
    for bytes in [
        &b""[..],
        b"HTTP/1.1 201 Created\r\nContent-Le",
        b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"key\":",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ] {
        let error = one_answer(bytes).await;
        assert!(matches!(error, SiteError::Unavailable { status: None, .. }), "{error:?}");
        assert!(error.outcome_unknown() && error.retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn tls_against_a_plain_server_is_unreachable() {
    let server = MockServer::start().await;
    let address = server.uri().replace("http://", "https://");
    let error = connector(&address, bearer(), &settings()).own_account().await.unwrap_err();
    assert!(matches!(error, SiteError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn name_that_resolves_to_a_private_address_is_refused_before_connecting() {
    let server = MockServer::start().await;
    let address = format!("http://localhost:{}", server.address().port());
    let site = connector(&address, bearer(), &HttpSettings::default());
    let error = site.own_account().await.unwrap_err();
    assert!(matches!(error, SiteError::TargetRefused { .. }), "{error:?}");
    assert!(!error.outcome_unknown());
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[test]
fn private_literal_and_unsendable_credentials_are_refused_without_a_call() {
    let connect = |address: &str, credentials: Credentials| {
        let address = Url::parse(address).unwrap();
        atlassian::connect(Product::JiraDataCenter, &address, credentials, &HttpSettings::default())
            .map(drop)
            .unwrap_err()
    };
    let error = connect("http://169.254.169.254/latest/meta-data", bearer());
    assert!(matches!(error, SiteError::TargetRefused { .. }), "{error:?}");
    let broken = serde_json::from_value(json!({ "type": "bearer", "token": "a\nb" })).unwrap();
    let error = connect("https://jira.example.com", broken);
    assert!(error.pauses_site(), "{error:?}");
}

#[tokio::test]
async fn basic_credentials_and_our_name_are_sent() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Basic c3luYzpwOnc="))
        .and(header("user-agent", "Rollcall-test"))
        .respond_with(answer(200, user("k", "sync", true)))
        .expect(1)
        .mount(&server)
        .await;
    let basic = json!({ "type": "basic", "username": "sync", "password": "p:w" });
    let settings = HttpSettings { user_agent: "Rollcall-test".into(), ..settings() };
    let site = connector(&server.uri(), serde_json::from_value(basic).unwrap(), &settings);
    assert_eq!(site.own_account().await.unwrap().username, "sync");
}

#[test]
fn connector_shows_no_secret() {
    let site = connector("https://jira.example.com", bearer(), &settings());
    let shown = format!("{site:?}");
    assert!(shown.contains("jira.example.com") && !shown.contains("t0ken"), "{shown}");
}
