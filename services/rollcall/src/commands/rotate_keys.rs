//! `rollcall keys rotate`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use store::Store;
use store::id::TenantId;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::master_key::MasterKey;
use crate::serve::open_store_to_migrate;
use crate::signals::stop_on_signal;

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// Give the tenants other keys as well, and seal all their secrets anew.
    #[arg(long)]
    pub(crate) tenant_keys: bool,
    /// With --tenant-keys: leave keys that are younger than this many days.
    #[arg(long, default_value_t = 1, value_name = "DAYS")]
    pub(crate) older_than: u64,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Tenants whose keys are wrapped in one transaction.
const AT_ONCE: u64 = 200;

pub(crate) async fn run(arguments: RotateArguments) -> anyhow::Result<ExitCode> {
    let config = arguments.settings.load()?;
    let _traces = telemetry::start_logging(&config.log, config.log_format, None)?;
    let store = open_store_to_migrate(&config, &MasterKey::of(&config)?).await?;
    let stop = stop_on_signal()?;
    let done = rewrap(&store, &stop).await;
    let done = match done {
        Ok(()) if arguments.tenant_keys => {
            renew(&store, Duration::from_hours(24 * arguments.older_than), &stop).await
        }
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    };
    store.close().await?;
    done
}

fn go_on(stop: &CancellationToken) -> anyhow::Result<()> {
    anyhow::ensure!(!stop.is_cancelled(), "stopped; run the command again, and it goes on");
    Ok(())
}

/// Wraps every tenant's key by the first master key.
async fn rewrap(store: &Store, stop: &CancellationToken) -> anyhow::Result<()> {
    let progress = ProgressBar::new_spinner().with_message("tenants' keys are wrapped anew");
    let (mut after, mut changed) = (None, 0);
    loop {
        go_on(stop)?;
        let page = store.tenants().rewrap_keys(after, AT_ONCE).await.map_err(|error| match error {
            store::Error::Sealed => anyhow::anyhow!(
                "a tenant's key is under a master key that is not among those of ROLLCALL_MASTER_KEY; add that one behind \
                 the others, and run the command again"
            ),
            error => anyhow::Error::new(error).context("wrapping keys"),
        })?;
        let Some(last) = page.last else { break };
        after = Some(last);
        changed += page.changed;
        progress.inc(AT_ONCE);
    }
    progress.finish_and_clear();
    writeln!(
        std::io::stdout(),
        "{changed} tenants' keys were wrapped anew; every one is under the first master key"
    )?;
    Ok(())
}

/// Gives every tenant another key, and tells those whose secrets do not open.
async fn renew(store: &Store, older_than: Duration, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let progress = ProgressBar::new_spinner().with_message("secrets are sealed anew");
    let (mut after, mut tenants, mut secrets, mut broken) = (None::<TenantId>, 0, 0, Vec::new());
    loop {
        let page = store.tenants().list(after, AT_ONCE).await.context("listing tenants")?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for tenant in page {
            go_on(stop)?;
            match store.tenants().renew_key(tenant.id, older_than).await {
                Ok(Some(sealed)) => {
                    tenants += 1;
                    secrets += sealed;
                }
                // Its key is young enough, or it went away meanwhile.
                Ok(None) | Err(store::Error::NotFound(_)) => {}
                Err(store::Error::Sealed) => broken.push(tenant.slug),
                Err(error) => return Err(anyhow::Error::new(error).context(format!("at {}", tenant.slug))),
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let mut out = std::io::stdout();
    writeln!(out, "{tenants} tenants have another key, and {secrets} secrets are sealed by it")?;
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "left as they are, since a secret of theirs does not open: {}; give these sites their credentials again",
        broken.join(", ")
    )?;
    Ok(ExitCode::FAILURE)
}
