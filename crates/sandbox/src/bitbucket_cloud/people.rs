//! API 2.0: `/user` and `/workspaces`.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{BitbucketCloud, Refusal, WORKSPACE, Workspace, check, uuid};
use crate::installation::{authentication::LoggedIn, directory::Account, request::Parameters};

/// How many a page has.
const PAGE: usize = 10;

type Answer = Result<Json<Value>, Refusal>;

fn user(account: &Account) -> Value {
    json!({
        "type": "user",
        "uuid": uuid(account),
        "account_id": account.key,
        "display_name": account.display_name,
        "nickname": account.display_name,
        "account_status": if account.active { "active" } else { "inactive" },
    })
}

fn shown_workspace() -> Value {
    json!({
        "type": "workspace", "uuid": "{a15fb181-db1f-48f7-b41f-e1eff06929d6}", "slug": WORKSPACE, "name": "Acme",
    })
}

fn membership(account: &Account) -> Value {
    json!({ "type": "workspace_membership", "user": user(account), "workspace": shown_workspace() })
}

/// A page of a list, with the link to the next.
fn page(site: &Workspace, path: &str, parameters: &Parameters, all: Vec<Value>) -> Answer {
    let number = parameters.count("page", 1)?.max(1);
    let total = all.len();
    let values: Vec<Value> = all.into_iter().skip((number - 1) * PAGE).take(PAGE).collect();
    let mut body = json!({ "pagelen": PAGE, "page": number, "size": total, "values": values });
    if number * PAGE < total {
        let next = format!("{}{path}?page={}", site.directory.base_url, number + 1);
        body["next"] = json!(next);
    }
    Ok(Json(body))
}

/// `GET /2.0/user`.
pub(super) async fn me(State(bitbucket): State<BitbucketCloud>, LoggedIn(me): LoggedIn) -> Answer {
    let site = bitbucket.site();
    let account = site.directory.accounts.get(&me).ok_or_else(|| Refusal::not_found("User"))?;
    Ok(Json(user(account)))
}

/// `GET /2.0/workspaces/{workspace}`.
pub(super) async fn workspace(_: LoggedIn, Path(workspace): Path<String>) -> Answer {
    check(&workspace)?;
    Ok(Json(shown_workspace()))
}

/// `GET …/members`.
pub(super) async fn members(
    State(bitbucket): State<BitbucketCloud>,
    _: LoggedIn,
    Path(workspace): Path<String>,
    parameters: Parameters,
) -> Answer {
    check(&workspace)?;
    let site = bitbucket.site();
    let all = site.directory.accounts.values().map(membership).collect();
    page(&site, &format!("/2.0/workspaces/{workspace}/members"), &parameters, all)
}

/// `GET …/members/{member}`.
pub(super) async fn member(
    State(bitbucket): State<BitbucketCloud>,
    _: LoggedIn,
    Path((workspace, member)): Path<(String, String)>,
) -> Answer {
    check(&workspace)?;
    Ok(Json(membership(bitbucket.site().account(&member)?)))
}

/// `GET …/permissions`, with a filter of `permission` and of `user.uuid`, joined by `AND`.
pub(super) async fn permissions(
    State(bitbucket): State<BitbucketCloud>,
    _: LoggedIn,
    Path(workspace): Path<String>,
    parameters: Parameters,
) -> Answer {
    check(&workspace)?;
    let site = bitbucket.site();
    let query = parameters.get("q").unwrap_or_default();
    let terms: Vec<&str> = query.split(" AND ").filter(|term| !term.is_empty()).collect();
    let shown = |account: &Account| {
        let owns = site.directory.is_administrator(&account.name.to_lowercase());
        let mut shown = membership(account);
        shown["permission"] = json!(if owns { "owner" } else { "member" });
        shown
    };
    let matches = |shown: &Value| {
        terms.iter().all(|term| match term.split_once('=') {
            Some(("permission", value)) => shown["permission"] == *value.trim_matches('"'),
            Some(("user.uuid", value)) => shown["user"]["uuid"] == *value.trim_matches('"'),
            _ => false,
        })
    };
    let all = site.directory.accounts.values().map(shown).filter(matches).collect();
    page(&site, &format!("/2.0/workspaces/{workspace}/permissions"), &parameters, all)
}
