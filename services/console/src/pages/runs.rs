//! Full synchronizations: begun, watched, stopped, and what they did.

use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use futures::stream;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;
use super::links::{Names, OfLink, PLACE};
use super::plans::duration;
use crate::api::{Api, Page, Problem};
use crate::elements::{action, next, nothing, status, table, time, time_or};
use crate::failure::Failure;
use crate::forms::Fields;
use crate::live::{Part, follow};
use crate::resources::{Created, Link, Plan, Run, RunResult};
use crate::session::InTenant;
use crate::{shell, words};

#[derive(Clone, Copy, Deserialize)]
pub(crate) struct OfRun {
    link: Uuid,
    run: Uuid,
}

pub(crate) async fn create(
    desk: InTenant,
    Path(OfLink { link }): Path<OfLink>,
    fields: Fields,
) -> Result<Redirect, Failure> {
    let run = if fields.get("enable") == "true" {
        switch_on(&desk, link, fields.get("digest")).await?
    } else {
        let body = json!({"digest": fields.text_or_null("digest")});
        let call = desk.api.call(Method::POST, desk.of(format!("/links/{link}/runs"))).json(body);
        call.once(fields.get("once")).send::<Created>().await?.id
    };
    Ok(Redirect::to(&desk.page(format!("/links/{link}/runs/{run}"))))
}

/// Switches a link on, which begins a run by itself, and says which. With a digest only if a plan made now is the one
/// that was looked at.
async fn switch_on(desk: &InTenant, link: Uuid, digest: &str) -> Result<String, Failure> {
    if !digest.is_empty() {
        let call =
            desk.api.call(Method::POST, desk.of(format!("/links/{link}/plan"))).json(json!({"limit": 1}));
        if call.send::<Plan>().await?.digest != digest {
            return Err(Failure::Api(Problem {
                status: StatusCode::CONFLICT,
                detail: "Since that plan the directory, the settings or the site have changed. Make a plan anew and look at it"
                    .to_owned(),
                ..Problem::default()
            }));
        }
    }
    let on = desk.api.call(Method::PATCH, desk.of(format!("/links/{link}"))).json(json!({"enabled": true}));
    on.send::<Value>().await?;
    let runs: Page<Run> = desk.get(format!("/links/{link}/runs?limit=1")).await?;
    runs.items.into_iter().next().map(|run| run.id).ok_or(Failure::NotFound)
}

fn ended(run: &Run) -> bool {
    matches!(run.status.as_str(), "done" | "cancelled")
}

/// How far a run is.
fn progress(run: &Run) -> Markup {
    let done = run.counts.total();
    let all = done + run.remaining;
    html! {
        p role="status" {
            (status(&run.status)) " "
            @match run.status.as_str() {
                "marking" => {
                    @if let Some(listed) = run.listed.filter(|_| run.marked == 0) { "Reading the site's lists: " (listed) " entries so far." }
                    @else { "Looking through the directory (" (words::sentence(&run.phase).to_lowercase()) "): " (run.marked) " marked so far." }
                }
                "working" => { (done) " of " (all) " done." }
                "done" => "Everything was looked at."
                _ => "It was stopped; what was done stays done."
            }
            @if let Some(eta) = run.eta_seconds.filter(|_| !ended(run)) { " About " (duration(eta)) " left." }
        }
        @if all > 0 || ended(run) {
            progress aria-label="Progress" max=(all.max(1)) value=(if run.status == "done" { all.max(1) } else { done }) {}
        } @else { progress aria-label="Progress" {} }
        dl.figures {
            div { dt { "Changed" } dd { (run.counts.changed) } }
            div { dt { "As they should be" } dd { (run.counts.unchanged) } }
            div { dt { "Held for an answer" } dd { (run.counts.held) } }
            div { dt { "Left alone" } dd { (run.counts.skipped) } }
            div { dt { "Failed" } dd { (run.counts.failed) } }
        }
    }
}

