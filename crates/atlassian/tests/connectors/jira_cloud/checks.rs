//! The test that an admin starts, and which credentials are taken.

use atlassian::{Credentials, Product, SiteError, check};
use serde_json::json;
use url::Url;

use super::{script, user};
use crate::script::{answer, bearer, call, settings};

#[tokio::test]
async fn healthy_site_passes_every_check_and_says_what_it_cannot_do() {
    let script = script().await;
    let info =
        json!({ "deploymentType": "Cloud", "serverTitle": "Jira", "baseUrl": "https://acme.atlassian.net" });
    script.foresee(call("GET", "serverInfo"), answer(200, info)).await;
    script.foresee(call("GET", "myself"), answer(200, user("a-0", Some("bot@acme.com"), &[]))).await;
    let may = json!({ "permissions": { "ADMINISTER": { "havePermission": true } } });
    script.foresee(call("GET", "mypermissions").query("permissions", "ADMINISTER"), answer(200, may)).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    assert_eq!(checks[1].detail, "logged in as bot@acme.com");
    assert!(checks[3].detail.contains("changing names and addresses is not possible here"), "{checks:?}");
    assert!(checks[3].detail.contains("needs the organization's key"), "{checks:?}");
}

#[tokio::test]
async fn data_center_is_not_taken_for_the_cloud() {
    let script = script().await;
    let info = json!({ "deploymentType": "Data Center", "version": "10.3.1" });
    script.foresee(call("GET", "serverInfo"), answer(200, info)).await;
    let checks = check::run(script.site.as_ref(), &script.budget).await;
    assert!(!checks[0].ok && checks[0].detail.contains("jira-data-center"), "{checks:?}");
}

#[tokio::test]
async fn token_alone_is_refused_and_so_are_a_key_and_a_product_that_do_not_fit() {
    let base_url = Url::parse("https://acme.atlassian.net").unwrap();
    let key = || -> Credentials {
        serde_json::from_value(json!({ "type": "api_key", "email": "a", "token": "b" })).unwrap()
    };
    for (product, credentials) in [
        (Product::JiraCloud, bearer()),
        (Product::AtlassianCloud, key()),
        (Product::JiraDataCenter, key()),
        (Product::Crowd, key()),
    ] {
        let refused = atlassian::connect(product, &base_url, credentials, &settings()).unwrap_err();
        assert!(matches!(refused, SiteError::Unauthorized { captcha: false, .. }), "{product}: {refused:?}");
    }
}
