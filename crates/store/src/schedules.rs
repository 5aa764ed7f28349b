//! Runs that begin by themselves. Replicas all look; the first to move a link's next time on begins its run.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::link;
use crate::error::Result;
use crate::runs::{self, Runs};
use crate::statement::{count, execute};

impl Store {
    /// Enabled links of all tenants whose next run is due, the longest overdue first.
    pub async fn links_with_due_runs(&self, limit: u64) -> Result<Vec<link::Model>> {
        Ok(link::Entity::find()
            .filter(link::Column::NextRunAt.lte(self.clock.now()))
            .filter(link::Column::Enabled.eq(true))
            .order_by_asc(link::Column::NextRunAt)
            .limit(limit)
            .all(&self.connection)
            .await?)
    }
}

impl Runs {
    /// Begins the run that a link's schedule asks for and sets when the `next` one is due. While an earlier run of the
    /// link is still under way, none is begun: it looks at everything that a second one would. Returns whether one was.
    pub async fn begin_scheduled(&self, link: &link::Model, next: Option<Timestamp>) -> Result<bool> {
        let transaction = self.tenant.store.write().await?;
        let sql = "UPDATE links SET next_run_at = $3 WHERE tenant_id = $1 AND id = $2 AND next_run_at = $4";
        let values = vec![self.tenant.id.into(), link.id.into(), next.into(), link.next_run_at.into()];
        if execute(&*transaction, sql, values).await? == 0 {
            return Ok(false);
        }
        let sql = "SELECT COUNT(*) AS n FROM runs WHERE tenant_id = $1 AND link_id = $2 \
            AND status IN ('marking', 'working')";
        let begins = count(&*transaction, sql, vec![self.tenant.id.into(), link.id.into()]).await? == 0;
        if begins {
            runs::insert(&transaction, link, "schedule", self.tenant.now()).await?;
        }
        transaction.commit().await?;
        self.tenant.store.wake_all();
        Ok(begins)
    }
}
