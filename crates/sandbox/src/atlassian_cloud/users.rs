//! `/Users`.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Map, Value};

use super::{
    AtlassianCloud, DIRECTORY,
    answers::{Refusal, equal, part, user},
    patch::PatchOp,
    scim,
    site::read_user,
};
use crate::installation::{
    authentication::LoggedIn,
    directory::fold,
    request::{Body, Parameters},
};

/// A key opens its own directory only.
pub(super) fn check_directory(directory: &str) -> Result<(), Refusal> {
    if directory == DIRECTORY {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::FORBIDDEN, None, "The API key is not valid for this directory"))
}

/// `GET /Users`: by `userName` or `externalId`, or all of them.
pub(super) async fn list(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path(directory): Path<String>,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    let wanted = equal(&parameters, &["userName", "externalId"])?;
    let site = cloud.site();
    let matches = |id: &str, name: &str| match &wanted {
        None => true,
        Some((attribute, value)) if attribute == "userName" => fold(name) == fold(value),
        Some((attribute, value)) => site.document(id).get(attribute).and_then(Value::as_str) == Some(value),
    };
    let accounts = site.directory.accounts.values();
    let accounts =
        accounts.filter(|account| site.is_listed(&account.key) && matches(&account.key, &account.name));
    let all = accounts.map(|account| user(&site, account)).collect();
    part(&parameters, all)
}

/// `GET /Users/{id}`.
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
    let account = site.directory.account_of_key(id).ok_or_else(|| Refusal::not_found("USER", id))?;
    Ok(scim(status, &user(&site, account)))
}

/// `POST /Users`.
pub(super) async fn create(
    State(cloud): State<AtlassianCloud>,
    LoggedIn(by): LoggedIn,
    Path(directory): Path<String>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    let write = read_user(&body)?;
    let folded = fold(&write.user_name);
    let id = cloud.site().create_user(write, &by)?;
    cloud.traffic().calls.created(&folded);
    shown(&cloud, StatusCode::CREATED, &id)
}

/// `PUT /Users/{id}`.
pub(super) async fn put(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path((directory, id)): Path<(String, String)>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    let write = read_user(&body)?;
    cloud.site().write_user(&id, write)?;
    shown(&cloud, StatusCode::OK, &id)
}

/// `PATCH /Users/{id}`.
pub(super) async fn patch(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path((directory, id)): Path<(String, String)>,
    Body(body): Body<PatchOp>,
) -> Result<Response, Refusal> {
    check_directory(&directory)?;
    body.apply_to_user(&mut cloud.site(), &id)?;
    shown(&cloud, StatusCode::OK, &id)
}

/// `DELETE /Users/{id}`.
pub(super) async fn delete(
    State(cloud): State<AtlassianCloud>,
    _: LoggedIn,
    Path((directory, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    check_directory(&directory)?;
    cloud.site().delete_user(&id)?;
    Ok(StatusCode::NO_CONTENT)
}
