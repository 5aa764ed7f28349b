//! Which directory groups have led to a site group, where that is not to be seen from its name.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, GROUP_FEEDS).await
    }
}

const GROUP_FEEDS: &str = "
CREATE TABLE group_feeds (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  site_group_folded {key} NOT NULL,
  directory_group {key} NOT NULL,
  PRIMARY KEY (tenant_id, site_id, connection_id, site_group_folded, directory_group),
  FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);
";
