//! `/project`, `/component`: who leads what.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    API, ComponentList, JiraDataCenter,
    answers::Refusal,
    site::{Component, Project, Site},
};
use crate::installation::{
    authentication::{Administrator, LoggedIn},
    directory::fold,
    request::{Body, Parameters},
};

/// How many components a page shows unless it is asked for more or fewer, and the most that it shows.
const COMPONENT_PAGE_DEFAULT: usize = 10;
const COMPONENT_PAGE_LIMIT: usize = 100;

/// What of `ProjectUpdateBean` this site keeps; other fields are refused by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectUpdate {
    lead: Option<String>,
    name: Option<String>,
    description: Option<String>,
}

/// What of `ComponentBean` this site keeps. An empty `leadUserName` leaves the component without a lead.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ComponentUpdate {
    lead_user_name: Option<String>,
    name: Option<String>,
    description: Option<String>,
    assignee_type: Option<String>,
}

/// `GET /project`: all at once; leads only with `expand=lead`.
pub(super) async fn list(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    parameters: Parameters,
) -> Json<Value> {
    let site = jira.site();
    let with_leads = parameters.expands("lead");
    let beans: Vec<Value> = site
        .projects
        .values()
        .map(|project| {
            let mut bean = site.project_bean(project);
            if with_leads {
                bean["lead"] = site.lead_bean(&project.lead);
            }
            bean
        })
        .collect();
    Json(beans.into())
}

/// `GET /project/{key}`, by key or id, with its lead and components.
pub(super) async fn get(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    Path(key): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let key = site.project_key(&key)?;
    Ok(Json(site.whole_project_bean(&site.projects[&key])))
}

/// `PUT /project/{key}`.
pub(super) async fn update(
    State(jira): State<JiraDataCenter>,
    Administrator(_): Administrator,
    Path(key): Path<String>,
    Body(update): Body<ProjectUpdate>,
) -> Result<Json<Value>, Refusal> {
    let mut site = jira.site();
    let key = site.project_key(&key)?;
    let lead = update.lead.map(|name| site.lead_key("lead", &name)).transpose()?;
    if update.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Refusal::field("projectName", "You must specify a valid project name."));
    }
    if let Some(project) = site.projects.get_mut(&key) {
        project.lead = lead.unwrap_or_else(|| project.lead.clone());
        project.name = update.name.unwrap_or_else(|| project.name.clone());
        project.description = update.description.unwrap_or_else(|| project.description.clone());
    }
    Ok(Json(site.whole_project_bean(&site.projects[&key])))
}

/// `GET /project/{key}/components`.
pub(super) async fn components(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    Path(key): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let key = site.project_key(&key)?;
    Ok(Json(site.component_beans(&site.projects[&key])))
}

/// `GET /component/page`: every component of every project, page by page.
pub(super) async fn component_page(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let shown = jira.options().quirks.component_list;
    if shown == ComponentList::Absent {
        return Err(Refusal::not_found("The component with id page does not exist."));
    }
    let start = parameters.count("startAt", 0)?;
    let limit = parameters.count("maxResults", COMPONENT_PAGE_DEFAULT)?.min(COMPONENT_PAGE_LIMIT);
    let site = jira.site();
    let components =
        site.projects.values().flat_map(|project| project.components.iter().map(move |c| (project, c)));
    let mut all: Vec<Value> =
        components.map(|(project, component)| site.component_bean(project, component)).collect();
    if shown == ComponentList::WithoutLeads {
        for bean in all.iter_mut().filter_map(Value::as_object_mut) {
            bean.remove("lead");
            bean.remove("leadUserName");
        }
    }
    let total = all.len();
    let values: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    let is_last = start + values.len() >= total;
    Ok(Json(json!({
        "maxResults": limit, "startAt": start, "total": total, "isLast": is_last, "values": values,
    })))
}

/// `GET /component/{id}`.
pub(super) async fn component(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let (project, index) = site.component_place(&id)?;
    Ok(Json(site.component_bean(&site.projects[&project], &site.projects[&project].components[index])))
}

