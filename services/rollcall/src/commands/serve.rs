//! `rollcall serve`.

use std::process::ExitCode;

use telemetry::Metrics;
use telemetry::trace::TraceExport;
use tokio_util::sync::CancellationToken;

use crate::cli::ServeArguments;
use crate::config::{Config, Role};
use crate::serve;
use crate::signals::stop_on_signal;

pub(crate) async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let mut roles = arguments.role;
    roles.sort_unstable();
    roles.dedup();
    let roles = if roles.is_empty() { Role::ALL.to_vec() } else { roles };
    let config = arguments.settings.load()?;
    let export = config.traces.clone().map(|(endpoint, ratio)| TraceExport {
        endpoint,
        ratio,
        service_name: match roles[..] {
            [role] => format!("rollcall-{}", role.name()),
            _ => "rollcall".to_owned(),
        },
    });
    let traces = telemetry::start_logging(&config.log, config.log_format, export.as_ref())?;
    let stop = stop_on_signal()?;
    let served = serve_until(&config, &roles, stop).await;
    // Also after a failure: its spans are the ones that are looked for.
    tokio::task::spawn_blocking(move || traces.end()).await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until it is told to stop, or a role ends by itself, which is a failure.
async fn serve_until(config: &Config, roles: &[Role], stop: CancellationToken) -> anyhow::Result<()> {
    let mut running = serve::start(config, roles, Some(Metrics::start()?)).await?;
    if roles.contains(&Role::Api) && config.operator_key.is_none() {
        tracing::warn!("nobody is operator: set ROLLCALL_OPERATOR_KEY to make tenants through the API");
    }
    tokio::select! {
        () = stop.cancelled() => {}
        error = running.ended() => {
            running.drain().await?;
            return Err(error);
        }
    }
    running.drain().await?;
    tracing::info!("stopped");
    Ok(())
}
