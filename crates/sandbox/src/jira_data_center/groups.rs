//! `/group`, `/groups/picker`: groups and memberships.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    API, JiraDataCenter, MEMBER_PAGE_LIMIT,
    answers::Refusal,
    site::{ADMINISTRATORS, SOFTWARE_USERS, SYSTEM_ADMINISTRATORS, Site},
};
use crate::installation::{
    authentication::{Administrator, Caller},
    directory::{Group, fold},
    request::{Body, Parameters, query_value},
};

const PICKER_DEFAULT: usize = 20;
const PICKER_LIMIT: usize = 1_000;
const GROUP_NAME_LIMIT: usize = 255;

/// The body of `POST /group` (a group's name) and of `POST /group/user` (an account's).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameWrite {
    name: Option<String>,
}

/// `GET /groups/picker?query=`: the groups whose names contain the text. Nobody is refused; who has not logged in
/// sees none.
pub(super) async fn pick(
    State(jira): State<JiraDataCenter>,
    caller: axum::Extension<Caller>,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let query = fold(parameters.get("query").unwrap_or(""));
    let max_results = parameters.count("maxResults", PICKER_DEFAULT)?.min(PICKER_LIMIT);
    let excluded: Vec<String> = parameters.all("exclude").map(fold).collect();
    let member = parameters.get("userName").map(fold);
    let site = jira.site();
    let found: Vec<&Group> = site
        .directory
        .groups
        .iter()
        .filter(|_| matches!(caller.0, Caller::Account(_)))
        .filter(|(folded, _)| folded.contains(&query) && !excluded.contains(folded))
        .filter(|(_, group)| member.as_ref().is_none_or(|name| group.members.contains(name)))
        .map(|(_, group)| group)
        .collect();
    let shown: Vec<Value> = found.iter().take(max_results).map(|group| suggestion(group, &query)).collect();
    Ok(Json(json!({
        "header": format!("Showing {} of {} matching groups", shown.len(), found.len()),
        "total": found.len(),
        "groups": shown,
    })))
}

fn suggestion(group: &Group, query: &str) -> Value {
    let label = |text: &str, title: &str, kind: &str| json!([{ "text": text, "title": title, "type": kind }]);
    let labels = match fold(&group.name).as_str() {
        ADMINISTRATORS | SYSTEM_ADMINISTRATORS => {
            label("Admin", "Users added to this group will be given administrative access", "ADMIN")
        }
        SOFTWARE_USERS => {
            label("Jira Software", "Users added to this group will be given access to Jira", "SINGLE")
        }
        _ => json!([]),
    };
    json!({ "name": group.name, "html": highlighted(&group.name, query), "labels": labels })
}

/// Marks where the query was found, if folding has not moved it.
fn highlighted(name: &str, query: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let place = fold(name).find(query).filter(|_| !query.is_empty());
    let parts = place.and_then(|start| {
        let end = start + query.len();
        Some((name.get(..start)?, name.get(start..end)?, name.get(end..)?))
    });
    match parts {
        Some((before, hit, after)) => format!("{}<b>{}</b>{}", escape(before), escape(hit), escape(after)),
        None => escape(name),
    }
}

/// `GET /group?groupname=`: with `expand=users`, the first members too.
pub(super) async fn get(
    State(jira): State<JiraDataCenter>,
    Administrator(_): Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let site = jira.site();
    let group = site.group(parameters.required("groupname")?)?;
    Ok(Json(site.group_bean(group, parameters.expands("users"))))
}

/// `POST /group`.
pub(super) async fn create(
    State(jira): State<JiraDataCenter>,
    Administrator(_): Administrator,
    Body(write): Body<NameWrite>,
) -> Result<Response, Refusal> {
    let name = write.name.unwrap_or_default().trim().to_owned();
    let mut site = jira.site();
    if name.is_empty() {
        return Err(Refusal::bad_request("Group name cannot be empty."));
    }
    if name.chars().count() > GROUP_NAME_LIMIT {
        return Err(Refusal::bad_request("Group name must not exceed 255 characters."));
    }
    if site.directory.groups.contains_key(&fold(&name)) {
        return Err(Refusal::bad_request("A group or user with this name already exists."));
    }
    site.directory.insert_group(&name);
    let bean = site.group_bean(site.group(&name)?, true);
    Ok((StatusCode::CREATED, Json(bean)).into_response())
}

/// `DELETE /group?groupname=&swapGroup=`. What the group was allowed goes to the other; this site keeps no grants,
/// so the other group need only be there.
pub(super) async fn delete(
    State(jira): State<JiraDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let mut site = jira.site();
    let folded = fold(&site.group(parameters.required("groupname")?)?.name);
    if let Some(swap_group) = parameters.get("swapGroup") {
        site.group(swap_group)?;
    }
    site.check_stays_administrator(&folded, &caller)?;
    site.directory.groups.remove(&folded);
    Ok(StatusCode::OK)
}

