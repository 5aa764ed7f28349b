//! `rollcall demo`: two tenants, two simulated Jira sites, an Oracle identity provider each; everything
//! between them is the real program over HTTP.

mod admin;
mod asked;
mod conversation;
mod report;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sandbox::idp::oracle_idcs::OracleIdcs;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use sandbox::{RunningSandbox, SimulatedSite as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::secret::{self, SecretKind};
use telemetry::LogFormat;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::admin::{Admin, text};
use self::asked::{Asked, Comparison};
use self::report::Outcome;
use crate::cli::DemoArguments;
use crate::config::{Role, Settings};
use crate::serve;
use crate::signals::stop_on_signal;

/// How often the sites are compared with what was asked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A tenant of the demo.
struct Cast {
    slug: &'static str,
    name: &'static str,
    /// The first of its people.
    first_person: usize,
    /// People who have an account already when the identity provider arrives.
    already_there: usize,
}

const CAST: [Cast; 2] = [
    Cast { slug: "acme", name: "Acme Rockets", first_person: 0, already_there: 5 },
    Cast { slug: "globex", name: "Globex Shipping", first_person: 100, already_there: 0 },
];

/// A tenant that is set up.
struct Stage {
    cast: &'static Cast,
    jira: JiraDataCenter,
    site: RunningSandbox,
    base_url: String,
    token: String,
    key: String,
}

pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    telemetry::start_logging("warn", LogFormat::Text)?;
    let stop = stop_on_signal()?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let operator_key = secret::generate(SecretKind::ApiKey)?;
    let config = Settings::embedded_on_free_ports(folder.path(), operator_key.clone()).load_alone()?;
    let running = serve::start(&config, &Role::ALL, None).await?;
    let shown = tokio::select! {
        shown = show(&running.public_url, &operator_key, &arguments, &stop) => Some(shown),
        () = stop.cancelled() => None,
    };
    running.drain().await?;
    match shown {
        Some(Ok(false)) => Ok(ExitCode::FAILURE),
        Some(Err(error)) => Err(error),
        // Stopped by Ctrl-C before the end: nothing was found out.
        None if arguments.once => Ok(ExitCode::FAILURE),
        Some(Ok(true)) | None => Ok(ExitCode::SUCCESS),
    }
}

/// Plays the demo; says whether the sites match.
async fn show(
    public_url: &Url,
    operator_key: &SecretString,
    arguments: &DemoArguments,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    say("Two tenants, each with an Oracle identity provider and a Jira site, all on this machine.\n")?;
    let operator = Admin::new(public_url, operator_key.expose_secret())?;
    let mut stages = Vec::new();
    for cast in &CAST {
        stages.push(set_up(&operator, cast).await.with_context(|| format!("setting up {}", cast.slug))?);
    }
    let began = Instant::now();
    let bars = MultiProgress::new();
    let within = Duration::from_secs(arguments.within);
    let plays = stages.iter().map(|stage| play(stage, &bars, within));
    let compared = futures::future::try_join_all(plays).await?;
    let took = began.elapsed();

    let outcomes: Vec<Outcome> =
        stages.iter().zip(compared).map(|(stage, comparison)| stage.outcome(comparison)).collect();
    say(&format!("{}\n", report::table(&outcomes)))?;
    let matches = outcomes.iter().all(|outcome| outcome.comparison.differences.is_empty());
    if matches {
        say(&format!(
            "Both sites are as the identity providers asked, after {:.1} s.\n\n",
            took.as_secs_f64()
        ))?;
    } else {
        say(&format!("After {} s these differ:\n{}\n", within.as_secs(), report::differences(&outcomes)))?;
    }
    say(&report::addresses(public_url, operator_key.expose_secret(), &outcomes))?;
    if !arguments.once {
        say("\nAll of it stays up until Ctrl-C, and is gone then.\n")?;
        stop.cancelled().await;
    }
    for stage in stages {
        stage.site.stop().await;
    }
    Ok(matches)
}

