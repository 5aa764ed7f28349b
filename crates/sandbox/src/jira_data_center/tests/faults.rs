use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::{call_as, get, post, site};
use crate::{
    SimulatedSite,
    faults::{FaultKind, Faults, RateLimit},
    jira_data_center::{JiraDataCenter, Options},
};

fn always(kind: FaultKind) -> Faults {
    Faults { probabilities: [(kind, 1.0)].into(), ..Faults::default() }
}

async fn create_group(jira: &JiraDataCenter) -> StatusCode {
    post(jira, "/group", json!({"name": "team"})).await.status
}

fn has_group(jira: &JiraDataCenter) -> bool {
    jira.state().groups.iter().any(|group| group.name == "team")
}

#[tokio::test]
async fn refusing_faults_answer_their_status_and_change_nothing() {
    for (kind, status) in [
        (FaultKind::TooManyRequests, StatusCode::TOO_MANY_REQUESTS),
        (FaultKind::InternalError, StatusCode::INTERNAL_SERVER_ERROR),
        (FaultKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let jira = site();
        jira.set_faults(always(kind));
        assert_eq!(create_group(&jira).await, status);
        assert!(!has_group(&jira));
        let calls = jira.state().calls;
        assert_eq!((calls.total, calls.rejected), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_before_changes_nothing_and_timeout_after_does() {
    for (kind, carried_out) in [(FaultKind::TimeoutBefore, false), (FaultKind::TimeoutAfter, true)] {
        let jira = site();
        jira.set_faults(always(kind));
        let patience = Duration::from_secs(29);
        assert!(tokio::time::timeout(patience, create_group(&jira)).await.is_err());
        assert_eq!(has_group(&jira), carried_out);
    }
}

#[tokio::test]
async fn dropped_connection_leaves_open_whether_the_call_was_carried_out() {
    let mut outcomes = Vec::new();
    for seed in 0..20 {
        let jira = site();
        jira.set_faults(Faults { seed, ..always(FaultKind::DropConnection) });
        assert_eq!(create_group(&jira).await, StatusCode::BAD_GATEWAY);
        outcomes.push(has_group(&jira));
    }
    assert!(outcomes.contains(&true) && outcomes.contains(&false));
}

#[tokio::test]
async fn site_that_is_down_answers_503_to_everything_but_its_controls() {
    let jira = site();
    assert_eq!(post(&jira, "/_sandbox/faults", json!({"down": true})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&jira, "/serverInfo").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&jira, "/nowhere").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(call_as(&jira, None, "GET", "/_sandbox/state", None).await.status, StatusCode::OK);
    assert_eq!(post(&jira, "/_sandbox/faults", json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&jira, "/serverInfo").await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_out_of_range_or_unknown_are_refused_and_leave_the_old_ones() {
    let jira = site();
    post(&jira, "/_sandbox/faults", json!({"down": true})).await;
    for body in
        [json!({"probabilities": {"500": 2}}), json!({"probabilities": {"418": 0.1}}), json!({"sed": 1})]
    {
        assert_eq!(post(&jira, "/_sandbox/faults", body).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(get(&jira, "/serverInfo").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn rate_limit_is_told_in_headers_refuses_with_429_and_refills() {
    let rate_limit = Some(RateLimit { burst: 2, per_second: 0.5 });
    let jira = JiraDataCenter::new(Options { rate_limit, ..Options::default() });
    let first = get(&jira, "/myself").await;
    assert_eq!(first.header("x-ratelimit-limit"), "2");
    assert_eq!(first.header("x-ratelimit-remaining"), "1");
    assert_eq!(first.header("x-ratelimit-interval-seconds"), "2");
    assert_eq!(first.header("x-ratelimit-fillrate"), "1");
    assert_eq!(first.header("retry-after"), "0");
    get(&jira, "/myself").await;
    assert_eq!(create_group(&jira).await, StatusCode::TOO_MANY_REQUESTS);
    let refused = get(&jira, "/myself").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "2");
    assert!(!has_group(&jira));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(get(&jira, "/myself").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_limit_there_are_no_limit_headers() {
    let answer = get(&site(), "/myself").await;
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("retry-after")), ("", ""));
}

#[tokio::test]
async fn rate_limit_is_each_accounts_own() {
    let jira = site();
    post(&jira, "/_sandbox/users", json!({"name": "zoe", "token": "zoes"})).await;
    jira.set_faults(Faults {
        rate_limit: Some(RateLimit { burst: 1, per_second: 0.001 }),
        ..Faults::default()
    });
    assert_eq!(get(&jira, "/myself").await.status, StatusCode::OK);
    assert_eq!(get(&jira, "/myself").await.status, StatusCode::TOO_MANY_REQUESTS);
    let zoe = call_as(&jira, Some("Bearer zoes"), "GET", "/myself", None).await;
    assert_eq!(zoe.status, StatusCode::OK);
}

#[tokio::test]
async fn slow_site_takes_its_time_for_everything() {
    let jira = site();
    jira.set_faults(Faults { latency_ms: 50, ..Faults::default() });
    let began = std::time::Instant::now();
    assert_eq!(get(&jira, "/myself").await.status, StatusCode::OK);
    assert!(began.elapsed() >= std::time::Duration::from_millis(50));
}
