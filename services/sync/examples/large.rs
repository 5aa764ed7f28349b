//! A large directory at one site: how long a plan takes, what a run costs in which nothing changed, and how soon a
//! deactivation reaches the site while everything else waits.
//!
//! The simulated Jira grants any rate, over loopback; the database is PostgreSQL, private to the measurement. All of them
//! share the machine.

use std::fmt::Display;
use std::io::Write as _;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use atlassian::http::HttpSettings;
use clap::Parser;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sandbox::SimulatedSite as _;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use serde_json::{Value, json};
use store::connections::NewConnection;
use store::directory::WriteContext;
use store::entity::words::{ConnectionMethod, RunStatus};
use store::groups::GroupWrite;
use store::id::{ConnectionId, LinkId, SiteId, UserId};
use store::links::NewLink;
use store::members::MemberDelta;
use store::naming::{MemberName, UnknownMembers};
use store::sites::NewSite;
use store::tenant::TenantStore;
use store::users::UserWrite;
use sync::connectors::Connectors;
use sync::{Engine, EngineOptions, Planner};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Within this much after the directory's answer 99 of 100 deactivations must have reached the site.
const GOAL: Duration = Duration::from_secs(1);
/// A plan must not take longer.
const PLAN_GOAL: Duration = Duration::from_mins(1);
/// Requests of an identity provider at once.
const WRITERS: usize = 16;
/// People who are at the site first, and whose deactivations are timed.
const LEAVERS: usize = 300;

/// Measure plans, runs and the order of work with a large directory.
#[derive(Debug, Parser)]
struct Arguments {
    /// People, each with an account.
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Groups; people are spread over them evenly.
    #[arg(long, default_value_t = 2_000)]
    groups: usize,
}

struct Scene {
    tenant: TenantStore,
    jira: JiraDataCenter,
    connection: ConnectionId,
    site: SiteId,
    link: LinkId,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Arguments { people, groups } = Arguments::parse();
    let jira = JiraDataCenter::new(Options::default());
    let served = sandbox::serve(&jira, TcpListener::bind("127.0.0.1:0").await?)?;
    let store = store::testing::postgres_store().await;
    let tenant = store.tenants().insert("acme", "Acme").await?;
    let tenant = store.tenant(tenant.id);
    let http = HttpSettings { allow_targets: vec!["127.0.0.0/8".parse()?], ..HttpSettings::default() };
    let connectors = Connectors::new(http.clone());

    let scene = link(&tenant, jira, &served.base_url).await?;
    let options = EngineOptions::new(http);
    let work = || Work::begin(Engine::with_connectors((*store).clone(), options.clone(), connectors.clone()));

    let leavers = scene.provision(0..LEAVERS).await?;
    let working = work();
    scene.settle().await?;
    working.end().await?;

    let began = Instant::now();
    let users = scene.provision(LEAVERS..people).await?;
    scene.group(&users, groups).await?;
    say(format_args!(
        "{people} users and {groups} groups written in {:.0} s",
        began.elapsed().as_secs_f64()
    ))?;
    let first = timed_plan(&scene, &connectors, "before the most are at the site").await?;

    let working = work();
    let mut waits = scene.deactivate_behind_a_backlog(&leavers).await?;
    waits.sort_unstable();
    let p99 = waits[waits.len() * 99 / 100];
    say(format_args!(
        "{} deactivations behind it: {} ms in the middle, p99 {} ms",
        waits.len(),
        waits[waits.len() / 2].as_millis(),
        p99.as_millis()
    ))?;

    let (began, calls) = (Instant::now(), scene.jira.calls().total);
    scene.settle().await?;
    let calls = scene.jira.calls().total - calls;
    say(format_args!("the rest carried out in {:.0} s with {calls} calls", began.elapsed().as_secs_f64()))?;
    let second = timed_plan(&scene, &connectors, "with nothing to do").await?;
    let unchanged = scene.run_without_changes().await?;
    working.end().await?;

    let good = p99 < GOAL && unchanged == 0 && first.max(second) < PLAN_GOAL;
    say(format_args!(
        "goal: plans below {} s, no write where nothing changed, p99 below {} s: {}",
        PLAN_GOAL.as_secs(),
        GOAL.as_secs(),
        if good { "met" } else { "missed" }
    ))?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An engine at work.
struct Work {
    cancel: CancellationToken,
    working: JoinHandle<()>,
}

impl Work {
    fn begin(engine: Engine) -> Self {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        Self { cancel, working: tokio::spawn(async move { engine.run(stop).await }) }
    }

    async fn end(self) -> anyhow::Result<()> {
        self.cancel.cancel();
        self.working.await.context("the engine")
    }
}

fn say(line: impl Display) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

async fn timed_plan(scene: &Scene, connectors: &Connectors, when: &str) -> anyhow::Result<Duration> {
    let link = scene.tenant.links().get(scene.link).await?;
    let began = Instant::now();
    let planned = Planner::new(connectors.clone()).plan(&scene.tenant, &link, 1_000).await?;
    let took = began.elapsed();
    let summary = planned.plan.summary;
    let steps: u64 = summary.by_action.values().sum();
    say(format_args!(
        "plan {when}: {} users, {} groups, {steps} steps in {:.1} s",
        summary.users,
        summary.groups,
        took.as_secs_f64()
    ))?;
    Ok(took)
}

impl Scene {
    /// Calls so far that were to change something.
    fn writes(&self) -> u64 {
        let calls = self.jira.calls().by_operation;
        calls.iter().filter(|(operation, _)| !operation.starts_with("GET ")).map(|(_, times)| times).sum()
    }

