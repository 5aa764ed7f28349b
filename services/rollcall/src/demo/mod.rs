//! `rollcall demo`: two tenants with a simulated Jira site each, or one with a site of every product, and an Oracle
//! identity provider each; everything between them is the real program over HTTP.

mod admin;
mod asked;
mod conversation;
mod report;
mod sites;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sandbox::idp::oracle_idcs::OracleIdcs;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use store::secret::{self, SecretKind};
use telemetry::LogFormat;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::admin::{Admin, text};
use self::asked::{Asked, Comparison};
use self::report::{Outcome, SiteOutcome};
use self::sites::{DemoSite, Products};
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
    sites: Vec<DemoSite>,
    /// What the test of each site says that its product cannot do, or does otherwise.
    limits: Vec<String>,
    base_url: String,
    token: String,
    key: String,
}

pub(crate) async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    let _traces = telemetry::start_logging("warn", LogFormat::Text, None)?;
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
    let (products, cast) = if arguments.all_products {
        say(
            "One tenant with an Oracle identity provider and a site of every product, all on this machine.\n",
        )?;
        (Products::All, &CAST[..1])
    } else {
        say("Two tenants, each with an Oracle identity provider and a Jira site, all on this machine.\n")?;
        (Products::Jira, &CAST[..])
    };
    let operator = Admin::new(public_url, operator_key.expose_secret())?;
    let mut stages = Vec::new();
    for cast in cast {
        let stage = set_up(&operator, cast, products).await;
        stages.push(stage.with_context(|| format!("setting up {}", cast.slug))?);
    }
    let began = Instant::now();
    let bars = MultiProgress::new();
    let within = Duration::from_secs(arguments.within);
    let plays = stages.iter().map(|stage| play(stage, &bars, within));
    let compared = futures::future::try_join_all(plays).await?;
    let took = began.elapsed();

    let outcomes: Vec<Outcome> =
        stages.iter().zip(compared).map(|(stage, comparisons)| stage.outcome(comparisons)).collect();
    say(&format!("{}\n", report::table(&outcomes)))?;
    if arguments.all_products {
        say(&report::limits(&outcomes))?;
    }
    let matches = outcomes.iter().all(Outcome::matches);
    if matches {
        say(&format!(
            "All sites are as the identity providers asked, as far as they can be, after {:.1} s.\n\n",
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
    for site in stages.into_iter().flat_map(|stage| stage.sites) {
        site.served.stop().await;
    }
    Ok(matches)
}

/// Starts the sites and registers everything that a tenant needs, through the REST API.
async fn set_up(operator: &Admin, cast: &'static Cast, products: Products) -> anyhow::Result<Stage> {
    let sites = DemoSite::start(products, cast.already_there).await?;
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
    let mut limits = Vec::new();
    for site in &sites {
        let body = json!({
            "name": site.manners.name, "product": site.manners.product, "base_url": site.served.base_url,
            "credentials": site.credentials,
        });
        let registered = admin.post(&format!("{tenant}/sites"), &body).await?;
        let site_id = text(&registered, "/id")?;
        let tested = admin.post(&format!("{tenant}/sites/{site_id}/test"), &json!({})).await?;
        anyhow::ensure!(tested["ok"] == true, "the test of {} failed: {tested}", site.manners.name);
        limits.push(limits_of(&tested));
        let link = json!({ "connection_id": connection_id, "site_id": site_id });
        admin.post(&format!("{tenant}/links"), &link).await?;
    }
    let base_url = text(&connection, "/scim/base_url")?.to_owned();
    Ok(Stage { cast, sites, limits, base_url, token, key })
}

/// What a site's test says of its product.
fn limits_of(tested: &Value) -> String {
    let checks = tested["checks"].as_array().map_or(&[][..], Vec::as_slice);
    let capabilities = checks.iter().find(|check| check["name"] == "capabilities");
    capabilities.and_then(|check| check["detail"].as_str()).unwrap_or_default().to_owned()
}

/// Lets the identity provider speak, and waits until each site matches or the time is over.
async fn play(stage: &Stage, bars: &MultiProgress, within: Duration) -> anyhow::Result<Vec<Comparison>> {
    let slug = stage.cast.slug;
    let speaking = bar(bars, &format!("{slug:<7} Oracle → Rollcall"), conversation::STEPS)?;
    let following = |site: &DemoSite| bar(bars, &format!("{slug:<7} Rollcall → {}", site.manners.name), 1);
    let following = stage.sites.iter().map(following).collect::<anyhow::Result<Vec<_>>>()?;
    let idp = OracleIdcs::new(&stage.base_url, &stage.token)?;
    let asked = conversation::hold(&idp, stage.cast.first_person, &speaking).await?;
    let waits =
        stage.sites.iter().zip(&following).map(|(site, bar)| wait_for_match(site, &asked, bar, within));
    Ok(futures::future::join_all(waits).await)
}

async fn wait_for_match(site: &DemoSite, asked: &Asked, bar: &ProgressBar, within: Duration) -> Comparison {
    let deadline = Instant::now() + within;
    loop {
        let comparison = asked.compare(&site.simulated.state(), site.manners);
        let right = comparison.total - comparison.differences.len();
        bar.set_length(comparison.total as u64);
        bar.set_position(right as u64);
        bar.set_message(comparison.differences.first().cloned().unwrap_or_default());
        if comparison.differences.is_empty() || Instant::now() >= deadline {
            let end = if comparison.differences.is_empty() { "matches" } else { "differs" };
            bar.abandon_with_message(end);
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
    fn outcome(&self, comparisons: Vec<Comparison>) -> Outcome {
        let sites = self.sites.iter().zip(&self.limits).zip(comparisons);
        let sites = sites.map(|((site, limits), comparison)| SiteOutcome {
            name: site.manners.name,
            comparison,
            adopted: site.adopted(),
            calls: site.simulated.state().calls.total,
            limits: limits.clone(),
            base_url: site.served.base_url.clone(),
            origin: site.served.origin.clone(),
        });
        Outcome {
            tenant: self.cast.slug.to_owned(),
            sites: sites.collect(),
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
