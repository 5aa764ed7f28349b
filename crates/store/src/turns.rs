//! Turns at a directory on PostgreSQL, where writers work side by side. SQLite has one writer anyway.
//!
//! Whoever creates a user or group, or gives one another name, shares the turn until its transaction ends.
//! Whoever changes what that depends on takes the turn alone: a link, which says for which sites a newcomer is
//! marked, and members who wait for somebody to arrive. Thus neither overlooks what the other has not committed
//! yet. Everyone takes locks in the same order, so that they wait instead of deadlocking: rows of users, the
//! turn, rows of groups, tasks.
//!
//! A statement sees what was committed before it began, and the turn may have changed hands while it waited for
//! it. One that takes the turn itself and goes by what it saw compares the `generation` of the connection, which
//! moves whenever somebody takes the turn alone.

use sea_orm::{ConnectionTrait, DatabaseBackend};

use crate::database::WriteTransaction;
use crate::error::{Error, Result};
use crate::id::{ConnectionId, TenantId};
use crate::statement::execute;

/// Whether writers have to take turns.
pub(crate) fn matter(backend: DatabaseBackend) -> bool {
    backend == DatabaseBackend::Postgres
}

/// The number of a directory's lock: the random half of its id.
pub(crate) fn number(connection: ConnectionId) -> i64 {
    let (_, low) = connection.0.as_u64_pair();
    low.cast_signed()
}

/// Waits for whoever has the turn alone, and keeps others from taking it until the transaction ends.
pub(crate) async fn share(transaction: &WriteTransaction, connection: ConnectionId) -> Result<()> {
    if matter(transaction.get_database_backend()) {
        let sql = "SELECT pg_advisory_xact_lock_shared($1)";
        execute(&**transaction, sql, vec![number(connection).into()]).await?;
    }
    Ok(())
}

/// Waits for everyone, and keeps them waiting until the transaction ends. [`Error::NotFound`] when the tenant has
/// no such connection.
pub(crate) async fn alone(
    transaction: &WriteTransaction,
    (tenant, connection): (TenantId, ConnectionId),
) -> Result<()> {
    let mut values = vec![tenant.into(), connection.into()];
    let mut turn = "";
    if matter(transaction.get_database_backend()) {
        values.push(number(connection).into());
        turn = "FROM (SELECT pg_advisory_xact_lock($3)) turn ";
    }
    let sql =
        format!("UPDATE connections SET generation = generation + 1 {turn}WHERE tenant_id = $1 AND id = $2");
    if execute(&**transaction, &sql, values).await? == 0 {
        return Err(Error::NotFound("connection"));
    }
    Ok(())
}
