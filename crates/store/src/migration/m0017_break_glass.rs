//! When the operator may see a tenant's people.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, BREAK_GLASS).await
    }
}

const BREAK_GLASS: &str = "
CREATE TABLE break_glass (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  reason text NOT NULL,
  opened_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  closed_at bigint,
  PRIMARY KEY (tenant_id, id)
);
";
