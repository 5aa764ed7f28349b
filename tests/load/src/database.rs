//! The database under test, past the program: for the seed, and for figures that only it knows.

use std::str::FromStr as _;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use store::vault::Vault;
use store::{Store, StoreOptions};
use uuid::Uuid;

/// Slug and name of the tenant that the load fills.
pub(crate) const TENANT: &str = "load";

/// Which database, and the key that opens its secrets.
#[derive(Clone, Debug, Args)]
pub(crate) struct Database {
    /// `postgres://…` of a database whose schema is up to date.
    #[arg(long, env = "ROLLCALL_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: String,
    /// The program's master key: 32 bytes in base64.
    #[arg(long, env = "ROLLCALL_MASTER_KEY", hide_env_values = true, value_name = "BASE64")]
    pub(crate) master_key: String,
}

impl Database {
    /// A connection without the program's repositories.
    pub(crate) async fn connect(&self) -> anyhow::Result<PgConnection> {
        connect(&self.database_url).await
    }

    /// The program's own view of it.
    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        let bytes = STANDARD.decode(self.master_key.trim()).context("the master key is not base64")?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).context("the master key must have 32 bytes")?;
        let mut options = StoreOptions::new(&self.database_url);
        options.max_connections = 2;
        Ok(Store::connect(options, Vault::new(&key)?).await?)
    }
}

/// A connection to the database of a URL.
pub(crate) async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let options = PgConnectOptions::from_str(url).context("the database's URL")?;
    options.disable_statement_logging().connect().await.context("connecting to PostgreSQL")
}

/// Runs SQL text of this program's own, which may be several statements.
pub(crate) async fn execute(connection: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// The one number that a query of this program's own answers with.
pub(crate) async fn number(connection: &mut PgConnection, sql: String) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await?)
}

/// The seeded directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    pub(crate) tenant: Uuid,
    pub(crate) connection: Uuid,
}

impl Directory {
    /// Where it is in `WHERE`; ids need no quoting beyond this.
    pub(crate) fn condition(self) -> String {
        format!("tenant_id = '{}' AND connection_id = '{}'", self.tenant, self.connection)
    }
}
