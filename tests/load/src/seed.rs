//! `load seed`: users, groups, members and timeline entries as the program would have written them, by
//! statements of tens of thousands of rows.
//!
//! Everything follows from a number: user 7 is `load.user.7@example.com`, and ids are UUIDv7 whose time is
//! the number's. So the order of creation is the order of ids, as in a directory that grew request by
//! request.

use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use sqlx::PgConnection;
use store::connections::NewConnection;
use store::entity::words::ConnectionMethod;

use crate::database::{Database, Directory, TENANT, execute, number};
use crate::documents::{self, PLACE};

/// Groups whose size a measurement depends on.
pub(crate) const BIG_GROUP: &str = "load-group-big";
/// The counterpart of [`BIG_GROUP`], with [`SMALL_MEMBERS`].
pub(crate) const SMALL_GROUP: &str = "load-group-small";
pub(crate) const SMALL_MEMBERS: u64 = 10;
/// Members of all other groups.
const COMMON_MEMBERS: u64 = 20;
/// Users or groups of one statement.
const CHUNK: u64 = 50_000;

/// How much is written.
#[derive(Clone, Debug, Args)]
pub(crate) struct Size {
    /// Users of the directory.
    #[arg(long, env = "BENCH_USERS", default_value_t = 1_000_000, value_name = "N",
          value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    pub(crate) users: u64,
    /// Groups of the directory.
    #[arg(long, env = "BENCH_GROUPS", default_value_t = 50_000, value_name = "N",
          value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    pub(crate) groups: u64,
    /// Members of the biggest group; half of the users when those are fewer.
    #[arg(long, env = "BENCH_BIG_GROUP", default_value_t = 200_000, value_name = "N")]
    pub(crate) big_group: u64,
}

/// `load seed`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) size: Size,
}

/// Registers a tenant with one connection and fills its directory.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let store = arguments.database.store().await?;
    let tenant =
        store.tenants().insert(TENANT, "Load").await.context("registering the tenant of the load")?;
    let connection = NewConnection {
        name: "Load".to_owned(),
        provider: "generic".to_owned(),
        method: ConnectionMethod::Scim,
        strict: false,
    };
    let connection = store.tenant(tenant.id).connections().insert(connection).await?;
    store.close().await?;
    let directory = Directory { tenant: tenant.id.0, connection: connection.id.0 };
    fill(&mut arguments.database.connect().await?, directory, &arguments.size).await
}

async fn fill(database: &mut PgConnection, directory: Directory, size: &Size) -> anyhow::Result<()> {
    let started = Instant::now();
    let say = |what: &str| eprintln!("seed: {what} after {:.0?}", started.elapsed());
    // Each statement waits for no disk; the last step makes everything durable at once.
    execute(database, "SET synchronous_commit = off".to_owned()).await?;
    let began =
        number(database, "SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000 AS bigint)".to_owned()).await?;
    // Users come first, then groups, then timeline entries, one millisecond each, all before now.
    let rows = i64::try_from(2 * (size.users + size.groups)).context("the size")?;
    execute(database, functions(began - rows - 1_000)).await?;
    for first in (1..=size.users).step_by(usize::try_from(CHUNK)?) {
        let last = size.users.min(first + CHUNK - 1);
        execute(database, users(directory, first, last)?).await?;
        execute(database, timeline(directory, "user", size, first, last)).await?;
        say(&format!("{last} users"));
    }
    for first in (1..=size.groups).step_by(usize::try_from(CHUNK)?) {
        let last = size.groups.min(first + CHUNK - 1);
        execute(database, groups(directory, size, first, last)?).await?;
        execute(database, timeline(directory, "group", size, first, last)).await?;
        say(&format!("{last} groups"));
        // Else the check that a member's group exists is planned for the empty table that it was.
        execute(database, "ANALYZE groups".to_owned()).await?;
        execute(database, members(directory, size, first, last)).await?;
        say(&format!("{last} groups with their members"));
    }
    execute(database, "VACUUM (ANALYZE)".to_owned()).await?;
    execute(database, "CHECKPOINT".to_owned()).await?;
    say("vacuumed, analysed and written to disk");
    Ok(())
}

