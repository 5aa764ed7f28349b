//! Links: which identity provider feeds which site.

use std::collections::HashMap;

use axum::extract::{Path, Query};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;
use crate::api::{Page, Problem};
use crate::elements::{self, Tone, badge, next, nothing, refused, select, status, table, time, time_or};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{Connection, Created, HeldTask, Link, Run, Site};
use crate::session::InTenant;
use crate::shell;

pub(super) const PLACE: &str = "/links";

/// Connections and sites that are read for their names; beyond, ids are shown.
const NAMED: usize = 1_000;

/// Names of connections and sites by their ids.
#[derive(Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    pub(super) async fn of(desk: &InTenant) -> Result<Self, Problem> {
        let connections: Vec<Connection> = desk.api.all(desk.of("/connections"), NAMED).await?;
        let sites: Vec<Site> = desk.api.all(desk.of("/sites"), NAMED).await?;
        let connections = connections.into_iter().map(|connection| (connection.id, connection.name));
        Ok(Self(connections.chain(sites.into_iter().map(|site| (site.id, site.name))).collect()))
    }

    pub(super) fn get<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }

    /// What a link is called: it has no name of its own.
    pub(super) fn link(&self, link: &Link) -> String {
        format!("{} → {}", self.get(&link.connection_id), self.get(&link.site_id))
    }
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct OfLink {
    pub(super) link: Uuid,
}

pub(crate) async fn list(desk: InTenant, Query(cursor): Query<Cursor>) -> Result<Markup, Failure> {
    let page: Page<Link> = desk.get(format!("/links?limit=50{}", cursor.query())).await?;
    let names = Names::of(&desk).await?;
    let rows = html! {
        @for link in &page.items {
            tr {
                td { a href=(desk.page(format!("/links/{}", link.id))) { (names.link(link)) } }
                td { (if link.enabled { badge(Tone::Good, "On") } else { badge(Tone::Warn, "Off") }) }
                td.number { (link.precedence) }
                td { (time_or(link.next_run_at.as_deref(), "none by itself")) }
            }
        }
    };
    Ok(shell::page(
        &desk,
        PLACE,
        "Links",
        &html! {
            @if desk.may_edit() { div.actions { a.button.first href=(desk.page("/links/new")) { "Link a provider to a site" } } }
            @if page.items.is_empty() {
                (nothing("Nothing is linked yet.", &html! { p { "A link says which people and groups of a provider reach a site, and how." } }))
            } @else {
                (table("Links", &["From and to", "State", "Precedence", "Next run"], &rows))
                (next(&desk.page(PLACE), page.next_cursor.as_deref()))
            }
        },
    ))
}

