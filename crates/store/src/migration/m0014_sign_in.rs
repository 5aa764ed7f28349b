//! How a tenant's people sign in by its own identity provider, and who is signed in.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, SIGN_IN).await
    }
}

/// A session without a tenant is the operator's.
const SIGN_IN: &str = "
CREATE TABLE sign_in (
  tenant_id {uuid} NOT NULL PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
  issuer text NOT NULL,
  token_issuer text,
  client_id text NOT NULL,
  client_secret {bytes},
  audience text,
  scopes {json} NOT NULL,
  claim text NOT NULL,
  roles {json} NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);

CREATE TABLE sessions (
  id {uuid} NOT NULL PRIMARY KEY,
  tenant_id {uuid} REFERENCES tenants (id) ON DELETE CASCADE,
  digest {bytes} NOT NULL,
  replaced_digest {bytes},
  replaced_at bigint,
  operator_digest {bytes},
  key_id {uuid},
  subject text,
  name text,
  role text,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ended_at bigint,
  FOREIGN KEY (tenant_id, key_id) REFERENCES api_keys (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX sessions_digest ON sessions (digest);
CREATE UNIQUE INDEX sessions_replaced_digest ON sessions (replaced_digest);
CREATE INDEX sessions_tenant ON sessions (tenant_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
";
