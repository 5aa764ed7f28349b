//! Answers to requests that clients may send again.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, IDEMPOTENCY).await
    }
}

/// The operator's own requests belong to no tenant and have the nil id, so there is no foreign key; rows
/// end by their age, and a tenant's with them.
const IDEMPOTENCY: &str = "
CREATE TABLE idempotency_keys (
  tenant_id {uuid} NOT NULL,
  actor text NOT NULL,
  key text NOT NULL,
  fingerprint {bytes} NOT NULL,
  status integer,
  etag text,
  body {bytes},
  created_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, actor, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
";
