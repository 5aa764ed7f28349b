//! Plans and synchronizations.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::DIFFERS;
use super::api::{Api, encoded};
use super::arguments::{Output, PlanArguments, SyncArguments};
use super::output::{self, Columns};

/// Between two looks at a run.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one user's work may take before nobody waits for it any more.
const USER_LIMIT: Duration = Duration::from_mins(2);

const CHANGES: Columns<'_> = &[
    ("action", "/action"),
    ("for", "/object/name"),
    ("with", "/values"),
    ("why", "/reason"),
    ("held", "/held"),
];

pub(super) async fn plan(api: &Api, arguments: &PlanArguments) -> anyhow::Result<ExitCode> {
    let link = api.link(&arguments.link).await?;
    let body = match &arguments.settings {
        None => json!({}),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?
        }
    };
    let plan = api.post(&format!("/links/{}/plan", encoded(&link)), body).await?;
    let changes = plan["changes"].as_array().context("changes")?;
    if api.output == Output::Json {
        output::object(api.output, &plan)?;
    } else {
        output::list(api.output, changes, CHANGES)?;
        let summary = &plan["summary"];
        output::line(format!(
            "{} people, {} groups, {} unchanged, {} held, about {} calls",
            summary["users"], summary["groups"], summary["unchanged"], summary["held"], summary["calls"]
        ))?;
        let digest = plan["digest"].as_str().unwrap_or_default();
        output::line(format!("to do exactly this: rollcall sync {} --digest {digest}", arguments.link))?;
    }
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

pub(super) async fn sync(api: &Api, arguments: &SyncArguments) -> anyhow::Result<ExitCode> {
    match (&arguments.user, &arguments.link) {
        (Some(user), _) => sync_user(api, user, arguments.no_wait).await,
        (None, Some(link)) => sync_link(api, link, arguments).await,
        (None, None) => anyhow::bail!("which link?"),
    }
}

async fn sync_link(api: &Api, name: &str, arguments: &SyncArguments) -> anyhow::Result<ExitCode> {
    let link = encoded(&api.link(name).await?);
    let run = api.post(&format!("/links/{link}/runs"), json!({ "digest": arguments.digest })).await?;
    let id = run["id"].as_str().context("the run's id")?;
    if arguments.no_wait {
        output::object(api.output, &run)?;
        return Ok(ExitCode::SUCCESS);
    }
    let bar = if output::is_watched() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{msg:12} {wide_bar} {pos}/{len} {eta_precise}")?);
    let run = loop {
        let run = api.get(&format!("/links/{link}/runs/{id}")).await?;
        let done: u64 =
            run["counts"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
        bar.set_message(run["status"].as_str().unwrap_or_default().to_owned());
        bar.set_length(done + run["remaining"].as_u64().unwrap_or(0));
        bar.set_position(done);
        if !run["finished_at"].is_null() {
            break run;
        }
        tokio::time::sleep(PAUSE).await;
    };
    bar.finish_and_clear();
    output::object(api.output, &run)?;
    let left = |name: &str| run["counts"][name].as_u64().unwrap_or(0);
    Ok(if left("failed") + left("held") == 0 && run["status"] == "done" {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERS)
    })
}

async fn sync_user(api: &Api, name: &str, no_wait: bool) -> anyhow::Result<ExitCode> {
    let user = api.user(name).await?;
    let asked = api.post(&format!("/users/{user}/sync"), json!({})).await?;
    if no_wait {
        output::object(api.output, &asked)?;
        return Ok(ExitCode::SUCCESS);
    }
    let began = tokio::time::Instant::now();
    loop {
        let explained = api.get(&format!("/users/{user}/explain")).await?;
        let tasks: Vec<&Value> = explained["sites"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|site| &site["task"])
            .filter(|task| !task.is_null())
            .collect();
        let waits = tasks.iter().any(|task| task["state"] == "ready" && task["attempts"] == 0);
        if !waits || began.elapsed() > USER_LIMIT {
            for task in &tasks {
                let text = |name: &str| task[name].as_str().unwrap_or_default();
                output::line(format!("{}: {}", text("state"), text("reason")))?;
            }
            if tasks.is_empty() {
                output::line(format!("{name} is as it should be at every site"))?;
                return Ok(ExitCode::SUCCESS);
            }
            return Ok(ExitCode::from(DIFFERS));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
