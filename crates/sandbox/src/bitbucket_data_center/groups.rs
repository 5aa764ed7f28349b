//! `/admin/groups`, `/admin/users/…-group`: groups and memberships.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{
    BitbucketDataCenter,
    answers::{Refusal, matches, page},
    site::Site,
    users::check_seats,
};
use crate::installation::{
    authentication::Administrator,
    directory::{Account, fold},
    request::{Body, Parameters},
};

/// `GET /admin/groups?filter=`.
pub(super) async fn list(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    groups(&bitbucket, &parameters, |_| true)
}

/// `GET /admin/users/more-members?context=USER`: the groups that hold the user.
pub(super) async fn of_user(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let folded = fold(&bitbucket.site().account(parameters.required("context")?)?.name);
    groups(&bitbucket, &parameters, |members| members.contains(&folded))
}

/// `GET /admin/users/more-non-members?context=USER`: the groups that do not.
pub(super) async fn not_of_user(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let folded = fold(&bitbucket.site().account(parameters.required("context")?)?.name);
    groups(&bitbucket, &parameters, |members| !members.contains(&folded))
}

fn groups(
    bitbucket: &BitbucketDataCenter,
    parameters: &Parameters,
    shown: impl Fn(&std::collections::BTreeSet<String>) -> bool,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = bitbucket.site();
        let groups = site.directory.groups.values();
        let found = groups.filter(|group| shown(&group.members) && matches(parameters, &[&group.name]));
        found.map(|group| Site::detailed_group(&group.name)).collect()
    };
    page(parameters, all)
}

/// `GET /admin/groups/more-members?context=GROUP`.
pub(super) async fn members(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    people(&bitbucket, &parameters, true)
}

/// `GET /admin/groups/more-non-members?context=GROUP`.
pub(super) async fn non_members(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    people(&bitbucket, &parameters, false)
}

fn people(
    bitbucket: &BitbucketDataCenter,
    parameters: &Parameters,
    inside: bool,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = bitbucket.site();
        let group = site.group(parameters.required("context")?)?;
        let shown = |(name, account): &(&String, &Account)| {
            group.members.contains(*name) == inside
                && matches(parameters, &[&account.name, &account.display_name, &account.email])
        };
        let accounts = site.directory.accounts.iter().filter(shown);
        accounts.map(|(_, account)| site.detailed_user(account)).collect()
    };
    page(parameters, all)
}

/// `POST /admin/groups?name=`.
pub(super) async fn create(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let name = parameters.required("name")?.trim();
    let mut site = bitbucket.site();
    if site.group(name).is_ok() {
        return Err(Refusal::conflict(format!("A group named {name} exists already.")));
    }
    site.directory.insert_group(name);
    Ok(Json(Site::detailed_group(name)))
}

/// `DELETE /admin/groups?name=`.
pub(super) async fn delete(
    State(bitbucket): State<BitbucketDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let mut site = bitbucket.site();
    let name = site.group(parameters.required("name")?)?.name.clone();
    let folded = fold(&name);
    if site.directory.is_administrator(&caller) && !site.directory.administers_without(&caller, &folded) {
        return Err(Refusal::conflict("You would lower your own permission."));
    }
    site.directory.groups.remove(&folded);
    site.group_permissions.remove(&folded);
    Ok(Json(Site::detailed_group(&name)))
}

/// The body of `POST /admin/groups/add-users`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupAndUsers {
    group: String,
    users: Vec<String>,
}

/// `POST /admin/groups/add-users`: all of them, or none.
pub(super) async fn add_users(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(GroupAndUsers { group, users }): Body<GroupAndUsers>,
) -> Result<StatusCode, Refusal> {
    add(&bitbucket, &[group], &users)
}

/// The body of `POST /admin/users/add-groups`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserAndGroups {
    user: String,
    groups: Vec<String>,
}

/// `POST /admin/users/add-groups`: all of them, or none.
pub(super) async fn add_groups(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(UserAndGroups { user, groups }): Body<UserAndGroups>,
) -> Result<StatusCode, Refusal> {
    add(&bitbucket, &groups, &[user])
}

/// The body of the calls about one member of one group.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PickerContext {
    context: String,
    item_name: String,
}

/// `POST /admin/groups/add-user`: the context is the group.
pub(super) async fn add_user(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(PickerContext { context, item_name }): Body<PickerContext>,
) -> Result<StatusCode, Refusal> {
    add(&bitbucket, &[context], &[item_name])
}

/// `POST /admin/users/add-group`: the context is the user.
pub(super) async fn add_group(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(PickerContext { context, item_name }): Body<PickerContext>,
) -> Result<StatusCode, Refusal> {
    add(&bitbucket, &[item_name], &[context])
}

/// `POST /admin/groups/remove-user`: the context is the group.
pub(super) async fn remove_user(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(PickerContext { context, item_name }): Body<PickerContext>,
) -> Result<StatusCode, Refusal> {
    remove(&bitbucket, &context, &item_name)
}

/// `POST /admin/users/remove-group`: the context is the user.
pub(super) async fn remove_group(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(PickerContext { context, item_name }): Body<PickerContext>,
) -> Result<StatusCode, Refusal> {
    remove(&bitbucket, &item_name, &context)
}

fn add(bitbucket: &BitbucketDataCenter, groups: &[String], users: &[String]) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let groups: Vec<String> =
        groups.iter().map(|name| Ok(site.group(name)?.name.clone())).collect::<Result<_, Refusal>>()?;
    let users: Vec<String> =
        users.iter().map(|name| Ok(fold(&site.account(name)?.name))).collect::<Result<_, Refusal>>()?;
    if groups.iter().any(|group| site.group_permissions.contains_key(&fold(group))) {
        check_seats(bitbucket, site.licensed_with(&users))?;
    }
    for group in groups {
        site.directory.insert_group(&group).members.extend(users.iter().cloned());
    }
    Ok(StatusCode::OK)
}

fn remove(bitbucket: &BitbucketDataCenter, group: &str, user: &str) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let group = site.group(group)?.name.clone();
    let user = fold(&site.account(user)?.name);
    let was_in = site.directory.insert_group(&group).members.remove(&user);
    if was_in || bitbucket.options().quirks.removes_strangers {
        Ok(StatusCode::OK)
    } else {
        Err(Refusal::not_found(format!("{user} is not in {group}.")))
    }
}
