//! How much of a site's request budget a backlog uses, and how often the site had to refuse.
//!
//! A simulated Jira limits our account to so many requests a second and says so in its answers. A directory of people
//! who have no account there is worked off, from an SQLite file, over loopback.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use atlassian::http::HttpSettings;
use clap::Parser;
use sandbox::SimulatedSite as _;
use sandbox::faults::RateLimit;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use sandbox::state::CallsState;
use serde_json::json;
use store::connections::NewConnection;
use store::directory::WriteContext;
use store::entity::words::ConnectionMethod;
use store::links::NewLink;
use store::sites::NewSite;
use store::tenant::TenantStore;
use store::users::UserWrite;
use sync::{Engine, EngineOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// The part of what the site grants that must be used.
const GOAL: f64 = 0.98;
/// What the site says is learnt within this time.
const LEARNING: Duration = Duration::from_secs(1);

/// Measure how much of a site's request budget a backlog of changes uses.
#[derive(Debug, Parser)]
struct Arguments {
    /// Requests that the site grants a second.
    #[arg(long, default_value_t = 50)]
    per_second: u32,
    /// Requests that it takes at once.
    #[arg(long, default_value_t = 100)]
    burst: u32,
    /// People without an account.
    #[arg(long, default_value_t = 5_000)]
    changes: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let limit = RateLimit { burst: arguments.burst, per_second: f64::from(arguments.per_second) };
    let jira = JiraDataCenter::new(Options { rate_limit: Some(limit), ..Options::default() });
    let served = sandbox::serve(&jira, TcpListener::bind("127.0.0.1:0").await?)?;
    let store = store::testing::sqlite_store().await;
    let tenant = store.tenants().insert("acme", "Acme").await?;
    let tenant = store.tenant(tenant.id);
    fill(&tenant, &served.base_url, arguments.changes).await?;

    let http = HttpSettings { allow_targets: vec!["127.0.0.0/8".parse()?], ..HttpSettings::default() };
    let engine = Engine::new((*store).clone(), EngineOptions::new(http));
    let cancel = CancellationToken::new();
    let working = tokio::spawn({
        let cancel = cancel.clone();
        async move { engine.run(cancel).await }
    });
    let called = |calls: &CallsState| calls.total > 0;
    watch(&jira, called).await;
    tokio::time::sleep(LEARNING).await;
    let (began, first) = (Instant::now(), jira.state().calls);
    // What the site granted ahead is used up as the work ends; the last calls are few and far between.
    let accounts = u64::try_from(arguments.changes)?;
    let last =
        watch(&jira, |calls| calls.by_operation.get("POST /user").is_some_and(|&made| made >= accounts))
            .await;
    let took = began.elapsed();
    cancel.cancel();
    working.await.context("the engine")?;

    let (made, limited) = (last.total - first.total, last.limited - first.limited);
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
    let rate = made as f64 / took.as_secs_f64();
    let ratio = rate / f64::from(arguments.per_second);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} accounts made with {} calls in {:.1} s after the first: {rate:.1} calls/s of {} granted, {:.1} %",
        arguments.changes,
        made,
        took.as_secs_f64(),
        arguments.per_second,
        ratio * 100.0
    )?;
    writeln!(out, "refused with 429: {} in the first second, {limited} after it", first.limited)?;
    let good = ratio >= GOAL && limited == 0;
    writeln!(out, "goal: {} % and no refusal: {}", GOAL * 100.0, if good { "met" } else { "missed" })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until the calls are so.
async fn watch(jira: &JiraDataCenter, so: impl Fn(&CallsState) -> bool) -> CallsState {
    loop {
        let calls = jira.state().calls;
        if so(&calls) {
            return calls;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn fill(tenant: &TenantStore, base_url: &str, people: usize) -> anyhow::Result<()> {
    let connection = NewConnection {
        name: "directory".to_owned(),
        provider: "generic".to_owned(),
        method: ConnectionMethod::Scim,
        strict: false,
    };
    let connection_id = tenant.connections().insert(connection).await?.id;
    let users = tenant.users(connection_id);
    let context = WriteContext { request_id: "budget".to_owned(), trace_context: None };
    for number in 0..people {
        let document = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("person{number}"),
            "displayName": format!("Person {number}"), "active": true,
            "emails": [{"value": format!("person{number}@example.com"), "primary": true}],
        });
        users.insert(UserWrite { document, summary: "written".to_owned(), detail: None }, &context).await?;
    }
    let credentials = json!({ "type": "bearer", "token": Options::default().admin_token });
    let site = NewSite {
        certificate_authorities: None,
        name: "Jira".to_owned(),
        product: "jira-data-center".to_owned(),
        base_url: base_url.to_owned(),
        credentials: Zeroizing::new(credentials.to_string().into_bytes()),
    };
    let site_id = tenant.sites().insert(site).await?.id;
    let link = NewLink {
        connection_id,
        site_id,
        precedence: 0,
        enabled: true,
        settings: json!({}),
        next_run_at: None,
    };
    tenant.links().insert(link).await?;
    Ok(())
}