/// Numbers as times and ids; they last as long as the session.
fn functions(start: i64) -> String {
    format!(
        "CREATE FUNCTION pg_temp.at(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS \
           $$ SELECT {start} + n $$; \
         CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS \
           $$ SELECT CAST(lpad(to_hex(pg_temp.at(n)), 12, '0') || '7' || substr(md5(CAST(n AS text)), 1, 3) \
              || '8' || substr(md5(CAST(n AS text)), 4, 15) AS uuid) $$"
    )
}

/// A JSON value as SQL, with its places filled in.
pub(crate) fn filled(value: &serde_json::Value, with: &str) -> String {
    let text = value.to_string().replace('\'', "''");
    format!("CAST(replace('{text}', '{PLACE}', {with}) AS jsonb)")
}

fn users(directory: Directory, first: u64, last: u64) -> anyhow::Result<String> {
    let Directory { tenant, connection } = directory;
    let stored = documents::stored_user()?;
    let number = "CAST(n AS text)";
    let (document, search) = (filled(&stored.document, number), filled(&stored.search, number));
    Ok(format!(
        "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, external_id, display_name_folded, \
           email_folded, active, document, search, version, created_at, last_modified_at) \
         SELECT '{tenant}', '{connection}', pg_temp.id(n), 'load.user.' || n || '@example.com', '00u' || n, \
           'load user ' || n, 'load.user.' || n || '@example.com', TRUE, \
           {document}, {search}, 1, pg_temp.at(n), pg_temp.at(n) \
         FROM generate_series({first}, {last}) n"
    ))
}

/// The name of a group as SQL; the first two are those that measurements ask for.
fn group_name() -> String {
    format!("CASE n WHEN 1 THEN '{BIG_GROUP}' WHEN 2 THEN '{SMALL_GROUP}' ELSE 'load-group-' || n END")
}

fn groups(directory: Directory, size: &Size, first: u64, last: u64) -> anyhow::Result<String> {
    let Directory { tenant, connection } = directory;
    let stored = documents::stored_group(PLACE)?;
    let (name, users) = (group_name(), size.users);
    let (document, search) = (filled(&stored.document, &name), filled(&stored.search, &name));
    Ok(format!(
        "INSERT INTO groups (tenant_id, connection_id, id, display_name, display_name_folded, external_id, \
           document, search, version, created_at, last_modified_at) \
         SELECT '{tenant}', '{connection}', pg_temp.id({users} + n), {name}, {name}, '00g' || {name}, \
           {document}, {search}, 1, \
           pg_temp.at({users} + n), pg_temp.at({users} + n) \
         FROM generate_series({first}, {last}) n"
    ))
}

/// How many members the biggest group really gets: the last users are in no group, to be added by the load.
pub(crate) fn big_members(size: &Size) -> u64 {
    size.big_group.min(size.users / 2)
}

fn members(directory: Directory, size: &Size, first: u64, last: u64) -> String {
    let Directory { tenant, connection } = directory;
    let (users, big) = (size.users, big_members(size));
    // Common groups take every so many-th user, from a start of their own; the step is prime.
    format!(
        "INSERT INTO group_members (tenant_id, connection_id, group_id, member_id, kind) \
         SELECT '{tenant}', '{connection}', pg_temp.id({users} + g), pg_temp.id(m), 'user' FROM ( \
           SELECT g, m FROM generate_series({first}, {last}) g CROSS JOIN LATERAL generate_series(1, \
             CASE g WHEN 1 THEN {big} WHEN 2 THEN {SMALL_MEMBERS} ELSE 0 END) m \
           UNION \
           SELECT g, 1 + (g * {COMMON_MEMBERS} + k * 7919) % ({users} - 10) \
           FROM generate_series(GREATEST({first}, 3), {last}) g, generate_series(1, {COMMON_MEMBERS}) k \
         ) pairs ORDER BY g, m"
    )
}

fn timeline(directory: Directory, kind: &str, size: &Size, first: u64, last: u64) -> String {
    let Directory { tenant, connection } = directory;
    let before = if kind == "user" { 0 } else { size.users };
    let entries = size.users + size.groups;
    format!(
        "INSERT INTO timeline (tenant_id, id, at, object_kind, object_id, connection_id, site_id, kind, \
           request_id, summary, detail) \
         SELECT '{tenant}', pg_temp.id({entries} + {before} + n), pg_temp.at({before} + n), '{kind}', \
           pg_temp.id({before} + n), '{connection}', NULL, 'request', \
           CAST(pg_temp.id({before} + n) AS text), 'Created by the identity provider', NULL \
         FROM generate_series({first}, {last}) n"
    )
}