    /// Waits until nothing is marked any more.
    async fn settle(&self) -> anyhow::Result<()> {
        loop {
            let backlog = self.tenant.tasks(self.site).backlog().await?;
            let runs = self.tenant.runs().list(self.link, None, 10).await?;
            ensure!(backlog.failed == 0 && backlog.held == 0, "{backlog:?}");
            if backlog.waiting == 0 && runs.iter().all(|run| run.status == RunStatus::Done) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn run_without_changes(&self) -> anyhow::Result<u64> {
        let (calls, writes) = (self.jira.calls().total, self.writes());
        let began = Instant::now();
        let link = self.tenant.links().get(self.link).await?;
        self.tenant.runs().insert(&link, "measurement").await?;
        self.settle().await?;
        let writes = self.writes() - writes;
        say(format_args!(
            "run in which nothing changed: {} calls, {writes} writes, {:.0} s",
            self.jira.calls().total - calls,
            began.elapsed().as_secs_f64()
        ))?;
        Ok(writes)
    }

    /// How long each deactivation takes to reach the site while everybody else waits to be made there.
    async fn deactivate_behind_a_backlog(&self, leavers: &[UserId]) -> anyhow::Result<Vec<Duration>> {
        let waiting = self.tenant.tasks(self.site).backlog().await?.waiting;
        say(format_args!("{waiting} tasks wait as the deactivations begin"))?;
        let mut waits = Vec::with_capacity(leavers.len());
        for user in leavers {
            let before = self.deactivations();
            self.deactivate(*user).await?;
            let answered = Instant::now();
            while self.deactivations() == before {
                ensure!(answered.elapsed() < Duration::from_mins(1), "a deactivation does not arrive");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            waits.push(answered.elapsed());
        }
        let waiting = self.tenant.tasks(self.site).backlog().await?.waiting;
        say(format_args!("{waiting} tasks still wait as they end"))?;
        Ok(waits)
    }

    fn deactivations(&self) -> u64 {
        self.jira.calls().by_operation.get("PUT /user").copied().unwrap_or_default()
    }

    async fn deactivate(&self, user: UserId) -> anyhow::Result<()> {
        let users = self.tenant.users(self.connection);
        let change = |row: &store::entity::user::Model| {
            let mut document = row.document.clone();
            document["active"] = json!(false);
            Ok::<_, ()>(UserWrite { document, summary: "deactivated".to_owned(), detail: None })
        };
        let written = users.modify(user, &context(), change).await;
        written.map(|_| ()).map_err(|error| anyhow::anyhow!("{error:?}"))
    }
}

fn context() -> WriteContext {
    WriteContext { request_id: "measurement".to_owned(), trace_context: None }
}

fn person(number: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("person{number}"),
        "displayName": format!("Person {number}"), "active": true,
        "emails": [{"value": format!("person{number}@example.com"), "primary": true}],
    })
}

/// A directory without anybody, linked to the site.
async fn link(tenant: &TenantStore, jira: JiraDataCenter, base_url: &str) -> anyhow::Result<Scene> {
    let new = NewConnection {
        name: "directory".to_owned(),
        provider: "generic".to_owned(),
        method: ConnectionMethod::Scim,
        strict: false,
    };
    let connection = tenant.connections().insert(new).await?.id;
    let credentials = json!({ "type": "bearer", "token": Options::default().admin_token });
    let new = NewSite {
        certificate_authorities: None,
        name: "Jira".to_owned(),
        product: "jira-data-center".to_owned(),
        base_url: base_url.to_owned(),
        credentials: Zeroizing::new(credentials.to_string().into_bytes()),
    };
    let site = tenant.sites().insert(new).await?.id;
    let new = NewLink {
        connection_id: connection,
        site_id: site,
        precedence: 0,
        enabled: true,
        // Many leave in a minute, and none is to be held. The simulated site reads everybody to find an address.
        settings: json!({
            "user_sync": {"match": ["id", "username"]}, "safety": {"max_deactivations_percent": 100, "more_windows": []},
        }),
        next_run_at: None,
    };
    let link = tenant.links().insert(new).await?.id;
    Ok(Scene { tenant: tenant.clone(), jira, connection, site, link })
}

impl Scene {
    async fn provision(&self, numbers: Range<usize>) -> anyhow::Result<Vec<UserId>> {
        let directory = Arc::new(self.tenant.users(self.connection));
        let made = stream::iter(numbers).map(|number| {
            let directory = Arc::clone(&directory);
            async move {
                let write =
                    UserWrite { document: person(number), summary: "written".to_owned(), detail: None };
                directory.insert(write, &context()).await.map(|user| user.id)
            }
        });
        Ok(made.buffered(WRITERS).try_collect().await?)
    }

    /// Spreads users over groups.
    async fn group(&self, users: &[UserId], groups: usize) -> anyhow::Result<()> {
        for number in 0..groups {
            let add = users.iter().skip(number).step_by(groups.max(1));
            let add = add.map(|id| MemberName { text: id.to_string(), kind: None }).collect();
            let write = GroupWrite {
                document: json!({"displayName": format!("group{number}")}),
                members: MemberDelta { add, ..MemberDelta::default() },
                summary: "written".to_owned(),
                detail: None,
            };
            let directory = self.tenant.groups(self.connection);
            directory.insert(write, UnknownMembers::Parked, &context()).await?;
        }
        Ok(())
    }
}
