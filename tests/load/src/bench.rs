//! `load bench`: the whole run on a database of its own, which is gone afterwards.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use url::Url;

use crate::database::{Database, connect, execute};
use crate::phases::{self, Settings};
use crate::seed::{self, Size};

/// `load bench`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// `postgres://…` of a role that may create databases.
    #[arg(long, env = "ROLLCALL_TEST_POSTGRES_URL", hide_env_values = true, value_name = "URL")]
    server_url: String,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    settings: Settings,
}

/// Seeds a database and measures on it.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    with_database(&arguments.server_url, async |database| {
        let size = arguments.size.clone();
        seed::run(&seed::Arguments { database: database.clone(), size }).await?;
        phases::run(&phases::Arguments { database, settings: arguments.settings.clone() }).await
    })
    .await
}

/// Does something with a migrated database that is gone afterwards.
pub(crate) async fn with_database(
    server_url: &str,
    work: impl AsyncFnOnce(Database) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = format!("rollcall_load_{}", uuid::Uuid::now_v7().simple());
    let mut url = Url::parse(server_url).context("the server's URL")?;
    url.set_path(&name);
    let mut server = connect(server_url).await?;
    execute(&mut server, format!("CREATE DATABASE {name}")).await?;
    let done = async {
        let master_key = STANDARD.encode(rand::random::<[u8; 32]>());
        let database = Database { database_url: url.into(), master_key };
        let store = database.store().await?;
        store.migrate().await?;
        store.close().await?;
        work(database).await
    };
    let done = done.await;
    execute(&mut server, format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    done
}