/// What a run did: each step and why. What has no steps tells its reasons on its timeline.
fn told(detail: &Value) -> Markup {
    let steps = detail["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        ul.plain {
            @for step in steps {
                @let action = &step["action"];
                li {
                    (words::action(action["name"].as_str().unwrap_or_default()))
                    @if let Some(with) = values(action) { " " strong { (with) } }
                    @if let Some(reason) = step["reason"].as_str() { span.muted { ": " (reason) } }
                }
            }
        }
    }
}

/// What a step comes with.
fn values(action: &Value) -> Option<String> {
    let fields = action.as_object()?;
    let values: Vec<&str> =
        fields.iter().filter(|(name, _)| *name != "name").filter_map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    outcome: String,
    #[serde(flatten)]
    cursor: Cursor,
}

const OUTCOMES: &[&str] = &["changed", "failed", "held", "skipped", "unchanged"];

fn outcome_query(outcome: &str) -> String {
    if OUTCOMES.contains(&outcome) { format!("&outcome={outcome}") } else { String::new() }
}

fn results(desk: &InTenant, own: &str, which: &Which, page: &Page<RunResult>) -> Markup {
    let rows = html! {
        @for result in &page.items {
            tr {
                td {
                    @let place = if result.object_kind == "user" { "people" } else { "groups" };
                    a href=(desk.page(format!("/{place}/{}", result.object_id))) { (result.name.as_deref().unwrap_or("deleted in the directory")) }
                }
                td { (status(&result.outcome)) }
                td { (told(&result.detail)) }
                td { (time(&result.at)) }
            }
        }
    };
    html! {
        h2 #results { "Results" }
        div.actions {
            a.button aria-current=[which.outcome.is_empty().then_some("true")] href={(own) "#results"} { "All" }
            @for outcome in OUTCOMES {
                a.button aria-current=[(which.outcome == *outcome).then_some("true")] href={(own) "?outcome=" (outcome) "#results"} { (words::sentence(outcome)) }
            }
            a.button href={(own) "/results.csv"} download { "Download CSV" }
            a.button href={(own) "/results.json"} download { "Download JSON" }
        }
        @if page.items.is_empty() { (nothing("No result of that kind.", &html! {})) } @else {
            (table("Results", &["For", "Outcome", "What was done", "When"], &rows))
            (next(&format!("{own}?outcome={}", which.outcome), page.next_cursor.as_deref()))
        }
    }
}

pub(crate) async fn show(
    desk: InTenant,
    Path(of): Path<OfRun>,
    Query(which): Query<Which>,
) -> Result<Markup, Failure> {
    let OfRun { link: link_id, run: run_id } = of;
    let run: Run = desk.get(format!("/links/{link_id}/runs/{run_id}")).await?;
    let link: Link = desk.get(format!("/links/{link_id}")).await?;
    let names = Names::of(&desk).await?;
    let path =
        format!("/runs/{run_id}/results?limit=50{}{}", outcome_query(&which.outcome), which.cursor.query());
    let page: Page<RunResult> = desk.get(path).await?;
    let own = desk.page(format!("/links/{link_id}/runs/{run_id}"));
    Ok(shell::page(
        &desk,
        PLACE,
        &format!("Run: {}", names.link(&link)),
        &html! {
            p.muted { "Asked for by " code { (run.requested_by) } ", " (time(&run.created_at)) ". Ended: "
                (time_or(run.finished_at.as_deref(), "not yet")) "." }
            section.card {
                @if ended(&run) { (progress(&run)) }
                @else { div data-live={(own) "/live"} data-then="reload" { (progress(&run)) } }
            }
            div.actions {
                a.button href=(desk.page(format!("/links/{link_id}"))) { "Back to the link" }
                @if !ended(&run) && desk.may_edit() {
                    (action(&format!("{own}/cancel"), "Stop it", "danger", "What is done stays done, what is left is not done by this run. Stop it?"))
                }
            }
            (results(&desk, &own, &which, &page))
        },
    ))
}

pub(crate) async fn live(desk: InTenant, Path(OfRun { link, run }): Path<OfRun>) -> Response {
    follow(move || {
        let desk = desk.clone();
        async move {
            let run: Run = desk.get(format!("/links/{link}/runs/{run}")).await.ok()?;
            Some(Part { html: progress(&run), ended: ended(&run) })
        }
    })
}

