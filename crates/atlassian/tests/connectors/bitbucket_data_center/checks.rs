//! The test that an admin starts, and the two meanings of 401.

use atlassian::SiteError;
use atlassian::check::{self, Check};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{find, page, refusal, script, user};
use crate::script::{answer, call};

fn properties() -> ResponseTemplate {
    let body = json!({ "version": "9.4.2", "buildNumber": "9004002", "displayName": "Bitbucket" });
    answer(200, body).insert_header("X-AUSERNAME", "s%C3%B6nc")
}

async fn checked(permissions: ResponseTemplate) -> Vec<Check> {
    let script = script().await;
    for _ in 0..2 {
        script.foresee(call("GET", "application-properties"), properties()).await;
    }
    script.foresee(find("sönc"), page(&[user(1, "sönc")])).await;
    script.foresee(call("GET", "admin/permissions/groups"), permissions).await;
    let internal = json!({ "name": "Internal", "type": "INTERNAL", "active": true });
    let ldap = json!({ "name": "LDAP", "type": "CONNECTOR", "active": true });
    script.foresee(call("GET", "admin/user-directories"), page(&[internal, ldap])).await;
    check::run(script.site.as_ref(), &script.budget).await
}

#[tokio::test]
async fn healthy_site_passes_every_check_and_says_what_deactivation_means() {
    let checks = checked(page(&[])).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    assert_eq!(checks[1].detail, "logged in as sönc");
    assert!(checks[4].detail.contains("deactivating accounts is done otherwise here"), "{checks:?}");
    assert!(checks[5].detail.contains("Internal (accounts are made here); LDAP (whether"), "{checks:?}");
}

#[tokio::test]
async fn a_401_with_our_name_is_a_missing_permission_and_one_without_refuses_the_credentials() {
    let barred = refusal(401, "You are not permitted").insert_header("X-AUSERNAME", "sync");
    let checks = checked(barred).await;
    assert!(!checks[3].ok && checks[3].detail.contains("may not administer"), "{checks:?}");
    let script = script().await;
    script.foresee(call("GET", "admin/groups"), refusal(401, "Authentication failed")).await;
    let error = script.site.find_group("team").await.unwrap_err();
    assert!(matches!(error, SiteError::Unauthorized { captcha: false, .. }), "{error:?}");
}

#[tokio::test]
async fn a_site_that_does_not_tell_who_we_are_is_not_worked_at() {
    let script = script().await;
    script.foresee(call("GET", "application-properties"), answer(200, json!({ "version": "9.4.2" }))).await;
    let error = script.site.own_account().await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}
