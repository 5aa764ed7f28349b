//! `/user`, `/users`, `/myself`, `/mypermissions`, `/serverInfo`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    JiraCloud,
    answers::{Refusal, group, part, user},
};
use crate::installation::{
    authentication::{Administrator, LoggedIn},
    directory::{fold, is_email},
    request::{Body, Parameters},
};
use crate::organization::InOrganization as _;

/// Products that a person can be invited to.
const PRODUCTS: [&str; 4] = ["jira-core", "jira-servicedesk", "jira-product-discovery", "jira-software"];

/// `GET /serverInfo`: for everybody.
pub(super) async fn server_info(State(jira): State<JiraCloud>) -> Json<Value> {
    let base_url = jira.site().directory.base_url.clone();
    Json(json!({
        "baseUrl": base_url,
        "version": jira.options().version,
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_287,
        "serverTitle": "Jira",
    }))
}

/// `GET /myself`.
pub(super) async fn myself(
    State(jira): State<JiraCloud>,
    LoggedIn(me): LoggedIn,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let account = site.directory.accounts.get(&me);
    let account = account.ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "The key is no account's"))?;
    Ok(Json(user(&site, account)))
}

/// `GET /mypermissions?permissions=`.
pub(super) async fn my_permissions(
    State(jira): State<JiraCloud>,
    LoggedIn(me): LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let asked = parameters.required("permissions")?;
    let has = jira.site().directory.is_administrator(&me);
    let permissions: serde_json::Map<String, Value> = asked
        .split(',')
        .map(|name| {
            let shown =
                json!({ "id": "0", "key": name, "name": name, "type": "GLOBAL", "havePermission": has });
            (name.to_owned(), shown)
        })
        .collect();
    Ok(Json(json!({ "permissions": permissions })))
}

/// `GET /user?accountId=`.
pub(super) async fn get(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let account = site.account(parameters.required("accountId")?)?;
    let mut body = user(&site, account);
    if parameters.expands("groups") {
        let groups: Vec<Value> = site
            .directory
            .groups
            .values()
            .filter(|group| group.members.contains(&fold(&account.name)))
            .map(group)
            .collect();
        body["groups"] = json!({ "size": groups.len(), "items": groups });
        body["expand"] = json!("groups,applicationRoles");
    }
    Ok(Json(body))
}

/// The body of `POST /user`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewUser {
    email_address: String,
    products: Vec<String>,
}

/// `POST /user`: invites a person.
pub(super) async fn create(
    State(jira): State<JiraCloud>,
    Administrator(by): Administrator,
    Body(new): Body<NewUser>,
) -> Result<Response, Refusal> {
    if !is_email(&new.email_address) {
        return Err(Refusal::bad_request("The e-mail address is not valid."));
    }
    if let Some(unknown) = new.products.iter().find(|product| !PRODUCTS.contains(&product.as_str())) {
        return Err(Refusal::bad_request(&format!("Product {unknown} is not valid.")));
    }
    let mut site = jira.site();
    let folded = fold(&new.email_address);
    let was_there = site.directory.accounts.contains_key(&folded);
    let key = site.invite(&new.email_address, &by);
    let shown = user(&site, site.account(&key)?);
    let refuses = site.quirks.refuses_whom_it_invites && !was_there;
    drop(site);
    if !was_there {
        jira.traffic().calls.created(&folded);
    }
    if refuses {
        return Err(Refusal::bad_request(
            "User could not be created: Failed to add user HttpErrorCode 404 - User not found",
        ));
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// `DELETE /user?accountId=`: the person leaves the site.
pub(super) async fn delete(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    jira.site().remove(parameters.required("accountId")?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /user/search?query=`: active accounts by the beginning of a name or an address that is shown.
pub(super) async fn search(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let query = fold(parameters.required("query")?);
    let site = jira.site();
    let accounts = site.directory.accounts.values();
    let matching = accounts.filter(|account| {
        let by_address = !site.quirks.hides_emails && fold(&account.email).starts_with(&query);
        account.active
            && site.is_found(&account.key)
            && (by_address || fold(&account.display_name).starts_with(&query))
    });
    let all = matching.map(|account| user(&site, account)).collect();
    part(&parameters, 50, 1_000, all)
}

/// `GET /users/search`: everybody.
pub(super) async fn all(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let found = site.directory.accounts.values().filter(|account| site.is_found(&account.key));
    let all = found.map(|account| user(&site, account)).collect();
    part(&parameters, 50, 1_000, all)
}

/// `GET /user/groups?accountId=`: all of them at once.
pub(super) async fn groups(
    State(jira): State<JiraCloud>,
    _: Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let folded = fold(&site.account(parameters.required("accountId")?)?.name);
    let groups = site.directory.groups.values().filter(|group| group.members.contains(&folded));
    Ok(Json(groups.map(group).collect()))
}
