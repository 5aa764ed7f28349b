//! What only Jira's organization does: who is suspended, removed, invited.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::json;

use super::JiraCloud;
use crate::{
    installation::{
        authentication::KEY_HOLDER,
        directory::{fold, is_email},
        request::Body,
    },
    organization::{Answer, KeyHolder, check, refusal},
};

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
