//! Refusals in Crowd's form, and how users and groups are shown.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{API, Crowd};
use crate::installation::{
    directory::{Account, Directory, Group, fold},
    request::{BadParameter, Parameters, query_value},
};

/// How many a list shows unless it is asked for fewer.
const PAGE_DEFAULT: usize = 1_000;

/// What a refused request is answered: `{"reason":"…","message":"…"}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    pub(super) fn bad_request(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, message)
    }

    pub(super) fn not_found(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, reason, message)
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::bad_request("ILLEGAL_ARGUMENT", bad.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "reason": self.reason, "message": self.message }))).into_response()
    }
}

/// Refuses an application that may only read.
pub(super) fn may_write(crowd: &Crowd) -> Result<(), Refusal> {
    if crowd.options().quirks.may_write {
        return Ok(());
    }
    let text = "Application does not have permission to do this in any of its directories";
    Err(Refusal::new(StatusCode::FORBIDDEN, "APPLICATION_PERMISSION_DENIED", text))
}

impl Directory {
    /// Returns the account, by name without case.
    pub(super) fn crowd_user(&self, name: &str) -> Result<&Account, Refusal> {
        let found = self.accounts.get(&fold(name));
        found.ok_or_else(|| Refusal::not_found("USER_NOT_FOUND", format!("User <{name}> does not exist")))
    }

    /// Returns the group, by name without case.
    pub(super) fn crowd_group(&self, name: &str) -> Result<&Group, Refusal> {
        let found = self.groups.get(&fold(name));
        found.ok_or_else(|| Refusal::not_found("GROUP_NOT_FOUND", format!("Group <{name}> does not exist")))
    }
}

/// A user; in a list only its name unless `expand=user` asks for the rest.
pub(super) fn user(crowd: &Crowd, account: &Account, whole: bool) -> Value {
    let link = format!("{}/user?username={}", API, query_value(&account.name));
    let mut user = json!({ "link": { "href": link, "rel": "self" }, "name": account.name });
    if !whole {
        return user;
    }
    let (first, last) = account.display_name.rsplit_once(' ').unwrap_or(("", &account.display_name));
    user["first-name"] = first.into();
    user["last-name"] = last.into();
    user["display-name"] = account.display_name.as_str().into();
    user["email"] = account.email.as_str().into();
    user["active"] = account.active.into();
    user["attributes"] = json!({ "attributes": [] });
    if crowd.options().quirks.tells_keys {
        user["key"] = account.key.as_str().into();
    }
    user
}

/// A group; in a list only its name.
pub(super) fn group(name: &str, whole: bool) -> Value {
    let link = format!("{}/group?groupname={}", API, query_value(name));
    let mut group = json!({ "link": { "href": link, "rel": "self" }, "name": name });
    if whole {
        group["type"] = "GROUP".into();
        group["active"] = true.into();
        group["description"] = "".into();
    }
    group
}

/// The part of a list that `start-index` and `max-results` name; nothing tells whether there is more.
pub(super) fn part(parameters: &Parameters, field: &str, all: Vec<Value>) -> Result<Json<Value>, Refusal> {
    let start = parameters.count("start-index", 0)?;
    let limit = parameters.count("max-results", PAGE_DEFAULT)?;
    let shown: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    let expand = field.trim_end_matches('s');
    Ok(Json(json!({ "expand": expand, field: shown })))
}
