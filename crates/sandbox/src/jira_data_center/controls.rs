//! `/_sandbox`: reading the site whole, making it fail, and changing it behind the client's back.
//!
//! A tool for tests and the demo, on loopback: it needs no credentials, is not counted, and meets no faults.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    JiraDataCenter,
    answers::{Body, Refusal},
    site::{Site, fold},
};
use crate::{
    faults::Faults,
    state::{CREATED_BEHIND_BACK, StateSnapshot},
};

/// `GET /_sandbox/state`.
pub(super) async fn state(State(jira): State<JiraDataCenter>) -> Json<StateSnapshot> {
    Json(jira.state())
}

/// `POST /_sandbox/faults`: replaces all faults; `{}` ends them.
pub(super) async fn faults(
    State(jira): State<JiraDataCenter>,
    Body(faults): Body<Faults>,
) -> Result<StatusCode, Refusal> {
    faults.validate().map_err(|error| Refusal::bad_request(error.to_string()))?;
    jira.set_faults(faults);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /_sandbox/captcha/clear`: what an administrator, or solving the CAPTCHA, does.
pub(super) async fn clear_captcha(State(jira): State<JiraDataCenter>) -> StatusCode {
    jira.site().clear_captcha();
    StatusCode::NO_CONTENT
}

/// The body of `POST /_sandbox/users`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum UserChange {
    Delete { delete: String },
    Upsert(UserUpsert),
}

/// An account as it shall be; what is left out stays, or is made up for a new one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserUpsert {
    name: String,
    display_name: Option<String>,
    email: Option<String>,
    active: Option<bool>,
    /// A password that can be used for Basic authentication.
    password: Option<String>,
    /// A personal access token for the account, besides those it has.
    token: Option<String>,
}

/// `POST /_sandbox/users`: makes or changes an account, or deletes one whatever it leads.
pub(super) async fn users(
    State(jira): State<JiraDataCenter>,
    Body(change): Body<UserChange>,
) -> Result<Response, Refusal> {
    let mut site = jira.site();
    match change {
        UserChange::Delete { delete } => {
            let folded = fold(&delete);
            site.account(&folded)?;
            site.remove_account(&folded);
        }
        UserChange::Upsert(upsert) => site.upsert_user(upsert),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The body of `POST /_sandbox/groups`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum GroupChange {
    Delete { delete: String },
    Upsert { name: String, members: Option<Vec<String>> },
}

/// `POST /_sandbox/groups`: makes a group, replaces its members when they are given, or deletes it.
pub(super) async fn groups(
    State(jira): State<JiraDataCenter>,
    Body(change): Body<GroupChange>,
) -> Result<Response, Refusal> {
    let mut site = jira.site();
    match change {
        GroupChange::Delete { delete } => {
            site.group(&delete)?;
            site.groups.remove(&fold(&delete));
        }
        GroupChange::Upsert { name, members } => {
            let members = members.map(|names| names.iter().map(|name| fold(name)).collect::<Vec<_>>());
            for member in members.iter().flatten() {
                site.account(member)?;
            }
            let group = site.insert_group(&name);
            if let Some(members) = members {
                group.members = members.into_iter().collect();
            }
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The body of `POST /_sandbox/projects`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectUpsert {
    key: String,
    lead: String,
    #[serde(default)]
    components: Vec<ComponentUpsert>,
}

/// A component of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentUpsert {
    name: String,
    lead: Option<String>,
}

/// `POST /_sandbox/projects`: makes a project, or makes it anew.
pub(super) async fn projects(
    State(jira): State<JiraDataCenter>,
    Body(project): Body<ProjectUpsert>,
) -> Result<StatusCode, Refusal> {
    let mut site = jira.site();
    let lead = site.account(&fold(&project.lead))?.key.clone();
    let mut components = Vec::new();
    for component in project.components {
        let lead = component.lead.map(|name| site.account(&fold(&name)).map(|account| account.key.clone()));
        components.push((component.name, lead.transpose()?));
    }
    site.insert_project(&project.key, &project.key, &lead);
    for (name, lead) in components {
        site.insert_component(&project.key, &name, lead);
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Site {
    fn upsert_user(&mut self, upsert: UserUpsert) {
        let folded = fold(&upsert.name);
        let mut account = if let Some(account) = self.accounts.get(&folded) {
            account.clone()
        } else {
            let email = format!("{folded}@example.com");
            self.insert_account(&upsert.name, &upsert.name, &email, CREATED_BEHIND_BACK).clone()
        };
        account.display_name = upsert.display_name.unwrap_or(account.display_name);
        account.email = upsert.email.unwrap_or(account.email);
        account.active = upsert.active.unwrap_or(account.active);
        account.password = upsert.password.or(account.password);
        if let Some(token) = upsert.token {
            self.tokens.insert(token, account.key.clone());
        }
        self.accounts.insert(folded, account);
    }
}
