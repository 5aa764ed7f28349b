//! People: found by how they begin, and everything that is known of one.

use axum::extract::{Path, Query};
use axum::http::Method;
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;
use super::links::Names;
use crate::api::{Page, Problem, query};
use crate::elements::{self, Input, Kind, Tone, action, badge, next, nothing, status, table, time};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::live::{Part, follow};
use crate::resources::{Connection, SiteExplanation, TimelineEntry, User, UserExplanation};
use crate::session::InTenant;
use crate::{shell, words};

const PLACE: &str = "/people";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    pub(super) connection: String,
    #[serde(default, rename = "search")]
    pub(super) begins: String,
    #[serde(flatten)]
    pub(super) cursor: Cursor,
}

impl Search {
    /// The connection that is searched: the one that was chosen, or the first.
    pub(super) async fn connections(&mut self, desk: &InTenant) -> Result<Vec<Connection>, Problem> {
        let connections: Vec<Connection> = desk.api.all(desk.of("/connections"), 1_000).await?;
        if !connections.iter().any(|connection| connection.id == self.connection) {
            self.connection = connections.first().map(|connection| connection.id.clone()).unwrap_or_default();
        }
        Ok(connections)
    }

    /// The search as the API's query, and whether there is a next page to it.
    pub(super) fn query(&self) -> String {
        let search = self.begins.trim();
        if search.is_empty() {
            format!("connection_id={}&limit=50{}", self.connection, self.cursor.query())
        } else {
            format!("connection_id={}&limit=50&search={}", self.connection, query(search))
        }
    }

    pub(super) fn form(&self, to: &str, label: &str, connections: &[Connection]) -> Markup {
        let fields = Fields::default()
            .with("connection", self.connection.as_str())
            .with("search", self.begins.as_str());
        let choices: Vec<(&str, &str)> =
            connections.iter().map(|connection| (connection.id.as_str(), connection.name.as_str())).collect();
        html! {
            form.search method="get" action=(to) role="search" {
                (elements::select(&fields, "connection", "Identity provider", "", &choices))
                (Input { name: "search", label, ..Input::default() }.show(&fields))
                button.first type="submit" { "Search" }
            }
        }
    }
}

