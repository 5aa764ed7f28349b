//! Certificate authorities that are trusted at one site.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, "ALTER TABLE sites ADD COLUMN certificate_authorities text").await
    }
}
