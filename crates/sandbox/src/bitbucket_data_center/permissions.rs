//! `/admin/permissions`: who may use, extend and administer the site.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::{
    BitbucketDataCenter,
    answers::{Refusal, matches, page},
    site::Permission,
};
use crate::installation::{authentication::Administrator, directory::fold, request::Parameters};

/// `GET /admin/permissions/groups`: groups with the highest permission that each has.
pub(super) async fn of_groups(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = bitbucket.site();
        let held = site.group_permissions.iter();
        let named = held.filter_map(|(group, held)| Some((site.directory.groups.get(group)?, held)));
        named
            .filter(|(group, _)| matches(&parameters, &[&group.name]))
            .map(|(group, held)| json!({ "group": { "name": group.name }, "permission": held.name() }))
            .collect()
    };
    page(&parameters, all)
}

/// `GET /admin/permissions/users`: accounts that have a permission by themselves.
pub(super) async fn of_users(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = bitbucket.site();
        let held = site.user_permissions.iter();
        let named = held.filter_map(|(user, held)| Some((site.directory.accounts.get(user)?, held)));
        named
            .filter(|(user, _)| matches(&parameters, &[&user.name, &user.display_name, &user.email]))
            .map(|(user, held)| json!({ "user": site.detailed_user(user), "permission": held.name() }))
            .collect()
    };
    page(&parameters, all)
}

/// `PUT /admin/permissions/groups?name=&permission=`.
pub(super) async fn grant_group(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let name = fold(&site.group(parameters.required("name")?)?.name);
    grant(&mut site.group_permissions, name, &parameters)
}

/// `PUT /admin/permissions/users?name=&permission=`.
pub(super) async fn grant_user(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let name = fold(&site.account(parameters.required("name")?)?.name);
    grant(&mut site.user_permissions, name, &parameters)
}

fn grant(
    permissions: &mut BTreeMap<String, Permission>,
    name: String,
    parameters: &Parameters,
) -> Result<StatusCode, Refusal> {
    let permission = Permission::parse(parameters.required("permission")?)
        .ok_or_else(|| Refusal::bad_request("There is no such permission."))?;
    permissions.insert(name, permission);
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /admin/permissions/groups?name=`.
pub(super) async fn revoke_group(
    State(bitbucket): State<BitbucketDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let folded = fold(&site.group(parameters.required("name")?)?.name);
    if !site.directory.administers_without(&caller, &folded) {
        return Err(Refusal::conflict("You would lower your own permission."));
    }
    site.group_permissions.remove(&folded);
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /admin/permissions/users?name=`.
pub(super) async fn revoke_user(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let folded = fold(&site.account(parameters.required("name")?)?.name);
    site.user_permissions.remove(&folded);
    Ok(StatusCode::NO_CONTENT)
}
