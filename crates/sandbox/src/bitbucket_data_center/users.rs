//! `/admin/users`: who has an account.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{
    BitbucketDataCenter,
    answers::{Refusal, matches, page},
    site::USERS,
};
use crate::installation::{
    authentication::Administrator,
    directory::{fold, is_email},
    request::{Body, Parameters},
};

/// `GET /admin/users?filter=`: deactivated people too.
pub(super) async fn list(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let all = {
        let site = bitbucket.site();
        let accounts = site.directory.accounts.values();
        let found = accounts
            .filter(|account| matches(&parameters, &[&account.name, &account.display_name, &account.email]));
        found.map(|account| site.detailed_user(account)).collect()
    };
    page(&parameters, all)
}

/// `POST /admin/users?name=&displayName=&emailAddress=&password=`: everything in the query.
pub(super) async fn create(
    State(bitbucket): State<BitbucketDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let name = parameters.required("name")?.to_owned();
    let display_name = parameters.required("displayName")?;
    let email = parameters.required("emailAddress")?;
    if !is_email(email) {
        return Err(Refusal::bad_request("The e-mail address is not valid."));
    }
    let password = parameters.get("password").filter(|password| !password.is_empty());
    if password.is_none() && !parameters.flag("notify", false) {
        return Err(Refusal::bad_request("A password is required unless the user is notified."));
    }
    let folded = fold(&name);
    let mut site = bitbucket.site();
    if site.directory.accounts.contains_key(&folded) {
        return Err(Refusal::conflict(format!("A user named {name} exists already.")));
    }
    let joins = parameters.flag("addToDefaultGroup", true);
    let creator = site.account(&caller)?.name.clone();
    if joins {
        check_seats(&bitbucket, site.licensed_with(&[]) + 1)?;
    }
    let account = site.directory.insert_account(&name, display_name, email, &creator);
    account.password = password.map(str::to_owned);
    if joins {
        site.directory.insert_group(USERS).members.insert(folded.clone());
    }
    drop(site);
    bitbucket.traffic().calls.created(&folded);
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses to let more people in than the licence allows.
pub(super) fn check_seats(bitbucket: &BitbucketDataCenter, licensed: usize) -> Result<(), Refusal> {
    if bitbucket.options().quirks.seats.is_some_and(|seats| licensed > seats) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "The licence allows no more users.")
            .named("com.atlassian.bitbucket.license.LicenseLimitException"));
    }
    Ok(())
}

/// The body of `PUT /admin/users`; what it leaves out stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserUpdate {
    name: String,
    display_name: Option<String>,
    email: Option<String>,
}

/// `PUT /admin/users`.
pub(super) async fn update(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(update): Body<UserUpdate>,
) -> Result<Json<Value>, Refusal> {
    let mut site = bitbucket.site();
    let mut account = site.account(&update.name)?.clone();
    if update.display_name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Refusal::bad_request("The display name must not be empty."));
    }
    if update.email.as_deref().is_some_and(|email| !is_email(email)) {
        return Err(Refusal::bad_request("The e-mail address is not valid."));
    }
    account.display_name = update.display_name.unwrap_or(account.display_name);
    account.email = update.email.unwrap_or(account.email);
    let shown = site.detailed_user(&account);
    site.directory.accounts.insert(fold(&account.name), account);
    Ok(Json(shown))
}

/// The body of `POST /admin/users/rename`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserRename {
    name: String,
    new_name: String,
}

/// `POST /admin/users/rename`.
pub(super) async fn rename(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    Body(rename): Body<UserRename>,
) -> Result<Json<Value>, Refusal> {
    let mut site = bitbucket.site();
    let folded = fold(&site.account(&rename.name)?.name);
    let wanted = fold(&rename.new_name);
    if rename.new_name.trim().is_empty() {
        return Err(Refusal::bad_request("The new name must not be empty."));
    }
    if wanted != folded && site.directory.accounts.contains_key(&wanted) {
        let text = format!("A user named {} exists already.", rename.new_name);
        return Err(Refusal::new(bitbucket.options().quirks.taken_rename, text));
    }
    site.directory.rename_account(&folded, &rename.new_name);
    if let Some(held) = site.user_permissions.remove(&folded) {
        site.user_permissions.insert(wanted, held);
    }
    Ok(Json(site.detailed_user(site.account(&rename.new_name)?)))
}

/// `DELETE /admin/users?name=`.
pub(super) async fn delete(
    State(bitbucket): State<BitbucketDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let mut site = bitbucket.site();
    let account = site.account(parameters.required("name")?)?;
    let (folded, shown) = (fold(&account.name), site.detailed_user(account));
    if folded == caller {
        return Err(Refusal::conflict("You cannot delete yourself."));
    }
    site.directory.remove_account(&folded);
    site.user_permissions.remove(&folded);
    Ok(Json(shown))
}

/// `DELETE /admin/users/captcha?name=`.
pub(super) async fn clear_captcha(
    State(bitbucket): State<BitbucketDataCenter>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = bitbucket.site();
    let folded = fold(&site.account(parameters.required("name")?)?.name);
    site.directory.login_succeeded(&folded);
    Ok(StatusCode::NO_CONTENT)
}
