//! Who leads what.

use atlassian::SiteError;
use atlassian::site::{AccountRef, Led};
use serde_json::json;

use super::{anna, get_user, page, refusal, script, search, user};
use crate::script::{Script, answer, call};

async fn foresee_projects(script: &Script) {
    let projects = json!([
        { "key": "A", "lead": { "accountId": "a-1" } },
        { "key": "B", "lead": { "accountId": "a-2" } },
        { "key": "GONE", "lead": { "accountId": "a-2" } },
    ]);
    script.foresee(call("GET", "project/search").query("expand", "lead"), page(&projects)).await;
}

async fn foresee_components(script: &Script) {
    script
        .foresee(call("GET", "project/A/components"), answer(200, json!([{ "id": "1", "name": "none" }])))
        .await;
    let led = json!([{ "id": "2", "name": "Billing", "lead": { "accountId": "a-1" } }]);
    script.foresee(call("GET", "project/B/components"), answer(200, led)).await;
    script.foresee(call("GET", "project/GONE/components"), refusal(404, "no such project")).await;
}

fn billing() -> Led {
    Led::Component { id: "2".into(), name: "Billing".into(), project: Some("B".into()) }
}

#[tokio::test]
async fn components_are_read_once_for_all_who_leave_together() {
    let script = script().await;
    foresee_projects(&script).await;
    foresee_components(&script).await;
    let led = script.site.led_by(&anna(), false).await.unwrap();
    assert_eq!(led, [Led::Project { key: "A".into() }, billing()]);
    let bob = AccountRef { key: "a-2".into(), username: "bob@example.com".into() };
    foresee_projects(&script).await;
    let led = script.site.led_by(&bob, false).await.unwrap();
    assert_eq!(led.len(), 2, "without another call for components");
    foresee_projects(&script).await;
    foresee_components(&script).await;
    assert_eq!(script.site.led_by(&bob, true).await.unwrap().len(), 2, "asked again to be sure");
}

#[tokio::test]
async fn interrupted_reading_goes_on_where_it_ended() {
    let script = script().await;
    let projects = json!([{ "key": "A" }, { "key": "B" }]);
    let ask = || call("GET", "project/search");
    script.foresee(ask(), page(&projects)).await;
    script.foresee(call("GET", "project/A/components"), answer(200, json!([]))).await;
    script.foresee(call("GET", "project/B/components"), refusal(500, "not now")).await;
    assert!(script.site.led_by(&anna(), false).await.is_err());
    script.foresee(ask(), page(&projects)).await;
    script.foresee(call("GET", "project/B/components"), answer(200, json!([]))).await;
    assert_eq!(script.site.led_by(&anna(), false).await, Ok(vec![]));
}

#[tokio::test]
async fn component_that_was_handed_over_is_read_again_with_its_project() {
    let script = script().await;
    foresee_projects(&script).await;
    foresee_components(&script).await;
    script.site.led_by(&anna(), false).await.unwrap();
    script
        .foresee(search("lead@example.com"), answer(200, json!([user("a-9", Some("lead@example.com"), &[])])))
        .await;
    script.foresee(get_user("a-9"), answer(200, user("a-9", None, &[]))).await;
    script.foresee(call("PUT", "component/2"), answer(200, json!({}))).await;
    assert_eq!(script.site.set_lead(&billing(), "lead@example.com").await, Ok(()));
    foresee_projects(&script).await;
    let led = json!([{ "id": "2", "name": "Billing", "lead": { "accountId": "a-9" } }]);
    script.foresee(call("GET", "project/B/components"), answer(200, led)).await;
    assert_eq!(script.site.led_by(&anna(), false).await, Ok(vec![Led::Project { key: "A".into() }]));
}

#[tokio::test]
async fn lead_is_given_to_the_account_with_the_address() {
    let script = script().await;
    let found = json!([user("a-9", Some("lead@example.com"), &[])]);
    for (led, path) in [
        (Led::Project { key: "A".into() }, "project/A"),
        (Led::Component { id: "2".into(), name: "Billing".into(), project: None }, "component/2"),
    ] {
        script.foresee(search("lead@example.com"), answer(200, found.clone())).await;
        script.foresee(get_user("a-9"), answer(200, user("a-9", None, &[]))).await;
        let put = call("PUT", path).body(json!({ "leadAccountId": "a-9" }));
        script.foresee(put, answer(200, json!({}))).await;
        assert_eq!(script.site.set_lead(&led, "lead@example.com").await, Ok(()));
    }
}

#[tokio::test]
async fn lead_who_has_no_account_is_named() {
    let script = script().await;
    script.foresee(search("lead@example.com"), answer(200, json!([]))).await;
    let led = Led::Project { key: "A".into() };
    let error = script.site.set_lead(&led, "lead@example.com").await.unwrap_err();
    assert!(matches!(&error, SiteError::Rejected { status: 400, .. }), "{error:?}");
    assert!(error.to_string().contains("lead@example.com"), "{error}");
}