pub(crate) async fn cancel(
    desk: InTenant,
    Path(OfRun { link, run }): Path<OfRun>,
) -> Result<Redirect, Failure> {
    let path = desk.of(format!("/links/{link}/runs/{run}/cancel"));
    desk.api.call(Method::POST, path).json(json!({})).send::<Value>().await?;
    Ok(Redirect::to(&desk.page(format!("/links/{link}/runs/{run}?done=cancelled"))))
}

/// The results page by page, as they are downloaded: never all of them at once.
fn download(
    api: Api,
    path: String,
    kind: (&'static str, String),
    head: &'static str,
    tail: &'static str,
    row: fn(&RunResult, bool) -> String,
) -> Response {
    enum At {
        Head,
        Page(Option<String>, bool),
        End,
    }
    let chunks = stream::unfold((api, path, At::Head), move |(api, path, at)| async move {
        match at {
            At::Head => Some((Ok(head.to_owned()), (api, path, At::Page(None, true)))),
            At::End => None,
            At::Page(cursor, first) => {
                let cursor = cursor.map(|cursor| format!("&cursor={}", crate::api::query(&cursor)));
                let read = api.get::<Page<RunResult>>(format!("{path}{}", cursor.unwrap_or_default())).await;
                let page = match read {
                    Ok(page) => page,
                    // The download breaks off, rather than looking whole.
                    Err(problem) => return Some((Err(problem), (api, path, At::End))),
                };
                let mut chunk = String::new();
                for (index, result) in page.items.iter().enumerate() {
                    chunk.push_str(&row(result, first && index == 0));
                }
                let next = if let Some(next) = page.next_cursor {
                    At::Page(Some(next), first && page.items.is_empty())
                } else {
                    chunk.push_str(tail);
                    At::End
                };
                Some((Ok::<_, Problem>(chunk), (api, path, next)))
            }
        }
    });
    let headers = [(CONTENT_TYPE, kind.0.to_owned()), (CONTENT_DISPOSITION, kind.1)];
    (headers, axum::body::Body::from_stream(chunks)).into_response()
}

/// A value of a CSV file (RFC 4180). What a spreadsheet would take for a formula is made text.
fn csv_value(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn csv_row(result: &RunResult, _: bool) -> String {
    let detail = if result.detail.is_null() { String::new() } else { result.detail.to_string() };
    let name = result.name.as_deref().unwrap_or_default();
    let values = [&result.object_kind, &result.object_id, name, &result.outcome, &result.at, &detail];
    let values: Vec<String> = values.into_iter().map(csv_value).collect();
    format!("{}\r\n", values.join(","))
}

fn json_row(result: &RunResult, first: bool) -> String {
    let row = json!({
        "object_kind": result.object_kind, "object_id": result.object_id, "name": result.name,
        "outcome": result.outcome, "at": result.at, "detail": result.detail,
    });
    format!("{}{row}", if first { "" } else { ",\n" })
}

pub(crate) async fn results_csv(
    desk: InTenant,
    Path(OfRun { run, .. }): Path<OfRun>,
) -> Result<Response, Failure> {
    let path = desk.of(format!("/runs/{run}/results?limit=1000"));
    desk.get::<Value>(format!("/runs/{run}")).await?;
    let kind = ("text/csv; charset=utf-8", format!("attachment; filename=\"run-{run}.csv\""));
    let head = "kind,id,name,outcome,at,detail\r\n";
    Ok(download(desk.api.clone(), path, kind, head, "", csv_row))
}

pub(crate) async fn results_json(
    desk: InTenant,
    Path(OfRun { run, .. }): Path<OfRun>,
) -> Result<Response, Failure> {
    let path = desk.of(format!("/runs/{run}/results?limit=1000"));
    desk.get::<Value>(format!("/runs/{run}")).await?;
    let kind = ("application/json", format!("attachment; filename=\"run-{run}.json\""));
    Ok(download(desk.api.clone(), path, kind, "[", "]\n", json_row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_values_are_quoted_and_are_no_formulas() {
        assert_eq!(csv_value("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_value("=1+1"), "'=1+1");
        assert_eq!(csv_value("plain"), "plain");
    }
}
