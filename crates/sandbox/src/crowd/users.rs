//! `/user`: one user at a time, written whole.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode},
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Crowd,
    answers::{Refusal, may_write, user},
};
use crate::installation::{
    authentication::LoggedIn,
    directory::{fold, is_email},
    request::{Body, Parameters, header_value},
};

/// `GET /config/cookie`: what an application asks first. The product tells its version with every answer, this
/// server with this one.
pub(super) async fn cookie_config(State(crowd): State<Crowd>, _: LoggedIn) -> impl IntoResponse {
    let version = header_value(&format!("Crowd/{}", crowd.options().version));
    let config = json!({ "domain": null, "secure": false, "name": "crowd.token_key" });
    ([(HeaderName::from_static("x-embedded-crowd-version"), version)], Json(config))
}

/// `GET /user?username=` or `?key=`.
pub(super) async fn get(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let directory = crowd.site();
    let account = match parameters.get("key").filter(|_| crowd.options().quirks.tells_keys) {
        Some(key) => directory.account_of_key(key).ok_or_else(|| {
            Refusal::not_found("USER_NOT_FOUND", format!("User with key <{key}> does not exist"))
        })?,
        None => directory.crowd_user(parameters.required("username")?)?,
    };
    Ok(Json(user(&crowd, account, true)))
}

/// A user as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct UserEntity {
    name: String,
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    active: Option<bool>,
    password: Option<Password>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    value: String,
}

impl UserEntity {
    /// The display name is made of the other two where it is left out.
    fn shown_name(&self) -> Option<String> {
        let parts = [self.first_name.as_deref(), self.last_name.as_deref()];
        let made: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let made = (!made.is_empty()).then(|| made.join(" "));
        self.display_name.clone().filter(|name| !name.is_empty()).or(made)
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.name.trim().is_empty() {
            return Err(Refusal::bad_request("INVALID_USER", "A user needs a name"));
        }
        if self.email.as_deref().is_some_and(|email| !email.is_empty() && !is_email(email)) {
            return Err(Refusal::bad_request("INVALID_USER", "The e-mail address is not valid"));
        }
        Ok(())
    }
}

/// `POST /user`.
pub(super) async fn create(
    State(crowd): State<Crowd>,
    LoggedIn(application): LoggedIn,
    Body(entity): Body<UserEntity>,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    entity.check()?;
    if entity.password.as_ref().is_none_or(|password| password.value.is_empty()) {
        return Err(Refusal::bad_request("INVALID_CREDENTIAL", "A user needs a password"));
    }
    let folded = fold(&entity.name);
    let mut directory = crowd.site();
    if directory.accounts.contains_key(&folded) {
        let text = format!("User already exists in directory: {}", entity.name);
        return Err(Refusal::bad_request("INVALID_USER", text));
    }
    let shown = entity.shown_name().unwrap_or_else(|| entity.name.clone());
    let email = entity.email.clone().unwrap_or_default();
    let account = directory.insert_account(&entity.name, &shown, &email, &application);
    account.active = entity.active.unwrap_or(false);
    account.password = entity.password.map(|password| password.value);
    drop(directory);
    crowd.traffic().calls.created(&folded);
    Ok(StatusCode::CREATED)
}

/// `PUT /user?username=`: the user is written whole.
pub(super) async fn update(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
    Body(entity): Body<UserEntity>,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    entity.check()?;
    let mut directory = crowd.site();
    let folded = fold(&directory.crowd_user(parameters.required("username")?)?.name);
    if fold(&entity.name) != folded {
        return Err(Refusal::bad_request("INVALID_USER", "The name differs from the one in the address"));
    }
    let empties = crowd.options().quirks.empties_what_is_left_out;
    if let Some(account) = directory.accounts.get_mut(&folded) {
        let left = |before: &str| if empties { String::new() } else { before.to_owned() };
        account.display_name = entity.shown_name().unwrap_or_else(|| left(&account.display_name));
        account.email = entity.email.unwrap_or_else(|| left(&account.email));
        account.active = entity.active.unwrap_or(!empties && account.active);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `POST /user/rename`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RenameEntity {
    new_name: String,
}

/// `POST /user/rename?username=`.
pub(super) async fn rename(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
    Body(RenameEntity { new_name }): Body<RenameEntity>,
) -> Result<Json<Value>, Refusal> {
    may_write(&crowd)?;
    let mut directory = crowd.site();
    let folded = fold(&directory.crowd_user(parameters.required("username")?)?.name);
    if fold(&new_name) != folded && directory.accounts.contains_key(&fold(&new_name)) {
        return Err(Refusal::bad_request("INVALID_USER", format!("User already exists: {new_name}")));
    }
    directory.rename_account(&folded, &new_name);
    Ok(Json(user(&crowd, directory.crowd_user(&new_name)?, true)))
}

/// `DELETE /user?username=`.
pub(super) async fn delete(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    may_write(&crowd)?;
    let mut directory = crowd.site();
    let folded = fold(&directory.crowd_user(parameters.required("username")?)?.name);
    directory.remove_account(&folded);
    Ok(StatusCode::NO_CONTENT)
}
