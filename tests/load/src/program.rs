//! `rollcall serve` as a process of its own on the seeded database, and a token made through its API.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::database::{Database, TENANT};
use crate::http::Client;

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A running process of the program; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    /// From its start to the moment when it took requests.
    pub(crate) ready_after: Duration,
    child: Child,
    folder: TempDir,
}

/// The program, wherever it is started from.
pub(crate) fn executable(rollcall: &Path) -> anyhow::Result<PathBuf> {
    rollcall.canonicalize().with_context(|| {
        format!("looking for {}; build it with `cargo build --release -p rollcall`", rollcall.display())
    })
}

impl Process {
    /// Starts the program with these arguments and settings, and waits until it takes requests.
    pub(crate) async fn start(
        rollcall: &Path,
        arguments: &[&str],
        settings: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let internal = free_address()?;
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(rollcall);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ROLLCALL_"))
        {
            command.env_remove(name);
        }
        let started = Instant::now();
        let child = command
            .args(arguments)
            .env("ROLLCALL_INTERNAL_LISTEN", internal.to_string())
            .env("ROLLCALL_DATA_DIR", folder.path())
            .envs(settings.iter().map(|(name, value)| (name, value)))
            // A rollcall.toml of the working folder is configuration, too.
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", rollcall.display()))?;
        let mut process = Self { ready_after: Duration::ZERO, child, folder };
        process.wait_until_ready(internal, started).await?;
        process.ready_after = started.elapsed();
        Ok(process)
    }

    async fn wait_until_ready(&mut self, internal: SocketAddr, started: Instant) -> anyhow::Result<()> {
        loop {
            if let Ok(mut client) = Client::connect(internal, "none").await
                && client
                    .send(Method::GET, "/readyz", None)
                    .await
                    .is_ok_and(|(status, _)| status.is_success())
            {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            anyhow::ensure!(ended.is_none(), "the program ended with {ended:?}: {}", self.last_words());
            anyhow::ensure!(started.elapsed() < START_LIMIT, "it is not ready: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    /// Its process id.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the program has ended")
    }
}

/// The program with all its roles; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    operator_key: String,
    process: Process,
}

impl Program {
    /// Starts the program, with so many database connections, and waits until it takes requests.
    pub(crate) async fn start(
        rollcall: &Path,
        database: &Database,
        pool: Option<u32>,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let operator_key = format!("operator-key-{:032x}", rand::random::<u128>());
        let mut settings = vec![
            // The limit of what is measured is ours and not the one for a tenant.
            ("ROLLCALL_TENANT_RATE", "0".to_owned()),
            ("ROLLCALL_TOKEN_RATE", "0".to_owned()),
            ("ROLLCALL_TENANT_REQUESTS_AT_ONCE", "0".to_owned()),
            ("ROLLCALL_LISTEN", address.to_string()),
            ("ROLLCALL_DATABASE_URL", database.database_url.clone()),
            ("ROLLCALL_MASTER_KEY", database.master_key.clone()),
            ("ROLLCALL_OPERATOR_KEY", operator_key.clone()),
        ];
        settings.extend(pool.map(|pool| ("ROLLCALL_DATABASE_CONNECTIONS", pool.to_string())));
        let process = Process::start(&executable(rollcall)?, &["serve"], &settings).await?;
        Ok(Self { address, operator_key, process })
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        self.process.last_words()
    }

    /// Its process id.
    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        self.process.id()
    }

    /// Makes a token of the seeded connection through the REST API; returns it with the path of the
    /// connection's SCIM base URL.
    pub(crate) async fn token(&self) -> anyhow::Result<(String, String)> {
        let api = format!("/v1/tenants/{TENANT}");
        let mut operator = Client::connect(self.address, &self.operator_key).await?;
        let body = json!({"name": "load", "role": "owner"});
        let key = operator.json(Method::POST, &format!("{api}/keys"), Some(&body)).await?;
        let key = key["key"].as_str().context("an API key")?;
        let mut owner = Client::connect(self.address, key).await?;
        let connections = owner.json(Method::GET, &format!("{api}/connections"), None).await?;
        let id = connections["items"][0]["id"].as_str().context("the seeded connection")?;
        let body = json!({"name": "load"});
        let token = owner.json(Method::POST, &format!("{api}/connections/{id}/tokens"), Some(&body)).await?;
        let token = token["token"].as_str().context("a token")?;
        Ok((token.to_owned(), format!("/scim/{id}/v2")))
    }
}

/// A free port of loopback.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
