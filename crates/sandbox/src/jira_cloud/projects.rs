//! `/project`, `/component`: who leads what.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    API, JiraCloud,
    answers::{Refusal, page, user},
    site::{Component, Project, Site},
};
use crate::installation::{
    authentication::Administrator,
    request::{Body, Parameters},
};

fn shown_lead(site: &Site, lead: &str) -> Option<Value> {
    site.directory.account_of_key(lead).map(|account| user(site, account))
}

fn project(site: &Site, project: &Project, lead: bool) -> Value {
    let mut body = json!({
        "self": format!("{}{API}/project/{}", site.directory.base_url, project.id),
        "id": project.id.to_string(), "key": project.key, "name": project.name, "avatarUrls": {},
    });
    if let Some(shown) = shown_lead(site, &project.lead).filter(|_| lead) {
        body["lead"] = shown;
    }
    body
}

fn component(site: &Site, project: &Project, component: &Component) -> Value {
    let mut body = json!({
        "self": format!("{}{API}/component/{}", site.directory.base_url, component.id),
        "id": component.id.to_string(), "name": component.name, "project": project.key,
        "projectId": project.id, "assigneeType": "PROJECT_LEAD", "isAssigneeTypeValid": true,
    });
    if let Some(shown) = component.lead.as_deref().and_then(|lead| shown_lead(site, lead)) {
        body["lead"] = shown;
    }
    body
}

/// `GET /project/search`.
pub(super) async fn search(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let lead = parameters.expands("lead");
    let all = {
        let site = jira.site();
        site.projects.values().map(|found| project(&site, found, lead)).collect()
    };
    page(&parameters, 50, 100, all)
}

fn no_project(key: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, &format!("No project could be found with key '{key}'."))
}

/// `GET /project/{key}/components`.
pub(super) async fn components(
    State(jira): State<JiraCloud>,
    _: Administrator,
    Path(key): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let found = site.projects.get(&key).ok_or_else(|| no_project(&key))?;
    Ok(Json(found.components.iter().map(|part| component(&site, found, part)).collect()))
}

/// The body of `PUT /project/{key}` and of `PUT /component/{id}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewLead {
    lead_account_id: String,
}

fn known_lead(site: &Site, id: &str) -> Result<(), Refusal> {
    site.account(id).map(drop).map_err(|_| Refusal::bad_request("The user does not exist."))
}

/// `PUT /project/{key}`.
pub(super) async fn update(
    State(jira): State<JiraCloud>,
    _: Administrator,
    Path(key): Path<String>,
    Body(NewLead { lead_account_id }): Body<NewLead>,
) -> Result<Json<Value>, Refusal> {
    let mut site = jira.site();
    known_lead(&site, &lead_account_id)?;
    site.projects.get_mut(&key).ok_or_else(|| no_project(&key))?.lead = lead_account_id;
    let found = site.projects.get(&key).ok_or_else(|| no_project(&key))?;
    Ok(Json(project(&site, found, true)))
}

/// `PUT /component/{id}`.
pub(super) async fn update_component(
    State(jira): State<JiraCloud>,
    _: Administrator,
    Path(id): Path<u64>,
    Body(NewLead { lead_account_id }): Body<NewLead>,
) -> Result<Json<Value>, Refusal> {
    let mut site = jira.site();
    known_lead(&site, &lead_account_id)?;
    let mut parts = site.projects.values_mut().flat_map(|project| &mut project.components);
    let gone = || Refusal::new(StatusCode::NOT_FOUND, &format!("The component with id {id} does not exist."));
    parts.find(|part| part.id == id).ok_or_else(gone)?.lead = Some(lead_account_id);
    let found = site.projects.values().find_map(|project| {
        let part = project.components.iter().find(|part| part.id == id)?;
        Some(component(&site, project, part))
    });
    found.map(Json).ok_or_else(gone)
}

/// The body of `POST /_sandbox/projects`: a project and its components, with leads by address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MadeProject {
    key: String,
    lead: String,
    #[serde(default)]
    components: Vec<MadeComponent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeComponent {
    name: String,
    lead: Option<String>,
}

/// `POST /_sandbox/projects`.
pub(super) async fn make(
    State(jira): State<JiraCloud>,
    Body(made): Body<MadeProject>,
) -> Result<StatusCode, (StatusCode, String)> {
    let mut site = jira.site();
    let id_of = |site: &Site, address: &str| {
        let account = site.directory.accounts.get(&address.to_lowercase());
        let account =
            account.ok_or_else(|| (StatusCode::NOT_FOUND, format!("there is no account {address}")))?;
        Ok::<_, (StatusCode, String)>(account.key.clone())
    };
    let lead = id_of(&site, &made.lead)?;
    site.insert_project(&made.key, &made.key, &lead);
    for component in made.components {
        let lead = component.lead.as_deref().map(|address| id_of(&site, address)).transpose()?;
        site.insert_component(&made.key, &component.name, lead);
    }
    Ok(StatusCode::NO_CONTENT)
}
