//! Runs: full synchronizations. A run marks everything of a link, page by page, and is done when the
//! tasks it marked are.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::{Store, WriteTransaction};
use crate::entity::words::{ObjectKind, RunOutcome, RunPhase, RunStatus, TaskKind, TaskRank};
use crate::entity::{link, run, run_result, task};
use crate::error::{Error, Result};
use crate::id::{GroupId, LinkId, RunId};
use crate::lookup::json_without_nul;
use crate::marking::{Mark, Place, mark_at};
use crate::statement::{count, database_now, execute, rows, statement};
use crate::tasks::milliseconds;
use crate::tenant::TenantStore;

/// Objects marked in one transaction.
const PAGE: u64 = 500;

/// The runs of one tenant.
#[derive(Clone, Debug)]
pub struct Runs {
    pub(crate) tenant: TenantStore,
}

/// How many objects of a run ended in each way.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct OutcomeCount {
    /// The way.
    pub outcome: RunOutcome,
    /// How many.
    pub n: i64,
}

impl Store {
    /// Takes over a run that has something to mark or to close, of whichever tenant. Runs of one link mark one after the
    /// other: the last to mark an object is the one that waits for it.
    pub async fn claim_run(&self, worker: Uuid, lease: Duration) -> Result<Option<run::Model>> {
        let transaction = self.write().await?;
        let backend = transaction.get_database_backend();
        let now = database_now(backend);
        let sql = format!(
            "UPDATE runs SET lease_owner = $1, lease_until = {now} + $2 WHERE (tenant_id, id) IN ( \
               SELECT r.tenant_id, r.id FROM runs r WHERE r.status IN ('marking', 'working') \
               AND (r.lease_until IS NULL OR r.lease_until <= {now}) \
               AND NOT (r.status = 'marking' AND EXISTS (SELECT 1 FROM runs o WHERE o.tenant_id = r.tenant_id \
                 AND o.link_id = r.link_id AND o.status = 'marking' AND o.id < r.id)) \
               ORDER BY COALESCE(r.lease_until, 0) LIMIT 1 {}) RETURNING *",
            crate::statement::for_update_skip_locked(backend),
        );
        let query = statement(backend, sql, vec![worker.into(), milliseconds(lease).into()]);
        let claimed = run::Entity::find().from_raw_sql(query).one(&*transaction).await?;
        transaction.commit().await?;
        Ok(claimed)
    }
}

impl Runs {
    /// Asks for a full synchronization of a link.
    pub async fn insert(&self, link: &link::Model, requested_by: &str) -> Result<run::Model> {
        let transaction = self.tenant.store.write().await?;
        let row = insert(&transaction, link, requested_by, self.tenant.now()).await?;
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(row)
    }

    /// Stops a run. What it marked and nobody else asked for is marked no more; what is being worked on comes to its
    /// end. [`Error::Conflict`] when it is done already.
    pub async fn cancel(&self, id: RunId) -> Result<run::Model> {
        let run = self.get(id).await?;
        if run.status == RunStatus::Cancelled {
            return Ok(run);
        }
        let transaction = self.tenant.store.write().await?;
        let scope = || vec![self.tenant.id.into(), id.into()];
        // A worker that is marking for it right now loses its lease, and what it is about to mark with it.
        let sql = "UPDATE runs SET status = 'cancelled', finished_at = $3, lease_owner = NULL, lease_until = NULL \
            WHERE tenant_id = $1 AND id = $2 AND status IN ('marking', 'working')";
        let mut values = scope();
        values.push(self.tenant.now().into());
        if execute(&*transaction, sql, values).await? == 0 {
            return Err(Error::Conflict("runs_ended"));
        }
        let sql = "DELETE FROM tasks WHERE tenant_id = $1 AND run_id = $2 AND rank = $3 \
            AND state = 'ready' AND lease_owner IS NULL";
        let mut values = scope();
        values.push(TaskRank::Verify.into());
        execute(&*transaction, sql, values).await?;
        let sql = "UPDATE tasks SET run_id = NULL WHERE tenant_id = $1 AND run_id = $2";
        execute(&*transaction, sql, scope()).await?;
        transaction.commit().await?;
        self.get(id).await
    }

    /// The run.
    pub async fn get(&self, id: RunId) -> Result<run::Model> {
        run::Entity::find_by_id((self.tenant.id, id))
            .one(&self.tenant.store.reader())
            .await?
            .ok_or(Error::NotFound("run"))
    }

