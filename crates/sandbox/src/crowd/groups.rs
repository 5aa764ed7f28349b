//! `/group`, `/group/user/direct`, `/user/group/direct`: groups and who is in them directly.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Crowd,
    answers::{Refusal, group, may_write, part, user},
};
use crate::installation::{
    authentication::LoggedIn,
    directory::fold,
    request::{Body, Parameters},
};

/// `GET /group?groupname=`.
pub(super) async fn get(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let directory = crowd.site();
    Ok(Json(group(&directory.crowd_group(parameters.required("groupname")?)?.name, true)))
}

/// The body of `POST /group`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupEntity {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "active")]
    _active: Option<bool>,
}

/// `POST /group`.
pub(super) async fn create(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    Body(entity): Body<GroupEntity>,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    if entity.name.trim().is_empty() || entity.kind != "GROUP" {
        return Err(Refusal::bad_request("INVALID_GROUP", "A group needs a name and the type GROUP"));
    }
    let mut directory = crowd.site();
    if directory.crowd_group(&entity.name).is_ok() {
        return Err(Refusal::bad_request("INVALID_GROUP", format!("Group already exists: {}", entity.name)));
    }
    directory.insert_group(&entity.name);
    Ok(StatusCode::CREATED)
}

/// `DELETE /group?groupname=`.
pub(super) async fn delete(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    let mut directory = crowd.site();
    let folded = fold(&directory.crowd_group(parameters.required("groupname")?)?.name);
    directory.groups.remove(&folded);
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /user/group/direct?username=`.
pub(super) async fn of_user(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let directory = crowd.site();
        let folded = fold(&directory.crowd_user(parameters.required("username")?)?.name);
        directory.groups_of(&folded).into_iter().map(|name| group(name, false)).collect()
    };
    part(&parameters, "groups", all)
}

/// `GET /group/user/direct?groupname=`: deactivated members too.
pub(super) async fn members(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let whole = parameters.expands("user");
    let all = {
        let directory = crowd.site();
        let group = directory.crowd_group(parameters.required("groupname")?)?;
        directory.members_of(group).map(|account| user(&crowd, account, whole)).collect()
    };
    part(&parameters, "users", all)
}

/// The body of `POST /group/user/direct`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserName {
    name: String,
}

/// `POST /group/user/direct?groupname=`.
pub(super) async fn join(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
    Body(UserName { name }): Body<UserName>,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    let mut directory = crowd.site();
    let group = directory.crowd_group(parameters.required("groupname")?)?.name.clone();
    // The group is what the address names; a user that is not there makes the body wrong.
    let Ok(account) = directory.crowd_user(&name) else {
        return Err(Refusal::bad_request("USER_NOT_FOUND", format!("User <{name}> does not exist")));
    };
    let member = fold(&account.name);
    if !directory.insert_group(&group).members.insert(member) {
        let text = format!("User <{name}> is already a member of {group}");
        return Err(Refusal::new(crowd.options().quirks.already_member, "MEMBERSHIP_ALREADY_EXISTS", text));
    }
    Ok(StatusCode::CREATED)
}

/// `DELETE /group/user/direct?groupname=&username=`.
pub(super) async fn leave(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    let mut directory = crowd.site();
    let group = directory.crowd_group(parameters.required("groupname")?)?.name.clone();
    let member = fold(&directory.crowd_user(parameters.required("username")?)?.name);
    if directory.insert_group(&group).members.remove(&member) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::not_found("MEMBERSHIP_NOT_FOUND", format!("{member} is not a member of {group}")))
    }
}
