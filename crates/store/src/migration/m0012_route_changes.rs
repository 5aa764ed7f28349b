//! What gateways must no longer believe of what they remember.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, ROUTE_CHANGES).await
    }
}

const ROUTE_CHANGES: &str = "
CREATE TABLE route_changes (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  connection_id {uuid},
  token_digest {bytes},
  noted_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX route_changes_noted_at ON route_changes (noted_at);
";
