//! `/group`: groups go by identifiers; only `/group/bulk` knows their names.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    API, JiraCloud,
    answers::{Refusal, group, page, user},
    site::group_id,
};
use crate::installation::{
    authentication::Administrator,
    directory::fold,
    request::{Body, Parameters},
};

/// Groups that give the administration of the site.
const ADMINISTRATORS: [&str; 2] = ["site-admins", "jira-admins"];

/// The body of `POST /group`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    name: String,
}

/// `POST /group`.
pub(super) async fn create(
    State(jira): State<JiraCloud>,
    _: Administrator,
    Body(NewGroup { name }): Body<NewGroup>,
) -> Result<Response, Refusal> {
    let mut site = jira.site();
    if name.trim().is_empty() || site.directory.groups.contains_key(&fold(&name)) {
        return Err(Refusal::bad_request("Group name is not specified or is in use."));
    }
    let id = group_id(site.directory.insert_group(&name));
    let link = format!("{}{API}/group?groupId={id}", site.directory.base_url);
    let users = json!({ "size": 0, "items": [], "max-results": 50, "start-index": 0, "end-index": 0 });
    let body = json!({ "name": name, "groupId": id, "self": link, "users": users, "expand": "users" });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// `DELETE /group?groupId=`.
pub(super) async fn delete(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = jira.site();
    let folded = fold(&site.group(parameters.required("groupId")?)?.name);
    site.directory.groups.remove(&folded);
    Ok(StatusCode::OK)
}

/// `GET /group/bulk`: by names, by what they give access to, or all.
pub(super) async fn bulk(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let names: Vec<&str> = parameters.all("groupName").collect();
    let access = parameters.get("accessType");
    if access.is_some_and(|access| !["site-admin", "admin", "user"].contains(&access)) {
        return Err(Refusal::bad_request("The accessType is not valid."));
    }
    let gives = |name: &str| match access {
        Some("site-admin") => name == ADMINISTRATORS[0],
        Some("admin") => name == ADMINISTRATORS[1],
        Some(_) => !ADMINISTRATORS.contains(&name),
        None => true,
    };
    let groups = site.directory.groups.values();
    let matching = groups
        .filter(|group| (names.is_empty() || names.contains(&group.name.as_str())) && gives(&group.name));
    page(&parameters, 50, 1_000, matching.map(group).collect())
}

/// `GET /group/member?groupId=`.
pub(super) async fn members(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let inactive = parameters.flag("includeInactiveUsers", false);
    let all = {
        let site = jira.site();
        let group = site.group(parameters.required("groupId")?)?;
        let members = site.directory.members_of(group).filter(|account| inactive || account.active);
        members.map(|account| user(&site, account)).collect()
    };
    page(&parameters, 50, 50, all)
}

/// The body of `POST /group/user`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewMember {
    account_id: String,
}

/// `POST /group/user?groupId=`.
pub(super) async fn join(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
    Body(NewMember { account_id }): Body<NewMember>,
) -> Result<Response, Refusal> {
    let mut site = jira.site();
    let found = site.group(parameters.required("groupId")?)?;
    let (name, shown) = (fold(&found.name), group(found));
    let member = fold(&site.account(&account_id)?.name);
    if !site.directory.insert_group(&name).members.insert(member) {
        let status = site.quirks.already_member;
        return Err(Refusal::new(status, "Cannot add user, user is already a member of the group."));
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// `DELETE /group/user?groupId=&accountId=`.
pub(super) async fn leave(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = jira.site();
    let name = fold(&site.group(parameters.required("groupId")?)?.name);
    let member = fold(&site.account(parameters.required("accountId")?)?.name);
    if !site.directory.insert_group(&name).members.remove(&member) {
        let text = "Cannot remove user, user is not a member of the group.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    }
    Ok(StatusCode::OK)
}
