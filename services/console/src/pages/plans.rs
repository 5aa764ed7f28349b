//! What a run would do, seen before it does it.

use axum::extract::Path;
use axum::http::Method;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::links::{Names, OfLink, PLACE};
use super::settings;
use crate::elements::{self, Tone, badge, nothing, refused, table};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::resources::{Link, Plan, PlannedChange};
use crate::session::InTenant;
use crate::{shell, words};

pub(crate) async fn ask(desk: InTenant, Path(of): Path<OfLink>) -> Result<Markup, Failure> {
    let link: Link = desk.get(format!("/links/{}", of.link)).await?;
    let names = Names::of(&desk).await?;
    Ok(shell::page(
        &desk,
        PLACE,
        &format!("Plan: {}", names.link(&link)),
        &html! {
            section.card {
                h2 { "See first, then do" }
                p { "A plan compares the directory with the site and lists every change with its reason. Making it changes nothing." }
                form method="post" action=(desk.page(format!("/links/{}/plan", of.link))) {
                    button.first type="submit" { "Make the plan" }
                }
            }
            (begin(&desk, &link, None))
        },
    ))
}

/// The way to a run: of a plan, or of whatever differs.
fn begin(desk: &InTenant, link: &Link, digest: Option<&str>) -> Markup {
    let to = desk.page(format!("/links/{}/runs", link.id));
    html! {
        @if desk.may_edit() {
            form method="post" action=(to) {
                (elements::once())
                @if let Some(digest) = digest { input type="hidden" name="digest" value=(digest); }
                @if !link.enabled {
                    input type="hidden" name="enable" value="true";
                    p.note { "The link is off. Beginning switches it on, so that later changes at the provider reach the site by themselves." }
                }
                button.first[digest.is_some()] type="submit" {
                    (match (digest.is_some(), link.enabled) {
                        (true, true) => "Do exactly this",
                        (true, false) => "Switch on and do exactly this",
                        (false, true) => "Synchronize without a plan",
                        (false, false) => "Switch on and synchronize without a plan",
                    })
                }
            }
        }
    }
}

/// What an action comes with, in a few words.
fn values(change: &PlannedChange) -> String {
    let Some(fields) = change.values.as_object() else { return String::new() };
    let shown = fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
        Value::String(text) if fields.len() == 1 => text.clone(),
        Value::String(text) => format!("{} {text}", words::sentence(name).to_lowercase()),
        other => format!("{} {other}", words::sentence(name).to_lowercase()),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn tone(action: &str) -> Tone {
    match action {
        "deactivate" | "delete_account" | "remove_member" => Tone::Warn,
        _ => Tone::Good,
    }
}

fn changes(desk: &InTenant, plan: &Plan) -> Markup {
    let rows = html! {
        @for change in &plan.changes {
            tr {
                td { (badge(tone(&change.action), words::action(&change.action))) @if change.held { " " (badge(Tone::Warn, "would be held")) } }
                td {
                    a href=(desk.page(format!("/{}/{}", if change.object.kind == "user" { "people" } else { "groups" }, change.object.id))) {
                        (change.object.name)
                    }
                }
                td { (values(change)) }
                td { (change.reason) }
            }
        }
    };
    html! {
        h2 { "Changes" }
        @if plan.changes.is_empty() { (nothing("Nothing would change: the site is as it should be.", &html! {})) } @else {
            div.search {
                div.field {
                    label for="filter" { "Show only what contains" }
                    input id="filter" type="search" data-filters="changes" autocomplete="off" placeholder="deactivate, a name, a group…";
                }
                p.muted #changes-count role="status" {}
            }
            div #changes { (table("Changes", &["What", "For", "With", "Why"], &rows)) }
            @if plan.truncated { p.muted { "The first " (plan.changes.len()) " are shown; the figures above count all." } }
        }
        @if !plan.not_done.is_empty() {
            details {
                summary { (plan.summary.not_done) " things differ and would stay so" }
                (table("Left alone", &["For", "What", "Why"], &html! {
                    @for left in &plan.not_done { tr { td { (left.object.name) } td { (words::sentence(&left.what)) } td { (left.reason) } } }
                }))
            }
        }
    }
}

fn figures(plan: &Plan) -> Markup {
    let summary = &plan.summary;
    html! {
        dl.figures {
            @for (action, count) in &summary.by_action { div { dt { (words::action(action)) } dd { (count) } } }
            @if summary.adopted > 0 { div { dt { "Taken over" } dd { (summary.adopted) } } }
            div { dt { "Unchanged" } dd { (summary.unchanged) } }
        }
        p.muted {
            (summary.users) " people and " (summary.groups) " groups were looked at. About " (summary.calls) " calls at the site"
            @if let Some(seconds) = summary.seconds { ", which take about " (duration(seconds)) " within what it grants" } "."
        }
        @if summary.held > 0 {
            p.warning { (summary.held) " steps pass the safety threshold and would wait for your answer under "
                strong { "To review" } "; everything else would be done." }
        }
    }
}

/// Seconds as people say them.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

pub(crate) async fn make(desk: InTenant, Path(of): Path<OfLink>, fields: Fields) -> Result<Markup, Failure> {
    let link: Link = desk.get(format!("/links/{}", of.link)).await?;
    let names = Names::of(&desk).await?;
    let unsaved = !fields.get("mode").is_empty();
    let body = if unsaved { settings::to_plan(&fields) } else { json!({}) };
    let call = desk.api.call(Method::POST, desk.of(format!("/links/{}/plan", of.link))).json(body);
    let title = format!("Plan: {}", names.link(&link));
    let plan: Plan = match call.send().await {
        Ok(plan) => plan,
        Err(problem) if problem.status.as_u16() == 422 => {
            return Ok(shell::page(&desk, PLACE, &title, &refused(&fields.refused(problem))));
        }
        Err(problem) => return Err(problem.into()),
    };
    Ok(shell::page(
        &desk,
        PLACE,
        &title,
        &html! {
            @if unsaved {
                div.note {
                    p { "This plan is for settings that are not saved. Save them to carry it out." }
                    form method="post" action=(desk.page(format!("/links/{}/settings", of.link))) {
                        (settings::hidden(&fields))
                        button.first type="submit" { "Save these settings" }
                    }
                }
            }
            section.card { (figures(&plan)) @if !unsaved { (begin(&desk, &link, Some(&plan.digest))) } }
            (changes(&desk, &plan))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_one_unit() {
        assert_eq!([duration(59), duration(61), duration(7_201)], ["59 s", "2 min", "3 h"]);
    }
}