pub(crate) async fn list(desk: InTenant, Query(mut search): Query<Search>) -> Result<Markup, Failure> {
    let connections = search.connections(&desk).await?;
    if connections.is_empty() {
        return Ok(shell::page(
            &desk,
            PLACE,
            "People",
            &nothing("No identity provider is registered yet.", &html! {}),
        ));
    }
    let page: Page<User> = desk.get(format!("/users?{}", search.query())).await?;
    let rows = html! {
        @for user in &page.items {
            tr {
                td { a href=(desk.page(format!("/people/{}", user.id))) { (user.user_name) } }
                td { (user.display_name.as_deref().unwrap_or_default()) }
                td { (if user.active { badge(Tone::Good, "Active") } else { badge(Tone::Plain, "Not active") }) }
                td { (time(&user.last_modified_at)) }
            }
        }
    };
    let own = desk.page(PLACE);
    Ok(shell::page(
        &desk,
        PLACE,
        "People",
        &html! {
            (search.form(&own, "Name or e-mail address begins with", &connections))
            @if page.items.is_empty() {
                (nothing(if search.begins.is_empty() { "The provider has sent nobody yet." } else { "Nobody begins like that." }, &html! {}))
            } @else {
                (table("People", &["User name", "Name", "In the directory", "Changed"], &rows))
                (next(&format!("{own}?connection={}", search.connection), page.next_cursor.as_deref()))
            }
        },
    ))
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    group: String,
    /// Whether the page follows what happens.
    #[serde(default)]
    done: String,
    #[serde(flatten)]
    cursor: Cursor,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct OfUser {
    user: Uuid,
}

fn account(desk: &InTenant, site: &SiteExplanation) -> Markup {
    html! {
        @match &site.account {
            None => p { "There is no account that is known to be theirs." },
            Some(account) => {
                dl.facts {
                    dt { "Account" }
                    dd {
                        a href=(desk.page(format!("/ledger/{}/{}", site.site_id, account.id))) { (account.username) }
                        @match account.active {
                            Some(true) => { " " (badge(Tone::Good, "Active")) }
                            Some(false) => { " " (badge(Tone::Plain, "Not active")) }
                            None => { " " (badge(Tone::Plain, "Not seen yet")) }
                        }
                        @if account.in_doubt { " " (badge(Tone::Warn, "Being looked up")) }
                    }
                    dt { "Where from" }
                    dd { (if account.created_by_us { "made by us" } else { "was there, and taken over" }) }
                    @if let Some(at) = &account.observed_at { dt { "Last seen" } dd { (time(at)) } }
                }
                @for doubt in account.claimed_by.iter().filter_map(|claim| claim.doubt.as_ref()) {
                    p.warning { "It is not settled whose account this is: " (doubt) ". " a href=(desk.page("/review")) { "Answer it" } "." }
                }
            }
        }
    }
}

fn group_state(wanted: bool, member: bool) -> Markup {
    match (wanted, member) {
        (true, true) => badge(Tone::Good, "In it"),
        (true, false) => badge(Tone::Warn, "Should be, and is not yet"),
        (false, true) => badge(Tone::Plain, "In it, and not by us"),
        (false, false) => badge(Tone::Plain, "Not in it"),
    }
}

/// One site: account, what is still to be done, and the rules behind every value.
fn at_site(desk: &InTenant, user: Uuid, site: &SiteExplanation) -> Markup {
    let value = |what: &str| words::sentence(what);
    html! {
        section.card {
            h2 { a href=(desk.page(format!("/sites/{}", site.site_id))) { (site.site_name) } }
            @if !site.link_enabled { p.warning { "The link is off: nothing is given and nothing is taken away here." } }
            @if site.site_status != "active" { p.warning { "Nothing is done at the site for now: " (status(&site.site_status)) } }
            @if let Some(task) = &site.task {
                p.note {
                    strong { "To be done: " } (status(&task.state))
                    @if let Some(reason) = &task.reason { " " (reason) }
                    @if task.attempts > 0 { " Tried " (task.attempts) " times; again " (time(&task.due_at)) "." }
                }
            }
            (account(desk, site))
            @if !site.pending.is_empty() {
                h3 { "What would be done now" }
                ul { @for step in &site.pending { li { (step.summary) ": " span.muted { (step.reason) } } } }
            }
            @if !site.not_done.is_empty() {
                h3 { "What differs and stays so" }
                ul { @for left in &site.not_done { li { (value(&left.what)) ": " span.muted { (left.reason) } } } }
            }
            details id={"values-" (site.site_id)} {
                summary { "Every value, and where it comes from" }
                (table("Values", &["What", "Value", "Because"], &html! {
                    @for row in &site.values { tr {
                        td { (value(&row.what)) } td { (row.value.as_deref().unwrap_or("–")) } td { (row.rule) }
                    } }
                }))
            }
            details id={"groups-" (site.site_id)} {
                @let wanted = site.groups.iter().filter(|group| group.wanted).count();
                summary { (wanted) (if wanted == 1 { " group" } else { " groups" }) ", and why" }
                (table("Groups", &["Group", "State", "Because"], &html! {
                    @for group in &site.groups { tr {
                        td { (group.name) } td { (group_state(group.wanted, group.member)) } td { (group.reasons.join("; ")) }
                    } }
                    @for group in &site.excluded_groups { tr {
                        td { (group.directory_group) span.muted { " (directory)" } } td { (badge(Tone::Plain, "Does not reach the site")) } td { (group.reason) }
                    } }
                }))
            }
            @if let Some(group) = &site.group {
                p.note { strong { (group.name) ": " } (group_state(group.wanted, group.member)) " " (group.reasons.join("; ")) }
            }
            @if desk.may_edit() {
                details id={"correct-" (site.site_id)} {
                    summary { "The wrong account?" }
                    form.search method="post" action=(desk.page(format!("/ledger/{}/users/{user}/relink", site.site_id))) {
                        (Input { name: "username", label: "Link to the account with the user name", required: true, kind: Kind::Code, ..Input::default() }.show(&Fields::default()))
                        button type="submit" { "Link" }
                    }
                    @if site.account.is_some() {
                        form.search method="post" action=(desk.page(format!("/ledger/{}/users/{user}/split", site.site_id)))
                            data-confirm="They are somebody else than this account's person, and are never matched to it again. Separate them?" {
                            (Input { name: "username", label: "Or separate, and give an account of this user name (empty: the directory's)", kind: Kind::Code, ..Input::default() }.show(&Fields::default()))
                            button.danger type="submit" { "Separate" }
                        }
                    }
                }
            }
        }
    }
}

/// A timeline, newest first.
pub(super) fn timeline(entries: &[TimelineEntry], names: &Names) -> Markup {
    html! {
        ul.timeline {
            @for (index, entry) in entries.iter().enumerate() {
                li.site[entry.site_id.is_some()] {
                    (entry.summary)
                    div.muted {
                        (time(&entry.at)) " · " (words::sentence(&entry.kind))
                        @if let Some(site) = &entry.site_id { " at " (names.get(site)) }
                        @if let Some(id) = &entry.request_id { " · request " code { (id) } }
                    }
                    @if let Some(detail) = &entry.detail {
                        details id={"entry-" (index)} { summary { "More" } pre { (format!("{detail:#}")) } }
                    }
                }
            }
        }
    }
}

async fn explained(desk: &InTenant, user: Uuid, group: &str) -> Result<UserExplanation, Problem> {
    let group = if group.is_empty() { String::new() } else { format!("?group={}", query(group)) };
    desk.get(format!("/users/{user}/explain{group}")).await
}

/// The part of the page that follows what happens.
async fn state(desk: &InTenant, user: Uuid, asked: &Asked) -> Result<(Markup, bool), Problem> {
    let explained = explained(desk, user, asked.group.trim()).await?;
    let path = format!("/users/{user}/timeline?limit=30{}", asked.cursor.query());
    let entries: Page<TimelineEntry> = desk.get(path).await?;
    let names = Names::of(desk).await?;
    let busy =
        explained.sites.iter().any(|site| site.task.as_ref().is_some_and(|task| task.state == "ready"));
    let own = desk.page(format!("/people/{user}"));
    let shown = html! {
        @if explained.sites.is_empty() { (nothing("Their identity provider is linked to no site.", &html! {})) }
        @for site in &explained.sites { (at_site(desk, user, site)) }
        section.card {
            h2 { "What happened" }
            @if entries.items.is_empty() { p.muted { "Nothing yet." } }
            (timeline(&entries.items, &names))
            (next(&own, entries.next_cursor.as_deref()))
        }
    };
    Ok((shown, busy))
}

pub(crate) async fn show(
    desk: InTenant,
    Path(OfUser { user }): Path<OfUser>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let known: Option<User> = desk.api.find(desk.of(format!("/users/{user}"))).await?;
    let (shown, _) = state(&desk, user, &asked).await?;
    let own = desk.page(format!("/people/{user}"));
    let title =
        known.as_ref().map_or("Somebody whom the directory has deleted", |known| known.user_name.as_str());
    Ok(shell::page(
        &desk,
        PLACE,
        title,
        &html! {
            @if let Some(known) = &known {
                dl.facts {
                    dt { "Name" } dd { (known.display_name.as_deref().unwrap_or("–")) }
                    dt { "In the directory" } dd { (if known.active { badge(Tone::Good, "Active") } else { badge(Tone::Plain, "Not active") }) }
                    dt { "Provider's id" } dd { code { (known.external_id.as_deref().unwrap_or("–")) } }
                    dt { "SCIM id" } dd { code { (known.id) } }
                    dt { "Changed" } dd { (time(&known.last_modified_at)) }
                }
            }
            @if desk.may_edit() { div.actions { (action(&format!("{own}/sync"), "Synchronize now", "first", "")) } }
            form.search method="get" action=(own) {
                (Input { name: "group", label: "Why (not) in a site group?", example: "jira-software-users", ..Input::default() }
                    .show(&Fields::default().with("group", asked.group.as_str())))
                button type="submit" { "Explain" }
            }
            @if asked.done == "asked" { div data-live={(own) "/live"} { (shown) } } @else { (shown) }
        },
    ))
}

pub(crate) async fn live(desk: InTenant, Path(OfUser { user }): Path<OfUser>) -> Response {
    follow(move || {
        let desk = desk.clone();
        async move {
            let (html, busy) = state(&desk, user, &Asked::default()).await.ok()?;
            Some(Part { html, ended: !busy })
        }
    })
}

pub(crate) async fn sync(desk: InTenant, Path(OfUser { user }): Path<OfUser>) -> Result<Redirect, Failure> {
    let call = desk.api.call(Method::POST, desk.of(format!("/users/{user}/sync"))).json(json!({}));
    call.send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/people/{user}?done=asked"))))
}
