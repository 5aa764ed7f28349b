//! Whether it is sure whose account an account is, and names that stand in for ones that were taken.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, CONFLICTS).await
    }
}

const CONFLICTS: &str = "
ALTER TABLE claims ADD COLUMN doubt text;
ALTER TABLE claims ADD COLUMN given_name text;
ALTER TABLE claims ADD COLUMN given_for text;
CREATE INDEX claims_doubt ON claims (tenant_id, site_id, user_id) WHERE doubt IS NOT NULL;

CREATE TABLE denied_claims (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  user_id {uuid} NOT NULL,
  account_id {uuid} NOT NULL,
  denied_by text NOT NULL,
  denied_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, site_id, user_id, account_id),
  FOREIGN KEY (tenant_id, site_id, account_id) REFERENCES accounts (tenant_id, site_id, id) ON DELETE CASCADE
);
CREATE INDEX denied_claims_account ON denied_claims (tenant_id, site_id, account_id);
";
