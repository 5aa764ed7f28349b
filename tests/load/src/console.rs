//! `load console`: how long the server takes for each page of the console, with a large directory behind it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::bench::with_database;
use crate::database::{Database, TENANT, execute, number};
use crate::figures::Latencies;
use crate::program::{Process, executable, free_address};
use crate::seed::{self, Size};

/// What a page may take.
const GOAL: Duration = Duration::from_millis(50);
/// Times that each page is asked for.
const TIMES: usize = 30;
const OPERATOR_KEY: &str = "operator-key-of-the-measurement";

/// `load console`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// `postgres://…` of a role that may create databases.
    #[arg(long, env = "ROLLCALL_TEST_POSTGRES_URL", hide_env_values = true, value_name = "URL")]
    server_url: String,
    /// People of the directory, each with an account.
    #[arg(long, default_value_t = 100_000)]
    people: u64,
    /// Groups of the directory.
    #[arg(long, default_value_t = 5_000)]
    groups: u64,
    /// The program.
    #[arg(long, default_value = "target/release/rollcall", value_name = "PATH")]
    rollcall: PathBuf,
}

/// Seeds a database, asks for each page, and prints how long it took.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    with_database(&arguments.server_url, async |database| {
        let size =
            Size { users: arguments.people, groups: arguments.groups, big_group: arguments.people / 2 };
        seed::run(&seed::Arguments { database: database.clone(), size }).await?;
        measure(arguments, &database).await
    })
    .await
}

/// A browser without a screen.
struct Visitor {
    client: reqwest::Client,
    url: String,
    /// The key of the tenant's owner: the operator sees no people.
    key: String,
    cookie: String,
}

impl Visitor {
    #[expect(clippy::disallowed_methods, reason = "what it asks is on loopback")]
    async fn sign_in(url: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build()?;
        let keys = client.post(format!("{url}/v1/tenants/{TENANT}/keys")).bearer_auth(OPERATOR_KEY);
        let made = keys.json(&json!({"name": "measurement", "role": "owner"})).send().await?;
        let made: Value = made.error_for_status()?.json().await?;
        let key = made["key"].as_str().context("a key")?.to_owned();
        let form = [("key", key.as_str())];
        let answer = client.post(format!("{url}/console/sign-in")).form(&form).send().await?;
        let cookie = answer.headers().get(SET_COOKIE).context("a session")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { client, url, key, cookie })
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}/v1/tenants/{TENANT}{path}", self.url));
        let answer = request.bearer_auth(&self.key).json(&body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// How long a page takes until all of it is here.
    async fn page(&self, path: &str) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let request = self.client.get(format!("{}/console/t/{TENANT}{path}", self.url));
        let answer = request.header(COOKIE, &self.cookie).send().await?;
        let status = answer.status();
        answer.bytes().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status}");
        Ok(began.elapsed())
    }
}

/// Ids of what the pages are about.
struct Place {
    connection: String,
    site: String,
    link: String,
    run: String,
    user: String,
    group: String,
    account: String,
}

impl Place {
    fn pages(&self) -> Vec<(&'static str, String)> {
        let Self { connection, site, link, run, user, group, account } = self;
        vec![
            ("overview", String::new()),
            ("identity providers", "/connections".into()),
            ("identity provider", format!("/connections/{connection}")),
            ("its requests", format!("/connections/{connection}/requests")),
            ("sites", "/sites".into()),
            ("site", format!("/sites/{site}")),
            ("links", "/links".into()),
            ("link", format!("/links/{link}")),
            ("settings", format!("/links/{link}/settings")),
            ("run", format!("/links/{link}/runs/{run}")),
            ("run, one outcome", format!("/links/{link}/runs/{run}?outcome=failed")),
            ("people", "/people".into()),
            ("people, searched", "/people?search=load.user.777".into()),
            ("person", format!("/people/{user}")),
            ("groups", "/groups".into()),
            ("group", format!("/groups/{group}")),
            ("to review", "/review".into()),
            ("ledger", "/ledger".into()),
            ("ledger, searched", "/ledger?username=load.user.777".into()),
            ("account", format!("/ledger/{site}/{account}")),
            ("audit log", "/audit".into()),
            ("keys", "/keys".into()),
        ]
    }
}

