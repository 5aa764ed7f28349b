//! API 1.0: `/groups/{workspace}`. Only an owner of the workspace may call it.

use axum::{
    Form, Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BitbucketCloud, Refusal, Workspace, check, uuid};
use crate::installation::{
    authentication::Administrator,
    directory::{Account, Group, fold},
    request::{Body, Parameters},
};

/// A slug is the name in lower case, with dashes for everything that is no letter or digit.
fn slug(name: &str) -> String {
    let dashed: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn profile(account: &Account) -> Value {
    json!({
        "display_name": account.display_name,
        "account_id": account.key,
        "uuid": uuid(account),
        "nickname": account.display_name,
        "is_team": false,
        "is_staff": false,
        "resource_uri": format!("/1.0/users/{}", uuid(account)),
    })
}

fn profiles(site: &Workspace, group: &Group) -> Vec<Value> {
    site.directory.members_of(group).map(profile).collect()
}

fn shown(group: &Group) -> Value {
    let slug = slug(&group.name);
    let permission = if slug == "administrators" { json!("admin") } else { Value::Null };
    json!({ "name": group.name, "slug": slug, "permission": permission, "auto_add": false })
}

/// The group's name in the directory.
fn name_of(site: &Workspace, asked: &str) -> Result<String, Refusal> {
    let mut groups = site.directory.groups.values();
    let found = groups.find(|group| slug(&group.name) == asked);
    found.map(|group| fold(&group.name)).ok_or_else(|| Refusal::not_found("Group"))
}

/// `GET /1.0/groups/{workspace}`, with the members unless they are excluded.
pub(super) async fn all(
    State(bitbucket): State<BitbucketCloud>,
    _: Administrator,
    Path(workspace): Path<String>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    check(&workspace)?;
    let site = bitbucket.site();
    let excluded = parameters.flag("exclude_members", false);
    if !excluded && site.directory.groups.len() > site.quirks.most_groups_with_members {
        return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, "The upstream server took too long"));
    }
    let groups = site.directory.groups.values().map(|group| {
        let mut body = shown(group);
        if !excluded {
            body["members"] = json!(profiles(&site, group));
        }
        body
    });
    Ok(Json(groups.collect()))
}

/// The form of `POST /1.0/groups/{workspace}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    name: String,
}

/// `POST /1.0/groups/{workspace}`.
pub(super) async fn create(
    State(bitbucket): State<BitbucketCloud>,
    _: Administrator,
    Path(workspace): Path<String>,
    Form(NewGroup { name }): Form<NewGroup>,
) -> Result<Json<Value>, Refusal> {
    check(&workspace)?;
    let mut site = bitbucket.site();
    let wanted = slug(&name);
    if wanted.is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "A group needs a name"));
    }
    if name_of(&site, &wanted).is_ok() {
        return Err(Refusal::new(StatusCode::CONFLICT, "A group with that slug exists"));
    }
    let mut body = shown(site.directory.insert_group(&name));
    body["members"] = json!([]);
    Ok(Json(body))
}

/// `DELETE /1.0/groups/{workspace}/{slug}`.
pub(super) async fn delete(
    State(bitbucket): State<BitbucketCloud>,
    _: Administrator,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    check(&workspace)?;
    let mut site = bitbucket.site();
    let name = name_of(&site, &slug)?;
    site.directory.groups.remove(&name);
    Ok(StatusCode::NO_CONTENT)
}

/// `GET …/{slug}/members`.
pub(super) async fn members(
    State(bitbucket): State<BitbucketCloud>,
    _: Administrator,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    check(&workspace)?;
    let site = bitbucket.site();
    let name = name_of(&site, &slug)?;
    Ok(Json(
        site.directory.groups.get(&name).map(|group| profiles(&site, group)).into_iter().flatten().collect(),
    ))
}

/// `PUT …/{slug}/members/{member}`.
pub(super) async fn join(
    State(bitbucket): State<BitbucketCloud>,
    _: Administrator,
    Path((workspace, slug, member)): Path<(String, String, String)>,
    Body(_): Body<Value>,
) -> Result<Json<Value>, Refusal> {
    check(&workspace)?;
    let mut site = bitbucket.site();
    let name = name_of(&site, &slug)?;
    let account = site.account(&member)?;
    let (folded, body) = (fold(&account.name), profile(account));
    if !site.directory.insert_group(&name).members.insert(folded) {
        return Err(Refusal::new(site.quirks.already_member, "Already a member of the group"));
    }
    Ok(Json(body))
}

/// `DELETE …/{slug}/members/{member}`.
pub(super) async fn leave(
    State(bitbucket): State<BitbucketCloud>,
    _: Administrator,
    Path((workspace, slug, member)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    check(&workspace)?;
    let mut site = bitbucket.site();
    let name = name_of(&site, &slug)?;
    let folded = fold(&site.account(&member)?.name);
    if !site.directory.insert_group(&name).members.remove(&folded) {
        return Err(Refusal::not_found("Member of the group"));
    }
    Ok(StatusCode::NO_CONTENT)
}