/// `PUT /component/{id}`.
pub(super) async fn update_component(
    State(jira): State<JiraDataCenter>,
    Administrator(_): Administrator,
    Path(id): Path<String>,
    Body(update): Body<ComponentUpdate>,
) -> Result<Json<Value>, Refusal> {
    let mut site = jira.site();
    let (project, index) = site.component_place(&id)?;
    let lead = match update.lead_user_name.as_deref() {
        None => site.projects[&project].components[index].lead.clone(),
        Some("") => None,
        Some(name) => Some(site.lead_key("leadUserName", name)?),
    };
    if let Some(component) =
        site.projects.get_mut(&project).and_then(|project| project.components.get_mut(index))
    {
        component.lead = lead;
        component.name = update.name.unwrap_or_else(|| component.name.clone());
        component.description = update.description.unwrap_or_else(|| component.description.clone());
        component.assignee_type = update.assignee_type.unwrap_or_else(|| component.assignee_type.clone());
    }
    Ok(Json(site.component_bean(&site.projects[&project], &site.projects[&project].components[index])))
}

/// The body of `POST /_sandbox/projects`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectUpsert {
    key: String,
    lead: String,
    #[serde(default)]
    components: Vec<ComponentUpsert>,
}

/// A component of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentUpsert {
    name: String,
    lead: Option<String>,
}

/// `POST /_sandbox/projects`: makes a project, or makes it anew.
pub(super) async fn put_project(
    State(jira): State<JiraDataCenter>,
    Body(project): Body<ProjectUpsert>,
) -> Result<StatusCode, Refusal> {
    let mut site = jira.site();
    let lead = site.account(&fold(&project.lead))?.key.clone();
    let mut components = Vec::new();
    for component in project.components {
        let lead = component.lead.map(|name| site.account(&fold(&name)).map(|account| account.key.clone()));
        components.push((component.name, lead.transpose()?));
    }
    site.insert_project(&project.key, &project.key, &lead);
    for (name, lead) in components {
        site.insert_component(&project.key, &name, lead);
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Site {
    fn project_key(&self, key_or_id: &str) -> Result<String, Refusal> {
        self.projects
            .values()
            .find(|project| project.key == key_or_id || project.id.to_string() == key_or_id)
            .map(|project| project.key.clone())
            .ok_or_else(|| Refusal::not_found(format!("No project could be found with key '{key_or_id}'.")))
    }

    /// Returns the project's key and the component's place in it.
    fn component_place(&self, id: &str) -> Result<(String, usize), Refusal> {
        self.projects
            .values()
            .find_map(|project| {
                let index = project.components.iter().position(|component| component.id.to_string() == id)?;
                Some((project.key.clone(), index))
            })
            .ok_or_else(|| Refusal::not_found(format!("The component with id {id} does not exist.")))
    }

    /// Returns the key of an account that may become a lead: it must be there and active.
    fn lead_key(&self, field: &'static str, name: &str) -> Result<String, Refusal> {
        self.directory
            .accounts
            .get(&fold(name))
            .filter(|account| account.active)
            .map(|account| account.key.clone())
            .ok_or_else(|| {
                Refusal::field(field, format!("The user '{name}' does not exist or is not active."))
            })
    }

    fn lead_bean(&self, account_key: &str) -> Value {
        self.directory.account_of_key(account_key).map_or(Value::Null, |account| self.short_user(account))
    }

    fn project_bean(&self, project: &Project) -> Value {
        json!({
            "expand": "description,lead,url,projectKeys",
            "self": format!("{}{API}/project/{}", self.directory.base_url, project.id),
            "id": project.id.to_string(),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "archived": false,
        })
    }

    fn whole_project_bean(&self, project: &Project) -> Value {
        let mut bean = self.project_bean(project);
        bean["description"] = project.description.clone().into();
        bean["lead"] = self.lead_bean(&project.lead);
        bean["components"] = self.component_beans(project);
        bean
    }

    fn component_beans(&self, project: &Project) -> Value {
        let components = project.components.iter();
        components.map(|component| self.component_bean(project, component)).collect::<Vec<Value>>().into()
    }

    fn component_bean(&self, project: &Project, component: &Component) -> Value {
        let mut bean = json!({
            "self": format!("{}{API}/component/{}", self.directory.base_url, component.id),
            "id": component.id.to_string(),
            "name": component.name,
            "description": component.description,
            "assigneeType": component.assignee_type,
            "project": project.key,
            "archived": false,
            "deleted": false,
        });
        if let Some(lead) = component.lead.as_ref().and_then(|key| self.directory.account_of_key(key)) {
            bean["lead"] = self.short_user(lead);
            bean["leadUserName"] = lead.name.clone().into();
        }
        bean
    }
}
