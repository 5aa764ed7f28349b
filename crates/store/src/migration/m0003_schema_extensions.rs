//! Schema extensions that tenants register.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, SCHEMA_EXTENSIONS).await
    }
}

const SCHEMA_EXTENSIONS: &str = "
CREATE TABLE schema_extensions (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  urn_folded text NOT NULL,
  resource_type text NOT NULL,
  definition {json} NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX schema_extensions_urn ON schema_extensions (tenant_id, urn_folded);
";
