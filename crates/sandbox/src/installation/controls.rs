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
    Directory, Installation, Product, SimulatedSite,
    directory::{Account, fold},
    request::Body,
};
use crate::{
    faults::Faults,
    state::{CREATED_BEHIND_BACK, StateSnapshot},
};

/// Why a change behind the client's back cannot be made.
type Refusal = (StatusCode, String);

fn not_found(what: &str, name: &str) -> Refusal {
    (StatusCode::NOT_FOUND, format!("there is no {what} {name}"))
}

/// `GET /_sandbox/state`.
pub(super) async fn state<P: Product>(State(site): State<Installation<P>>) -> Json<StateSnapshot> {
    Json(site.state())
}

/// `POST /_sandbox/faults`: replaces all faults; `{}` ends them.
pub(super) async fn faults<P: Product>(
    State(site): State<Installation<P>>,
    Body(faults): Body<Faults>,
) -> Result<StatusCode, Refusal> {
    faults.validate().map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    site.set_faults(faults);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /_sandbox/captcha/clear`: what an administrator, or solving the CAPTCHA, does.
pub(super) async fn clear_captcha<P: Product>(State(site): State<Installation<P>>) -> StatusCode {
    P::directory(&mut site.site()).clear_captcha();
    StatusCode::NO_CONTENT
}

/// The body of `POST /_sandbox/users`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum UserChange {
    Delete { delete: String },
    Rename { rename: String, to: String },
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

/// `POST /_sandbox/users`: makes or changes an account, renames one, or deletes one whatever it leads.
pub(super) async fn users<P: Product>(
    State(site): State<Installation<P>>,
    Body(change): Body<UserChange>,
) -> Result<Response, Refusal> {
    let mut site = site.site();
    let directory = P::directory(&mut site);
    match change {
        UserChange::Delete { delete } => {
            let folded = fold(&delete);
            directory.named(&folded)?;
            directory.remove_account(&folded);
        }
        UserChange::Rename { rename, to } => {
            let folded = fold(&rename);
            directory.named(&folded)?;
            if fold(&to) != folded && directory.accounts.contains_key(&fold(&to)) {
                return Err((StatusCode::CONFLICT, format!("there is an account {to} already")));
            }
            directory.rename_account(&folded, &to);
        }
        UserChange::Upsert(upsert) => directory.upsert_user(upsert),
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
pub(super) async fn groups<P: Product>(
    State(site): State<Installation<P>>,
    Body(change): Body<GroupChange>,
) -> Result<Response, Refusal> {
    let mut site = site.site();
    let directory = P::directory(&mut site);
    match change {
        GroupChange::Delete { delete } => {
            directory.groups.remove(&fold(&delete)).ok_or_else(|| not_found("group", &delete))?;
        }
        GroupChange::Upsert { name, members } => {
            let members = members.map(|names| names.iter().map(|name| fold(name)).collect::<Vec<_>>());
            for member in members.iter().flatten() {
                directory.named(member)?;
            }
            let group = directory.insert_group(&name);
            if let Some(members) = members {
                group.members = members.into_iter().collect();
            }
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Directory {
    fn named(&self, folded: &str) -> Result<&Account, Refusal> {
        self.accounts.get(folded).ok_or_else(|| not_found("account", folded))
    }

    fn upsert_user(&mut self, upsert: UserUpsert) {
        let folded = fold(&upsert.name);
        let mut account = if let Some(account) = self.accounts.get(&folded) {
            account.clone()
        } else {
            let email = if folded.contains('@') { folded.clone() } else { format!("{folded}@example.com") };
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
