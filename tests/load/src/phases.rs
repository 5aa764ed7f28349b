//! What is measured, in order, on a seeded database.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::bare::{Bare, Work};
use crate::database::{Database, Directory, TENANT, number};
use crate::documents::{PLACE, user_body};
use crate::drive::{Asked, drive, send};
use crate::figures::{Latencies, median};
use crate::http::Client;
use crate::processor::{Processes, peak, postmaster_of, reset_peak};
use crate::program::Program;
use crate::report::{Goal, Report};
use crate::seed::{BIG_GROUP, SMALL_GROUP};

/// Requests of one drive at the most, whatever its time.
const MOST_REQUESTS: u64 = 2_000_000;
/// Changes of each of the two groups.
const PATCHES: u64 = 400;
/// Pages of each kind.
const PAGES: usize = 20;

/// How it is measured.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settings {
    /// The program, as released.
    #[arg(long, default_value = "target/release/rollcall", value_name = "FILE")]
    rollcall: PathBuf,
    /// The folder of pgbench; looked for in PATH when absent.
    #[arg(long, env = "ROLLCALL_TEST_POSTGRES_BIN", value_name = "FOLDER")]
    postgres_bin: Option<PathBuf>,
    /// Seconds of each drive.
    #[arg(long, env = "BENCH_SECONDS", default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often creates and the bare database take turns; the middle figure counts.
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 3, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=20))]
    rounds: u64,
    /// Connections of the generator, and clients of the bare database.
    #[arg(long, default_value_t = 16, value_name = "N")]
    connections: usize,
    /// Database connections of the program at the most; its own default when absent.
    #[arg(long, env = "BENCH_POOL", value_name = "N")]
    pool: Option<u32>,
}

/// `load run`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// All that the phases share.
struct Run {
    settings: Settings,
    program: Program,
    processes: Processes,
    database: PgConnection,
    directory: Directory,
    users: u64,
    token: String,
    /// Path of the SCIM base URL.
    scim: String,
    report: Report,
}

/// Starts the program, measures, and prints the table.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings.clone();
    let mut database = arguments.database.connect().await?;
    let (directory, users) = seeded(&mut database).await?;
    let bare = Bare::prepare(
        &mut database,
        &arguments.database.database_url,
        (directory, users),
        settings.postgres_bin.as_deref(),
    )
    .await?;
    let program = Program::start(&settings.rollcall, &arguments.database, settings.pool).await?;
    let (token, scim) = program.token().await?;
    let backend = number(&mut database, "SELECT CAST(pg_backend_pid() AS bigint)".to_owned()).await?;
    let processes = Processes { program: program.process()?, postmaster: postmaster_of(backend) };
    let report = Report::default();
    let mut run = Run { settings, program, processes, database, directory, users, token, scim, report };
    let measured = async {
        run.describe().await?;
        run.answers().await?;
        run.look_ups(&bare).await?;
        run.creates(&bare).await?;
        run.patches().await?;
        run.pages().await?;
        run.big_group().await
    };
    if let Err(error) = measured.await {
        return Err(error.context(format!("the program's last log lines:\n{}", run.program.last_words())));
    }
    run.report.print();
    Ok(())
}

async fn seeded(database: &mut PgConnection) -> anyhow::Result<(Directory, u64)> {
    let (tenant, connection): (Uuid, Uuid) = sqlx::query_as(
        "SELECT c.tenant_id, c.id FROM connections c JOIN tenants t ON t.id = c.tenant_id WHERE t.slug = $1",
    )
    .bind(TENANT)
    .fetch_optional(&mut *database)
    .await?
    .context("the database was not seeded; run `load seed` first")?;
    let directory = Directory { tenant, connection };
    // Those of an earlier run's creates are not the seed's.
    let sql = format!(
        "SELECT COUNT(*) FROM users WHERE {} AND user_name_folded NOT LIKE '%-%'",
        directory.condition()
    );
    let users = number(database, sql).await?;
    Ok((directory, u64::try_from(users)?))
}

