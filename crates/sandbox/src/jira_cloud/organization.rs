//! `/admin/v2/orgs/{organization}`: who is in the organization's directory. The organization's key opens it, and no
//! account.

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DIRECTORY_ID, JiraCloud, ORGANIZATION_ID, answers::OrganizationRefusal, site::Site};
use crate::installation::{
    authentication::{KEY_HOLDER, LoggedIn},
    directory::{Account, fold, is_email},
    request::Body,
};

type Answer = Result<Response, OrganizationRefusal>;

/// Whoever has the organization's key.
pub(super) struct KeyHolder;

impl FromRequestParts<JiraCloud> for KeyHolder {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, jira: &JiraCloud) -> Result<Self, Self::Rejection> {
        let LoggedIn(name) = LoggedIn::from_request_parts(parts, jira).await?;
        let forbidden =
            || refusal(StatusCode::FORBIDDEN, "ADMIN-403-3", "The credentials are not the organization's");
        if name == KEY_HOLDER { Ok(Self) } else { Err(forbidden().into_response()) }
    }
}

fn refusal(status: StatusCode, code: &'static str, detail: &str) -> OrganizationRefusal {
    OrganizationRefusal { status, code, detail: detail.to_owned() }
}

fn check(organization: &str, directory: Option<&str>) -> Result<(), OrganizationRefusal> {
    if organization != ORGANIZATION_ID {
        return Err(refusal(StatusCode::NOT_FOUND, "ADMIN-404-2", "There is no such organization"));
    }
    match directory {
        Some(directory) if directory != DIRECTORY_ID => {
            Err(refusal(StatusCode::NOT_FOUND, "ADMIN-404-1", "There is no such directory"))
        }
        _ => Ok(()),
    }
}

/// `GET …/directories`.
pub(super) async fn directories(
    State(_): State<JiraCloud>,
    _: KeyHolder,
    Path(organization): Path<String>,
) -> Answer {
    check(&organization, None)?;
    let all = json!([
        { "directoryId": DIRECTORY_ID, "name": "Sandbox directory" },
        { "directoryId": "5a0c2e4f-1b3d-4c5e-8f70-9a1b2c3d4e5f", "name": "Contractors" },
    ]);
    Ok(Json(json!({ "data": all, "links": { "self": "c2VsZg" } })).into_response())
}

/// The body of POST `/users/search`: only exact searches.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Search {
    #[serde(default)]
    account_ids: Vec<String>,
    #[serde(default)]
    emails: Vec<String>,
}

/// `POST …/users/search`.
pub(super) async fn search(
    State(jira): State<JiraCloud>,
    _: KeyHolder,
    Path((organization, directory)): Path<(String, String)>,
    Body(search): Body<Search>,
) -> Answer {
    check(&organization, Some(&directory))?;
    if search.account_ids.len() > 10 || search.emails.len() > 100 {
        return Err(refusal(StatusCode::BAD_REQUEST, "ADMIN-400-24", "There are too many values"));
    }
    let site = jira.site();
    let is_asked = |account: &&Account| {
        search.account_ids.contains(&account.key)
            || search.emails.iter().any(|email| fold(email) == fold(&account.email)) && site.is_found(account)
    };
    let found: Vec<Value> =
        site.directory.accounts.values().filter(is_asked).map(|one| user(&site, one)).collect();
    Ok(Json(json!({ "data": found, "links": { "self": "c2VsZg" } })).into_response())
}

fn user(site: &Site, account: &Account) -> Value {
    let suspended = site.suspended.contains(&account.key);
    json!({
        "accountId": account.key,
        "accountType": "atlassian",
        "accountStatus": if account.active || suspended { "active" } else { "inactive" },
        "membershipStatus": if suspended { "suspended" } else { "active" },
        "status": match (account.active, suspended) {
            (_, true) => "suspended",
            (true, false) => "active",
            (false, false) => "deactivated",
        },
        "claimStatus": "managed",
        "name": account.display_name,
        "email": account.email,
    })
}

/// `POST …/users/{account}/suspend`.
pub(super) async fn suspend(
    State(jira): State<JiraCloud>,
    _: KeyHolder,
    Path((organization, directory, account)): Path<(String, String, String)>,
) -> Answer {
    check(&organization, Some(&directory))?;
    jira.site().suspend(&account, true)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST …/users/{account}/restore`.
pub(super) async fn restore(
    State(jira): State<JiraCloud>,
    _: KeyHolder,
    Path((organization, directory, account)): Path<(String, String, String)>,
) -> Answer {
    check(&organization, Some(&directory))?;
    jira.site().suspend(&account, false)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE …/users/{account}`.
pub(super) async fn remove(
    State(jira): State<JiraCloud>,
    _: KeyHolder,
    Path((organization, directory, account)): Path<(String, String, String)>,
) -> Answer {
    check(&organization, Some(&directory))?;
    jira.site().remove(&account)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The body of `POST /users/invite`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Invitation {
    emails: Vec<String>,
    send_notification: bool,
}

/// `POST /users/invite`.
pub(super) async fn invite(
    State(jira): State<JiraCloud>,
    _: KeyHolder,
    Path(organization): Path<String>,
    Body(invitation): Body<Invitation>,
) -> Answer {
    check(&organization, None)?;
    let valid = invitation.emails.iter().all(|email| is_email(email));
    if !valid || invitation.emails.is_empty() || invitation.emails.len() > 25 || invitation.send_notification
    {
        return Err(refusal(StatusCode::BAD_REQUEST, "ADMIN-UAM-400-1", "The invitation is not valid"));
    }
    let mut data = Vec::new();
    for email in &invitation.emails {
        let mut site = jira.site();
        let was_there = site.directory.accounts.contains_key(&fold(email));
        let id = site.invite(email, KEY_HOLDER);
        drop(site);
        if !was_there {
            jira.traffic().calls.created(&fold(email));
        }
        data.push(json!({ "id": id, "email": email, "results": [] }));
    }
    Ok(Json(json!({ "data": data })).into_response())
}
