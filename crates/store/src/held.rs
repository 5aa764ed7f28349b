//! What the safety threshold holds back: listed, let pass, or turned down.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect, Select, Value,
};
use serde_json::json;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::entity::task;
use crate::entity::words::{ObjectKind, RunOutcome, TaskKind, TaskState, TimelineKind};
use crate::error::Result;
use crate::id::ConnectionId;
use crate::runs;
use crate::statement::{IDS_PER_STATEMENT, execute, placeholders};
use crate::tasks::Tasks;
use crate::timeline::{self, NewEntry};

/// Tasks turned down in one transaction.
const PAGE: u64 = 500;

/// Which held tasks of a connection an answer is for.
#[derive(Clone, Copy, Debug)]
pub enum Chosen<'a> {
    /// All.
    All,
    /// Those about these users and groups.
    Only(&'a [Uuid]),
}

impl Tasks {
    /// Tasks of a connection that wait for approval, oldest first.
    pub async fn held(&self, connection: ConnectionId, limit: u64) -> Result<Vec<task::Model>> {
        self.held_after(connection, None, limit).await
    }

    /// A page of [`Tasks::held`], after the task that was marked and is about what `after` says.
    pub async fn held_after(
        &self,
        connection: ConnectionId,
        after: Option<(Timestamp, Uuid)>,
        limit: u64,
    ) -> Result<Vec<task::Model>> {
        let mut query = self
            .held_tasks(connection)
            .order_by_asc(task::Column::MarkedAt)
            .order_by_asc(task::Column::ObjectId)
            .limit(limit);
        if let Some((at, object_id)) = after {
            let same_instant = task::Column::MarkedAt.eq(at).and(task::Column::ObjectId.gt(object_id));
            query = query.filter(task::Column::MarkedAt.gt(at).or(same_instant));
        }
        Ok(query.all(&self.tenant.store.reader()).await?)
    }

    /// Lets held tasks of a connection pass the safety threshold once. Returns how many.
    pub async fn approve_held(&self, connection: ConnectionId, chosen: Chosen<'_>) -> Result<u64> {
        let transaction = self.tenant.store.write().await?;
        let mut approved = 0;
        for only in parts(chosen) {
            let mut values =
                vec![self.tenant.id.into(), self.site.into(), connection.into(), self.tenant.now().into()];
            let among = match only {
                None => String::new(),
                Some(ids) => {
                    values.extend(ids.iter().map(|id| Value::from(*id)));
                    format!("AND object_id IN ({})", placeholders(5, ids.len()))
                }
            };
            let sql = format!(
                "UPDATE tasks SET state = 'ready', approved = TRUE, due_at = $4 \
                 WHERE tenant_id = $1 AND site_id = $2 AND connection_id = $3 AND state = 'held' {among}"
            );
            approved += execute(&*transaction, sql, values).await?;
        }
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(approved)
    }

    /// Turns held tasks of a connection down: what they would have changed stays as it is until the user or group
    /// changes again, or a run looks at it. Each object's timeline says by whom. Returns how many.
    ///
    /// So many are a transaction: when it is cut short, what was turned down is, and asking again goes on.
    pub async fn reject_held(
        &self,
        connection: ConnectionId,
        chosen: Chosen<'_>,
        site_name: &str,
        by: &str,
    ) -> Result<u64> {
        let mut rejected = 0;
        for only in parts(chosen) {
            loop {
                let page = self.turn_down_page(connection, only, site_name, by).await?;
                rejected += page;
                if page < PAGE {
                    break;
                }
            }
        }
        Ok(rejected)
    }

    async fn turn_down_page(
        &self,
        connection: ConnectionId,
        only: Option<&[Uuid]>,
        site_name: &str,
        by: &str,
    ) -> Result<u64> {
        let transaction = self.tenant.store.write().await?;
        let mut query = self.held_tasks(connection).order_by_asc(task::Column::ObjectId).limit(PAGE);
        if let Some(ids) = only {
            query = query.filter(task::Column::ObjectId.is_in(ids.iter().copied()));
        }
        let tasks = query.lock_exclusive().all(&*transaction).await?;
        let now = self.tenant.now();
        let entries = tasks.iter().map(|task| turned_down(task, site_name, by)).collect();
        timeline::insert(&transaction, self.tenant.id, now, entries).await?;
        for task in &tasks {
            let detail = json!({ "rejected_by": by });
            runs::record(&transaction, task, now, RunOutcome::Skipped, detail).await?;
        }
        if !tasks.is_empty() {
            let mut values: Vec<Value> = vec![self.tenant.id.into(), self.site.into(), connection.into()];
            values.extend(tasks.iter().map(|task| Value::from(task.object_id)));
            let sql = format!(
                "DELETE FROM tasks WHERE tenant_id = $1 AND site_id = $2 AND connection_id = $3 \
                 AND state = 'held' AND object_id IN ({})",
                placeholders(4, tasks.len())
            );
            execute(&*transaction, sql, values).await?;
        }
        transaction.commit().await?;
        Ok(u64::try_from(tasks.len()).unwrap_or(0))
    }

    fn held_tasks(&self, connection: ConnectionId) -> Select<task::Entity> {
        task::Entity::find()
            .filter(task::Column::TenantId.eq(self.tenant.id))
            .filter(task::Column::SiteId.eq(self.site))
            .filter(task::Column::ConnectionId.eq(connection))
            .filter(task::Column::State.eq(TaskState::Held))
    }
}

/// What the timeline says of a task that was turned down.
fn turned_down(task: &task::Model, site_name: &str, by: &str) -> NewEntry {
    NewEntry {
        object_kind: match task.kind {
            TaskKind::User => ObjectKind::User,
            TaskKind::Group => ObjectKind::Group,
        },
        object_id: task.object_id,
        connection_id: Some(task.connection_id),
        site_id: Some(task.site_id),
        kind: TimelineKind::Site,
        request_id: None,
        summary: format!("{site_name}: Stays as it is: what was held was rejected by {by}"),
        detail: Some(json!({ "site": site_name, "held_because": task.last_error })),
    }
}

/// What one statement is for: everything, or so many objects.
fn parts(chosen: Chosen<'_>) -> Vec<Option<&[Uuid]>> {
    match chosen {
        Chosen::All => vec![None],
        Chosen::Only(ids) => ids.chunks(IDS_PER_STATEMENT).map(Some).collect(),
    }
}
