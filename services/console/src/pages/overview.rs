//! The first page of a tenant: what is still to be set up, what needs somebody, how things are.

use maud::{Markup, html};

use super::links::Names;
use crate::api::{Page, Problem};
use crate::elements::{Tone, badge, behind_glass, status, table, time_or};
use crate::failure::Failure;
use crate::resources::{Conflict, Connection, Credential, HeldTask, Link, Run, ScimRequest, Site};
use crate::session::{InTenant, Kind, Role};
use crate::shell;

/// Connections, sites and links that are looked at for the overview.
const LOOKED_AT: usize = 20;

/// Everything that the overview tells of.
struct Facts {
    /// With what was heard last.
    connections: Vec<(Connection, Page<ScimRequest>)>,
    sites: Vec<Site>,
    links: Vec<Link>,
    /// Whether a run has ever been done.
    synchronized: bool,
    /// Whether something waits for an answer.
    held: bool,
    doubtful: bool,
    /// Credentials that end by themselves before long, with where they are exchanged.
    ending: Vec<(String, String)>,
}

impl Facts {
    async fn of(desk: &InTenant) -> Result<Self, Problem> {
        let mut connections = Vec::new();
        let all: Page<Connection> = desk.get(format!("/connections?limit={LOOKED_AT}")).await?;
        let mut ending = Vec::new();
        for connection in all.items {
            let place = format!("/connections/{}", connection.id);
            let tokens: Page<Credential> = desk.get(format!("{place}/tokens")).await?;
            for token in tokens.items.into_iter().filter(|token| token.ends_soon) {
                ending.push((format!("token “{}” of {}", token.name, connection.name), place.clone()));
            }
            let last: Page<ScimRequest> =
                desk.glimpse(format!("/connections/{}/requests?limit=1", connection.id)).await?;
            connections.push((connection, last));
        }
        if desk.session.may(Role::Owner) {
            let keys: Page<Credential> = desk.get("/keys").await?;
            for key in keys.items.into_iter().filter(|key| key.ends_soon) {
                ending.push((format!("key “{}”", key.name), "/keys".to_owned()));
            }
        }
        let (mut sites, mut doubtful) = (Vec::new(), false);
        for site in desk.get::<Page<Site>>(format!("/sites?limit={LOOKED_AT}")).await?.items {
            let conflicts: Page<Conflict> =
                desk.glimpse(format!("/sites/{}/conflicts?limit=1", site.id)).await?;
            doubtful |= !conflicts.items.is_empty();
            sites.push(desk.get::<Site>(format!("/sites/{}", site.id)).await?);
        }
        let links: Page<Link> = desk.get(format!("/links?limit={LOOKED_AT}")).await?;
        let (mut synchronized, mut held) = (false, false);
        for link in &links.items {
            let runs: Page<Run> = desk.get(format!("/links/{}/runs?limit=1", link.id)).await?;
            synchronized |= runs.items.iter().any(|run| run.finished_at.is_some());
            let waiting: Page<HeldTask> = desk.glimpse(format!("/links/{}/held?limit=1", link.id)).await?;
            held |= !waiting.items.is_empty();
        }
        Ok(Self { connections, sites, links: links.items, synchronized, held, doubtful, ending })
    }

    /// Whether the operator would have to break glass to see when providers were heard, and what waits for an answer.
    fn are_hidden(&self) -> bool {
        self.connections.iter().any(|(_, heard)| heard.hidden)
    }

    fn heard(&self) -> bool {
        self.connections.iter().any(|(_, heard)| heard.items.iter().any(|last| last.status < 400))
    }
}

