//! `/admin/user`, `/admin/group`: what only an administrator may do.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{
    ConfluenceDataCenter,
    answers::Refusal,
    site::{ADMINISTRATORS, Site, USERS},
};
use crate::installation::{
    authentication::Administrator,
    directory::{fold, is_email},
    html_page,
    request::Body,
};

/// Characters that no user name may have, besides white space and capital letters.
const REFUSED_IN_USERNAMES: [char; 7] = ['\\', ',', '+', '<', '>', '\'', '"'];

/// The body of `POST /admin/user`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserDetailsForCreation {
    user_name: Option<String>,
    full_name: Option<String>,
    email: Option<String>,
    password: Option<String>,
    #[serde(default)]
    notify_via_email: bool,
}

/// `POST /admin/user`: with a password, or with mail to the person to set one.
pub(super) async fn create_user(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(caller): Administrator,
    Body(details): Body<UserDetailsForCreation>,
) -> Result<Response, Refusal> {
    let mut site = confluence.site();
    let name = details.user_name.unwrap_or_default();
    check_username(&name)?;
    let full_name = details.full_name.unwrap_or_default();
    check_full_name(&full_name)?;
    let email = details.email.unwrap_or_default();
    check_email(&email)?;
    if details.password.as_deref().unwrap_or("").trim().is_empty() && !details.notify_via_email {
        return Err(Refusal::bad_request("A password is required unless the user is notified via email."));
    }
    if site.directory.accounts.contains_key(&fold(&name)) {
        let text = format!("A user with the username {name} already exists.");
        return Err(Refusal::new(StatusCode::CONFLICT, text));
    }
    let taken = site.directory.accounts.values().filter(|account| account.active).count();
    if confluence.options().quirks.seats.is_some_and(|seats| taken >= seats) {
        return Err(Refusal::new(StatusCode::PAYMENT_REQUIRED, "No more licenses are available."));
    }
    let creator = site.account(&caller)?.name.clone();
    let account = site.directory.insert_account(&name, &full_name, &email, &creator);
    account.password = details.password;
    let key = account.key.clone();
    site.directory.insert_group(USERS).members.insert(fold(&name));
    drop(site);
    confluence.traffic().calls.created(&fold(&name));
    Ok((StatusCode::CREATED, Json(json!({ "userKey": key }))).into_response())
}

/// The body of `PUT /admin/user/{username}`; what it leaves out stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserDetailsForUpdate {
    full_name: Option<String>,
    email: Option<String>,
}

/// `PUT /admin/user/{username}`.
pub(super) async fn update_user(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(_): Administrator,
    Path(username): Path<String>,
    Body(details): Body<UserDetailsForUpdate>,
) -> Result<Response, Refusal> {
    if !confluence.options().quirks.updates_users {
        return Ok(html_page(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"));
    }
    let mut site = confluence.site();
    let folded = fold(&site.account(&username)?.name);
    details.full_name.as_deref().map_or(Ok(()), check_full_name)?;
    details.email.as_deref().map_or(Ok(()), check_email)?;
    if let Some(account) = site.directory.accounts.get_mut(&folded) {
        account.display_name = details.full_name.unwrap_or_else(|| account.display_name.clone());
        account.email = details.email.unwrap_or_else(|| account.email.clone());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PUT /admin/user/{username}/disable`.
pub(super) async fn disable_user(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(caller): Administrator,
    Path(username): Path<String>,
) -> Result<StatusCode, Refusal> {
    confluence.site().set_active(&username, &caller, false)
}

/// `PUT /admin/user/{username}/enable`.
pub(super) async fn enable_user(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(caller): Administrator,
    Path(username): Path<String>,
) -> Result<StatusCode, Refusal> {
    confluence.site().set_active(&username, &caller, true)
}

/// `DELETE /admin/user/{username}`: a task that is done later.
pub(super) async fn delete_user(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(caller): Administrator,
    Path(username): Path<String>,
) -> Result<Response, Refusal> {
    let mut site = confluence.site();
    site.check_not_oneself(&username, &caller)?;
    let done_at = Instant::now() + confluence.options().quirks.deletion_takes;
    let task = site.begin_deletion(&fold(&username), done_at);
    site.finish_deletions();
    let status = format!("/rest/api/longtask/{task}");
    let body = json!({ "id": task.to_string(), "links": { "status": status } });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// The body of `POST /admin/group`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    name: Option<String>,
    #[serde(rename = "type")]
    _type: Option<String>,
}

/// `POST /admin/group`.
pub(super) async fn create_group(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(_): Administrator,
    Body(group): Body<NewGroup>,
) -> Result<Response, Refusal> {
    let name = group.name.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Err(Refusal::bad_request("A group name must be provided."));
    }
    let mut site = confluence.site();
    if site.group(&name).is_ok() {
        let text = format!("A group with the name {name} already exists.");
        return Err(Refusal::new(StatusCode::CONFLICT, text));
    }
    site.directory.insert_group(&name);
    Ok((StatusCode::CREATED, Json(site.group_bean(&name))).into_response())
}

/// `DELETE /admin/group/{group}`.
pub(super) async fn delete_group(
    State(confluence): State<ConfluenceDataCenter>,
    Administrator(_): Administrator,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    let mut site = confluence.site();
    let folded = fold(&site.group(&name)?.name);
    if folded == ADMINISTRATORS {
        return Err(Refusal::bad_request("The last administrators' group cannot be deleted."));
    }
    site.directory.groups.remove(&folded);
    Ok(StatusCode::NO_CONTENT)
}

impl Site {
    fn set_active(&mut self, username: &str, caller: &str, active: bool) -> Result<StatusCode, Refusal> {
        let folded = fold(&self.account(username)?.name);
        if !active {
            self.check_not_oneself(username, caller)?;
        }
        if let Some(account) = self.directory.accounts.get_mut(&folded) {
            account.active = active;
        }
        Ok(StatusCode::NO_CONTENT)
    }

    /// Refuses to let somebody take away their own account.
    fn check_not_oneself(&self, username: &str, caller: &str) -> Result<(), Refusal> {
        let account = self.account(username)?;
        if fold(&account.name) == caller {
            return Err(Refusal::forbidden("You cannot do this to your own account."));
        }
        Ok(())
    }
}

fn check_username(name: &str) -> Result<(), Refusal> {
    let problem = if name.is_empty() {
        "must not be empty"
    } else if name != name.to_lowercase() {
        "must be in lower case"
    } else if name.contains(char::is_whitespace) || name.contains(REFUSED_IN_USERNAMES) {
        "must not contain white space nor any of \\ , + < > ' \""
    } else if name == "anonymous" {
        "must not be anonymous"
    } else {
        return Ok(());
    };
    Err(Refusal::bad_request(format!("The username {problem}.")))
}

fn check_full_name(full_name: &str) -> Result<(), Refusal> {
    if full_name.trim().is_empty() {
        return Err(Refusal::bad_request("The full name must not be empty."));
    }
    Ok(())
}

fn check_email(email: &str) -> Result<(), Refusal> {
    if is_email(email) { Ok(()) } else { Err(Refusal::bad_request("The email address is not valid.")) }
}
