use axum::http::StatusCode;
use serde_json::json;

use super::{delete, get, peopled, post, put, site};
use crate::SimulatedSite;
use crate::jira_data_center::{ComponentList, JiraDataCenter, Options, Quirks};

#[tokio::test]
async fn projects_show_leads_when_expanded_and_one_project_always() {
    let jira = peopled(1);
    let plain = get(&jira, "/project").await;
    assert_eq!(plain.body[0]["key"], "DEMO");
    assert!(plain.body[0].get("lead").is_none());
    let expanded = get(&jira, "/project?expand=description,lead").await;
    assert_eq!(expanded.body[1]["lead"]["name"], "ada.abbott.0");
    let by_id = format!("/project/{}", plain.body[0]["id"].as_str().unwrap());
    assert_eq!(get(&jira, &by_id).await.body["lead"]["name"], "rollcall");
    assert_eq!(get(&jira, "/project/NOWHERE").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&jira, "/project/NOWHERE/components").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn reassigning_every_lead_frees_the_account() {
    let jira = peopled(2);
    let lead = put(&jira, "/project/LEGACY", json!({"lead": "Bruno.Abbott.1"})).await;
    assert_eq!(lead.status, StatusCode::OK);
    assert_eq!(lead.body["lead"]["name"], "bruno.abbott.1");
    let components = get(&jira, "/project/LEGACY/components").await;
    assert_eq!(components.body[0]["leadUserName"], "ada.abbott.0");
    assert_eq!(delete(&jira, "/user?username=ada.abbott.0").await.status, StatusCode::BAD_REQUEST);
    let component = format!("/component/{}", components.body[0]["id"].as_str().unwrap());
    let changed = put(&jira, &component, json!({"leadUserName": "bruno.abbott.1"})).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(get(&jira, &component).await.body["lead"]["name"], "bruno.abbott.1");
    assert_eq!(delete(&jira, "/user?username=ada.abbott.0").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn lead_must_be_an_active_account() {
    let jira = peopled(2);
    put(&jira, "/user?username=bruno.abbott.1", json!({"active": false})).await;
    for name in ["nobody", "bruno.abbott.1"] {
        let answer = put(&jira, "/project/DEMO", json!({"lead": name})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body["errors"]["lead"].is_string());
    }
    assert_eq!(put(&jira, "/project/NO", json!({"lead": "rollcall"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(put(&jira, "/component/1", json!({"leadUserName": ""})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn component_may_go_without_a_lead_and_a_lead_survives_a_rename() {
    let jira = peopled(1);
    put(&jira, "/user?username=ada.abbott.0", json!({"name": "ada.lovelace"})).await;
    let state = jira.state();
    let legacy = state.projects.iter().find(|project| project.key == "LEGACY").unwrap();
    assert_eq!(legacy.lead, "ada.lovelace");
    assert_eq!(legacy.components[0].lead.as_deref(), Some("ada.lovelace"));
    let id = get(&jira, "/project/LEGACY").await.body["components"][0]["id"].as_str().unwrap().to_owned();
    let freed = put(&jira, &format!("/component/{id}"), json!({"leadUserName": ""})).await;
    assert!(freed.body.get("lead").is_none());
}

#[tokio::test]
async fn site_starts_with_the_products_groups_and_a_project() {
    let state = site().state();
    let names: Vec<&str> = state.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["jira-administrators", "jira-software-users", "jira-system-administrators"]);
    assert!(state.groups.iter().all(|group| group.members == ["rollcall"]));
    assert_eq!(state.projects[0].lead, "rollcall");
}

#[tokio::test]
async fn components_of_all_projects_are_listed_page_by_page() {
    let jira = peopled(1);
    let components = json!([{"name": "Core", "lead": "ada.abbott.0"}, {"name": "Edge"}]);
    let project = json!({"key": "NEW", "lead": "rollcall", "components": components});
    post(&jira, "/_sandbox/projects", project).await;
    let first = get(&jira, "/component/page?maxResults=2").await.body;
    assert_eq!((&first["total"], &first["isLast"]), (&json!(3), &json!(false)));
    let last = get(&jira, "/component/page?startAt=2").await.body;
    assert_eq!((&last["values"][0]["name"], &last["isLast"]), (&json!("Edge"), &json!(true)));
    assert!(last["values"][0].get("lead").is_none());
    let with = |component_list| {
        let quirks = Quirks { component_list, ..Quirks::default() };
        JiraDataCenter::new(Options { quirks, users: 1, ..Options::default() })
    };
    let shown = get(&with(ComponentList::WithoutLeads), "/component/page").await.body;
    assert!(shown["values"][0].get("lead").is_none() && shown["values"][0]["name"].is_string());
    let absent = get(&with(ComponentList::Absent), "/component/page").await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_site_that_keeps_no_leads_lets_them_go() {
    let quirks = Quirks { keeps_leads: false, ..Quirks::default() };
    let jira = JiraDataCenter::new(Options { quirks, users: 1, ..Options::default() });
    let off = put(&jira, "/user?username=ada.abbott.0", json!({"active": false})).await;
    assert_eq!(off.status, StatusCode::OK);
}