async fn new_page(desk: &InTenant, fields: &Fields) -> Result<Markup, Failure> {
    let connections: Vec<Connection> = desk.api.all(desk.of("/connections"), NAMED).await?;
    let sites: Vec<Site> = desk.api.all(desk.of("/sites"), NAMED).await?;
    let connections: Vec<(&str, &str)> =
        connections.iter().map(|connection| (connection.id.as_str(), connection.name.as_str())).collect();
    let sites: Vec<(&str, &str)> = sites.iter().map(|site| (site.id.as_str(), site.name.as_str())).collect();
    Ok(shell::page(
        desk,
        PLACE,
        "Link a provider to a site",
        &html! {
            @if connections.is_empty() {
                (nothing("There is no identity provider to link.", &html! { a.button href=(desk.page("/connections/new")) { "Add one" } }))
            } @else if sites.is_empty() {
                (nothing("There is no site to link.", &html! { a.button href=(desk.page("/sites/new")) { "Add one" } }))
            } @else {
                section.card {
                    (refused(fields))
                    form method="post" action=(desk.page(PLACE)) {
                        (elements::once())
                        (select(fields, "connection_id", "Identity provider", "Where people come from.", &connections))
                        (select(fields, "site_id", "Site", "Where they go.", &sites))
                        p.note { "The link begins switched off: nothing is done at the site before you have seen the plan and switched it on." }
                        button.first type="submit" { "Go on to the settings" }
                    }
                }
            }
        },
    ))
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Chosen {
    #[serde(default)]
    connection: String,
    #[serde(default)]
    site: String,
}

pub(crate) async fn new(desk: InTenant, Query(chosen): Query<Chosen>) -> Result<Markup, Failure> {
    let fields = Fields::default().with("connection_id", chosen.connection).with("site_id", chosen.site);
    new_page(&desk, &fields).await
}

pub(crate) async fn create(desk: InTenant, fields: Fields) -> Result<Response, Failure> {
    let body = json!({
        "connection_id": fields.get("connection_id"), "site_id": fields.get("site_id"), "enabled": false,
    });
    let call = desk.api.call(Method::POST, desk.of(PLACE)).json(body).once(fields.get("once"));
    match call.send::<Created>().await {
        Ok(made) => {
            Ok(Redirect::to(&desk.page(format!("/links/{}/settings?done=created", made.id))).into_response())
        }
        Err(problem) if problem.status.is_client_error() => {
            let status = problem.status;
            Ok((status, new_page(&desk, &fields.refused(problem)).await?).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

/// What a link's settings come to, in sentences.
fn summary(link: &Link) -> Markup {
    let users = &link.user_sync;
    let groups = &link.group_sync;
    let on = |value: &Value| value.as_bool().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let done: Vec<&str> = [("create", "created"), ("update", "updated"), ("reactivate", "activated again")]
        .iter()
        .filter(|(name, _)| on(&users[*name]))
        .map(|(_, words)| *words)
        .collect();
    let leaving = match users["on_deprovision"].as_str() {
        Some("delete") => "deleted",
        Some("strip_groups") => "taken out of the groups that links gave",
        Some("keep") => "kept as they are",
        _ => "deactivated",
    };
    let mode = match groups["mode"].as_str() {
        Some("off") => "Groups are not mapped.",
        Some("manual") => "Groups are mapped by hand.",
        _ => "Each group becomes the site group of its name, filtered and renamed as the rules say.",
    };
    let safety = &link.safety;
    html! {
        ul {
            li { "Accounts are " (if done.is_empty() { "neither made nor changed".to_owned() } else { done.join(", ") })
                "; of people who leave they are " (leaving) "." }
            @if !text(&users["scope"]).is_empty() { li { "Only who matches " code { (text(&users["scope"])) } "." } }
            li { (mode) }
            li { "More than " (safety["max_deactivations"]) " deactivations and " (safety["max_deactivations_percent"]) " % within "
                (safety["window_hours"]) " hours wait for an answer." }
            @if !text(&link.schedule["cron"]).is_empty() {
                li { "Runs by itself: " code { (text(&link.schedule["cron"])) } " (" (text(&link.schedule["timezone"])) ")"
                    @if let Some(at) = &link.next_run_at { ", next " (time(at)) } "." }
            }
        }
    }
}

pub(crate) async fn show(desk: InTenant, Path(OfLink { link: id }): Path<OfLink>) -> Result<Markup, Failure> {
    let link: Link = desk.get(format!("/links/{id}")).await?;
    let names = Names::of(&desk).await?;
    let runs: Page<Run> = desk.get(format!("/links/{id}/runs?limit=10")).await?;
    let held: Page<HeldTask> = desk.glimpse(format!("/links/{id}/held?limit=1")).await?;
    let own = desk.page(format!("/links/{id}"));
    let rows = html! {
        @for run in &runs.items {
            tr {
                td { a href={(own) "/runs/" (run.id)} { (time(&run.created_at)) } }
                td { (status(&run.status)) }
                td { code { (run.requested_by) } }
                td.number { (run.marked) }
                td { (time_or(run.finished_at.as_deref(), "not yet")) }
            }
        }
    };
    Ok(shell::page(
        &desk,
        PLACE,
        &names.link(&link),
        &html! {
            p {
                @if link.enabled { (badge(Tone::Good, "On")) " Every change at the provider reaches the site within seconds." }
                @else { (badge(Tone::Warn, "Off")) " Nothing is done at the site. Look at the plan, then switch the link on." }
            }
            @if !held.items.is_empty() {
                p.warning { "Work is held by the safety threshold. " a href=(desk.page("/review")) { "Look at it and answer" } "." }
            }
            div.actions {
                @if desk.may_edit() {
                    a.button.first href={(own) "/plan"} { "Plan and synchronize" }
                    a.button href={(own) "/settings"} { "Settings" }
                    form.inline method="post" action={(own) "/switch"} {
                        input type="hidden" name="enabled" value=(!link.enabled);
                        button type="submit" data-confirm=[link.enabled.then_some(
                            "Nothing is given and nothing is taken away by this link until you switch it on again. Switch it off?")] {
                            (if link.enabled { "Switch off" } else { "Switch on" })
                        }
                    }
                } @else { a.button href={(own) "/settings"} { "Settings" } }
            }
            section.card {
                h2 { "What it does" }
                (summary(&link))
            }
            h2 { "Runs" }
            @if runs.items.is_empty() { (nothing("There was no full synchronization yet.", &html! {})) }
            @else { (table("Runs", &["Begun", "State", "Asked for by", "Looked at", "Ended"], &rows)) }
            p.hint { "Its id in the API: " code { (link.id) } }
        },
    ))
}

pub(crate) async fn switch(
    desk: InTenant,
    Path(OfLink { link }): Path<OfLink>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let body = json!({"enabled": fields.get("enabled") == "true"});
    desk.api.call(Method::PATCH, desk.of(format!("/links/{link}"))).json(body).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/links/{link}?done=saved"))))
}