/// The six steps from nothing to a synchronized site; nothing once they are gone.
fn steps(desk: &InTenant, facts: &Facts) -> Markup {
    let first = facts.connections.first().map(|(connection, _)| format!("/connections/{}", connection.id));
    let link = facts.links.first().map(|link| format!("/links/{}", link.id));
    let of_link =
        |rest: &str| link.as_ref().map_or_else(|| "/links/new".to_owned(), |link| format!("{link}{rest}"));
    let switched_on = facts.links.iter().any(|link| link.enabled);
    let steps = [
        (
            !facts.connections.is_empty(),
            "Add your identity provider",
            "It gets a base URL and a token of its own.",
            "/connections/new".to_owned(),
        ),
        (
            facts.heard(),
            "Connect it",
            "Copy the values into its form and press its test: a light turns green here.",
            first.unwrap_or_else(|| "/connections/new".to_owned()),
        ),
        (
            !facts.sites.is_empty(),
            "Add a site",
            "The Jira, Confluence, Bitbucket or Crowd whose accounts should follow.",
            "/sites/new".to_owned(),
        ),
        (
            link.is_some(),
            "Link them, and choose the settings",
            "Who is in scope, what accounts are called, which groups come along.",
            of_link("/settings"),
        ),
        (switched_on, "Plan", "See every change with its reason before anything is done.", of_link("/plan")),
        (
            facts.synchronized,
            "Synchronize",
            "Watch it happen, and see the result for each person.",
            of_link(""),
        ),
    ];
    if steps.iter().all(|(reached, ..)| *reached) {
        return html! {};
    }
    let next = steps.iter().position(|(reached, ..)| !reached);
    html! {
        section.card {
            h2 { "From nothing to a synchronized site" }
            ol.steps {
                @for (index, (reached, name, hint, to)) in steps.iter().enumerate() {
                    li.reached[*reached] {
                        p { @if *reached { strong { (name) } span.muted { " – done" } } @else { strong { (name) } } }
                        @if !reached { p.hint { (hint) } }
                        @if Some(index) == next && desk.may_edit() { a.button.first href=(desk.page(to)) { (name) } }
                    }
                }
            }
        }
    }
}

pub(crate) async fn show(desk: InTenant) -> Result<Markup, Failure> {
    let facts = Facts::of(&desk).await?;
    let names = Names::of(&desk).await?;
    let connections = html! {
        @for (connection, heard) in &facts.connections {
            @let last = heard.items.first();
            tr {
                td { a href=(desk.page(format!("/connections/{}", connection.id))) { (connection.name) } }
                td { (status(&connection.status)) }
                td {
                    @if heard.hidden { (behind_glass()) }
                    @else { (time_or(last.map(|last| last.at.as_str()), "not within a week")) }
                }
                td { @if let Some(last) = last.filter(|last| last.status >= 400) { (last.problem.as_deref().unwrap_or("refused")) } }
            }
        }
    };
    let sites = html! {
        @for site in &facts.sites {
            tr {
                td { a href=(desk.page(format!("/sites/{}", site.id))) { (site.name) } }
                td { (status(&site.status)) @if let Some(reason) = &site.status_reason { p.hint { (reason) } } }
                @if let Some(backlog) = &site.backlog {
                    td.number { (backlog.waiting) }
                    td.number { (backlog.failed) }
                    td { (time_or(backlog.oldest.as_deref(), "–")) }
                }
            }
        }
    };
    Ok(shell::page(
        &desk,
        "",
        "Overview",
        &html! {
            @if facts.held || facts.doubtful {
                p.warning {
                    @if facts.held { "Work is held by a safety threshold. " }
                    @if facts.doubtful { "It is not settled who is who. " }
                    a href=(desk.page("/review")) { "Look at it and answer" } "."
                }
            }
            @if facts.are_hidden() {
                p.note {
                    "When providers were heard, and what waits for an answer, tells of people: operators see it behind glass. "
                    a href=(desk.page("/break-glass")) { "Give a reason" } "."
                }
            }
            @for (what, place) in &facts.ending {
                p.warning {
                    "The " (what) " ends within two weeks. " a href=(desk.page(place)) { "Make another one and put it to use" } "."
                }
            }
            @if desk.session.who.kind == Kind::Operator && facts.links.is_empty() {
                p.note {
                    "You are the operator. "
                    a href=(desk.page("/keys")) { "Make an owner's key" }
                    " for whoever administers this tenant: signed in with that they see its people, and you do not."
                }
            }
            (steps(&desk, &facts))
            @if !facts.connections.is_empty() {
                h2 { "Identity providers" }
                (table("Identity providers", &["Name", "Status", "Last heard", "Last refusal"], &connections))
            }
            @if !facts.sites.is_empty() {
                h2 { "Sites" }
                (table("Sites", &["Name", "Status", "Waiting", "Refused by the site", "Oldest waiting"], &sites))
            }
            @if !facts.links.is_empty() {
                h2 { "Links" }
                ul { @for link in &facts.links { li {
                    a href=(desk.page(format!("/links/{}", link.id))) { (names.link(link)) } " "
                    (if link.enabled { badge(Tone::Good, "On") } else { badge(Tone::Warn, "Off") })
                } } }
            }
        },
    ))
}
