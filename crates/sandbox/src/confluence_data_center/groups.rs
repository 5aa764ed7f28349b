//! `/group`, `/user/memberof`, `/user/{username}/group/{group}`: groups and memberships.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::Value;

use super::{
    ConfluenceDataCenter,
    answers::{Refusal, page},
    users::Viewer,
};
use crate::installation::{authentication::Administrator, directory::fold, request::Parameters};

/// `GET /group`.
pub(super) async fn list(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = confluence.site();
        site.directory.groups.values().map(|group| site.group_bean(&group.name)).collect()
    };
    page(&confluence, "/group", &parameters, all)
}

/// `GET /group/{group}`.
pub(super) async fn get(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let site = confluence.site();
    Ok(Json(site.group_bean(&site.group(&name)?.name)))
}

/// `GET /group/{group}/member`: deactivated members too.
pub(super) async fn members(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = confluence.site();
        let members = site.directory.members_of(site.group(&name)?);
        members.map(|account| site.person(account, parameters.expands("status"))).collect()
    };
    page(&confluence, &format!("/group/{name}/member"), &parameters, all)
}

/// `GET /group/{group}/groupmember`: this site nests no groups.
pub(super) async fn group_members(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    confluence.site().group(&name)?;
    page(&confluence, &format!("/group/{name}/groupmember"), &parameters, Vec::new())
}

/// `GET /user/memberof?username=` or `?key=`.
pub(super) async fn of_user(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = confluence.site();
        let folded = fold(&site.named_account(&parameters)?.name);
        site.directory.groups_of(&folded).into_iter().map(|name| site.group_bean(name)).collect()
    };
    page(&confluence, "/user/memberof", &parameters, all)
}

/// `PUT /user/{username}/group/{group}`: a member already is no error.
pub(super) async fn join(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(_): Administrator,
    Path((username, group)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut site = confluence.site();
    let member = fold(&site.account(&username)?.name);
    let group = site.group(&group)?.name.clone();
    site.directory.insert_group(&group).members.insert(member);
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /user/{username}/group/{group}`: no member is no error.
pub(super) async fn leave(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(_): Administrator,
    Path((username, group)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut site = confluence.site();
    let member = fold(&site.account(&username)?.name);
    let group = site.group(&group)?.name.clone();
    site.directory.insert_group(&group).members.remove(&member);
    Ok(StatusCode::NO_CONTENT)
}
