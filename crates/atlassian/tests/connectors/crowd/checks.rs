//! The test that an admin starts, and which credentials are taken.

use atlassian::check;
use atlassian::{Product, SiteError};
use serde_json::json;
use url::Url;
use wiremock::ResponseTemplate;

use super::script;
use crate::script::{answer, bearer, call, settings};

#[tokio::test]
async fn healthy_server_passes_every_check_and_says_what_cannot_be_seen() {
    let script = script().await;
    let cookie = || answer(200, json!({ "name": "crowd.token_key", "secure": false }));
    let versioned = cookie().insert_header("X-Embedded-Crowd-Version", "Crowd/5.3.0");
    script.foresee(call("GET", "config/cookie"), versioned).await;
    script.foresee(call("GET", "config/cookie"), cookie()).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    assert_eq!(checks[1].detail, "logged in as app");
    assert_eq!(checks[2].detail, "version 5.3.0");
    assert!(checks[3].detail.starts_with("not certain: Crowd tells"), "{checks:?}");
}

#[tokio::test]
async fn an_address_that_is_not_on_the_list_is_told_in_crowds_words() {
    let script = script().await;
    let text = "Client with address \"10.0.0.1\" is forbidden from making requests to the application, app.";
    let barred = ResponseTemplate::new(403).set_body_string(text);
    script.foresee(call("GET", "config/cookie"), barred).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(!checks[0].ok && checks[0].detail.contains("Client with address"), "{checks:?}");
}

#[tokio::test]
async fn a_token_is_refused_before_anything_is_sent() {
    let base_url = Url::parse("https://crowd.example.com/crowd").unwrap();
    let refused = atlassian::connect(Product::Crowd, &base_url, bearer(), &settings()).unwrap_err();
    assert!(matches!(refused, SiteError::Unauthorized { captcha: false, .. }), "{refused:?}");
}
