//! A tenant's way from one cell to another.
//!
//! What the tenant has is read, copied and deleted in one transaction of repeatable reads at the cell that it
//! leaves. Whoever writes meanwhile, however late, makes that transaction fail and be tried again: PostgreSQL lets
//! it delete no row that was changed, or made, after what was copied. Until it is committed the cell that is left
//! has the truth; from then on the other one has.

use std::fmt::Display;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use sea_orm::{DatabaseBackend, DbErr, RuntimeErr};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _};

use crate::database::{SchemaDifference, Store};
use crate::entity::tenant;
use crate::entity::words::TenantStatus;
use crate::error::{Error, Result};
use crate::id::TenantId;
use crate::vault::WrappedKey;

/// Every table of a tenant's rows, each after those that it refers to. What gateways are told of changes stays.
pub const TABLES: &[&str] = &[
    "tenants",
    "api_keys",
    "break_glass",
    "sign_in",
    "sessions",
    "schema_extensions",
    "connections",
    "scim_tokens",
    "scim_requests",
    "setup_links",
    "sites",
    "links",
    "users",
    "user_emails",
    "groups",
    "group_members",
    "parked_members",
    "accounts",
    "claims",
    "denied_claims",
    "memberships",
    "site_groups",
    "group_feeds",
    "tasks",
    "deprovisions",
    "withdrawals",
    "timeline",
    "runs",
    "run_results",
    "audit",
    "idempotency_keys",
];

/// What the tenant's audit log says of it.
pub const ARRIVED: &str = "tenant.arrive";

/// Gateways that could not ask for so long refuse by themselves.
const HEARD: Duration = Duration::from_secs(1);
/// How often is looked whether work on the tenant ended.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long a copy that is not needed may take to be removed: the tenant is not served meanwhile.
const CLEARING: Duration = Duration::from_secs(10);
/// How often the copy is tried when somebody still writes.
const ATTEMPTS: usize = 10;

/// Why a tenant is not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Nothing was done, or everything was put back; in words.
    #[error("{0}")]
    Refused(String),
    /// A database failed. The tenant is where it was, or between the cells: trying again finds out.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<sqlx::Error> for MoveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(DbErr::Exec(RuntimeErr::SqlxError(error.into())).into())
    }
}

fn refused<T>(why: impl Display) -> std::result::Result<T, MoveError> {
    Err(MoveError::Refused(why.to_string()))
}

/// How many rows of a table were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// A tenant on its way, which nobody else moves meanwhile.
#[derive(Debug)]
pub struct TenantMove<'a> {
    from: &'a Store,
    to: &'a Store,
    tenant: TenantId,
    /// Held for their locks, and to copy.
    source: PoolConnection<Postgres>,
    target: PoolConnection<Postgres>,
}

