//! Databases of their own for tests: an SQLite file in a temporary folder, or a database on the
//! PostgreSQL server that `ROLLCALL_TEST_POSTGRES_URL` names. Both are migrated, and gone when the
//! [`TestStore`] is dropped.

use std::ops::Deref;
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, EntityTrait as _, QueryResult};
use tempfile::TempDir;
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::{Store, StoreOptions};
use crate::entity::task;
use crate::statement::rows;
use crate::vault::Vault;

/// Names the PostgreSQL server for tests: a role that may create databases.
pub const POSTGRES_URL: &str = "ROLLCALL_TEST_POSTGRES_URL";

/// The master key of every test database.
pub const MASTER_KEY: [u8; 32] = [7; 32];

/// Connections of one test database: tests run side by side, and the server allows 200 in all.
const MAX_CONNECTIONS: u32 = 5;

/// A migrated store that lives as long as this guard.
#[derive(Debug)]
pub struct TestStore {
    store: Store,
    url: String,
    /// Holds the SQLite file; removed with the guard.
    _folder: Option<TempDir>,
    /// The PostgreSQL server and the name of the database there; dropped with the guard.
    database: Option<(String, String)>,
}

impl TestStore {
    /// The database's URL, for a second store or process on the same data.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Another store on the same database, such as one of a second replica.
    pub async fn connect_again(&self) -> Store {
        open(&self.url, self.store.clock.clone()).await
    }
}

/// What is left of tasks and why, for a test that fails.
pub async fn task_errors(store: &Store) -> Vec<String> {
    let tasks = task::Entity::find().all(&store.reader()).await.unwrap_or_default();
    let told = |task: task::Model| {
        format!(
            "{:?} after {} attempts, due at {:?}: {:?}",
            task.state, task.attempts, task.due_at, task.last_error
        )
    };
    tasks.into_iter().map(told).collect()
}

/// The accounts of that user name at every site, and all that is told of each user who ever had it, for a test that fails.
pub async fn told_of(store: &Store, username: &str) -> Vec<String> {
    let told = "SELECT site_id, id, username, active, in_doubt, created_by_us, key FROM accounts WHERE username_folded = $1";
    let accounts =
        rows(&store.reader(), told, vec![username.to_lowercase().into()]).await.unwrap_or_default();
    let text = |row: &QueryResult, column: &str| -> String {
        let id = row.try_get::<Uuid>("", column).map(|id| id.to_string());
        id.or_else(|_| row.try_get::<String>("", column)).unwrap_or_default()
    };
    let flag = |row: &QueryResult, column: &str| row.try_get::<bool>("", column).ok();
    let mut lines: Vec<String> = accounts
        .iter()
        .map(|row| {
            let [site, id, name, key] = ["site_id", "id", "username", "key"].map(|column| text(row, column));
            let [active, doubt, ours] = ["active", "in_doubt", "created_by_us"].map(|column| flag(row, column));
            format!("account {id} {name} key {key} at {site}: active {active:?}, in doubt {doubt:?}, ours {ours:?}")
        })
        .collect();
    let told = "SELECT id, at, object_id, site_id, kind, summary, CAST(detail AS text) AS said FROM timeline \
                WHERE object_id IN (SELECT object_id FROM timeline WHERE CAST(detail AS text) LIKE $1 OR summary LIKE $1) \
                ORDER BY id LIMIT 400";
    let pattern = format!("%{username}\"%");
    for row in rows(&store.reader(), told, vec![pattern.into()]).await.unwrap_or_default() {
        let [object, site, kind, summary, said] =
            ["object_id", "site_id", "kind", "summary", "said"].map(|column| text(&row, column));
        let at = row.try_get::<i64>("", "at").unwrap_or_default();
        lines.push(format!("{at} {object} at {site}: {kind}: {summary} {said}"));
    }
    lines
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Self::Target {
        &self.store
    }
}

/// A store on an SQLite file of its own, with the system's clock.
pub async fn sqlite_store() -> TestStore {
    sqlite_store_at(Clock::default()).await
}

