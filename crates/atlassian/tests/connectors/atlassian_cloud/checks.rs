//! The test that an admin starts, and which credentials are taken.

use atlassian::check;
use atlassian::{Credentials, Product, SiteError};
use serde_json::json;
use url::Url;
use wiremock::ResponseTemplate;

use super::{list, refusal, script};
use crate::script::{answer, call, settings};

#[tokio::test]
async fn healthy_directory_passes_every_check() {
    let script = script().await;
    for _ in 0..2 {
        let config = json!({ "patch": { "supported": true }, "bulk": { "supported": false } });
        script.foresee(call("GET", "ServiceProviderConfig"), answer(200, config)).await;
    }
    script.foresee(call("GET", "Users").query("count", "1"), list(&[], 0)).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    let names: Vec<&str> = checks.iter().map(|check| check.name).collect();
    assert_eq!(
        names,
        ["reachable", "credentials", "permission", "capabilities", "directories", "budget"],
        "no version"
    );
    assert_eq!(checks[1].detail, "logged in as the key of directory at");
    assert!(checks[3].detail.contains("finding accounts by e-mail address is done otherwise"), "{checks:?}");
}

#[tokio::test]
async fn expired_key_is_told_with_what_to_do() {
    let script = script().await;
    script.foresee(call("GET", "ServiceProviderConfig"), refusal(401, "API key expired")).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(!checks[1].ok && checks[1].detail.contains("API key expired"), "{checks:?}");
    assert!(checks[1].detail.contains("may have expired"), "{checks:?}");
}

#[tokio::test]
async fn address_of_something_else_is_told() {
    let script = script().await;
    let page = ResponseTemplate::new(404).set_body_string("<html>");
    script.foresee(call("GET", "ServiceProviderConfig"), page).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(!checks[0].ok && checks[0].detail.contains("is that of the product itself"), "{checks:?}");
}

#[tokio::test]
async fn name_and_password_are_refused_before_anything_is_sent() {
    let base_url = Url::parse("https://api.atlassian.com/scim/directory/1").unwrap();
    let basic: Credentials =
        serde_json::from_value(json!({ "type": "basic", "username": "a", "password": "b" })).unwrap();
    let refused = atlassian::connect(Product::AtlassianCloud, &base_url, basic, &settings()).unwrap_err();
    assert!(matches!(refused, SiteError::Unauthorized { captcha: false, .. }), "{refused:?}");
}