impl<'a> TenantMove<'a> {
    /// Looks whether the tenant of a slug can be moved, and takes it for this one to move.
    pub async fn prepare(from: &'a Store, to: &'a Store, slug: &str) -> std::result::Result<Self, MoveError> {
        for store in [from, to] {
            if store.backend() != DatabaseBackend::Postgres {
                return refused("Cells are databases of PostgreSQL; the embedded one is no cell");
            }
            if store.schema().await? != SchemaDifference::default() {
                return refused(
                    "Both databases must have the schema of this version; run `rollcall migrate`",
                );
            }
        }
        let left = from.tenants().find_by_slug(slug).await?;
        let there = to.tenants().find_by_slug(slug).await?;
        let tenant = match (&left, &there) {
            (None, None) => return refused(format!("Neither cell has a tenant {slug}")),
            (Some(row), Some(other)) if row.id != other.id => {
                return refused(format!("The other cell has another tenant {slug}"));
            }
            (None, Some(row)) if row.status != TenantStatus::Arriving => {
                return refused(format!("The tenant {slug} lives in the other cell already"));
            }
            (Some(row), _) if row.status == TenantStatus::Arriving => {
                return refused(format!(
                    "The tenant {slug} is on its way to this cell; finish that from the cell that it leaves"
                ));
            }
            (Some(row), _) if row.status == TenantStatus::Suspended => {
                return refused(format!("The tenant {slug} is suspended; serve it again before it is moved"));
            }
            (Some(_), Some(other)) if other.status != TenantStatus::Arriving => {
                return refused(format!("Both cells have a tenant {slug} with the same id"));
            }
            (Some(row), _) | (None, Some(row)) => row.id,
        };
        if let Some(row) = &left {
            from.vault.check(tenant, &WrappedKey(row.wrapped_key.clone()))?;
        }
        let mut source = connection(from).await?;
        let mut target = connection(to).await?;
        // Locks are by database: the second one also shows that there are two.
        for held in [&mut source, &mut target] {
            let key = i64::from_ne_bytes(tenant.0.as_u64_pair().1.to_ne_bytes());
            let taken = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(key);
            if !taken.fetch_one(&mut **held).await?.try_get::<bool, _>(0)? {
                return refused("Both cells are one database, or somebody else is moving the tenant");
            }
        }
        Ok(Self { from, to, tenant, source, target })
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Whether the cell that is left still has it.
    async fn is_here(&self) -> Result<bool> {
        self.from.tenants().stands(self.tenant).await
    }

    /// Has requests refused, and waits until all that was begun has ended, as far as that can be seen; after
    /// `patience` it goes on all the same. Nothing to do when everything was copied before.
    pub async fn quiesce(&self, patience: Duration) -> Result<()> {
        if !self.is_here().await? {
            return Ok(());
        }
        self.from.tenants().set_status(self.tenant, TenantStatus::Leaving).await?;
        let began = Instant::now();
        tokio::time::sleep(HEARD).await;
        while began.elapsed() < patience && self.from.tenants().is_worked_at(self.tenant).await? {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Copies everything and deletes it where it was, telling each table by `progress`. When it fails the tenant is
    /// still where it was, or was copied whole if only the last word was lost.
    pub async fn copy(&mut self, mut progress: impl FnMut(Copied)) -> std::result::Result<(), MoveError> {
        for attempt in 1.. {
            if !self.is_here().await? {
                return Ok(());
            }
            match self.copy_once(&mut progress).await {
                Err(MoveError::Store(error)) if error.is_unavailable() && attempt < ATTEMPTS => {
                    tracing::info!(attempt, error = &error as &dyn std::error::Error, "copying again");
                    self.undo().await?;
                    tokio::time::sleep(LOOK_AGAIN * 5).await;
                }
                done => return done,
            }
        }
        Ok(())
    }

    async fn copy_once(&mut self, progress: &mut impl FnMut(Copied)) -> std::result::Result<(), MoveError> {
        let (tenant, source, target) = (self.tenant, &mut *self.source, &mut *self.target);
        run(source, "BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        run(target, "BEGIN").await?;
        // Whoever adds anything waits from here on, and finds it gone.
        run(source, format!("SELECT 1 FROM tenants WHERE id = '{tenant}' FOR UPDATE")).await?;
        // What an earlier try left; it was never served.
        run(target, format!("DELETE FROM tenants WHERE id = '{tenant}' AND status = 'arriving'")).await?;
        run(target, format!("DELETE FROM idempotency_keys WHERE tenant_id = '{tenant}'")).await?;
        for table in TABLES {
            let rows = copy_table(source, target, table, tenant).await?;
            progress(Copied { table, rows });
        }
        let key = self.from.tenants().get(tenant).await?.wrapped_key;
        let key = self.from.vault.rewrap(tenant, &WrappedKey(key), &self.to.vault)?;
        let sealed =
            sqlx::query("UPDATE tenants SET wrapped_key = $2 WHERE id = $1").bind(tenant.0).bind(key.0);
        sealed.execute(&mut *target).await?;
        for table in TABLES.iter().rev() {
            run(source, format!("DELETE FROM {table} WHERE {} = '{tenant}'", tenant_column(table))).await?;
        }
        run(target, "COMMIT").await?;
        run(source, "COMMIT").await?;
        Ok(())
    }

    async fn undo(&mut self) -> std::result::Result<(), MoveError> {
        for held in [&mut self.source, &mut self.target] {
            run(held, "ROLLBACK").await?;
        }
        Ok(())
    }

    /// Serves the tenant in the cell that it has come to.
    pub async fn finish(self) -> std::result::Result<tenant::Model, MoveError> {
        if self.is_here().await? {
            return refused("The tenant was not copied");
        }
        let together = self.to.tenant(self.tenant).together().await?;
        together.tenant.tenants().set_status(self.tenant, TenantStatus::Active).await?;
        let id = self.tenant.to_string();
        together.tenant.audit().insert("operator", ARRIVED, "tenant", id, None).await?;
        together.commit().await?;
        Ok(self.to.tenants().get(self.tenant).await?)
    }

    /// Serves the tenant where it was, if it is still there, and says whether it is.
    pub async fn give_up(self) -> std::result::Result<bool, MoveError> {
        let Self { from, to, tenant, source, target } = self;
        // With these goes whatever was begun; what was on its way to be committed is waited for below.
        drop((source, target));
        let transaction = from.write().await?;
        match from.tenants().set_status_in(&transaction, tenant, TenantStatus::Active).await {
            Ok(()) => {}
            Err(Error::NotFound(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        // While the row is held, nobody else's move can make the copy the only one there is.
        if !matches!(tokio::time::timeout(CLEARING, drop_copy(to, tenant)).await, Ok(Ok(()))) {
            tracing::warn!(%tenant, "the copy in the other cell stays; it is not served, and the next move replaces it");
        }
        transaction.commit().await?;
        from.wake_all();
        Ok(true)
    }
}

/// Removes a copy that is not served. Only for who holds the tenant's row where it lives.
async fn drop_copy(to: &Store, tenant: TenantId) -> std::result::Result<(), MoveError> {
    let mut target = connection(to).await?;
    run(&mut target, format!("DELETE FROM tenants WHERE id = '{tenant}' AND status = 'arriving'")).await
}

/// A connection that takes the time that it takes, and is closed with what it holds when it is dropped.
async fn connection(store: &Store) -> std::result::Result<PoolConnection<Postgres>, MoveError> {
    let mut connection = store.connection.get_postgres_connection_pool().acquire().await?;
    connection.close_on_drop();
    run(&mut connection, "SET statement_timeout = 0").await?;
    Ok(connection)
}

/// Runs SQL of ours; an id is all that is written into it.
async fn run(connection: &mut PgConnection, sql: impl Into<String>) -> std::result::Result<(), MoveError> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await?;
    Ok(())
}

pub(crate) fn tenant_column(table: &str) -> &'static str {
    if table == "tenants" { "id" } else { "tenant_id" }
}

/// Streams a tenant's rows of a table from one database to the other.
async fn copy_table(
    source: &mut PgConnection,
    target: &mut PgConnection,
    table: &str,
    tenant: TenantId,
) -> std::result::Result<u64, MoveError> {
    let sql = "SELECT column_name::text FROM information_schema.columns \
               WHERE table_schema = current_schema() AND table_name = $1 ORDER BY column_name";
    let columns = sqlx::query(sql).bind(table).fetch_all(&mut *source).await?;
    let columns: Vec<String> =
        columns.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?;
    let quoted = |name: &String| format!("\"{name}\"");
    let into = columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
    // The copy is not served before it is whole.
    let status = |name: &String| {
        if table == "tenants" && name == "status" { "'arriving'".to_owned() } else { quoted(name) }
    };
    let read = columns.iter().map(status).collect::<Vec<_>>().join(", ");
    let rows = format!("SELECT {read} FROM {table} WHERE {} = '{tenant}'", tenant_column(table));
    let mut from = source.copy_out_raw(&format!("COPY ({rows}) TO STDOUT")).await?;
    let mut to = target.copy_in_raw(&format!("COPY {table} ({into}) FROM STDIN")).await?;
    while let Some(chunk) = from.try_next().await? {
        to.send(chunk).await?;
    }
    Ok(to.finish().await?)
}
