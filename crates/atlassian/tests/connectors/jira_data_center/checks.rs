//! What is known of a site, and the test that an admin starts.

use atlassian::check::{self, Check};
use atlassian::site::ServerInfo;
use atlassian::{Product, SiteError};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{refusal, script, user};
use crate::script::{answer, call};

fn server_info(version: &str) -> ResponseTemplate {
    answer(
        200,
        json!({
            "baseUrl": "https://jira.example.com", "version": version, "versionNumbers": [10, 3, 1],
            "deploymentType": "Server", "buildNumber": 1, "serverTitle": "Our Jira"
        }),
    )
}

fn permissions(held: bool) -> ResponseTemplate {
    let permission = |key: &str, held: bool| json!({ "key": key, "type": "GLOBAL", "havePermission": held });
    answer(
        200,
        json!({ "permissions": {
            "ADMINISTER": permission("ADMINISTER", held), "BROWSE": permission("BROWSE", true)
        } }),
    )
}

async fn checked(answers: Vec<(&'static str, ResponseTemplate)>) -> Vec<Check> {
    let script = script().await;
    for (path, answer) in answers {
        script.foresee(call("GET", path), answer).await;
    }
    check::run(script.site.as_ref(), &script.budget).await
}

fn found(checks: &[Check]) -> Vec<(&'static str, bool)> {
    checks.iter().map(|check| (check.name, check.ok)).collect()
}

#[tokio::test]
async fn server_info_names_version_title_and_address() {
    let script = script().await;
    script.foresee(call("GET", "serverInfo"), server_info("10.3.1")).await;
    let expected = ServerInfo {
        product: Product::JiraDataCenter,
        version: Some("10.3.1".into()),
        title: Some("Our Jira".into()),
        base_url: Some("https://jira.example.com".into()),
    };
    assert_eq!(script.site.server_info().await, Ok(expected));
}

#[tokio::test]
async fn cloud_is_not_taken_for_data_center() {
    let script = script().await;
    let cloud = answer(200, json!({ "version": "1001.0.0-SNAPSHOT", "deploymentType": "Cloud" }));
    script.foresee(call("GET", "serverInfo"), cloud).await;
    let error = script.site.server_info().await.unwrap_err();
    assert!(matches!(error, SiteError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn permission_is_read_from_either_key_and_never_guessed() {
    let held = |held: bool| json!({ "havePermission": held });
    let table: [(Value, Option<bool>); 4] = [
        (json!({ "ADMINISTER": held(true) }), Some(true)),
        (json!({ "ADMINISTER": held(false), "SYSTEM_ADMIN": held(true) }), Some(true)),
        (json!({ "ADMINISTER": held(false), "BROWSE": held(true) }), Some(false)),
        (json!({ "BROWSE": held(true) }), None),
    ];
    for (permissions, expected) in table {
        let script = script().await;
        let answer = answer(200, json!({ "permissions": permissions }));
        script.foresee(call("GET", "mypermissions"), answer).await;
        assert_eq!(script.site.may_administer().await.ok(), expected);
    }
}

#[tokio::test]
async fn healthy_site_passes_every_check() {
    let checks = checked(vec![
        ("serverInfo", server_info("10.3.1")),
        ("myself", answer(200, user("k", "sync", true))),
        ("mypermissions", permissions(true)),
    ])
    .await;
    let names =
        ["reachable", "credentials", "version", "permission", "capabilities", "directories", "budget"];
    let names = names.map(|name| (name, true));
    assert_eq!(found(&checks), names);
    assert_eq!(checks[1].detail, "logged in as sync");
    let cannot = "renaming groups is not possible here, because Jira's REST API cannot rename a group";
    assert_eq!(checks[4].detail, cannot);
    assert_eq!(checks[6].detail, "the site tells of no limit to the rate of requests");
}

#[tokio::test]
async fn what_the_site_grants_is_told() {
    let limited = |answer: ResponseTemplate| {
        let headers = [("Limit", 100), ("Remaining", 90), ("FillRate", 5), ("Interval-Seconds", 2)];
        headers.into_iter().fold(answer, |answer, (name, number)| {
            answer.insert_header(format!("X-RateLimit-{name}"), number.to_string())
        })
    };
    let checks = checked(vec![
        ("serverInfo", server_info("10.3.1")),
        ("myself", limited(answer(200, user("k", "sync", true)))),
        ("mypermissions", permissions(true)),
    ])
    .await;
    assert!(checks[6].detail.contains("2.5 requests a second in the long run, 100 at once"), "{checks:?}");
}

#[tokio::test]
async fn refused_credentials_end_the_test_at_once() {
    let checks = checked(vec![("serverInfo", refusal(401, "x"))]).await;
    assert_eq!(found(&checks), [("reachable", true), ("credentials", false)]);

    let checks = checked(vec![("serverInfo", server_info("10.3.1")), ("myself", refusal(401, "x"))]).await;
    assert_eq!(found(&checks), [("reachable", true), ("credentials", false)]);
    assert!(checks[1].detail.contains("enter credentials that are valid"), "{}", checks[1].detail);
}

#[tokio::test]
async fn captcha_is_explained() {
    let captcha = refusal(403, "x").insert_header("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE");
    let checks = checked(vec![("serverInfo", server_info("10.3.1")), ("myself", captcha)]).await;
    assert!(checks[1].detail.contains("browser"), "{}", checks[1].detail);
}

#[tokio::test]
async fn unreachable_site_is_asked_nothing_more() {
    let checks = checked(vec![("serverInfo", refusal(503, "x"))]).await;
    assert_eq!(found(&checks), [("reachable", false)]);
    assert!(checks[0].detail.contains("make sure that the site is up"), "{}", checks[0].detail);
}

#[tokio::test]
async fn old_and_strange_versions_fail_and_the_rest_is_still_checked() {
    for (version, ok) in [
        ("8.13.9", false),
        ("7.2", false),
        ("next", false),
        ("8.14.0", true),
        ("9.0", true),
        ("10", true),
        ("11.0.0-EAP01", true),
    ] {
        let checks = checked(vec![
            ("serverInfo", server_info(version)),
            ("myself", answer(200, user("k", "sync", true))),
            ("mypermissions", permissions(true)),
        ])
        .await;
        assert_eq!(
            found(&checks)[2..],
            [
                ("version", ok),
                ("permission", true),
                ("capabilities", true),
                ("directories", true),
                ("budget", true)
            ],
            "{version}"
        );
    }
}

#[tokio::test]
async fn missing_permission_says_what_to_do() {
    let checks = checked(vec![
        ("serverInfo", server_info("10.3.1")),
        ("myself", answer(200, user("k", "sync", true))),
        ("mypermissions", permissions(false)),
    ])
    .await;
    assert_eq!(found(&checks)[3], ("permission", false));
    assert!(checks[3].detail.contains("administrator permission"), "{}", checks[3].detail);
}
