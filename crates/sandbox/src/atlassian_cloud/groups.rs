//! `/Groups`.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    AtlassianCloud,
    answers::{Refusal, equal, group, part},
    patch::PatchOp,
    scim,
    site::group_id,
    users::check_directory,
};
use crate::installation::{
    authentication::LoggedIn,
    request::{Body, Parameters},
};

/// `GET /Groups`: by exact name, or all of them.
pub(super) async fn list(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path(directory): Path<String>,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    let wanted = equal(&parameters, &["displayName"])?;
    let site = cloud.site();
    let groups = site.directory.groups.values().filter(|group| site.is_listed(&group_id(group)));
    let groups = groups.filter(|group| wanted.as_ref().is_none_or(|(_, name)| group.name == *name));
    let all = groups.map(|found| group(&site, found, false)).collect();
    part(&parameters, all)
}

/// `GET /Groups/{id}`.
pub(super) async fn get(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path((directory, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    shown(&cloud, StatusCode::OK, &id)
}

fn shown(cloud: &AtlassianCloud, status: StatusCode, id: &str) -> Result<Response, Refusal> {
    let site = cloud.site();
    Ok(scim(status, &group(&site, site.group(id)?, true)))
}

/// The body of `POST /Groups`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    schemas: Vec<String>,
    #[serde(rename = "displayName")]
    display_name: String,
}

/// `POST /Groups`: an empty group.
pub(super) async fn create(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path(directory): Path<String>,
    Body(body): Body<NewGroup>,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    if body.schemas.is_empty() || body.display_name.trim().is_empty() {
        return Err(Refusal::invalid_value("schemas and displayName are required"));
    }
    let id = cloud.site().create_group(&body.display_name)?;
    shown(&cloud, StatusCode::CREATED, &id)
}

/// `PATCH /Groups/{id}`: the answer is the whole group.
pub(super) async fn patch(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path((directory, id)): Path<(String, String)>,
    Body(body): Body<PatchOp>,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    body.apply_to_group(&mut cloud.site(), &id)?;
    shown(&cloud, StatusCode::OK, &id)
}

/// `DELETE /Groups/{id}`.
pub(super) async fn delete(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path((directory, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    check_directory(&directory)?;
    cloud.site().delete_group(&id)?;
    Ok(StatusCode::NO_CONTENT)
}
