//! Accounts that lost memberships, for the safety threshold.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, WITHDRAWALS).await
    }
}

/// The last time that each account lost memberships by a link.
const WITHDRAWALS: &str = "
CREATE TABLE withdrawals (
  tenant_id {uuid} NOT NULL,
  link_id {uuid} NOT NULL,
  account_id {uuid} NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (tenant_id, link_id, account_id),
  FOREIGN KEY (tenant_id, link_id) REFERENCES links (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX withdrawals_at ON withdrawals (tenant_id, link_id, at);
";
