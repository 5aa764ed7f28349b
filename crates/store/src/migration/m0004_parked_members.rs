//! Members that a provider named before they were provisioned.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, PARKED_MEMBERS).await
    }
}

/// `value` is the key of what the provider sent, `value_text` what it sent. Arrivals are looked up without
/// case first (`value_folded`), since a userName is compared so; whether the case counts is seen then.
const PARKED_MEMBERS: &str = "
CREATE TABLE parked_members (
  tenant_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  group_id {uuid} NOT NULL,
  value text NOT NULL,
  value_folded text NOT NULL,
  value_text text NOT NULL,
  kind text,
  since bigint NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, group_id, value),
  FOREIGN KEY (tenant_id, connection_id, group_id)
    REFERENCES groups (tenant_id, connection_id, id) ON DELETE CASCADE
);
CREATE INDEX parked_members_value ON parked_members (tenant_id, connection_id, value_folded);
";
