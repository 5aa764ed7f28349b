//! Opening the database, and the transactions that all writes go through.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseBackend, DatabaseConnection, DatabaseExecutor, DatabaseTransaction,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, SchemaManager};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::deprovisions::Counts;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::migration::Migrator;
use crate::statement::rows;
use crate::tenant::TenantStore;
use crate::vault::Vault;

/// How to open the database.
#[derive(Debug)]
pub struct StoreOptions {
    /// `postgres://…` or `sqlite://path?mode=rwc`.
    pub url: String,
    /// Connections at the most.
    pub max_connections: u32,
    /// How long a request waits for a connection before the database counts as unavailable.
    pub acquire_timeout: Duration,
    /// How long PostgreSQL works at one statement, waiting for locks included, before it gives up; `None` for
    /// as long as it takes. Who asked may be gone, and a statement that nobody waits for holds locks and a
    /// connection. SQLite knows no such limit.
    pub statement_timeout: Option<Duration>,
    /// Where the time comes from.
    pub clock: Clock,
}

impl StoreOptions {
    /// Defaults for `url`: 16 connections, 5 s of waiting, 30 s for a statement, the system's clock.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 16,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Some(Duration::from_secs(30)),
            clock: Clock::default(),
        }
    }
}

/// Where sea-orm notes which migrations ran.
const MIGRATIONS: &str = "seaql_migrations";

/// Names of migrations by which a database and this program differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaDifference {
    /// They have not run yet: this program cannot work there.
    pub pending: Vec<String>,
    /// A later version has run them. Each migration leaves the version before it working, so that is so during an
    /// upgrade, and when one goes back.
    pub later: Vec<String>,
}

/// The database of one cell. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) connection: DatabaseConnection,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Clock,
    /// SQLite has one writer: writers queue here in order instead of failing with "database is locked".
    writer: Option<Arc<Semaphore>>,
    marked: Arc<Notify>,
    marked_for_others: Arc<Notify>,
    /// What judgements by the safety thresholds have counted.
    pub(crate) counts: Arc<Counts>,
    /// What everything is a part of, where several changes are one.
    whole: Option<Arc<Whole>>,
}