/// Starts a site and registers everything that a tenant needs, through the REST API.
async fn set_up(operator: &Admin, cast: &'static Cast) -> anyhow::Result<Stage> {
    let jira = JiraDataCenter::new(Options { users: cast.already_there, groups: 1, ..Options::default() });
    let site = sandbox::serve(&jira, TcpListener::bind("127.0.0.1:0").await?)?;
    let tenant = format!("/tenants/{}", cast.slug);
    operator.post("/tenants", &json!({ "slug": cast.slug, "name": cast.name })).await?;
    let made = operator.post(&format!("{tenant}/keys"), &json!({ "name": "demo", "role": "owner" })).await?;
    let key = text(&made, "/key")?.to_owned();
    let admin = operator.with_key(&key);
    let connection = admin
        .post(&format!("{tenant}/connections"), &json!({ "name": "Oracle IDCS", "provider": "oracle" }))
        .await?;
    let connection_id = text(&connection, "/id")?;
    let made = admin
        .post(&format!("{tenant}/connections/{connection_id}/tokens"), &json!({ "name": "demo" }))
        .await?;
    let token = text(&made, "/token")?.to_owned();
    let registered = admin
        .post(
            &format!("{tenant}/sites"),
            &json!({
                "name": "Jira", "product": "jira-data-center", "base_url": site.base_url,
                "credentials": { "type": "bearer", "token": Options::default().admin_token },
            }),
        )
        .await?;
    let site_id = text(&registered, "/id")?;
    let tested = admin.post(&format!("{tenant}/sites/{site_id}/test"), &json!({})).await?;
    anyhow::ensure!(tested["ok"] == true, "the site's test failed: {tested}");
    admin
        .post(&format!("{tenant}/links"), &json!({ "connection_id": connection_id, "site_id": site_id }))
        .await?;
    let base_url = text(&connection, "/scim/base_url")?.to_owned();
    Ok(Stage { cast, jira, site, base_url, token, key })
}

/// Lets the identity provider speak, and waits until the site matches or the time is over.
async fn play(stage: &Stage, bars: &MultiProgress, within: Duration) -> anyhow::Result<Comparison> {
    let slug = stage.cast.slug;
    let speaking = bar(bars, &format!("{slug:<7} Oracle → Rollcall"), conversation::STEPS)?;
    let following = bar(bars, &format!("{slug:<7} Rollcall → Jira"), 1)?;
    let idp = OracleIdcs::new(&stage.base_url, &stage.token)?;
    let asked = conversation::hold(&idp, stage.cast.first_person, &speaking).await?;
    let comparison = wait_for_match(&stage.jira, &asked, &following, within).await;
    following.abandon_with_message(if comparison.differences.is_empty() { "matches" } else { "differs" });
    Ok(comparison)
}

async fn wait_for_match(
    jira: &JiraDataCenter,
    asked: &Asked,
    bar: &ProgressBar,
    within: Duration,
) -> Comparison {
    let deadline = Instant::now() + within;
    loop {
        let comparison = asked.compare(&jira.state());
        let right = comparison.total - comparison.differences.len();
        bar.set_length(comparison.total as u64);
        bar.set_position(right as u64);
        bar.set_message(comparison.differences.first().cloned().unwrap_or_default());
        if comparison.differences.is_empty() || Instant::now() >= deadline {
            return comparison;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn bar(bars: &MultiProgress, name: &str, length: u64) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos:>3}/{len} {wide_msg}")?;
    let bar = ProgressBar::new(length).with_style(style.progress_chars("=> ")).with_prefix(name.to_owned());
    Ok(bars.add(bar))
}

impl Stage {
    fn outcome(&self, comparison: Comparison) -> Outcome {
        Outcome {
            tenant: self.cast.slug.to_owned(),
            comparison,
            site: self.jira.state(),
            site_url: self.site.base_url.clone(),
            base_url: self.base_url.clone(),
            token: self.token.clone(),
            key: self.key.clone(),
        }
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
