//! What the console needs: the last requests of a connection, links that open its set-up page, and indexes for what
//! its pages look up.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, SETUP).await
    }
}

const SETUP: &str = "
CREATE TABLE scim_requests (
  tenant_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  at bigint NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  status int NOT NULL,
  duration_micros bigint NOT NULL,
  request_id text,
  user_agent text,
  sent text,
  problem text,
  PRIMARY KEY (tenant_id, connection_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);

CREATE INDEX connections_id ON connections (id);

CREATE TABLE setup_links (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  digest {bytes} NOT NULL,
  created_by text NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  revoked_at bigint,
  last_used_at bigint,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX run_results_outcome ON run_results (tenant_id, run_id, outcome, object_id);
CREATE INDEX accounts_username_begins ON accounts (tenant_id, site_id, username_folded{begins});
CREATE UNIQUE INDEX setup_links_digest ON setup_links (digest);
CREATE INDEX setup_links_connection ON setup_links (tenant_id, connection_id);
";
