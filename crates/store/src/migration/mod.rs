//! The schema, one set of migrations for both databases.
//!
//! The text is SQL with the few type names that differ written in braces (`{key}` is text that compares
//! byte by byte, as SQLite's does anyway; `{begins}` lets an index find what begins like something); reading one file shows the tables as they are. Each migration must
//! leave the previous version of the program working (expand first, contract in a later release).

use sea_orm_migration::prelude::*;

mod m0001_foundation;
mod m0002_idempotency;
mod m0003_schema_extensions;
mod m0004_parked_members;
mod m0005_directory_generation;
mod m0006_creation_asked_at;
mod m0007_group_feeds;
mod m0008_withdrawals;
mod m0009_schedules;
mod m0010_listed;
mod m0011_conflicts;
mod m0012_route_changes;
mod m0013_setup;
mod m0014_sign_in;
mod m0015_tenant_keys;
mod m0016_audit_chain;
mod m0017_break_glass;
mod m0018_last_used_from;
mod m0019_site_authorities;

/// Runs and lists the migrations.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_foundation::Migration),
            Box::new(m0002_idempotency::Migration),
            Box::new(m0003_schema_extensions::Migration),
            Box::new(m0004_parked_members::Migration),
            Box::new(m0005_directory_generation::Migration),
            Box::new(m0006_creation_asked_at::Migration),
            Box::new(m0007_group_feeds::Migration),
            Box::new(m0008_withdrawals::Migration),
            Box::new(m0009_schedules::Migration),
            Box::new(m0010_listed::Migration),
            Box::new(m0011_conflicts::Migration),
            Box::new(m0012_route_changes::Migration),
            Box::new(m0013_setup::Migration),
            Box::new(m0014_sign_in::Migration),
            Box::new(m0015_tenant_keys::Migration),
            Box::new(m0016_audit_chain::Migration),
            Box::new(m0017_break_glass::Migration),
            Box::new(m0018_last_used_from::Migration),
            Box::new(m0019_site_authorities::Migration),
        ]
    }
}

/// Runs each statement of `sql` (separated by `;`) with the backend's own type names filled in.
async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == sea_orm::DatabaseBackend::Postgres;
    let sql = if postgres {
        sql.replace("{uuid}", "uuid")
            .replace("{json}", "jsonb")
            .replace("{bytes}", "bytea")
            .replace("{key}", "text COLLATE \"C\"")
            .replace("{begins}", " text_pattern_ops")
    } else {
        sql.replace("{uuid}", "blob")
            .replace("{json}", "text")
            .replace("{bytes}", "blob")
            .replace("{key}", "text")
            .replace("{begins}", "")
    };
    for statement in sql.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
