//! What waits for somebody's answer: work that the safety thresholds hold, and people who may not be who they seem.

use axum::extract::Path;
use axum::http::Method;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::links::{Names, OfLink};
use crate::api::Page;
use crate::elements::{self, Input, Kind, nothing, table, time};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{Conflict, HeldTask, Link, Outlook, Site};
use crate::session::InTenant;
use crate::{shell, words};

const PLACE: &str = "/review";
/// Held work of one link, and conflicts of one site, that are shown at once.
const SHOWN: usize = 100;

fn held(desk: &InTenant, link: &Link, names: &Names, page: &Page<HeldTask>) -> Markup {
    let rows = html! {
        @for task in &page.items {
            tr {
                td {
                    @if desk.may_edit() {
                        input type="checkbox" name="object" value=(task.object_id)
                            aria-label={"Choose " (task.name.as_deref().unwrap_or(&task.object_id))};
                    }
                }
                td {
                    @let place = if task.kind == "user" { "people" } else { "groups" };
                    a href=(desk.page(format!("/{place}/{}", task.object_id))) { (task.name.as_deref().unwrap_or("deleted in the directory")) }
                }
                td { (task.reason.as_deref().unwrap_or_default()) }
                td { (time(&task.marked_at)) }
            }
        }
    };
    html! {
        section.card {
            h2 { (names.link(link)) }
            form method="post" action=(desk.page(format!("/review/held/{}", link.id))) {
                (elements::once())
                (table("Held work", &["Choose", "Who", "Why it waits", "Since"], &rows))
                @if page.next_cursor.is_some() { p.muted { "The first " (page.items.len()) " are shown; “all” means those behind as well." } }
                @if desk.may_edit() {
                    div.actions {
                        button type="submit" name="answer" value="approve-chosen" { "Approve the chosen" }
                        button type="submit" name="answer" value="reject-chosen" { "Reject the chosen" }
                        button.danger type="submit" name="answer" value="approve-all"
                            data-confirm="Everything that this link holds is done, once. Is it meant?" { "Approve all" }
                        button type="submit" name="answer" value="reject-all"
                            data-confirm="These accounts stay as they are until the directory changes them again. Reject all?" { "Reject all" }
                    }
                }
            }
        }
    }
}

fn conflicts(desk: &InTenant, site: &Site, names: &Names, page: &Page<Conflict>) -> Markup {
    let rows = html! {
        @for conflict in &page.items {
            tr {
                td {
                    a href=(desk.page(format!("/review/conflicts/{}/{}", site.id, conflict.user_id))) {
                        (conflict.user_name.as_deref().unwrap_or("deleted in the directory"))
                    }
                    span.muted { " of " (names.get(&conflict.connection_id)) }
                }
                td { (conflict.account.username) }
                td { (conflict.reason) }
                td { (time(&conflict.since)) }
            }
        }
    };
    html! {
        section.card {
            h2 { "Who is who at " (site.name) }
            (table("Conflicts", &["Person", "Account", "What speaks against it", "Since"], &rows))
        }
    }
}

pub(crate) async fn show(desk: InTenant) -> Result<Markup, Failure> {
    let names = Names::of(&desk).await?;
    let mut waiting = Vec::new();
    for link in desk.api.all::<Link>(desk.of("/links"), 1_000).await? {
        let page: Page<HeldTask> = desk.get(format!("/links/{}/held?limit={SHOWN}", link.id)).await?;
        if !page.items.is_empty() {
            waiting.push(held(&desk, &link, &names, &page));
        }
    }
    let mut doubtful = Vec::new();
    for site in desk.api.all::<Site>(desk.of("/sites"), 1_000).await? {
        let page: Page<Conflict> = desk.get(format!("/sites/{}/conflicts?limit={SHOWN}", site.id)).await?;
        if !page.items.is_empty() {
            doubtful.push(conflicts(&desk, &site, &names, &page));
        }
    }
    Ok(shell::page(
        &desk,
        PLACE,
        "To review",
        &html! {
            @if waiting.is_empty() && doubtful.is_empty() {
                (nothing("Nothing waits for an answer.", &html! {
                    p { "Deactivations beyond a link's threshold would wait here, and people of two directories who may be one." }
                }))
            }
            @if !waiting.is_empty() {
                p { "These changes take access away and passed a threshold. Nothing of them is done before you answer; everything that only gives access goes on." }
                @for part in &waiting { (part) }
            }
            @for part in &doubtful { (part) }
        },
    ))
}

