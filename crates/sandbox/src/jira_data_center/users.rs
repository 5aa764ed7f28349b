//! `/user`: accounts.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    API, JiraDataCenter, Quirks,
    answers::Refusal,
    site::{SOFTWARE_USERS, Site},
};
use crate::installation::{
    authentication::{Administrator, LoggedIn},
    directory::{Account, fold, is_email},
    request::{Body, Parameters, header_value, query_value},
};

/// The only application of this site that gives access.
const SOFTWARE: &str = "jira-software";
const USERNAME_LIMIT: usize = 255;
const SEARCH_DEFAULT: usize = 50;
const SEARCH_LIMIT: usize = 1_000;

/// What a create or an update may say. `key`, `self` and `notification` are taken and not used, as they change
/// nothing that can be read back.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UserWrite {
    name: Option<String>,
    email_address: Option<String>,
    display_name: Option<String>,
    password: Option<String>,
    active: Option<bool>,
    application_keys: Option<Vec<String>>,
    #[serde(rename = "key")]
    _key: Option<String>,
    #[serde(rename = "self")]
    _self: Option<String>,
    #[serde(rename = "notification")]
    _notification: Option<Value>,
}

/// `GET /user?username=` or `?key=`.
pub(super) async fn get(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    match site.named_account(&parameters) {
        Ok(folded) => Ok(Json(site.user_bean(&folded, &parameters)?)),
        Err(refusal) if parameters.flag("includeDeleted", false) => {
            site.deleted_account(&parameters).map(|account| Json(site.deleted_bean(account))).ok_or(refusal)
        }
        Err(refusal) => Err(refusal),
    }
}

/// `GET /user/search?username=`: a plain array, by display name.
pub(super) async fn search(
    State(jira): State<JiraDataCenter>,
    LoggedIn(_): LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let text = parameters.required("username")?.to_lowercase();
    let start_at = parameters.count("startAt", 0)?;
    let max_results = parameters.count("maxResults", SEARCH_DEFAULT)?.min(SEARCH_LIMIT);
    let with_active = parameters.flag("includeActive", true);
    let with_inactive = parameters.flag("includeInactive", false);
    let site = jira.site();
    let mut found: Vec<&Account> = site
        .directory
        .accounts
        .values()
        .filter(|account| if account.active { with_active } else { with_inactive })
        .filter(|account| matches_search(account, &text))
        .collect();
    found.sort_by_cached_key(|account| (account.display_name.to_lowercase(), fold(&account.name)));
    let page: Vec<Value> =
        found.into_iter().skip(start_at).take(max_results).map(|account| site.full_user(account)).collect();
    Ok(Json(page.into()))
}

/// A search matches the start of the name, of the e-mail address, or of a word of the display name. `.` and `%`
/// match everybody.
fn matches_search(account: &Account, text: &str) -> bool {
    let display_name = account.display_name.to_lowercase();
    text == "."
        || text == "%"
        || fold(&account.name).starts_with(text)
        || account.email.to_lowercase().starts_with(text)
        || display_name.starts_with(text)
        || display_name.split_whitespace().any(|word| word.starts_with(text))
}

/// `POST /user`.
pub(super) async fn create(
    State(jira): State<JiraDataCenter>,
    Administrator(caller): Administrator,
    Body(write): Body<UserWrite>,
) -> Result<Response, Refusal> {
    let mut site = jira.site();
    let name = site.check_new_user(&write)?;
    let display_name = write.display_name.unwrap_or_default();
    let email = write.email_address.unwrap_or_default();
    let creator = site.account(&caller)?.name.clone();
    let account = site.directory.insert_account(&name, &display_name, &email, &creator);
    account.password = write.password;
    let folded = fold(&name);
    if write.application_keys.is_none_or(|keys| !keys.is_empty()) {
        site.directory.insert_group(SOFTWARE_USERS).members.insert(folded.clone());
    }
    let bean = site.expandable_bean(site.account(&folded)?, false, false);
    drop(site);
    jira.traffic().calls.created(&folded);
    let location = header_value(bean["self"].as_str().unwrap_or_default());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(bean)).into_response())
}

