//! `load tenants`: many tenants on a database of their own, the roles in processes of their own, and what that costs:
//! memory, start-up, latency at a fixed rate, and what a noisy tenant takes from a quiet one.

mod seed;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use http::{Method, StatusCode};

use self::seed::{Provider, SITE_TOKEN, Size, seed};
use crate::bench;
use crate::database::{Database, number};
use crate::documents::{PLACE, user_body};
use crate::drive::Asked;
use crate::pace::{Pace, Paced, pace};
use crate::processor::{cpu, peak, resident};
use crate::program::{Process, executable, free_address};
use crate::report::Report;

/// Requests a second of the quiet tenant; the noisy one sends a hundred times as many.
const QUIET: u64 = 10;
const NOISE: u64 = 100;
/// How long processes are watched that have nothing to do.
const REST: Duration = Duration::from_secs(10);
/// Directories that take part in what is measured warm: what a gateway remembers of them is for less than a minute.
const WARM: usize = 500;

/// `load tenants`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// `postgres://…` of a role that may create databases.
    #[arg(long, env = "ROLLCALL_TEST_POSTGRES_URL", hide_env_values = true, value_name = "URL")]
    server_url: String,
    /// Redis for what gateways count together; none when absent.
    #[arg(long, env = "ROLLCALL_TEST_REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis_url: Option<String>,
    /// The program, as released.
    #[arg(long, default_value = "target/release/rollcall", value_name = "FILE")]
    rollcall: PathBuf,
    /// Tenants, each with one connection and one token.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=100_000))]
    tenants: u64,
    /// Sites of each tenant, each linked to the connection.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=20))]
    sites: u64,
    /// Users of each tenant.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    users: u64,
    /// Requests a second, over all tenants.
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=20_000))]
    rate: u64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// Seeds and measures.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    bench::with_database(&arguments.server_url, async |database| {
        let Arguments { tenants, sites, users, .. } = *arguments;
        let site = free_address()?;
        let providers = seed(&database, Size { site, tenants, sites, users }).await?;
        measure(arguments, &database, site, providers.into()).await
    })
    .await
}

/// One process of each role, as on one machine.
struct Roles {
    gateway: SocketAddr,
    processes: Vec<(&'static str, Process)>,
}

impl Roles {
    async fn start(arguments: &Arguments, database: &Database) -> anyhow::Result<Self> {
        let rollcall = executable(&arguments.rollcall)?;
        let (gateway, cell, api) = (free_address()?, free_address()?, free_address()?);
        let mut everyone = vec![("ROLLCALL_INTERNAL_KEY", STANDARD.encode(rand::random::<[u8; 32]>()))];
        everyone.extend(arguments.redis_url.clone().map(|url| ("ROLLCALL_REDIS_URL", url)));
        let of_cell = [
            ("ROLLCALL_DATABASE_URL", database.database_url.clone()),
            ("ROLLCALL_MASTER_KEY", database.master_key.clone()),
            ("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8".to_owned()),
        ];
        let mut processes = Vec::new();
        let roles = [
            ("scim", vec![("ROLLCALL_CELL_LISTEN", cell.to_string())]),
            ("sync", vec![]),
            ("api", vec![("ROLLCALL_LISTEN", api.to_string())]),
            (
                "gateway",
                vec![
                    ("ROLLCALL_LISTEN", gateway.to_string()),
                    ("ROLLCALL_CELLS", format!("http://{cell}")),
                    // A little more than is sent in all: it is the tenants' own limits that are measured.
                    ("ROLLCALL_REQUESTS_AT_ONCE", "4096".to_owned()),
                ],
            ),
        ];
        for (role, own) in roles {
            let mut settings = everyone.clone();
            if role != "gateway" {
                settings.extend(of_cell.clone());
            }
            settings.extend(own);
            let process = Process::start(&rollcall, &["serve", "--role", role], &settings).await?;
            processes.push((role, process));
        }
        Ok(Self { gateway, processes })
    }

