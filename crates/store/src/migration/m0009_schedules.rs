//! When a link's next run begins by itself.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, SCHEDULES).await
    }
}

const SCHEDULES: &str = "
ALTER TABLE links ADD COLUMN next_run_at bigint;
CREATE INDEX links_next_run ON links (next_run_at);
";
