//! Tenants, connections, sites, links; directories; accounts, tasks, runs, timeline, audit.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run(manager, TENANCY).await?;
        super::run(manager, DIRECTORY).await?;
        super::run(manager, SITES).await?;
        super::run(manager, RECORDS).await
    }
}

/// Instants are milliseconds since 1970 in a bigint: they compare alike in both databases.
const TENANCY: &str = "
CREATE TABLE tenants (
  id {uuid} NOT NULL PRIMARY KEY,
  slug text NOT NULL,
  name text NOT NULL,
  status text NOT NULL,
  wrapped_key {bytes} NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX tenants_slug ON tenants (slug);

CREATE TABLE api_keys (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  name text NOT NULL,
  role text NOT NULL,
  digest {bytes} NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest);

CREATE TABLE connections (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  name text NOT NULL,
  provider text NOT NULL,
  method text NOT NULL,
  status text NOT NULL,
  strict boolean NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE scim_tokens (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  name text NOT NULL,
  digest {bytes} NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX scim_tokens_digest ON scim_tokens (digest);
CREATE INDEX scim_tokens_connection ON scim_tokens (tenant_id, connection_id);

CREATE TABLE sites (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  name text NOT NULL,
  product text NOT NULL,
  base_url text NOT NULL,
  credentials {bytes} NOT NULL,
  status text NOT NULL,
  status_reason text,
  resume_at bigint,
  failures integer NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE links (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  precedence integer NOT NULL,
  enabled boolean NOT NULL,
  settings {json} NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX links_pair ON links (tenant_id, connection_id, site_id);
CREATE INDEX links_site ON links (tenant_id, site_id);
";

/// Look-up columns are folded for case where the schema says `caseExact: false`. `users.email_folded` is the
/// primary e-mail address, the only one that most users have; `user_emails` has the others. `search` is the
/// document with keys in place of values, for every other filter. Nested groups are few among members, and
/// have indexes of their own, so that following them passes over the users.
const DIRECTORY: &str = "
CREATE TABLE users (
  tenant_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  user_name_folded {key} NOT NULL,
  external_id {key},
  display_name_folded {key},
  email_folded {key},
  active boolean NOT NULL,
  document {json} NOT NULL,
  search {json} NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  last_modified_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX users_user_name ON users (tenant_id, connection_id, user_name_folded);
CREATE INDEX users_external_id ON users (tenant_id, connection_id, external_id);
CREATE INDEX users_display_name ON users (tenant_id, connection_id, display_name_folded);
CREATE INDEX users_email ON users (tenant_id, connection_id, email_folded);

CREATE TABLE user_emails (
  tenant_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  email_folded {key} NOT NULL,
  user_id {uuid} NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, email_folded, user_id),
  FOREIGN KEY (tenant_id, connection_id, user_id)
    REFERENCES users (tenant_id, connection_id, id) ON DELETE CASCADE
);
CREATE INDEX user_emails_user ON user_emails (tenant_id, connection_id, user_id);

CREATE TABLE groups (
  tenant_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  display_name text NOT NULL,
  display_name_folded {key} NOT NULL,
  external_id {key},
  document {json} NOT NULL,
  search {json} NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  last_modified_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX groups_display_name ON groups (tenant_id, connection_id, display_name_folded);
CREATE INDEX groups_external_id ON groups (tenant_id, connection_id, external_id);

CREATE TABLE group_members (
  tenant_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  group_id {uuid} NOT NULL,
  member_id {uuid} NOT NULL,
  kind text NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, group_id, member_id),
  FOREIGN KEY (tenant_id, connection_id, group_id)
    REFERENCES groups (tenant_id, connection_id, id) ON DELETE CASCADE
);
CREATE INDEX group_members_member ON group_members (tenant_id, connection_id, member_id, group_id);
CREATE INDEX group_members_nested ON group_members (tenant_id, connection_id, group_id, member_id)
  WHERE kind = 'group';
CREATE INDEX group_members_nesting ON group_members (tenant_id, connection_id, member_id, group_id)
  WHERE kind = 'group';
";

/// What stands at the sites, as last known, and the marks of what may differ.
const SITES: &str = "
CREATE TABLE accounts (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  key text,
  username text NOT NULL,
  username_folded text NOT NULL,
  display_name text,
  email text,
  active boolean,
  created_by_us boolean NOT NULL,
  in_doubt boolean NOT NULL,
  lease_owner {uuid},
  lease_until bigint,
  observed_at bigint,
  created_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, site_id, id),
  FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX accounts_username ON accounts (tenant_id, site_id, username_folded);
CREATE UNIQUE INDEX accounts_key ON accounts (tenant_id, site_id, key);

CREATE TABLE claims (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  user_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  account_id {uuid} NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, site_id, user_id),
  FOREIGN KEY (tenant_id, site_id, account_id)
    REFERENCES accounts (tenant_id, site_id, id) ON DELETE CASCADE
);
CREATE INDEX claims_account ON claims (tenant_id, site_id, account_id);
CREATE INDEX claims_connection ON claims (tenant_id, site_id, connection_id);

CREATE TABLE memberships (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  account_id {uuid} NOT NULL,
  group_folded text NOT NULL,
  group_name text NOT NULL,
  confirmed boolean NOT NULL,
  PRIMARY KEY (tenant_id, site_id, account_id, group_folded),
  FOREIGN KEY (tenant_id, site_id, account_id)
    REFERENCES accounts (tenant_id, site_id, id) ON DELETE CASCADE
);

CREATE TABLE site_groups (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  name_folded text NOT NULL,
  name text NOT NULL,
  created_by_us boolean NOT NULL,
  observed_at bigint NOT NULL,
  PRIMARY KEY (tenant_id, site_id, name_folded),
  FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE tasks (
  tenant_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  kind text NOT NULL,
  object_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  generation bigint NOT NULL,
  rank integer NOT NULL,
  state text NOT NULL,
  due_at bigint NOT NULL,
  marked_at bigint NOT NULL,
  attempts integer NOT NULL,
  last_error text,
  verify boolean NOT NULL,
  approved boolean NOT NULL,
  run_id {uuid},
  trace_context text,
  lease_owner {uuid},
  lease_until bigint,
  PRIMARY KEY (tenant_id, site_id, kind, object_id),
  FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX tasks_due ON tasks (tenant_id, site_id, state, rank, due_at);
CREATE INDEX tasks_run ON tasks (tenant_id, run_id);

CREATE TABLE deprovisions (
  tenant_id {uuid} NOT NULL,
  link_id {uuid} NOT NULL,
  account_id {uuid} NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (tenant_id, link_id, account_id),
  FOREIGN KEY (tenant_id, link_id) REFERENCES links (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX deprovisions_at ON deprovisions (tenant_id, link_id, at);
";

/// What happened: for people who ask why.
const RECORDS: &str = "
CREATE TABLE timeline (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  at bigint NOT NULL,
  object_kind text NOT NULL,
  object_id {uuid} NOT NULL,
  connection_id {uuid},
  site_id {uuid},
  kind text NOT NULL,
  request_id text,
  summary text NOT NULL,
  detail {json},
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX timeline_object ON timeline (tenant_id, object_id, id);

CREATE TABLE runs (
  tenant_id {uuid} NOT NULL,
  id {uuid} NOT NULL,
  link_id {uuid} NOT NULL,
  connection_id {uuid} NOT NULL,
  site_id {uuid} NOT NULL,
  status text NOT NULL,
  phase text NOT NULL,
  cursor {uuid},
  marked bigint NOT NULL,
  requested_by text NOT NULL,
  created_at bigint NOT NULL,
  finished_at bigint,
  lease_owner {uuid},
  lease_until bigint,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, link_id) REFERENCES links (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX runs_status ON runs (status);
CREATE INDEX runs_link ON runs (tenant_id, link_id, id);

CREATE TABLE run_results (
  tenant_id {uuid} NOT NULL,
  run_id {uuid} NOT NULL,
  object_kind text NOT NULL,
  object_id {uuid} NOT NULL,
  outcome text NOT NULL,
  detail {json} NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (tenant_id, run_id, object_kind, object_id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE audit (
  tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id {uuid} NOT NULL,
  at bigint NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  object_kind text NOT NULL,
  object_id text NOT NULL,
  detail {json},
  PRIMARY KEY (tenant_id, id)
);
";
