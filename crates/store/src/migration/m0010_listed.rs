//! How much of a site's lists a run has read.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, LISTED).await
    }
}

const LISTED: &str = "
ALTER TABLE runs ADD COLUMN listed bigint;
";
