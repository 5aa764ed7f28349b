//! Tasks: durable marks that something may differ at a site, claimed by workers under a lease.
//!
//! A task ends only at the generation that was claimed; a mark that came during the work makes it due
//! again at once. A worker that died lets its lease run out, and its tasks are claimed by another.

use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::task;
use crate::entity::words::{RunOutcome, TaskKind, TaskRank, TaskState};
use crate::error::{Error, Result};
use crate::id::{ConnectionId, SiteId, UserId};
use crate::lookup::without_nul;
use crate::marking::{Mark, Place, mark_at};
use crate::runs;
use crate::statement::{count, database_now, execute, for_update_skip_locked, statement};
use crate::tenant::TenantStore;
use crate::timeline::{self, NewEntry};

/// The tasks at one site.
#[derive(Clone, Debug)]
pub struct Tasks {
    pub(crate) tenant: TenantStore,
    pub(crate) site: SiteId,
}

/// How a piece of work on a task ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// Nothing differs any more, as of the generation claimed.
    Finished,
    /// Try again at `due_at`; `counts` says whether it was a failure that lengthens the next wait.
    Retry {
        /// Not before.
        due_at: Timestamp,
        /// Why, in words.
        error: String,
        /// Whether this was a failure.
        counts: bool,
    },
    /// The site refuses this object as it is: try seldom, or at once when the object changes.
    Refused {
        /// Not before.
        due_at: Timestamp,
        /// Why, in words.
        error: String,
    },
    /// Wait for an admin's approval.
    Held {
        /// Why, in words.
        reason: String,
    },
}

/// How much waits at a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Tasks that are or will be claimable.
    pub waiting: i64,
    /// Tasks that the site refused.
    pub failed: i64,
    /// Tasks that wait for approval.
    pub held: i64,
    /// When the oldest claimable one was marked.
    pub oldest: Option<Timestamp>,
}

impl Tasks {
    /// Claims up to `limit` due tasks for `worker`, the most urgent first.
    pub async fn claim(&self, worker: Uuid, lease: Duration, limit: u64) -> Result<Vec<task::Model>> {
        self.claim_in_order(worker, lease, limit, "rank, due_at").await
    }

    /// Claims the task by which a site that failed is tried again: the one that failed least often, so that
    /// an object which brings the site down cannot keep all others waiting.
    pub async fn claim_probe(&self, worker: Uuid, lease: Duration) -> Result<Option<task::Model>> {
        Ok(self.claim_in_order(worker, lease, 1, "attempts, rank, due_at").await?.pop())
    }

    async fn claim_in_order(
        &self,
        worker: Uuid,
        lease: Duration,
        limit: u64,
        order: &str,
    ) -> Result<Vec<task::Model>> {
        let transaction = self.tenant.store.write().await?;
        let backend = transaction.get_database_backend();
        let now = database_now(backend);
        // Materialized: a plan that looked twice would claim beyond the limit.
        let sql = format!(
            "WITH due AS MATERIALIZED ( \
               SELECT tenant_id, site_id, kind, object_id FROM tasks \
               WHERE tenant_id = $1 AND site_id = $2 AND state IN ('ready', 'failed') AND due_at <= $3 \
               AND (lease_until IS NULL OR lease_until <= {now}) \
               ORDER BY {order} LIMIT $6 {}) \
             UPDATE tasks SET lease_owner = $4, lease_until = {now} + $5 \
             WHERE (tenant_id, site_id, kind, object_id) IN \
               (SELECT tenant_id, site_id, kind, object_id FROM due) RETURNING *",
            for_update_skip_locked(backend),
        );
        let values = vec![
            self.tenant.id.into(),
            self.site.into(),
            self.tenant.now().into(),
            worker.into(),
            milliseconds(lease).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        let mut claimed =
            task::Entity::find().from_raw_sql(statement(backend, sql, values)).all(&*transaction).await?;
        transaction.commit().await?;
        // RETURNING keeps no order.
        claimed.sort_by_key(|task| (task.rank, task.due_at));
        Ok(claimed)
    }

    /// Lengthens the leases that `worker` holds at this site.
    pub async fn renew(&self, worker: Uuid, lease: Duration) -> Result<u64> {
        let transaction = self.tenant.store.write().await?;
        let now = database_now(transaction.get_database_backend());
        let sql = format!(
            "UPDATE tasks SET lease_until = {now} + $4 \
             WHERE tenant_id = $1 AND site_id = $2 AND lease_owner = $3 AND lease_until > {now}"
        );
        let values = vec![self.tenant.id.into(), self.site.into(), worker.into(), milliseconds(lease).into()];
        let touched = execute(&*transaction, sql, values).await?;
        transaction.commit().await?;
        Ok(touched)
    }

    /// Ends work on a task that changed no account, with what the timeline is to say, and what the run that
    /// asked for it, if one did.
    pub async fn end(
        &self,
        task: &task::Model,
        end: TaskEnd,
        entries: Vec<NewEntry>,
        outcome: RunOutcome,
    ) -> Result<()> {
        let now = self.tenant.now();
        let transaction = self.tenant.store.write().await?;
        timeline::insert(&transaction, self.tenant.id, now, entries).await?;
        runs::record(&transaction, task, now, outcome, serde_json::json!({})).await?;
        end_task(&transaction, task, &end).await?;
        transaction.commit().await
    }

    /// Gives claimed tasks back untouched, for a worker that drains.
    pub async fn give_back(&self, worker: Uuid) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql = "UPDATE tasks SET lease_owner = NULL, lease_until = NULL \
            WHERE tenant_id = $1 AND site_id = $2 AND lease_owner = $3";
        execute(&*transaction, sql, vec![self.tenant.id.into(), self.site.into(), worker.into()]).await?;
        transaction.commit().await
    }

