//! `rollcall tenants erase`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::master_key::MasterKey;
use crate::serve::open_store_to_migrate;
use crate::signals::stop_on_signal;

#[derive(Debug, Args)]
pub(crate) struct EraseArguments {
    /// The tenant's slug.
    pub(crate) slug: String,
    /// Do it. Without this the command only says what it would erase.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Rows that one transaction deletes at the most: others write meanwhile.
const AT_ONCE: u64 = 5_000;

pub(crate) async fn run(arguments: EraseArguments) -> anyhow::Result<ExitCode> {
    let config = arguments.settings.load()?;
    let _traces = telemetry::start_logging(&config.log, config.log_format, None)?;
    let store = open_store_to_migrate(&config, &MasterKey::of(&config)?).await?;
    let stop = stop_on_signal()?;
    let done = erase(&store, &arguments.slug, arguments.yes, &stop).await;
    store.close().await?;
    done
}

async fn erase(store: &Store, slug: &str, yes: bool, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let tenant = store.tenants().find_by_slug(slug).await?;
    let tenant = tenant.with_context(|| format!("there is no tenant {slug}"))?;
    anyhow::ensure!(
        yes,
        "this would erase {} ({slug}), which was registered on {}: its people, sites, settings, credentials and audit log; \
         nothing brings it back. Say --yes to do it",
        tenant.name,
        tenant.created_at
    );
    let mut erasure = store.tenants().begin_erasure(tenant.id).await.map_err(|error| match error {
        store::Error::Conflict(_) => anyhow::anyhow!(
            "{slug} is served, or on its way to another cell; run `rollcall tenants suspend {slug}` first"
        ),
        error => error.into(),
    })?;
    let progress = ProgressBar::new_spinner();
    let mut rows = 0;
    while let Some(erased) = erasure.go_on(AT_ONCE).await? {
        rows += erased.rows;
        progress.set_message(format!("{rows} rows are gone, the last ones of {}", erased.table));
        progress.tick();
        anyhow::ensure!(!stop.is_cancelled(), "stopped; run the command again, and it goes on");
    }
    progress.finish_and_clear();
    tracing::warn!(tenant.id = %tenant.id, tenant.slug = slug, rows, "a tenant was erased");
    writeln!(std::io::stdout(), "{slug} is erased: its key was destroyed, and {rows} rows are gone")?;
    Ok(ExitCode::SUCCESS)
}
