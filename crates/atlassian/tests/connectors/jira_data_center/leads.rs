//! Who leads what.

use atlassian::SiteError;
use atlassian::site::{AccountRef, Led};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{refusal, script, user};
use crate::script::{Call, answer, call};

fn anna() -> AccountRef {
    AccountRef { key: "JIRAUSER1".into(), username: "anna".into() }
}

fn projects() -> Call {
    call("GET", "project").query("expand", "lead")
}

fn project(key: &str, lead: &Value) -> Value {
    json!({ "id": "1", "key": key, "name": key, "lead": lead })
}

fn component(id: &str, lead: &Value) -> Value {
    json!({ "id": id, "name": format!("C{id}"), "project": "ONE", "lead": lead, "assigneeType": "UNASSIGNED" })
}

fn led_component(id: &str) -> Led {
    Led::Component { id: id.into(), name: format!("C{id}"), project: Some("ONE".into()) }
}

fn component_page(start: &str) -> Call {
    call("GET", "component/page").query("startAt", start).query("maxResults", "1000")
}

#[tokio::test]
async fn projects_and_components_are_told_by_the_leads_key() {
    let script = script().await;
    let hers = user("JIRAUSER1", "renamed", true);
    let other = user("JIRAUSER2", "anna", true);
    let list = [project("ONE", &hers), project("TWO", &other), project("NONE", &Value::Null)];
    script.foresee(projects(), answer(200, json!(list))).await;
    let first =
        json!({ "values": [component("1", &hers), component("2", &other)], "isLast": false, "total": 3 });
    script.foresee(component_page("0"), answer(200, first)).await;
    let rest = json!({ "values": [component("3", &hers)], "isLast": true });
    script.foresee(component_page("2"), answer(200, rest)).await;
    let expected = vec![Led::Project { key: "ONE".into() }, led_component("1"), led_component("3")];
    assert_eq!(script.site.led_by(&anna(), false).await, Ok(expected));
}

#[tokio::test]
async fn where_no_key_is_shown_the_name_counts() {
    let script = script().await;
    script.foresee(projects(), answer(200, json!([project("ONE", &json!({ "name": "ANNA" }))]))).await;
    let named = json!({ "id": "1", "name": "C1", "project": "ONE", "leadUserName": "anna" });
    script.foresee(component_page("0"), answer(200, json!({ "values": [named], "total": 1 }))).await;
    let expected = vec![Led::Project { key: "ONE".into() }, led_component("1")];
    assert_eq!(script.site.led_by(&anna(), false).await, Ok(expected));
}

#[tokio::test]
async fn each_project_is_asked_where_there_is_no_list_of_components_or_thoroughness_is_wanted() {
    for thorough in [false, true] {
        let script = script().await;
        let list = [project("ONE", &Value::Null), project("GONE", &Value::Null)];
        script.foresee(projects(), answer(200, json!(list))).await;
        if !thorough {
            script.foresee(component_page("0"), refusal(404, "no component page")).await;
        }
        let components = json!([component("1", &user("JIRAUSER1", "anna", true))]);
        script.foresee(call("GET", "project/ONE/components"), answer(200, components)).await;
        script.foresee(call("GET", "project/GONE/components"), refusal(404, "")).await;
        assert_eq!(script.site.led_by(&anna(), thorough).await, Ok(vec![led_component("1")]));
    }
}

#[tokio::test]
async fn a_lead_is_set_and_nothing_else() {
    let script = script().await;
    let project = call("PUT", "project/ONE").body(json!({ "lead": "ben" }));
    script.foresee(project, answer(200, json!({ "key": "ONE" }))).await;
    let component = call("PUT", "component/7").body(json!({ "leadUserName": "ben" }));
    script.foresee(component, ResponseTemplate::new(200)).await;
    script.foresee(call("PUT", "component/7"), refusal(404, "gone")).await;
    assert_eq!(script.site.set_lead(&Led::Project { key: "ONE".into() }, "ben").await, Ok(()));
    assert_eq!(script.site.set_lead(&led_component("7"), "ben").await, Ok(()));
    let error = script.site.set_lead(&led_component("7"), "ben").await.unwrap_err();
    assert!(matches!(error, SiteError::NotFound { .. }), "{error:?}");
}
