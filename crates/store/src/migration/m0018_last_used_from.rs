//! Where credentials were used last.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, LAST_USED_FROM).await
    }
}

const LAST_USED_FROM: &str = "
ALTER TABLE api_keys ADD COLUMN last_used_from text;
ALTER TABLE scim_tokens ADD COLUMN last_used_from text;
ALTER TABLE setup_links ADD COLUMN last_used_from text;
";