impl Store {
    /// Connects; the schema must be there already (see [`Store::migrate`]).
    pub async fn connect(options: StoreOptions, vault: Vault) -> Result<Self> {
        let mut connect = ConnectOptions::new(options.url);
        // In milliseconds; none is zero to PostgreSQL.
        let statement_limit = options.statement_timeout.map_or(0, |limit| limit.as_millis().max(1));
        connect
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .connect_timeout(options.acquire_timeout)
            .test_before_acquire_if_idle_for(Duration::from_secs(10))
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .map_sqlx_postgres_opts(move |postgres| {
                postgres
                    .application_name("rollcall")
                    .options([("statement_timeout", statement_limit.to_string())])
            })
            .map_sqlx_sqlite_pool_opts(|pool| {
                // SQLite ends a transaction by itself when the disk is full, and sqlx goes on to count it: the next
                // one on the connection would be a savepoint, answered as committed and rolled back with the rest.
                pool.after_release(|connection, _| {
                    Box::pin(async move {
                        connection.ping().await?;
                        Ok(!connection.is_in_transaction())
                    })
                })
            })
            .map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // FULL: a commit that was answered survives a power cut as well as a kill.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(10))
            });
        let connection = Database::connect(connect).await?;
        let embedded = connection.get_database_backend() == DatabaseBackend::Sqlite;
        Ok(Self {
            connection,
            vault: Arc::new(vault),
            clock: options.clock,
            writer: embedded.then(|| Arc::new(Semaphore::new(1))),
            marked: Arc::default(),
            marked_for_others: Arc::default(),
            counts: Arc::default(),
            whole: None,
        })
    }

    /// Brings the schema up to date. One of a later version stays as it is.
    pub async fn migrate(&self) -> Result<()> {
        if self.schema().await?.pending.is_empty() {
            return Ok(());
        }
        Ok(Migrator::up(&self.connection, None).await?)
    }

    /// How the database's schema differs from the one of this program. Reads only: whoever serves may lack the right
    /// to make tables.
    pub async fn schema(&self) -> Result<SchemaDifference> {
        let known: Vec<String> =
            Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        let is_there = SchemaManager::new(&self.connection).has_table(MIGRATIONS).await?;
        let mut ran = Vec::new();
        if is_there {
            let sql = format!("SELECT version FROM {MIGRATIONS} ORDER BY version");
            for row in rows(&self.connection, sql, Vec::new()).await? {
                ran.push(row.try_get::<String>("", "version")?);
            }
        }
        let without = |all: &[String], others: &[String]| {
            all.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        Ok(SchemaDifference { pending: without(&known, &ran), later: without(&ran, &known) })
    }

    /// Answers if the database does.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.connection.ping().await?)
    }

    /// The repositories of one tenant.
    pub fn tenant(&self, id: TenantId) -> TenantStore {
        TenantStore { store: self.clone(), id }
    }

    /// The clock that all times come from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Waits until something in this process marked a task; a mark that came before the call counts.
    pub async fn task_marked(&self) {
        self.marked.notified().await;
    }

    /// Wakes one waiter of [`Store::task_marked`].
    pub fn wake(&self) {
        self.marked.notify_one();
    }

    /// Waits until something in this process marked a task that workers of other processes might take.
    pub async fn marked_for_others(&self) {
        self.marked_for_others.notified().await;
    }

    /// Wakes the workers of this process, and whoever wakes those of others.
    pub(crate) fn wake_all(&self) {
        self.marked.notify_one();
        self.marked_for_others.notify_one();
    }

    /// The connection itself, for tests that count statements and for health checks.
    pub fn connection_mut(&mut self) -> &mut DatabaseConnection {
        &mut self.connection
    }

    pub(crate) fn backend(&self) -> DatabaseBackend {
        self.connection.get_database_backend()
    }

    /// What reads go through: the transaction that everything is a part of, or any connection.
    pub(crate) fn reader(&self) -> DatabaseExecutor<'_> {
        match &self.whole {
            Some(whole) => whole.transaction.deref().into(),
            None => (&self.connection).into(),
        }
    }

    /// The same database, where everything that is written is a part of `whole`. Nobody is woken before that is
    /// committed.
    pub(crate) fn within(&self, whole: Arc<Whole>) -> Self {
        Self { whole: Some(whole), marked: Arc::default(), marked_for_others: Arc::default(), ..self.clone() }
    }

    /// Starts a transaction that writes; dropping it undoes everything. Where everything is a part of a whole, that is
    /// undone.
    pub(crate) async fn write(&self) -> Result<WriteTransaction> {
        if let Some(whole) = &self.whole {
            return Ok(WriteTransaction(Written::Within(Part { whole: Arc::clone(whole), is_done: false })));
        }
        Ok(WriteTransaction(Written::Alone(self.begin().await?)))
    }

    /// Starts a transaction of its own.
    pub(crate) async fn begin(&self) -> Result<OwnTransaction> {
        let permit = match &self.writer {
            Some(writer) => Some(
                Arc::clone(writer)
                    .acquire_owned()
                    .await
                    .map_err(|_| Error::Inconsistent("the writers' queue is closed".into()))?,
            ),
            None => None,
        };
        let options = TransactionOptions {
            // Taking the write lock at once keeps a read within from going stale.
            sqlite_transaction_mode: permit.as_ref().map(|_| SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        // In a task of its own, as it must not be dropped half-way: sqlx would give the connection back with the
        // transaction begun, and whatever the next one writes at once would be answered and never committed.
        // The turn goes with it.
        let connection = self.connection.clone();
        let begun = tokio::spawn(async move {
            let transaction = connection.begin_with_options(options).await?;
            Ok::<_, Error>(OwnTransaction { transaction, _permit: permit })
        });
        begun.await.map_err(|error| Error::Inconsistent(error.to_string()))?
    }

    /// Ends the process's use of the database.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.close().await?)
    }
}

/// A transaction of its own. On SQLite it also holds the writers' turn.
#[derive(Debug)]
pub(crate) struct OwnTransaction {
    transaction: DatabaseTransaction,
    _permit: Option<OwnedSemaphorePermit>,
}

impl OwnTransaction {
    /// Makes everything durable.
    pub(crate) async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }
}

impl Deref for OwnTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

/// Several changes that are one (see [`crate::together`]).
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) transaction: OwnTransaction,
    /// Whether a part was left undone, and so everything has to be.
    pub(crate) is_broken: AtomicBool,
}

/// One of several changes that are one.
#[derive(Debug)]
struct Part {
    whole: Arc<Whole>,
    is_done: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_done {
            self.whole.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
enum Written {
    Alone(OwnTransaction),
    Within(Part),
}

/// A transaction that writes.
#[derive(Debug)]
pub struct WriteTransaction(Written);

impl WriteTransaction {
    /// Makes everything durable; a part of a whole becomes so with it.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.0 {
            Written::Alone(own) => own.commit().await,
            Written::Within(mut part) => {
                part.is_done = true;
                Ok(())
            }
        }
    }

    /// Undoes everything and frees what it held, before the caller goes on.
    pub(crate) async fn rollback(self) -> Result<()> {
        match self.0 {
            Written::Alone(own) => Ok(own.transaction.rollback().await?),
            // The whole is undone when it is dropped.
            Written::Within(_) => Ok(()),
        }
    }
}

impl Deref for WriteTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Written::Alone(own) => own,
            Written::Within(part) => &part.whole.transaction,
        }
    }
}
