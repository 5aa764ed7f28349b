//! People: found, shown, explained.

use std::process::ExitCode;

use serde_json::Value;

use super::api::{Api, encoded};
use super::arguments::{ExplainArguments, Output, UsersArguments, UsersCommand};
use super::output::{self, Columns};

const USERS: Columns<'_> = &[
    ("user name", "/user_name"),
    ("name", "/display_name"),
    ("active", "/active"),
    ("changed", "/last_modified_at"),
    ("id", "/id"),
];
const TIMELINE: Columns<'_> = &[("at", "/at"), ("what", "/summary"), ("request", "/request_id")];
const VALUES: Columns<'_> = &[("what", "/what"), ("value", "/value"), ("because", "/rule")];
const GROUPS: Columns<'_> =
    &[("group", "/name"), ("wanted", "/wanted"), ("in it", "/member"), ("because", "/reasons")];

pub(super) async fn users(api: &Api, arguments: UsersArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        UsersCommand::Search { start, connection } => {
            let connections = match connection {
                Some(name) => vec![api.named("/connections", "connection", &name).await?],
                None => api.all("/connections").await?,
            };
            let mut found = Vec::new();
            for connection in connections {
                let id = connection["id"].as_str().unwrap_or_default();
                let search =
                    if start.is_empty() { String::new() } else { format!("&search={}", encoded(&start)) };
                found.extend(api.all(&format!("/users?connection_id={id}{search}")).await?);
            }
            output::list(api.output, &found, USERS)?;
        }
        UsersCommand::Show { user } => {
            let user = api.user(&user).await?;
            output::object(api.output, &api.get(&format!("/users/{user}")).await?)?;
        }
        UsersCommand::Timeline { user, limit } => {
            let user = api.user(&user).await?;
            let page = api.get(&format!("/users/{user}/timeline?limit={limit}")).await?;
            output::list(api.output, page["items"].as_array().map_or(&[], Vec::as_slice), TIMELINE)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn explain(api: &Api, arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let user = api.user(&arguments.user).await?;
    let group =
        arguments.group.as_ref().map_or_else(String::new, |group| format!("?group={}", encoded(group)));
    let explained = api.get(&format!("/users/{user}/explain{group}")).await?;
    if api.output == Output::Json {
        output::object(api.output, &explained)?;
        return Ok(ExitCode::SUCCESS);
    }
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for site in items(&explained["sites"]) {
        output::line(format!("\n{}", text(&site["site_name"])))?;
        if site["link_enabled"] != true {
            output::line("  The link is off: nothing is given and nothing is taken away here.")?;
        }
        match site["account"]["username"].as_str() {
            Some(name) => output::line(format!("  Account: {name}"))?,
            None => output::line("  There is no account that is known to be theirs.")?,
        }
        if !site["task"].is_null() {
            let (state, reason) = (text(&site["task"]["state"]), text(&site["task"]["reason"]));
            output::line(format!("  To be done: {state} {reason}"))?;
        }
        for step in items(&site["pending"]) {
            output::line(format!(
                "  Would be done now: {}: {}",
                text(&step["summary"]),
                text(&step["reason"])
            ))?;
        }
        for left in items(&site["not_done"]) {
            output::line(format!("  Stays as it is: {}: {}", text(&left["what"]), text(&left["reason"])))?;
        }
        output::list(api.output, &items(&site["values"]), VALUES)?;
        let groups =
            if site["group"].is_null() { items(&site["groups"]) } else { vec![site["group"].clone()] };
        output::list(api.output, &groups, GROUPS)?;
    }
    Ok(ExitCode::SUCCESS)
}