    /// Asks that a user of a directory be looked at now, whatever is known of it and however often it failed.
    pub async fn look_at(&self, connection: ConnectionId, user: UserId) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let at = self.tenant.now();
        let (tenant, rank) = (self.tenant.id, TaskRank::Change);
        let mark = Mark { tenant, connection, rank, at, trace_context: None };
        let place = Place { site: self.site, run: None, verify: true };
        mark_at(&transaction, &mark, TaskKind::User, place, &[user.0]).await?;
        let sql = "UPDATE tasks SET due_at = $4 WHERE tenant_id = $1 AND site_id = $2 AND kind = 'user' \
            AND object_id = $3 AND state = 'ready'";
        let values = vec![tenant.into(), self.site.into(), user.into(), at.into()];
        execute(&*transaction, sql, values).await?;
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(())
    }

    /// The task of an object, if it is marked.
    pub async fn find(&self, kind: TaskKind, object_id: Uuid) -> Result<Option<task::Model>> {
        let key = (self.tenant.id, self.site, kind, object_id);
        Ok(task::Entity::find_by_id(key).one(&self.tenant.store.reader()).await?)
    }

    /// How much waits at the site.
    pub async fn backlog(&self) -> Result<Backlog> {
        let connection = &self.tenant.store.reader();
        let values = vec![Value::from(self.tenant.id), self.site.into()];
        let of = |state: &str| {
            format!(
                "SELECT COUNT(*) AS n FROM tasks WHERE tenant_id = $1 AND site_id = $2 AND state = '{state}'"
            )
        };
        let oldest = task::Entity::find()
            .filter(task::Column::TenantId.eq(self.tenant.id))
            .filter(task::Column::SiteId.eq(self.site))
            .filter(task::Column::State.eq(TaskState::Ready))
            .order_by_asc(task::Column::MarkedAt)
            .one(connection)
            .await?;
        Ok(Backlog {
            waiting: count(connection, of("ready"), values.clone()).await?,
            failed: count(connection, of("failed"), values.clone()).await?,
            held: count(connection, of("held"), values).await?,
            oldest: oldest.map(|task| task.marked_at),
        })
    }
}

pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Ends a task in the transaction of the work's result. [`Error::Stale`] when the lease was lost: the
/// result is another worker's to write, and the transaction must be dropped.
pub(crate) async fn end_task(
    transaction: &WriteTransaction,
    task: &task::Model,
    end: &TaskEnd,
) -> Result<()> {
    let key: Vec<Value> = vec![
        task.tenant_id.into(),
        task.site_id.into(),
        task.kind.into(),
        task.object_id.into(),
        task.lease_owner.into(),
    ];
    let held = "WHERE tenant_id = $1 AND site_id = $2 AND kind = $3 AND object_id = $4 AND lease_owner = $5";
    let free = "lease_owner = NULL, lease_until = NULL";
    let with = |more: Vec<Value>| key.iter().cloned().chain(more).collect::<Vec<_>>();
    let touched = match end {
        TaskEnd::Finished => {
            let sql = format!("DELETE FROM tasks {held} AND generation = $6");
            let deleted = execute(&**transaction, sql, with(vec![task.generation.into()])).await?;
            if deleted > 0 {
                return Ok(());
            }
            // Marked again meanwhile: what was done counts as no failure, and more is to be done. An approval
            // was for what was done.
            let sql =
                format!("UPDATE tasks SET {free}, attempts = 0, last_error = NULL, approved = FALSE {held}");
            execute(&**transaction, sql, key.clone()).await?
        }
        TaskEnd::Retry { due_at, error, counts } => {
            let sql = format!(
                "UPDATE tasks SET {free}, due_at = $6, last_error = $7, attempts = attempts + $8 {held}"
            );
            let values =
                with(vec![(*due_at).into(), without_nul(error).as_ref().into(), i32::from(*counts).into()]);
            execute(&**transaction, sql, values).await?
        }
        TaskEnd::Refused { due_at, error } => {
            // A mark that came meanwhile may have mended what the site refused: then it is due now.
            let sql = format!(
                "UPDATE tasks SET {free}, last_error = $7, attempts = attempts + 1, \
                 state = CASE WHEN generation = $8 THEN 'failed' ELSE state END, \
                 due_at = CASE WHEN generation = $8 THEN $6 ELSE due_at END {held}"
            );
            let values =
                with(vec![(*due_at).into(), without_nul(error).as_ref().into(), task.generation.into()]);
            execute(&**transaction, sql, values).await?
        }
        TaskEnd::Held { reason } => {
            let sql = format!(
                "UPDATE tasks SET {free}, last_error = $6, \
                 state = CASE WHEN generation = $7 THEN 'held' ELSE state END {held}"
            );
            execute(
                &**transaction,
                sql,
                with(vec![without_nul(reason).as_ref().into(), task.generation.into()]),
            )
            .await?
        }
    };
    if touched == 0 { Err(Error::Stale) } else { Ok(()) }
}
