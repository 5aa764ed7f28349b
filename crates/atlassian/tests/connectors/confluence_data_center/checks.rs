//! The test that an admin starts, and what the answers of a wrong address mean.

use atlassian::SiteError;
use atlassian::check::{self, Check};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{groups, groups_of, person, refusal, script};
use crate::script::{Script, answer, call};

async fn checked(information: ResponseTemplate, own_groups: &[&str]) -> Vec<Check> {
    let script = script().await;
    script.foresee(call("GET", "server-information"), information).await;
    foresee_own(&script).await;
    foresee_own(&script).await;
    script.foresee(groups_of("k0"), groups(own_groups)).await;
    check::run(script.site.as_ref(), &script.budget).await
}

async fn foresee_own(script: &Script) {
    let own = call("GET", "user/current").query("expand", "status");
    script.foresee(own, answer(200, person("k0", "sync", true))).await;
}

fn version(version: &str) -> ResponseTemplate {
    answer(200, json!({ "version": version, "baseUrl": "https://wiki.example.com", "buildNumber": 9_300 }))
}

#[tokio::test]
async fn healthy_site_passes_every_check_and_says_what_is_not_possible() {
    let checks = checked(version("9.2.0"), &["confluence-administrators"]).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    assert_eq!(checks[0].detail, "Confluence answers, and calls itself https://wiki.example.com");
    assert_eq!(checks[3].name, "permission");
    let cannot =
        "changing user names is not possible here, because Confluence's REST API cannot change a user name";
    assert!(checks[4].detail.contains(cannot), "{}", checks[4].detail);
}

#[tokio::test]
async fn a_version_that_is_not_told_or_too_old_is_named() {
    let checks = checked(refusal(404, "null for uri"), &["confluence-administrators"]).await;
    let expected = "the site does not tell its version; make sure that it is 8.2 or later";
    assert_eq!((checks[2].ok, checks[2].detail.as_str()), (true, expected));
    let checks = checked(version("8.1.4"), &["confluence-administrators"]).await;
    assert!(!checks[2].ok && checks[2].detail.contains("upgrade the site"), "{checks:?}");
}

#[tokio::test]
async fn a_permission_that_cannot_be_seen_is_not_taken_for_granted_nor_for_missing() {
    let checks = checked(version("9.2.0"), &["confluence-users"]).await;
    assert!(checks[3].detail.starts_with("not certain: "), "{checks:?}");
    assert!(checks[3].detail.contains("sync is not in confluence-administrators"), "{checks:?}");
}

#[tokio::test]
async fn a_stranger_is_not_logged_in() {
    let script = script().await;
    let anonymous = json!({ "type": "anonymous", "displayName": "Anonymous" });
    script.foresee(call("GET", "user/current"), answer(200, anonymous)).await;
    let error = script.site.own_account().await.unwrap_err();
    assert!(matches!(error, SiteError::Unauthorized { captcha: false, .. }), "{error:?}");
}

#[tokio::test]
async fn a_404_of_a_stranger_makes_no_account_absent() {
    let script = script().await;
    let page = ResponseTemplate::new(404).set_body_string("<html>no such page</html>");
    script.foresee(call("GET", "group/team"), page).await;
    // Jira's body, at an address that is meant for Confluence.
    script
        .foresee(call("GET", "group/team"), answer(404, json!({ "errorMessages": ["x"], "errors": {} })))
        .await;
    for _ in 0..2 {
        let error = script.site.find_group("team").await.unwrap_err();
        assert_eq!(error, SiteError::Protocol { detail: "404 with a body that is not Confluence's".into() });
    }
}
