//! `rollcall serve` as a process of its own on the seeded database, and a token made through its API.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
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

/// The running program; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    operator_key: String,
    child: Child,
    folder: TempDir,
}

impl Program {
    /// Starts the program, with so many database connections, and waits until it takes requests.
    pub(crate) async fn start(
        rollcall: &Path,
        database: &Database,
        pool: Option<u32>,
    ) -> anyhow::Result<Self> {
        // It starts in a folder of its own, where a relative path would lead elsewhere.
        let rollcall = rollcall.canonicalize().with_context(|| {
            format!("looking for {}; build it with `cargo build --release -p rollcall`", rollcall.display())
        })?;
        let (address, internal) = free_addresses()?;
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let operator_key = format!("operator-key-{:032x}", rand::random::<u128>());
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(&rollcall);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ROLLCALL_"))
        {
            command.env_remove(name);
        }
        if let Some(pool) = pool {
            command.env("ROLLCALL_DATABASE_CONNECTIONS", pool.to_string());
        }
        let child = command
            .arg("serve")
            // The limit of what is measured is ours and not the one for a tenant.
            .env("ROLLCALL_TENANT_RATE", "0")
            .env("ROLLCALL_TOKEN_RATE", "0")
            .env("ROLLCALL_TENANT_REQUESTS_AT_ONCE", "0")
            .env("ROLLCALL_LISTEN", address.to_string())
            .env("ROLLCALL_INTERNAL_LISTEN", internal.to_string())
            .env("ROLLCALL_DATABASE_URL", &database.database_url)
            .env("ROLLCALL_MASTER_KEY", &database.master_key)
            .env("ROLLCALL_OPERATOR_KEY", &operator_key)
            .env("ROLLCALL_DATA_DIR", folder.path())
            // A rollcall.toml of the working folder is configuration, too.
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", rollcall.display()))?;
        let mut program = Self { address, operator_key, child, folder };
        program.wait_until_ready(internal).await?;
        Ok(program)
    }

    async fn wait_until_ready(&mut self, internal: SocketAddr) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
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
            anyhow::ensure!(Instant::now() < deadline, "the program is not ready: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    /// Its process.
    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        self.child.id().context("the program has ended")
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

/// Two free ports of loopback.
fn free_addresses() -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let (one, other) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((one.local_addr()?, other.local_addr()?))
}
