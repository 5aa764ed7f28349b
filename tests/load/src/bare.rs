//! The bare database: pgbench commits rows like those of a SCIM create, one statement and two rows a
//! transaction, and reads rows like a look-up's, without any program in between.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use sqlx::PgConnection;
use tokio::process::Command;
use url::Url;

use crate::database::{Directory, execute};
use crate::documents::{PLACE, stored_user};

/// What the bare database does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Commits of one statement and two rows.
    Commits,
    /// Reads of one user's document by userName.
    Reads,
}

/// pgbench with its scripts, ready to run.
#[derive(Debug)]
pub(crate) struct Bare {
    pgbench: PathBuf,
    database_url: String,
    commits: tempfile::NamedTempFile,
    reads: tempfile::NamedTempFile,
}

impl Bare {
    /// Makes tables like `users` and `timeline`, with their indexes, in a schema of their own, and the scripts.
    pub(crate) async fn prepare(
        database: &mut PgConnection,
        database_url: &str,
        (directory, users): (Directory, u64),
        postgres_bin: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let tables = "DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare; \
            CREATE TABLE bare.users (LIKE users INCLUDING ALL); \
            CREATE TABLE bare.timeline (LIKE timeline INCLUDING ALL)";
        execute(database, tables.to_owned()).await?;
        let pgbench = postgres_bin.map_or_else(|| "pgbench".into(), |folder| folder.join("pgbench"));
        let (commits, reads) = (script(&commits(directory)?)?, script(&reads(directory, users))?);
        Ok(Self { pgbench, database_url: database_url.to_owned(), commits, reads })
    }

    /// Transactions a second, with so many clients, over so many seconds.
    pub(crate) async fn per_second(&self, work: Work, clients: usize, seconds: u64) -> anyhow::Result<f64> {
        let script = match work {
            Work::Commits => &self.commits,
            Work::Reads => &self.reads,
        };
        // The password goes by the environment: command lines can be read by everyone.
        let mut url = Url::parse(&self.database_url).context("the database's URL")?;
        let password = url.password().unwrap_or_default().to_owned();
        anyhow::ensure!(url.set_password(None).is_ok(), "the database's URL has no host");
        let output = Command::new(&self.pgbench)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--file={}", script.path().display()))
            .arg(url.as_str())
            .env("PGPASSWORD", password)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("running {}", self.pgbench.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = rate(&text).filter(|_| output.status.success());
        rate.with_context(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// pgbench's `tps = 1234.5 (without initial connection time)`.
fn rate(output: &str) -> Option<f64> {
    output.lines().find_map(|line| line.strip_prefix("tps = "))?.split(' ').next()?.parse().ok()
}

fn script(text: &str) -> anyhow::Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new().context("a temporary file")?;
    std::fs::write(file.path(), text)?;
    Ok(file)
}

fn reads(directory: Directory, users: u64) -> String {
    format!(
        "\\set n random(1, {users})\n\
         SELECT id, document, version, created_at, last_modified_at FROM users \
         WHERE {} AND user_name_folded = 'load.user.' || :n || '@example.com';\n",
        directory.condition()
    )
}

/// Ids are made as the program makes them, time first, so that both fill their indexes from the same end.
fn commits(directory: Directory) -> anyhow::Result<String> {
    let Directory { tenant, connection } = directory;
    let stored = stored_user()?;
    let [document, search] = [stored.document, stored.search]
        .map(|json| without_variables(&json.to_string().replace(PLACE, "7")).replace('\'', "''"));
    let id = "CAST(lpad(to_hex(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)), 12, '0') || '7' \
        || substr(md5(CAST(:n AS text)), 1, 3) || '8' || substr(md5(CAST(:n AS text)), 4, 15) AS uuid)";
    let values = format!(
        "'{tenant}', '{connection}', {id}, 'bare.user.' || {id}, '00u' || {id}, 'bare user ' || {id}, \
         'bare.user.' || {id}, TRUE, '{document}', '{search}', 1, 1, 1"
    );
    // One line: to pgbench, a line is a statement unless it says otherwise.
    Ok(format!(
        "\\set n random(1, 9000000000000000000)\n\
         WITH entry AS (INSERT INTO bare.timeline (tenant_id, id, at, object_kind, object_id, connection_id, \
         site_id, kind, request_id, summary, detail) VALUES ('{tenant}', {id}, 1, 'user', {id}, '{connection}', \
         NULL, 'request', CAST({id} AS text), 'Created by the identity provider', NULL)) \
         INSERT INTO bare.users (tenant_id, connection_id, id, user_name_folded, external_id, \
         display_name_folded, email_folded, active, document, search, version, created_at, last_modified_at) \
         VALUES ({values});\n"
    ))
}

/// The same JSON without a colon before a letter or digit, which pgbench takes for a variable even within quotes.
fn without_variables(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut characters = json.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let named = characters.peek().is_some_and(|next| next.is_ascii_alphanumeric() || *next == '_');
        match character {
            // Between a name and its value.
            ':' if named && before == '"' => text.push_str(": "),
            ':' if named => text.push_str("\\u003a"),
            _ => text.push(character),
        }
        before = character;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_for_pgbench_has_no_variables_and_says_the_same() {
        let stored = stored_user().unwrap().document.to_string();
        let text = without_variables(&stored);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(&stored));
        let colons: Vec<_> = text.match_indices(':').collect();
        assert!(colons.iter().all(|(at, _)| !text.as_bytes()[at + 1].is_ascii_alphanumeric()), "{text}");
    }

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let output = "latency average = 3.2 ms\ntps = 4964.250000 (without initial connection time)\n";
        assert_eq!(rate(output), Some(4964.25));
        assert_eq!(rate("pgbench: error"), None);
    }
}