async fn measure(arguments: &Arguments, database: &Database) -> anyhow::Result<()> {
    let address = free_address()?;
    let settings = [
        ("ROLLCALL_LISTEN", address.to_string()),
        ("ROLLCALL_DATABASE_URL", database.database_url.clone()),
        ("ROLLCALL_MASTER_KEY", database.master_key.clone()),
        ("ROLLCALL_OPERATOR_KEY", OPERATOR_KEY.to_owned()),
    ];
    // Workers would look for a site that is not there.
    let roles = ["serve", "--role", "gateway,scim,api"];
    let _process = Process::start(&executable(&arguments.rollcall)?, &roles, &settings).await?;
    let visitor = Visitor::sign_in(format!("http://{address}")).await?;
    let place = furnish(&visitor, database).await?;
    let mut missed = Vec::new();
    println!("{:<22}{:>10}{:>10}{:>10}", "page", "median", "p95", "longest");
    for (name, path) in place.pages() {
        let mut took = Latencies::default();
        visitor.page(&path).await?;
        for _ in 0..TIMES {
            took.push(visitor.page(&path).await?);
        }
        let shown =
            [took.median(), took.quantile(95), took.quantile(100)].map(|time| time.as_secs_f64() * 1e3);
        println!("{name:<22}{:>7.1} ms{:>7.1} ms{:>7.1} ms", shown[0], shown[1], shown[2]);
        if took.quantile(95) > GOAL {
            missed.push(name);
        }
    }
    let people = arguments.people;
    anyhow::ensure!(
        missed.is_empty(),
        "goal: each page below {GOAL:?} at p95 with {people} people: missed by {missed:?}"
    );
    println!("goal: each page below {GOAL:?} at p95 with {people} people: met");
    Ok(())
}

/// A site where everybody has an account, and a run that looked at all of them, as they would have been written.
async fn furnish(visitor: &Visitor, database: &Database) -> anyhow::Result<Place> {
    let mut sql = database.connect().await?;
    let id = async |sql: &mut sqlx::PgConnection, query: String| -> anyhow::Result<String> {
        Ok(sqlx::query_scalar::<_, uuid::Uuid>(sqlx::AssertSqlSafe(query)).fetch_one(sql).await?.to_string())
    };
    let tenant = id(&mut sql, "SELECT id FROM tenants".to_owned()).await?;
    let connection = id(&mut sql, "SELECT id FROM connections".to_owned()).await?;
    let body = json!({
        "name": "Jira", "product": "jira-data-center", "base_url": "https://jira.example.com",
        "credentials": {"type": "bearer", "token": "none"},
    });
    let site = visitor.post("/sites", body).await?["id"].as_str().context("a site")?.to_owned();
    let body = json!({"connection_id": connection, "site_id": site});
    let link = visitor.post("/links", body).await?["id"].as_str().context("a link")?.to_owned();
    let run = id(&mut sql, "SELECT id FROM runs".to_owned()).await?;
    let now = number(&mut sql, "SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000 AS bigint)".to_owned()).await?;
    for statement in [
        format!(
            "INSERT INTO accounts (tenant_id, site_id, id, key, username, username_folded, display_name, email, active, \
               created_by_us, in_doubt, observed_at, created_at) SELECT '{tenant}', '{site}', id, 'JIRAUSER' || id, \
               user_name_folded, user_name_folded, display_name_folded, email_folded, TRUE, TRUE, FALSE, {now}, {now} FROM users"
        ),
        format!(
            "INSERT INTO claims (tenant_id, site_id, user_id, connection_id, account_id, created_at) \
               SELECT '{tenant}', '{site}', id, '{connection}', id, {now} FROM users"
        ),
        format!(
            "INSERT INTO run_results (tenant_id, run_id, object_kind, object_id, outcome, detail, at) \
               SELECT '{tenant}', '{run}', 'user', id, 'unchanged', '{{\"changes\": []}}', {now} FROM users"
        ),
        format!(
            "UPDATE runs SET status = 'done', marked = (SELECT COUNT(*) FROM users), finished_at = {now}"
        ),
        "VACUUM (ANALYZE)".to_owned(),
    ] {
        execute(&mut sql, statement).await?;
    }
    let user = id(&mut sql, "SELECT id FROM users ORDER BY id DESC LIMIT 1 OFFSET 100".to_owned()).await?;
    let group = id(&mut sql, "SELECT id FROM groups ORDER BY id LIMIT 1".to_owned()).await?;
    Ok(Place { connection, site, link, run, account: user.clone(), user, group })
}
