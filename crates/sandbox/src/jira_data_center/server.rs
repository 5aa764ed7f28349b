//! `/serverInfo`, `/myself`, `/mypermissions`: what the site is, and who is asking.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{JiraDataCenter, answers::Refusal, site::SYSTEM_ADMINISTRATORS};
use crate::installation::{authentication::LoggedIn, directory::fold, request::Parameters};

/// `GET /serverInfo`, which nobody needs to log in for.
pub(super) async fn server_info(State(jira): State<JiraDataCenter>) -> Json<Value> {
    let version = &jira.options().version;
    let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    // The product's build numbers rise with its versions: 10.3.0 is 10030000.
    let build_number = numbers.iter().chain([&0; 3]).take(3).fold(0, |number, part| number * 1_000 + part);
    Json(json!({
        "baseUrl": jira.site().directory.base_url,
        "version": version,
        "versionNumbers": numbers,
        "deploymentType": "Server",
        "buildNumber": build_number,
        "serverTitle": "Jira",
    }))
}

/// `GET /myself`.
pub(super) async fn myself(
    State(jira): State<JiraDataCenter>,
    LoggedIn(caller): LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let account = site.account(&caller)?;
    let (groups, roles) = (parameters.expands("groups"), parameters.expands("applicationRoles"));
    Ok(Json(site.expandable_bean(account, groups, roles)))
}

/// `GET /mypermissions`: the global permissions that administering accounts depends on.
pub(super) async fn my_permissions(
    State(jira): State<JiraDataCenter>,
    LoggedIn(caller): LoggedIn,
) -> Json<Value> {
    let site = jira.site();
    let administers = site.directory.is_administrator(&caller);
    let administers_system = site
        .directory
        .groups
        .get(&fold(SYSTEM_ADMINISTRATORS))
        .is_some_and(|group| group.members.contains(&caller));
    let permission = |id: &str, key: &str, name: &str, have: bool| json!({"id": id, "key": key, "name": name, "type": "GLOBAL", "description": name, "havePermission": have});
    Json(json!({"permissions": {
        "ADMINISTER": permission("0", "ADMINISTER", "Jira Administrators", administers),
        "SYSTEM_ADMIN": permission("44", "SYSTEM_ADMIN", "Jira System Administrators", administers_system),
        "USER_PICKER": permission("27", "USER_PICKER", "Browse Users", true),
    }}))
}
