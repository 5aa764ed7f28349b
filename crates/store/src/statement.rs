//! SQL text that both databases run: `$1` placeholders, bound values, and the few words that differ.

use sea_orm::{ConnectionTrait, DatabaseBackend, ExecResult, QueryResult, Statement, Value};

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::tenant::TenantStore;

/// How many ids one statement binds at the most (SQLite allows 32,766 values, PostgreSQL 65,535).
pub(crate) const IDS_PER_STATEMENT: usize = 1_000;

/// Text that appends `FOR UPDATE` where rows can be locked; SQLite's writer holds the whole database.
pub(crate) fn for_update(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres { "FOR UPDATE" } else { "" }
}

/// As [`for_update`], for a change that leaves the key: whoever only refers to the row need not wait.
pub(crate) fn for_change(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres { "FOR NO KEY UPDATE" } else { "" }
}

/// Text that appends a lock under which a row may be referred to and does not go.
pub(crate) fn for_reference(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres { "FOR KEY SHARE" } else { "" }
}

/// Text that appends a lock under which a row stays as it is.
pub(crate) fn for_share(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres { "FOR SHARE" } else { "" }
}

/// As [`for_update`], passing over rows that others hold.
pub(crate) fn for_update_skip_locked(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" }
}

/// The smaller of two expressions, which the databases name differently.
pub(crate) fn smaller(backend: DatabaseBackend, left: &str, right: &str) -> String {
    let name = if backend == DatabaseBackend::Postgres { "LEAST" } else { "MIN" };
    format!("{name}({left}, {right})")
}

/// The database's own clock in milliseconds: leases are compared by one clock, whichever replica asks.
pub(crate) fn database_now(backend: DatabaseBackend) -> &'static str {
    if backend == DatabaseBackend::Postgres {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)"
    } else {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    }
}

/// `$from, $from+1, …`: as many placeholders as `count`.
pub(crate) fn placeholders(from: usize, count: usize) -> String {
    let mut text = String::with_capacity(count * 5);
    for number in from..from + count {
        if number > from {
            text.push(',');
        }
        text.push('$');
        text.push_str(&number.to_string());
    }
    text
}

/// A statement with bound values.
pub(crate) fn statement(backend: DatabaseBackend, sql: impl Into<String>, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

/// Runs `sql` and says how many rows it touched.
pub(crate) async fn execute<C: ConnectionTrait>(
    connection: &C,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Result<u64> {
    let backend = connection.get_database_backend();
    let result: ExecResult = connection.execute_raw(statement(backend, sql, values)).await?;
    Ok(result.rows_affected())
}

/// All rows of `sql`.
pub(crate) async fn rows<C: ConnectionTrait>(
    connection: &C,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>> {
    let backend = connection.get_database_backend();
    Ok(connection.query_all_raw(statement(backend, sql, values)).await?)
}

/// The number in the first column `n` of the only row of `sql`.
pub(crate) async fn count<C: ConnectionTrait>(
    connection: &C,
    sql: impl Into<String>,
    values: Vec<Value>,
) -> Result<i64> {
    let backend = connection.get_database_backend();
    let row = connection.query_one_raw(statement(backend, sql, values)).await?;
    match row {
        Some(row) => Ok(row.try_get("", "n")?),
        None => Ok(0),
    }
}

/// Notes that a credential of `table` is in use, and from where if that is known, at most once a minute.
pub(crate) async fn note_use(
    tenant: &TenantStore,
    table: &'static str,
    id: Uuid,
    last: Option<Timestamp>,
    source: &str,
) -> Result<()> {
    let now = tenant.now();
    if last.is_some_and(|last| now.since(last).as_secs() < 60) {
        return Ok(());
    }
    let transaction = tenant.store.write().await?;
    let sql =
        format!("UPDATE {table} SET last_used_at = $3, last_used_from = $4 WHERE tenant_id = $1 AND id = $2");
    let source = (!source.is_empty()).then(|| source.to_owned());
    execute(&*transaction, sql, vec![tenant.id.into(), id.into(), now.into(), source.into()]).await?;
    transaction.commit().await
}