/// The number of a seeded user, spread over the directory.
fn spread(number: u64, users: u64) -> u64 {
    // Fibonacci hashing: neighbours end up far from each other.
    1 + (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % users
}

fn ok(method: Method, path: String, body: Option<&Value>) -> Asked {
    let body = body.map(|body| Bytes::from(body.to_string()));
    Asked { method, path, body, status: StatusCode::OK }
}

fn rate(figure: f64) -> String {
    format!("{figure:.0}/s")
}

fn times(figure: f64) -> String {
    format!("{figure:.2}")
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

fn both(latencies: &Latencies) -> String {
    format!("{} (p99 {})", milliseconds(latencies.median()), milliseconds(latencies.quantile(99)))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^53")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl Run {
    async fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.program.address, &self.token).await
    }

    async fn clients(&self) -> anyhow::Result<Vec<Client>> {
        let mut clients = Vec::with_capacity(self.settings.connections);
        for _ in 0..self.settings.connections {
            clients.push(self.client().await?);
        }
        Ok(clients)
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.settings.seconds)
    }

    async fn describe(&mut self) -> anyhow::Result<()> {
        let version: String = sqlx::query_scalar("SELECT current_setting('server_version')")
            .fetch_one(&mut self.database)
            .await?;
        let fsync: String =
            sqlx::query_scalar("SELECT current_setting('fsync')").fetch_one(&mut self.database).await?;
        let condition = self.directory.condition();
        let groups =
            number(&mut self.database, format!("SELECT COUNT(*) FROM groups WHERE {condition}")).await?;
        let cores = std::thread::available_parallelism()?;
        self.report.figure("cores, shared by program, PostgreSQL and generator", cores.to_string());
        self.report.figure("PostgreSQL", format!("{version}, fsync {fsync}"));
        self.report.figure("users, groups", format!("{}, {groups}", self.users));
        self.report.figure("connections", self.settings.connections.to_string());
        if let Some(pool) = self.settings.pool {
            self.report.figure("connections of the program to PostgreSQL", pool.to_string());
        }
        Ok(())
    }

    fn look_up(&self) -> impl Fn(u64) -> Asked + Send + Sync + 'static {
        let (scim, users) = (self.scim.clone(), self.users);
        move |number| {
            let user = spread(number, users);
            let path = format!("{scim}/Users?filter=userName%20eq%20%22load.user.{user}%40example.com%22");
            ok(Method::GET, path, None)
        }
    }

    /// Answers that the database has no part in: what the edge costs by itself.
    async fn answers(&mut self) -> anyhow::Result<()> {
        let mut clients = self.clients().await?;
        let path = format!("{}/ResourceTypes/User", self.scim);
        let before = self.processes.usage();
        let ask = move |_| ok(Method::GET, path.clone(), None);
        let driven = drive(&mut clients, self.time(), MOST_REQUESTS, ask).await?;
        let used = self.processes.usage().since(before);
        self.report.figure("answers without the database (/ResourceTypes/User)", rate(driven.per_second()));
        self.report.figure("  processor time each", used.per_request(driven.requests));
        Ok(())
    }

    async fn look_ups(&mut self, bare: &Bare) -> anyhow::Result<()> {
        let ask = self.look_up();
        let found = self.client().await?.json(Method::GET, &ask(1).path, None).await?;
        anyhow::ensure!(found["totalResults"] == 1, "a seeded user is not found: {found}");
        let mut clients = self.clients().await?;
        // Statements are prepared and pages are in memory before it counts.
        drive(&mut clients, self.time().min(Duration::from_secs(3)), MOST_REQUESTS, self.look_up()).await?;
        let before = self.processes.usage();
        let driven = drive(&mut clients, self.time(), MOST_REQUESTS, self.look_up()).await?;
        let used = self.processes.usage().since(before);
        let reads = bare.per_second(Work::Reads, self.settings.connections, self.settings.seconds).await?;
        self.report.figure("bare reads (one user's document by userName)", rate(reads));
        self.report.against("look-ups by userName", driven.per_second(), Goal::AtLeast(13_000.0), rate);
        self.report.figure("  latency", both(&driven.latencies));
        self.report.figure("  processor time each", used.per_request(driven.requests));
        Ok(())
    }

    async fn creates(&mut self, bare: &Bare) -> anyhow::Result<()> {
        let mut clients = self.clients().await?;
        let template = user_body().to_string();
        let (mut commits, mut creates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut latencies, mut used) = (Latencies::default(), String::new());
        for round in 0..self.settings.rounds {
            let (clients_of_bare, seconds) = (self.settings.connections, self.settings.seconds);
            let bare = bare.per_second(Work::Commits, clients_of_bare, seconds).await?;
            let (path, template) = (format!("{}/Users", self.scim), template.clone());
            // Names of a run of their own, so that a database can be measured on again.
            let batch = format!("{}-{round}-", Uuid::now_v7().simple());
            let before = self.processes.usage();
            let driven = drive(&mut clients, self.time(), MOST_REQUESTS, move |number| Asked {
                method: Method::POST,
                path: path.clone(),
                body: Some(Bytes::from(template.replace(PLACE, &format!("{batch}{number}")))),
                status: StatusCode::CREATED,
            })
            .await?;
            used = self.processes.usage().since(before).per_request(driven.requests);
            eprintln!("round {}: bare {bare:.0}/s, creates {:.0}/s", round + 1, driven.per_second());
            commits.push(bare);
            creates.push(driven.per_second());
            ratios.push(driven.per_second() / bare);
            latencies.append(driven.latencies);
        }
        self.report.figure("bare commits (one statement, two rows)", rate(median(&commits)));
        self.report.against("creates, durable", median(&creates), Goal::AtLeast(3_600.0), rate);
        self.report.against("  creates : bare commits", median(&ratios), Goal::AtLeast(0.4), times);
        self.report.figure("  latency", both(&latencies));
        self.report.figure("  processor time each", used);
        Ok(())
    }

    /// The id of the one resource that a filter finds.
    async fn find(&self, client: &mut Client, endpoint: &str, filter: &str) -> anyhow::Result<String> {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let path = format!("{}/{endpoint}?attributes=id&filter={filter}", self.scim);
        let found = client.json(Method::GET, &path, None).await?;
        let id = found["Resources"][0]["id"].as_str();
        Ok(id.with_context(|| format!("{path}: {found}"))?.to_owned())
    }

    /// Adds the last seeded user to a small and to the biggest group and removes it again, in turn, so that
    /// whatever else the machine does meets both alike.
    async fn patches(&mut self) -> anyhow::Result<()> {
        let mut client = self.client().await?;
        let last = format!("userName eq \"load.user.{}@example.com\"", self.users);
        let user = self.find(&mut client, "Users", &last).await?;
        let mut latencies = [Latencies::default(), Latencies::default()];
        let mut groups = Vec::new();
        for name in [SMALL_GROUP, BIG_GROUP] {
            let group = self.find(&mut client, "Groups", &format!("displayName eq \"{name}\"")).await?;
            let sql = format!(
                "SELECT COUNT(*) FROM group_members WHERE {} AND group_id = '{group}'",
                self.directory.condition()
            );
            groups.push((group, number(&mut self.database, sql).await?));
        }
        let add = json!({"op": "add", "path": "members", "value": [{"value": user}]});
        let remove = json!({"op": "remove", "path": format!("members[value eq \"{user}\"]")});
        // Some more at first, which do not count.
        for turn in 0..PATCHES + 20 {
            let operation = if turn % 2 == 0 { &add } else { &remove };
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [operation],
            });
            for ((group, _), latencies) in groups.iter().zip(&mut latencies) {
                let took = patch(&mut client, &format!("{}/Groups/{group}", self.scim), &body).await?;
                if turn >= 20 {
                    latencies.push(took);
                }
            }
        }
        let [small, big] = latencies;
        self.report.figure(&format!("one-member PATCH, group of {}", groups[0].1), both(&small));
        self.report.figure(&format!("one-member PATCH, group of {}", groups[1].1), both(&big));
        let ratio =
            |quantile: usize| big.quantile(quantile).as_secs_f64() / small.quantile(quantile).as_secs_f64();
        self.report.against("  big : small, median", ratio(50), Goal::AtMost(1.5), times);
        self.report.figure("  big : small, p99", times(ratio(99)));
        Ok(())
    }

    async fn pages(&mut self) -> anyhow::Result<()> {
        let mut client = self.client().await?;
        for (place, start) in [("start", 1), ("middle", self.users / 2)] {
            let path = format!("{}/Users?startIndex={start}&count=100", self.scim);
            let mut latencies = Latencies::default();
            for _ in 0..PAGES {
                latencies.push(send(&mut client, &ok(Method::GET, path.clone(), None)).await?);
            }
            let name = format!("page of 100 at the {place} of {}, by index", self.users);
            self.report.figure(&name, both(&latencies));
        }
        self.cursor_pages(&mut client).await
    }

    /// Pages by cursor (RFC 9865) from the start on, where the program says that it serves them.
    async fn cursor_pages(&mut self, client: &mut Client) -> anyhow::Result<()> {
        let path = format!("{}/ServiceProviderConfig", self.scim);
        let config = client.json(Method::GET, &path, None).await?;
        if config["pagination"]["cursor"] != true {
            self.report.figure("page of 100 by cursor", "not served");
            return Ok(());
        }
        let mut latencies = Latencies::default();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let path = format!("{}/Users?cursor={cursor}&count=100", self.scim);
            let begun = Instant::now();
            let page = client.json(Method::GET, &path, None).await?;
            latencies.push(begun.elapsed());
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        }
        self.report.figure("page of 100 by cursor", both(&latencies));
        Ok(())
    }

    /// Reads the biggest group whole, once, and looks at the program's memory.
    async fn big_group(&mut self) -> anyhow::Result<()> {
        let mut client = self.client().await?;
        let group = self.find(&mut client, "Groups", &format!("displayName eq \"{BIG_GROUP}\"")).await?;
        self.report.figure(
            "peak memory before the big group is read",
            format!("{:.0} MB", megabytes(peak(self.processes.program)?)),
        );
        reset_peak(self.processes.program)?;
        let begun = Instant::now();
        let (status, bytes) = client.count_bytes(&format!("{}/Groups/{group}", self.scim)).await?;
        let took = begun.elapsed();
        anyhow::ensure!(status == StatusCode::OK, "GET of the big group: {status}");
        let peak = megabytes(peak(self.processes.program)?);
        let figure = format!("{:.2} s, {:.1} MB", took.as_secs_f64(), megabytes(bytes as u64));
        self.report.figure("GET of the big group", figure);
        self.report.against("  peak memory meanwhile", peak, Goal::Below(200.0), |mb| format!("{mb:.0} MB"));
        Ok(())
    }
}

/// One PATCH; a group with many members is answered with 204, the others with 200.
async fn patch(client: &mut Client, path: &str, body: &Value) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let (status, answer) = client.send(Method::PATCH, path, Some(Bytes::from(body.to_string()))).await?;
    let took = begun.elapsed();
    anyhow::ensure!(status.is_success(), "PATCH: {status}: {}", String::from_utf8_lossy(&answer));
    Ok(took)
}
