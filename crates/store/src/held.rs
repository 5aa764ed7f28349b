//! What the safety threshold holds back: listed, let pass, or turned down.

use sea_orm::{ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect, Select};
use serde_json::json;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::database::WriteTransaction;
use crate::entity::task;
use crate::entity::words::{ObjectKind, RunOutcome, TaskKind, TaskState, TimelineKind};
use crate::error::Result;
use crate::id::ConnectionId;
use crate::runs;
use crate::statement::{IDS_PER_STATEMENT, execute, placeholders};
use crate::tasks::Tasks;
use crate::timeline::{self, NewEntry};

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
        Ok(query.all(&self.tenant.store.connection).await?)
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
                    values.extend(ids.iter().map(|id| sea_orm::Value::from(*id)));
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
        self.tenant.store.wake();
        Ok(approved)
    }

    /// Turns held tasks of a connection down: what they would have changed stays as it is until the user or group
    /// changes again, or a run looks at it. Each object's timeline says by whom. Returns how many.
    pub async fn reject_held(
        &self,
        connection: ConnectionId,
        chosen: Chosen<'_>,
        site_name: &str,
        by: &str,
    ) -> Result<u64> {
        let transaction = self.tenant.store.write().await?;
        let mut rejected = 0;
        for only in parts(chosen) {
            let query = match only {
                None => self.held_tasks(connection),
                Some(ids) => {
                    self.held_tasks(connection).filter(task::Column::ObjectId.is_in(ids.iter().copied()))
                }
            };
            let tasks = query.lock_exclusive().all(&*transaction).await?;
            for task in &tasks {
                self.turn_down(&transaction, task, site_name, by).await?;
            }
            rejected += u64::try_from(tasks.len()).unwrap_or(0);
        }
        transaction.commit().await?;
        Ok(rejected)
    }

    async fn turn_down(
        &self,
        transaction: &WriteTransaction,
        task: &task::Model,
        site_name: &str,
        by: &str,
    ) -> Result<()> {
        let kind = match task.kind {
            TaskKind::User => ObjectKind::User,
            TaskKind::Group => ObjectKind::Group,
        };
        let entry = NewEntry {
            object_kind: kind,
            object_id: task.object_id,
            connection_id: Some(task.connection_id),
            site_id: Some(task.site_id),
            kind: TimelineKind::Site,
            request_id: None,
            summary: format!("{site_name}: Stays as it is: what was held was rejected by {by}"),
            detail: Some(json!({ "site": site_name, "held_because": task.last_error })),
        };
        let now = self.tenant.now();
        timeline::insert(transaction, self.tenant.id, now, vec![entry]).await?;
        let detail = json!({ "rejected_by": by });
        runs::record(transaction, task, now, RunOutcome::Skipped, detail).await?;
        let values = vec![
            self.tenant.id.into(),
            self.site.into(),
            task.kind.into(),
            task.object_id.into(),
            task.generation.into(),
        ];
        let sql = "DELETE FROM tasks WHERE tenant_id = $1 AND site_id = $2 AND kind = $3 AND object_id = $4 \
            AND generation = $5 AND state = 'held'";
        execute(&**transaction, sql, values).await?;
        Ok(())
    }

    fn held_tasks(&self, connection: ConnectionId) -> Select<task::Entity> {
        task::Entity::find()
            .filter(task::Column::TenantId.eq(self.tenant.id))
            .filter(task::Column::SiteId.eq(self.site))
            .filter(task::Column::ConnectionId.eq(connection))
            .filter(task::Column::State.eq(TaskState::Held))
    }
}

/// What one statement is for: everything, or so many objects.
fn parts(chosen: Chosen<'_>) -> Vec<Option<&[Uuid]>> {
    match chosen {
        Chosen::All => vec![None],
        Chosen::Only(ids) => ids.chunks(IDS_PER_STATEMENT).map(Some).collect(),
    }
}