/// `GET /group/member?groupname=`: a page of members, by name.
pub(super) async fn members(
    State(jira): State<JiraDataCenter>,
    Administrator(_): Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let name = parameters.required("groupname")?;
    let with_inactive = parameters.flag("includeInactiveUsers", false);
    let start_at = parameters.count("startAt", 0)?;
    let max_results = parameters.count("maxResults", MEMBER_PAGE_LIMIT)?.min(MEMBER_PAGE_LIMIT);
    let site = jira.site();
    let group = site.group(name)?;
    let shown = || {
        let accounts = group.members.iter().filter_map(|member| site.directory.accounts.get(member));
        accounts.filter(|account| account.active || with_inactive)
    };
    let total = shown().count();
    let values: Vec<Value> =
        shown().skip(start_at).take(max_results).map(|account| site.short_user(account)).collect();
    let page_link = |start_at: usize| {
        let (base, group) = (&site.directory.base_url, query_value(&group.name));
        format!(
            "{base}{API}/group/member?groupname={group}&includeInactiveUsers={with_inactive}&maxResults={max_results}&startAt={start_at}"
        )
    };
    let next = start_at.saturating_add(values.len());
    let is_last = next >= total;
    let mut page = json!({
        "self": page_link(start_at),
        "maxResults": max_results,
        "startAt": start_at,
        "total": total,
        "isLast": is_last,
        "values": values,
    });
    if !is_last {
        page["nextPage"] = page_link(next).into();
    }
    Ok(Json(page))
}

/// `POST /group/user?groupname=`. A member already is 400.
pub(super) async fn add_member(
    State(jira): State<JiraDataCenter>,
    Administrator(_): Administrator,
    parameters: Parameters,
    Body(write): Body<NameWrite>,
) -> Result<Response, Refusal> {
    let mut site = jira.site();
    let folded_group = fold(&site.group(parameters.required("groupname")?)?.name);
    let user = site.account(&fold(&write.name.unwrap_or_default()))?;
    let (user_name, folded_user) = (user.name.clone(), fold(&user.name));
    let group = site.group(&folded_group)?;
    if group.members.contains(&folded_user) {
        let text = format!("Cannot add user '{user_name}', user is already a member of '{}'", group.name);
        return Err(Refusal::bad_request(text));
    }
    site.directory.insert_group(&folded_group).members.insert(folded_user);
    let bean = site.group_bean(site.group(&folded_group)?, false);
    Ok((StatusCode::CREATED, Json(bean)).into_response())
}

/// `DELETE /group/user?groupname=&username=`. No member is 400.
pub(super) async fn remove_member(
    State(jira): State<JiraDataCenter>,
    Administrator(caller): Administrator,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let mut site = jira.site();
    let folded_group = fold(&site.group(parameters.required("groupname")?)?.name);
    let user = site.account(&fold(parameters.required("username")?))?;
    let (user_name, folded_user) = (user.name.clone(), fold(&user.name));
    let group = site.group(&folded_group)?;
    if !group.members.contains(&folded_user) {
        let text = format!(
            "Cannot remove user '{user_name}' from group '{}' since user is not a member",
            group.name
        );
        return Err(Refusal::bad_request(text));
    }
    if folded_user == caller {
        site.check_stays_administrator(&folded_group, &caller)?;
    }
    site.directory.insert_group(&folded_group).members.remove(&folded_user);
    Ok(Json(site.group_bean(site.group(&folded_group)?, false)))
}

impl Site {
    /// Refuses to let administrators lock themselves out by losing their last administrators' group.
    fn check_stays_administrator(&self, losing: &str, caller: &str) -> Result<(), Refusal> {
        let administrators = [ADMINISTRATORS, SYSTEM_ADMINISTRATORS];
        if !administrators.contains(&losing) || self.directory.administers_without(caller, losing) {
            return Ok(());
        }
        Err(Refusal::bad_request(
            "You cannot leave or delete the last group that gives you administrative access.",
        ))
    }

    /// Returns a group as it stands in a user.
    pub(super) fn group_name_bean(&self, name: &str) -> Value {
        json!({ "name": name, "self": format!("{}{API}/group?groupname={}", self.directory.base_url, query_value(name)) })
    }

    fn group_bean(&self, group: &Group, with_users: bool) -> Value {
        let accounts = group.members.iter().filter_map(|name| self.directory.accounts.get(name));
        let active: Vec<_> = accounts.filter(|account| account.active).collect();
        let shown = if with_users { active.len().min(MEMBER_PAGE_LIMIT) } else { 0 };
        let items: Vec<Value> = active[..shown].iter().map(|account| self.short_user(account)).collect();
        let mut bean = self.group_name_bean(&group.name);
        bean["users"] = json!({
            "size": active.len(),
            "items": items,
            "max-results": MEMBER_PAGE_LIMIT,
            "start-index": 0,
            "end-index": shown.saturating_sub(1),
        });
        bean["expand"] = "users".into();
        bean
    }
}
