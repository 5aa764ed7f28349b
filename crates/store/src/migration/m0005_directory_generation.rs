//! How often a directory's turn was taken alone: see `turns`.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, "ALTER TABLE connections ADD COLUMN generation bigint NOT NULL DEFAULT 0;").await
    }
}
