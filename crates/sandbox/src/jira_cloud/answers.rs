//! Refusals in Jira's form, and how accounts and groups are shown.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{API, site::Site};
use crate::installation::{
    directory::{Account, Group},
    request::{BadParameter, Parameters, query_value},
};
use crate::organization::OrganizationRefusal;

/// What a refused request is answered: `{"errorMessages":["…"],"errors":{}}`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned() }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::bad_request(&bad.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "errorMessages": [self.message], "errors": {} }))).into_response()
    }
}

impl From<Refusal> for OrganizationRefusal {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status, code: "ADMIN-404-8", detail: refusal.message }
    }
}

/// An account as the site shows it; what a person hides is left out.
pub(super) fn user(site: &Site, account: &Account) -> Value {
    let mut body = json!({
        "self": format!("{}{API}/user?accountId={}", site.directory.base_url, query_value(&account.key)),
        "accountId": account.key,
        "accountType": "atlassian",
        "displayName": account.display_name,
        // A suspended account is the person's all the same.
        "active": account.active || site.suspended.contains(&account.key),
        "avatarUrls": {},
    });
    if !site.quirks.hides_emails {
        body["emailAddress"] = json!(account.email);
    }
    body
}

/// A group by name and identifier.
pub(super) fn group(group: &Group) -> Value {
    json!({ "name": group.name, "groupId": super::site::group_id(group) })
}

/// The part of a list that was asked for, in the envelope of a page.
pub(super) fn page(
    parameters: &Parameters,
    default: usize,
    most: usize,
    all: Vec<Value>,
) -> Result<Json<Value>, Refusal> {
    let (start, count, total) = bounds(parameters, default, most, all.len())?;
    let values: Vec<Value> = all.into_iter().skip(start).take(count).collect();
    let last = start + values.len() >= total;
    Ok(Json(json!({
        "startAt": start, "maxResults": count, "total": total, "isLast": last, "values": values,
    })))
}

/// The part of a list that was asked for, bare.
pub(super) fn part(
    parameters: &Parameters,
    default: usize,
    most: usize,
    all: Vec<Value>,
) -> Result<Json<Value>, Refusal> {
    let (start, count, _) = bounds(parameters, default, most, all.len())?;
    Ok(Json(all.into_iter().skip(start).take(count).collect()))
}

fn bounds(
    parameters: &Parameters,
    default: usize,
    most: usize,
    total: usize,
) -> Result<(usize, usize, usize), BadParameter> {
    let start = parameters.count("startAt", 0)?;
    let count = parameters.count("maxResults", default)?.min(most);
    Ok((start, count, total))
}