/// `PUT /user?username=` or `?key=`: what the body leaves out stays. `name` renames; the key stays.
pub(super) async fn update(
    State(jira): State<JiraDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
    Body(write): Body<UserWrite>,
) -> Result<Json<Value>, Refusal> {
    let mut site = jira.site();
    let folded = site.named_account(&parameters)?;
    let active = write.active.filter(|_| jira.options().quirks.deactivates_by_update);
    let says_nothing = write.name.is_none()
        && write.email_address.is_none()
        && write.display_name.is_none()
        && write.password.is_none()
        && active.is_none();
    if says_nothing {
        return Err(Refusal::bad_request("error.no.value.found.to.be.changed"));
    }
    site.check_update(&folded, &write)?;
    if active == Some(false) {
        site.check_may_leave(&folded, &caller, "deactivate", jira.options().quirks)?;
    }
    if let Some(account) = site.directory.accounts.get_mut(&folded) {
        account.active = active.unwrap_or(account.active);
        account.email = write.email_address.unwrap_or_else(|| account.email.clone());
        account.display_name = write.display_name.unwrap_or_else(|| account.display_name.clone());
        account.password = write.password.or_else(|| account.password.take());
    }
    let new_name = write.name.unwrap_or_else(|| site.directory.accounts[&folded].name.clone());
    site.directory.rename_account(&folded, &new_name);
    let bean = site.expandable_bean(site.account(&fold(&new_name))?, false, false);
    Ok(Json(bean))
}

/// `DELETE /user?username=` or `?key=`.
pub(super) async fn delete(
    State(jira): State<JiraDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = jira.site();
    let folded = site.named_account(&parameters)?;
    site.check_may_leave(&folded, &caller, "delete", jira.options().quirks)?;
    site.directory.remove_account(&folded);
    Ok(StatusCode::NO_CONTENT)
}

impl Site {
    /// Returns the folded name of the account that `key` or `username` names.
    fn named_account(&self, parameters: &Parameters) -> Result<String, Refusal> {
        if let Some(key) = parameters.get("key") {
            return self
                .directory
                .name_of_key(key)
                .map(ToOwned::to_owned)
                .ok_or_else(|| Refusal::not_found(format!("The user with the key '{key}' does not exist")));
        }
        let Some(name) = parameters.get("username") else {
            return Err(Refusal::bad_request(
                "Either the 'username' or the 'key' query parameters need to be provided",
            ));
        };
        self.account(&fold(name)).map(|_| fold(name))
    }

    fn deleted_account(&self, parameters: &Parameters) -> Option<&Account> {
        match parameters.get("key") {
            Some(key) => self.directory.deleted.values().find(|account| account.key == key),
            None => self.directory.deleted.get(&fold(parameters.get("username")?)),
        }
    }

    /// Checks all fields at once, as the product does, and returns the name.
    fn check_new_user(&self, write: &UserWrite) -> Result<String, Refusal> {
        let name = write.name.clone().unwrap_or_default().trim().to_owned();
        let mut errors = Vec::new();
        errors.extend(self.username_error(&name, None).map(|text| ("username", text)));
        errors.extend(email_error(write.email_address.as_deref().unwrap_or("")).map(|text| ("email", text)));
        errors.extend(
            display_name_error(write.display_name.as_deref().unwrap_or("")).map(|text| ("displayName", text)),
        );
        let unknown = write.application_keys.iter().flatten().find(|key| *key != SOFTWARE);
        errors.extend(unknown.map(|key| ("applicationKeys", format!("There is no application '{key}'."))));
        if errors.is_empty() { Ok(name) } else { Err(Refusal::fields(errors)) }
    }