pub(crate) async fn answer_held(
    desk: InTenant,
    Path(OfLink { link }): Path<OfLink>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let (verb, scope) = fields.get("answer").split_once('-').ok_or(Failure::NotFound)?;
    let (path, done) = match verb {
        "approve" => ("approve", "approved"),
        "reject" => ("reject", "rejected"),
        _ => return Err(Failure::NotFound),
    };
    let body = if scope == "all" { json!({}) } else { json!({"object_ids": fields.all("object")}) };
    let call = desk.api.call(Method::POST, desk.of(format!("/links/{link}/held/{path}"))).json(body);
    call.once(fields.get("once")).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("{PLACE}?done={done}"))))
}

#[derive(Deserialize)]
pub(crate) struct OfConflict {
    site: Uuid,
    user: Uuid,
}

fn outlook(outlook: Option<&Outlook>) -> Markup {
    let Some(outlook) = outlook else { return html! {} };
    html! {
        @if outlook.pending.is_empty() && outlook.not_done.is_empty() { p.muted { "Nothing would change." } }
        ul {
            @for step in &outlook.pending { li { (step.summary) ": " span.muted { (step.reason) } } }
            @for left in &outlook.not_done { li { (words::sentence(&left.what)) " stays: " span.muted { (left.reason) } } }
        }
    }
}

pub(crate) async fn conflict(desk: InTenant, Path(of): Path<OfConflict>) -> Result<Markup, Failure> {
    let OfConflict { site, user } = of;
    let conflict: Conflict = desk.get(format!("/sites/{site}/conflicts/{user}")).await?;
    let names = Names::of(&desk).await?;
    let own = desk.page(format!("/review/conflicts/{site}/{user}"));
    let name = conflict.user_name.as_deref().unwrap_or("Somebody whom the directory has deleted");
    Ok(shell::page(
        &desk,
        PLACE,
        &format!("Who is {name}?"),
        &html! {
            p.warning { (conflict.reason) }
            dl.facts {
                dt { "Person" } dd { a href=(desk.page(format!("/people/{user}"))) { (name) } " (" (conflict.display_name.as_deref().unwrap_or("no display name")) ") of " (names.get(&conflict.connection_id)) }
                dt { "Account" } dd { a href=(desk.page(format!("/ledger/{site}/{}", conflict.account.id))) { (conflict.account.username) }
                    " (" (conflict.account.display_name.as_deref().unwrap_or("no display name")) ", " (conflict.account.email.as_deref().unwrap_or("no address known")) ")" }
                dt { "Claimed by" } dd { @for claim in &conflict.account.claimed_by { (names.get(&claim.connection_id)) " " } }
            }
            p { "Until you answer, the account is as if this person were not there: nobody gets what is another's." }
            div.cards {
                section.card {
                    h2 { "They are one person" }
                    (outlook(conflict.same_person.as_ref()))
                    @if desk.may_edit() {
                        form method="post" action=(own) { (elements::once())
                            button.first type="submit" name="answer" value="same_person" { "One person" }
                        }
                    }
                }
                section.card {
                    h2 { "They are two" }
                    (outlook(conflict.another_person.as_ref()))
                    @if desk.may_edit() {
                        form method="post" action=(own) { (elements::once())
                            (Input { name: "username", label: "User name of the account that they get", kind: Kind::Code,
                                hint: "Empty for the directory's, where that is free.", ..Input::default() }.show(&Fields::default()))
                            button type="submit" name="answer" value="another_person" { "Two people" }
                        }
                    }
                }
            }
        },
    ))
}

pub(crate) async fn answer_conflict(
    desk: InTenant,
    Path(OfConflict { site, user }): Path<OfConflict>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let body = json!({"answer": fields.get("answer"), "username": fields.text_or_null("username")});
    let call = desk.api.call(Method::POST, desk.of(format!("/sites/{site}/conflicts/{user}"))).json(body);
    call.once(fields.get("once")).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("{PLACE}?done=answered"))))
}