/// A store on an SQLite file of its own, with the time of `clock`.
#[expect(clippy::expect_used, reason = "a test without a folder cannot go on")]
pub async fn sqlite_store_at(clock: Clock) -> TestStore {
    let folder = TempDir::new().expect("a temporary folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("rollcall.sqlite").display());
    let store = migrated(&url, clock).await;
    TestStore { store, url, _folder: Some(folder), database: None }
}

/// A store on a PostgreSQL database of its own, with the system's clock.
pub async fn postgres_store() -> TestStore {
    postgres_store_at(Clock::default()).await
}

/// A store on a PostgreSQL database of its own, with the time of `clock`.
#[expect(clippy::disallowed_methods, reason = "only tests read this variable; it is no configuration")]
#[expect(clippy::expect_used, reason = "a test without its database cannot go on")]
pub async fn postgres_store_at(clock: Clock) -> TestStore {
    let server = std::env::var(POSTGRES_URL).expect(
        "ROLLCALL_TEST_POSTGRES_URL is not set; run through `make test` or `infra/dev/with-services`",
    );
    let name = format!("rollcall_test_{}", Uuid::now_v7().simple());
    execute(&server, &format!("CREATE DATABASE {name}")).await.expect("a database of its own");
    let url = with_database(&server, &name);
    let store = migrated(&url, clock).await;
    TestStore { store, url, _folder: None, database: Some((server, name)) }
}

async fn migrated(url: &str, clock: Clock) -> Store {
    let store = open(url, clock).await;
    #[expect(clippy::expect_used, reason = "a test without its schema cannot go on")]
    store.migrate().await.expect("the migrations run");
    store
}

#[expect(clippy::expect_used, reason = "a test without its database cannot go on")]
async fn open(url: &str, clock: Clock) -> Store {
    let mut options = StoreOptions::new(url);
    options.max_connections = MAX_CONNECTIONS;
    options.clock = clock;
    let vault = Vault::new(&MASTER_KEY).expect("a key of 32 bytes");
    Store::connect(options, vault).await.expect("the database answers")
}

/// `server` with its path replaced by the database's name; parameters stay.
fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = server.split_once('?').map_or((server, None), |(a, p)| (a, Some(p)));
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let end = address[host_at..].find('/').map_or(address.len(), |at| host_at + at);
    let query = parameters.map(|text| format!("?{text}")).unwrap_or_default();
    format!("{}/{name}{query}", &address[..end])
}

async fn execute(server: &str, sql: &str) -> Result<(), sea_orm::DbErr> {
    let mut options = ConnectOptions::new(server);
    options.max_connections(1).connect_timeout(Duration::from_secs(10)).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    connection.execute_unprepared(sql).await?;
    connection.close().await
}

impl Drop for TestStore {
    /// Best effort: a database that stays behind ends with its private server.
    fn drop(&mut self) {
        let Some((server, name)) = &self.database else { return };
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let server = server.clone();
        // The test's runtime may be ending, and must not be waited for from within itself.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(execute(&server, &sql)).ok()
        });
        drop(dropped.join());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_name_replaces_the_path_and_keeps_parameters() {
        for (server, url) in [
            ("postgres://u:p@127.0.0.1:5432/postgres", "postgres://u:p@127.0.0.1:5432/one"),
            ("postgres://127.0.0.1", "postgres://127.0.0.1/one"),
            ("postgres://h/postgres?sslmode=disable", "postgres://h/one?sslmode=disable"),
        ] {
            assert_eq!(with_database(server, "one"), url);
        }
    }

    #[tokio::test]
    async fn stores_of_two_calls_share_nothing() {
        let (one, other) = (sqlite_store().await, sqlite_store().await);
        one.tenants().insert("acme", "Acme").await.unwrap();
        assert!(other.tenants().find_by_slug("acme").await.unwrap().is_none());
        assert!(one.connect_again().await.tenants().find_by_slug("acme").await.unwrap().is_some());
    }
}