    fn check_update(&self, folded: &str, write: &UserWrite) -> Result<(), Refusal> {
        let mut errors = Vec::new();
        let name_error = write.name.as_deref().and_then(|name| self.username_error(name, Some(folded)));
        errors.extend(name_error.map(|text| ("username", text)));
        errors.extend(write.email_address.as_deref().and_then(email_error).map(|text| ("email", text)));
        errors.extend(
            write.display_name.as_deref().and_then(display_name_error).map(|text| ("displayName", text)),
        );
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(errors)) }
    }

    /// Returns what is wrong with a name for a new account, or for the one that has the name `own`.
    fn username_error(&self, name: &str, own: Option<&str>) -> Option<String> {
        let text = if name.is_empty() {
            "You must specify a username."
        } else if name.chars().count() > USERNAME_LIMIT {
            "The username must not exceed 255 characters in length."
        } else if name.contains(['<', '>', '&']) {
            "The username must not contain '<', '>' or '&'."
        } else if self.directory.accounts.contains_key(&fold(name)) && own != Some(fold(name).as_str()) {
            "A user with that username already exists."
        } else {
            return None;
        };
        Some(text.to_owned())
    }

    /// Refuses to let an account go that leads something, and the caller's own.
    fn check_may_leave(&self, folded: &str, caller: &str, verb: &str, quirks: Quirks) -> Result<(), Refusal> {
        let account = self.account(folded)?;
        if folded == caller {
            return Err(Refusal::bad_request(format!("You cannot {verb} the currently logged in user.")));
        }
        let led = self.led_by(&account.key);
        if led.is_empty() || !quirks.keeps_leads {
            return Ok(());
        }
        let text = format!("Cannot {verb} user '{}' because they lead: {}.", account.name, led.join(", "));
        Err(Refusal::bad_request(text))
    }

    /// Returns the user as it stands in groups and as a lead: `UserJsonBean`.
    pub(super) fn short_user(&self, account: &Account) -> Value {
        let base = &self.directory.base_url;
        let size = |pixels: u32| format!("{base}/secure/useravatar?size={pixels}&avatarId=10122");
        json!({
            "self": format!("{base}{API}/user?username={}", query_value(&account.name)),
            "key": account.key,
            "name": account.name,
            "emailAddress": account.email,
            "avatarUrls": {"48x48": size(48), "32x32": size(32), "24x24": size(24), "16x16": size(16)},
            "displayName": account.display_name,
            "active": account.active,
            "timeZone": "Etc/UTC",
        })
    }

    /// Returns the user as a search finds it: `UserBean` without the parts that are expanded.
    fn full_user(&self, account: &Account) -> Value {
        let mut bean = self.short_user(account);
        bean["deleted"] = self.directory.name_of_key(&account.key).is_none().into();
        bean["locale"] = "en_US".into();
        bean
    }

    fn user_bean(&self, folded: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        let account = self.account(folded)?;
        Ok(self.expandable_bean(
            account,
            parameters.expands("groups"),
            parameters.expands("applicationRoles"),
        ))
    }

    /// Returns the whole `UserBean`; groups and application roles are only counted unless they are asked for.
    pub(super) fn expandable_bean(&self, account: &Account, with_groups: bool, with_roles: bool) -> Value {
        let groups = self.directory.groups_of(&fold(&account.name));
        let roles: Vec<&str> =
            groups.iter().filter(|name| **name == SOFTWARE_USERS).map(|_| SOFTWARE).collect();
        let group_items: Vec<Value> = groups.iter().map(|name| self.group_name_bean(name)).collect();
        let role_items: Vec<Value> =
            roles.iter().map(|key| json!({ "key": key, "name": "Jira Software" })).collect();
        let mut bean = self.full_user(account);
        bean["groups"] =
            json!({"size": groups.len(), "items": if with_groups { group_items } else { Vec::new() }});
        bean["applicationRoles"] =
            json!({"size": roles.len(), "items": if with_roles { role_items } else { Vec::new() }});
        bean["expand"] = "groups,applicationRoles".into();
        bean
    }

    fn deleted_bean(&self, account: &Account) -> Value {
        self.expandable_bean(account, false, false)
    }
}

fn email_error(email: &str) -> Option<String> {
    if email.trim().is_empty() {
        Some("You must specify an email address.".to_owned())
    } else if !is_email(email) {
        Some("You must specify a valid email address.".to_owned())
    } else {
        None
    }
}

fn display_name_error(display_name: &str) -> Option<String> {
    display_name.trim().is_empty().then(|| "You must specify a full name.".to_owned())
}