    /// A page of a link's runs, newest first, before `before`.
    pub async fn list(&self, link: LinkId, before: Option<RunId>, limit: u64) -> Result<Vec<run::Model>> {
        let mut query = run::Entity::find()
            .filter(run::Column::TenantId.eq(self.tenant.id))
            .filter(run::Column::LinkId.eq(link))
            .order_by_desc(run::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(run::Column::Id.lt(before));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// How its objects ended so far.
    pub async fn outcomes(&self, id: RunId) -> Result<Vec<OutcomeCount>> {
        let sql = "SELECT outcome, COUNT(*) AS n FROM run_results \
            WHERE tenant_id = $1 AND run_id = $2 GROUP BY outcome ORDER BY outcome";
        let query = statement(self.tenant.store.backend(), sql, vec![self.tenant.id.into(), id.into()]);
        Ok(OutcomeCount::find_by_statement(query).all(&self.tenant.store.reader()).await?)
    }

    /// Objects that are marked and not done; held ones do not count, since they wait for a person.
    pub async fn remaining(&self, id: RunId) -> Result<i64> {
        let sql = "SELECT COUNT(*) AS n FROM tasks \
            WHERE tenant_id = $1 AND run_id = $2 AND state = 'ready'";
        count(&self.tenant.store.reader(), sql, vec![self.tenant.id.into(), id.into()]).await
    }

    /// A page of results in order of object, after `after`: all, or those that ended in one way.
    pub async fn results(
        &self,
        id: RunId,
        outcome: Option<RunOutcome>,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<run_result::Model>> {
        let mut query = run_result::Entity::find()
            .filter(run_result::Column::TenantId.eq(self.tenant.id))
            .filter(run_result::Column::RunId.eq(id))
            .order_by_asc(run_result::Column::ObjectId)
            .limit(limit);
        if let Some(outcome) = outcome {
            query = query.filter(run_result::Column::Outcome.eq(outcome));
        }
        if let Some(after) = after {
            query = query.filter(run_result::Column::ObjectId.gt(after));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// Keeps a claimed run that is marking for another `lease`, and writes down how much of the site's lists was read.
    /// [`Error::Stale`] when another worker has it, or it was cancelled.
    pub async fn keep(&self, run: &run::Model, listed: i64, lease: Duration) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let now = database_now(transaction.get_database_backend());
        let sql = format!(
            "UPDATE runs SET listed = $4, lease_until = {now} + $5 \
             WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND status = 'marking'"
        );
        let (owner, lease) = (run.lease_owner.into(), milliseconds(lease).into());
        let values = vec![self.tenant.id.into(), run.id.into(), owner, listed.into(), lease];
        if execute(&*transaction, sql, values).await? == 0 {
            return Err(Error::Stale);
        }
        transaction.commit().await
    }

    /// Gives a claimed run back, for any worker to go on with.
    pub async fn release(&self, run: &run::Model) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql = "UPDATE runs SET lease_owner = NULL, lease_until = NULL \
            WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3";
        let values = vec![self.tenant.id.into(), run.id.into(), run.lease_owner.into()];
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    /// Marks the next page of a claimed run, each object to be asked for at the site, or closes the run when nothing is
    /// left. Returns it as it stands then, no longer claimed.
    pub async fn advance(&self, run: &run::Model) -> Result<run::Model> {
        if run.status == RunStatus::Marking {
            let page = self.next_page(run).await?;
            return self.mark_page(run, &page, &HashSet::new(), None).await;
        }
        let mut next = run.clone();
        (next.lease_owner, next.lease_until) = (None, None);
        if self.remaining(run.id).await? > 0 {
            // Still at work: the lease stays as the pause before the next look.
            return Ok(next);
        }
        next.status = RunStatus::Done;
        next.finished_at = Some(self.tenant.now());
        let transaction = self.tenant.store.write().await?;
        self.put(&transaction, run, &next, None).await?;
        transaction.commit().await?;
        Ok(next)
    }

    /// The objects that a run marks next; none when its phase is at its end.
    pub async fn next_page(&self, run: &run::Model) -> Result<Vec<Uuid>> {
        Ok(match run.phase {
            RunPhase::Groups => {
                let groups = self.tenant.groups(run.connection_id);
                let page = groups.after(run.cursor.map(GroupId), PAGE).await?;
                page.into_iter().map(|group| group.id.0).collect()
            }
            RunPhase::Users => self.users_and_claimants(run).await?,
        })
    }

    /// Marks the [next page](Self::next_page) of a claimed run that is marking. Objects in `shown`, which the site's lists
    /// show just as the ledger has them, are not asked for there. Returns the run as it stands then, claimed for another
    /// `lease` if there is one.
    pub async fn mark_page(
        &self,
        run: &run::Model,
        page: &[Uuid],
        shown: &HashSet<Uuid>,
        lease: Option<Duration>,
    ) -> Result<run::Model> {
        let mut next = run.clone();
        next.marked += i64::try_from(page.len()).unwrap_or(0);
        match (page.last(), run.phase) {
            (Some(last), _) => next.cursor = Some(*last),
            (None, RunPhase::Groups) => (next.phase, next.cursor) = (RunPhase::Users, None),
            (None, RunPhase::Users) => next.status = RunStatus::Working,
        }
        if lease.is_none() {
            (next.lease_owner, next.lease_until) = (None, None);
        }
        let transaction = self.tenant.store.write().await?;
        let (shown, asked): (Vec<Uuid>, Vec<Uuid>) = page.iter().partition(|id| shown.contains(id));
        self.mark(&transaction, run, &asked, true).await?;
        self.mark(&transaction, run, &shown, false).await?;
        self.put(&transaction, run, &next, lease).await?;
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(next)
    }

    /// A page of the directory's users, and of those that it has deleted while nobody could carry it out:
    /// their claims are all that is left of them.
    async fn users_and_claimants(&self, run: &run::Model) -> Result<Vec<Uuid>> {
        let sql = "SELECT id FROM users WHERE tenant_id = $1 AND connection_id = $2 AND id > $4 \
            UNION SELECT user_id FROM claims WHERE tenant_id = $1 AND site_id = $3 AND connection_id = $2 \
            AND user_id > $4 ORDER BY 1 LIMIT $5";
        let values = vec![
            self.tenant.id.into(),
            run.connection_id.into(),
            run.site_id.into(),
            run.cursor.unwrap_or(Uuid::nil()).into(),
            i64::try_from(PAGE).unwrap_or(i64::MAX).into(),
        ];
        let page = rows(&self.tenant.store.reader(), sql, values).await?;
        page.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
    }

    async fn mark(
        &self,
        transaction: &WriteTransaction,
        run: &run::Model,
        ids: &[Uuid],
        verify: bool,
    ) -> Result<()> {
        let mark = Mark {
            tenant: self.tenant.id,
            connection: run.connection_id,
            rank: TaskRank::Verify,
            at: self.tenant.now(),
            trace_context: None,
        };
        let kind = match run.phase {
            RunPhase::Groups => TaskKind::Group,
            RunPhase::Users => TaskKind::User,
        };
        mark_at(transaction, &mark, kind, Place { site: run.site_id, run: Some(run.id), verify }, ids).await
    }

    async fn put(
        &self,
        transaction: &WriteTransaction,
        run: &run::Model,
        next: &run::Model,
        lease: Option<Duration>,
    ) -> Result<()> {
        let now = database_now(transaction.get_database_backend());
        let (owner, until) = match lease {
            Some(_) => ("lease_owner", format!("{now} + $9")),
            None => ("NULL", "NULL".to_owned()),
        };
        let sql = format!(
            "UPDATE runs SET status = $4, phase = $5, cursor = $6, marked = $7, finished_at = $8, \
             lease_owner = {owner}, lease_until = {until} \
             WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3"
        );
        let mut values = vec![
            self.tenant.id.into(),
            run.id.into(),
            run.lease_owner.into(),
            next.status.into(),
            next.phase.into(),
            next.cursor.into(),
            next.marked.into(),
            next.finished_at.into(),
        ];
        values.extend(lease.map(|lease| milliseconds(lease).into()));
        if execute(&**transaction, sql, values).await? == 0 { Err(Error::Stale) } else { Ok(()) }
    }
}

/// Asks for a full synchronization of `link` in the transaction that gives a reason for one.
pub(crate) async fn insert(
    transaction: &WriteTransaction,
    link: &link::Model,
    requested_by: &str,
    at: Timestamp,
) -> Result<run::Model> {
    let row = run::ActiveModel {
        tenant_id: Set(link.tenant_id),
        id: Set(RunId::generate()),
        link_id: Set(link.id),
        connection_id: Set(link.connection_id),
        site_id: Set(link.site_id),
        status: Set(RunStatus::Marking),
        phase: Set(RunPhase::Groups),
        cursor: Set(None),
        listed: Set(None),
        marked: Set(0),
        requested_by: Set(requested_by.to_owned()),
        created_at: Set(at),
        finished_at: Set(None),
        lease_owner: Set(None),
        lease_until: Set(None),
    };
    Ok(row.insert(&**transaction).await?)
}

/// Writes what became of a task for the run that asked for it, if one did; the latest word counts.
pub(crate) async fn record(
    transaction: &WriteTransaction,
    task: &task::Model,
    at: Timestamp,
    outcome: RunOutcome,
    detail: Json,
) -> Result<()> {
    let Some(run) = task.run_id else { return Ok(()) };
    let kind = match task.kind {
        TaskKind::User => ObjectKind::User,
        TaskKind::Group => ObjectKind::Group,
    };
    let sql = "INSERT INTO run_results (tenant_id, run_id, object_kind, object_id, outcome, detail, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, run_id, object_kind, object_id) \
        DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail, at = excluded.at";
    let values = vec![
        task.tenant_id.into(),
        run.into(),
        kind.into(),
        task.object_id.into(),
        outcome.into(),
        json_without_nul(detail).into(),
        at.into(),
    ];
    execute(&**transaction, sql, values).await?;
    Ok(())
}
