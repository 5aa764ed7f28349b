//! When a site was last asked to make an account: one that shows the past may show it later.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, "ALTER TABLE accounts ADD COLUMN creation_asked_at bigint;").await
    }
}
