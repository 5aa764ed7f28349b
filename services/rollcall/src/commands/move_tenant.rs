//! `rollcall move-tenant`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use store::StoreOptions;
use store::moving::{Copied, MoveError, TenantMove};
use tokio_util::sync::CancellationToken;

use crate::cli::MoveTenantArguments;
use crate::master_key::MasterKey;
use crate::serve::{open_store_to_migrate, open_store_with};
use crate::signals::stop_on_signal;

pub(crate) async fn run(arguments: MoveTenantArguments) -> anyhow::Result<ExitCode> {
    let config = arguments.settings.load()?;
    let _traces = telemetry::start_logging(&config.log, config.log_format, None)?;
    let stop = stop_on_signal()?;
    let master = MasterKey::of(&config)?;
    let from = open_store_to_migrate(&config, &master).await.context("the cell that the tenant leaves")?;
    let other_master = match &arguments.to_master_key {
        Some(key) => MasterKey::parse(key.expose_secret()).context("to_master_key")?,
        None => MasterKey::of(&config)?,
    };
    let mut options = StoreOptions::new(arguments.to_database_url.expose_secret());
    options.statement_timeout = None;
    let to = open_store_with(options, &other_master).await.context("the cell that the tenant comes to")?;
    match to.tenants().check_keys().await {
        Err(store::Error::Sealed) => anyhow::bail!(
            "the other cell's secrets were sealed with another master key; give it as ROLLCALL_TO_MASTER_KEY"
        ),
        checked => checked.context("checking the other cell's master key")?,
    }
    let moving = TenantMove::prepare(&from, &to, &arguments.tenant).await?;
    if arguments.give_up {
        anyhow::ensure!(
            moving.give_up().await?,
            "everything was copied already; run the command without --give-up to finish"
        );
        writeln!(std::io::stdout(), "{} is served where it was", arguments.tenant)?;
    } else {
        let limits = Limits {
            patience: Duration::from_secs(arguments.patience),
            within: Duration::from_secs(arguments.within),
        };
        carry_out(moving, limits, &stop).await?;
    }
    from.close().await?;
    to.close().await?;
    Ok(ExitCode::SUCCESS)
}

struct Limits {
    /// To wait for workers.
    patience: Duration,
    /// For all of it.
    within: Duration,
}

async fn carry_out(
    mut moving: TenantMove<'_>,
    limits: Limits,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let began = Instant::now();
    writeln!(out, "{}: requests are refused with 503 until it has arrived", moving.tenant())?;
    let copied = async {
        moving.quiesce(limits.patience).await?;
        let tell = |Copied { table, rows }| {
            if rows > 0 {
                // Nobody may be reading any more.
                let _ = writeln!(out, "  {table}: {rows} rows");
            }
        };
        moving.copy(tell).await
    };
    let copied = tokio::select! {
        copied = copied => copied.map_err(anyhow::Error::from),
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped")),
        // A database that says nothing more must not keep the tenant from being served.
        () = tokio::time::sleep(limits.within) => {
            Err(anyhow::anyhow!("not done within {} s", limits.within.as_secs()))
        }
    };
    if let Err(error) = copied {
        return Err(error.context(put_back(moving).await));
    }
    let tenant = moving.finish().await?;
    writeln!(out, "{} is served by the other cell, after {:.1?}", tenant.slug, began.elapsed())?;
    Ok(())
}

/// What became of the tenant after a failure, in words.
async fn put_back(moving: TenantMove<'_>) -> &'static str {
    match moving.give_up().await {
        Ok(true) => "the tenant is served where it was",
        Ok(false) => "everything was copied; run the command again to finish",
        Err(MoveError::Refused(_) | MoveError::Store(_)) => {
            "the tenant may still be refused; run the command again to finish, or with --give-up"
        }
    }
}