    fn say(&self) -> String {
        let words = self.processes.iter().map(|(role, process)| format!("{role}: {}", process.last_words()));
        words.collect::<Vec<_>>().join("\n")
    }
}

async fn measure(
    arguments: &Arguments,
    database: &Database,
    site: SocketAddr,
    providers: Arc<[Provider]>,
) -> anyhow::Result<()> {
    let _site = sandbox(arguments, site)?;
    let roles = Roles::start(arguments, database).await?;
    let mut report = Report::default();
    let tenants = arguments.tenants;
    report.figure(
        "tenants, sites, users",
        format!("{tenants}, {}, {}", tenants * arguments.sites, tenants * arguments.users),
    );
    report.figure("cores, shared by everything", std::thread::available_parallelism()?.to_string());
    for (role, process) in &roles.processes {
        report.figure(&format!("{role}: ready after"), milliseconds(process.ready_after));
    }
    let before: Vec<Duration> = used(&roles)?;
    tokio::time::sleep(REST).await;
    for (((role, process), before), after) in roles.processes.iter().zip(before).zip(used(&roles)?) {
        let share = after.saturating_sub(before).as_secs_f64() / REST.as_secs_f64() * 100.0;
        report.figure(
            &format!("{role}: at rest"),
            format!("{}, {share:.1} % of a core", megabytes(resident(process.id()?)?)),
        );
    }
    let done = drive(arguments, &roles, &providers, &mut report).await;
    done.with_context(|| format!("the processes' last words:\n{}", roles.say()))?;
    let synced = synchronize(arguments, database, &roles, &providers, &mut report).await;
    synced.with_context(|| format!("the processes' last words:\n{}", roles.say()))?;
    for (role, process) in &roles.processes {
        report.figure(&format!("{role}: peak memory"), megabytes(peak(process.id()?)?));
    }
    report.print();
    Ok(())
}

fn used(roles: &Roles) -> anyhow::Result<Vec<Duration>> {
    roles.processes.iter().map(|(_, process)| Ok(cpu(process.id()?))).collect()
}

async fn drive(
    arguments: &Arguments,
    roles: &Roles,
    providers: &Arc<[Provider]>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let rhythm = Pace { per_second: arguments.rate, time: Duration::from_secs(arguments.seconds) };
    let users = arguments.users;
    let look_ups = |many: usize| {
        let providers = Arc::clone(providers);
        move |number: u64| {
            let provider =
                &providers[usize::try_from(number).unwrap_or_default() % many.min(providers.len())];
            look_up(provider, 1 + number % users)
        }
    };
    // Each tenant's first request asks the cell whom the token belongs to.
    let first = pace(roles.gateway, rhythm, look_ups(providers.len())).await?;
    report.figure(
        &format!("look-ups at {}/s, most tenants for the first time", arguments.rate),
        latency(&first),
    );
    pace(roles.gateway, Pace { time: Duration::from_secs(5), ..rhythm }, look_ups(WARM)).await?;
    let warm = pace(roles.gateway, rhythm, look_ups(WARM)).await?;
    report
        .figure(&format!("look-ups at {}/s, {WARM} tenants again and again", arguments.rate), latency(&warm));
    let new_users = {
        let providers = Arc::clone(providers);
        move |number: u64| {
            create(
                &providers[usize::try_from(number).unwrap_or_default() % WARM.min(providers.len())],
                number,
            )
        }
    };
    let fifth = Pace { per_second: (arguments.rate / 5).max(1), ..rhythm };
    let created = pace(roles.gateway, fifth, new_users).await?;
    report.figure(&format!("creates at {}/s", fifth.per_second), latency(&created));

    // A tenant by itself, and beside one that sends a hundred times as much, a third of it creates.
    let quiet = || {
        let provider = providers[0].clone();
        move |number: u64| look_up(&provider, 1 + number % users)
    };
    let noisy = || {
        let provider = providers[1].clone();
        move |number: u64| {
            if number.is_multiple_of(3) {
                create(&provider, 1_000_000 + number)
            } else {
                look_up(&provider, 1 + number % users)
            }
        }
    };
    let slow = Pace { per_second: QUIET, ..rhythm };
    let alone = pace(roles.gateway, slow, quiet()).await?;
    report.figure(&format!("a tenant alone, {QUIET}/s"), latency(&alone));
    let loud = Pace { per_second: QUIET * NOISE, ..rhythm };
    let (beside, loudly) =
        tokio::join!(pace(roles.gateway, slow, quiet()), pace(roles.gateway, loud, noisy()));
    let (beside, loudly) = (beside?, loudly?);
    report.figure(&format!("the same beside a tenant with {}/s", QUIET * NOISE), latency(&beside));
    report.figure("  the noisy tenant", latency(&loudly));
    let ratio = |percent| {
        beside.latencies.quantile(percent).as_secs_f64() / alone.latencies.quantile(percent).as_secs_f64()
    };
    report.figure("  beside : alone, median", format!("{:.2}", ratio(50)));
    report.figure("  beside : alone, p99", format!("{:.2}", ratio(99)));
    Ok(())
}

/// Creates one user in each directory, and waits until all sites have them.
async fn synchronize(
    arguments: &Arguments,
    database: &Database,
    roles: &Roles,
    providers: &Arc<[Provider]>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut connection = database.connect().await?;
    let left = "SELECT CAST(count(*) AS bigint) FROM tasks";
    // What the measurements before have left.
    while number(&mut connection, left.to_owned()).await? > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let began = Instant::now();
    let per_second = (arguments.rate / 5).max(1);
    let all = providers.len() as u64;
    let rhythm = Pace { per_second, time: Duration::from_secs(all.div_ceil(per_second)) };
    let newcomers = {
        let providers = Arc::clone(providers);
        move |number: u64| {
            let provider = &providers[usize::try_from(number).unwrap_or_default() % providers.len()];
            create(provider, 2_000_000 + number)
        }
    };
    let created = pace(roles.gateway, rhythm, newcomers).await?;
    report.figure(&format!("a create in each directory, at {per_second}/s"), latency(&created));
    while number(&mut connection, left.to_owned()).await? > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = format!("{:.1} s after the first create", began.elapsed().as_secs_f64());
    report.figure(&format!("{} sites have them", all * arguments.sites), after);
    let (role, sync) = roles.processes.iter().find(|(role, _)| *role == "sync").context("workers")?;
    report.figure(&format!("{role}: when it has worked at every site"), megabytes(resident(sync.id()?)?));
    Ok(())
}

/// A simulated Jira that all sites are.
fn sandbox(arguments: &Arguments, site: SocketAddr) -> anyhow::Result<tokio::process::Child> {
    let mut command = tokio::process::Command::new(executable(&arguments.rollcall)?);
    let listen = site.to_string();
    command
        .args(["sandbox", "--product", "jira-data-center", "--listen", &listen, "--admin-token", SITE_TOKEN])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command.spawn().context("starting the simulated site")
}

fn look_up(provider: &Provider, user: u64) -> (String, Asked) {
    let filter = format!("userName%20eq%20%22load.user.{user}@example.com%22");
    let path = format!("/scim/{}/v2/Users?filter={filter}", provider.connection);
    (provider.token.clone(), Asked { method: Method::GET, path, body: None, status: StatusCode::OK })
}

fn create(provider: &Provider, number: u64) -> (String, Asked) {
    let body = user_body().to_string().replace(PLACE, &format!("new.{number}"));
    let asked = Asked {
        method: Method::POST,
        path: format!("/scim/{}/v2/Users", provider.connection),
        body: Some(Bytes::from(body)),
        status: StatusCode::CREATED,
    };
    (provider.token.clone(), asked)
}

fn latency(paced: &Paced) -> String {
    let Paced { latencies, refused } = paced;
    let refused = if *refused > 0 { format!(", {refused} told to come back") } else { String::new() };
    format!(
        "{} (p99 {}), {} answered{refused}",
        milliseconds(latencies.median()),
        milliseconds(latencies.quantile(99)),
        latencies.count()
    )
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
