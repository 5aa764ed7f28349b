//! `rollcall migrate`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::CommonArguments;
use crate::master_key::MasterKey;
use crate::serve::open_store_to_migrate;

pub(crate) async fn run(arguments: CommonArguments) -> anyhow::Result<ExitCode> {
    let config = arguments.settings.load()?;
    let _traces = telemetry::start_logging(&config.log, config.log_format, None)?;
    let store = open_store_to_migrate(&config, &MasterKey::of(&config)?).await?;
    let schema = store.schema().await.context("looking for pending migrations")?;
    store.migrate().await.context("migrating")?;
    let mut out = std::io::stdout();
    for name in &schema.pending {
        writeln!(out, "{name}: done")?;
    }
    if schema.later.is_empty() {
        writeln!(out, "the schema is up to date")?;
    } else {
        writeln!(out, "the schema is of a later version, and stays: {}", schema.later.join(", "))?;
    }
    store.close().await?;
    Ok(ExitCode::SUCCESS)
}
