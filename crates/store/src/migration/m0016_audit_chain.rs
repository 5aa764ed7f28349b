//! Entries of the audit log are numbered and hold on to the ones before; what was written before this is not.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, CHAIN).await
    }
}

const CHAIN: &str = "
ALTER TABLE audit ADD COLUMN sequence bigint;
ALTER TABLE audit ADD COLUMN digest {bytes};
ALTER TABLE tenants ADD COLUMN audit_sequence bigint;
ALTER TABLE tenants ADD COLUMN audit_digest {bytes};
CREATE UNIQUE INDEX audit_sequence ON audit (tenant_id, sequence);
";
