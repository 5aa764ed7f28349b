//! Reading: what the site is, who is asking, and who has an account.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    Confluence, ConfluenceDataCenter,
    answers::{Refusal, page},
    site::Site,
};
use crate::installation::{
    Product,
    authentication::{Caller, LoggedIn},
    directory::Account,
    request::Parameters,
};

/// `GET /server-information`.
pub(super) async fn server_information(
    State(confluence): State<ConfluenceDataCenter>,
    LoggedIn(_): LoggedIn,
) -> Response {
    if !confluence.options().quirks.tells_version {
        return Confluence::refusal(StatusCode::NOT_FOUND, "null for uri");
    }
    let version = &confluence.options().version;
    Json(json!({
        "baseUrl": confluence.site().directory.base_url,
        "version": version,
        "buildNumber": 9_300,
        "marketplaceBuildNumber": 9_300,
        "buildDate": "2025-01-01T00:00:00.000Z",
    }))
    .into_response()
}

/// `GET /user/current`: nobody is refused; who has not logged in is told so by `type`.
pub(super) async fn current(
    State(confluence): State<ConfluenceDataCenter>,
    caller: axum::Extension<Caller>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let Caller::Account(name) = &caller.0 else {
        return Ok(Json(json!({ "type": "anonymous", "displayName": "Anonymous", "profilePicture": {} })));
    };
    let site = confluence.site();
    Ok(Json(site.person(site.account(name)?, parameters.expands("status"))))
}

/// `GET /user?username=` or `?key=`.
pub(super) async fn get(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = confluence.site();
    Ok(Json(site.person(site.named_account(&parameters)?, parameters.expands("status"))))
}

/// `GET /user/list`: everybody, deactivated people too.
pub(super) async fn list(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    people(&confluence, "/user/list", &parameters, |_| true)
}

/// `GET /admin/users/list/active`.
pub(super) async fn list_active(
    State(confluence): State<ConfluenceDataCenter>,
    _: Viewer,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    people(&confluence, "/admin/users/list/active", &parameters, |account| account.active)
}

fn people(
    confluence: &ConfluenceDataCenter,
    path: &str,
    parameters: &Parameters,
    shown: fn(&Account) -> bool,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = confluence.site();
        let accounts = site.directory.accounts.values().filter(|account| shown(account));
        accounts.map(|account| site.person(account, parameters.expands("status"))).collect()
    };
    page(confluence, path, parameters, all)
}

/// Somebody who may see people and groups: everybody who has logged in. Others are answered with 403, not 401.
pub(super) struct Viewer;

impl FromRequestParts<ConfluenceDataCenter> for Viewer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &ConfluenceDataCenter) -> Result<Self, Refusal> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Account(_)) => Ok(Self),
            Some(Caller::Anonymous) | None => Err(Refusal::forbidden("User not permitted to view this.")),
        }
    }
}

impl Site {
    /// Returns the account that `key` or `username` names.
    pub(super) fn named_account(&self, parameters: &Parameters) -> Result<&Account, Refusal> {
        if let Some(key) = parameters.get("key") {
            return self.directory.account_of_key(key).ok_or_else(|| {
                Refusal::new(StatusCode::NOT_FOUND, format!("No user found with key : {key}"))
            });
        }
        match parameters.get("username") {
            Some(name) => self.account(name),
            None => Err(Refusal::bad_request("Either a username or a key must be provided.")),
        }
    }
}
