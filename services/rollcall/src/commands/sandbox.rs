//! `rollcall sandbox`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use telemetry::LogFormat;
use tokio::net::TcpListener;

use crate::cli::{SandboxArguments, SandboxProduct};
use crate::signals::stop_on_signal;

pub(crate) async fn run(arguments: SandboxArguments) -> anyhow::Result<ExitCode> {
    telemetry::start_logging("info", LogFormat::Text)?;
    let stop = stop_on_signal()?;
    let site = match arguments.product {
        SandboxProduct::JiraDataCenter => JiraDataCenter::new(Options {
            admin_token: arguments.admin_token,
            users: arguments.users,
            groups: arguments.groups,
            ..Options::default()
        }),
    };
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("listening on {}", arguments.listen))?;
    let running = sandbox::serve(&site, listener)?;
    let mut out = std::io::stdout();
    writeln!(out, "A simulated Jira Data Center answers at {}; Ctrl-C ends it.", running.base_url)?;
    writeln!(out, "  what it has:   curl {}/_sandbox/state", running.base_url)?;
    writeln!(
        out,
        "  make it fail:  curl -X POST {}/_sandbox/faults -H 'content-type: application/json' -d '{{\"down\":true}}'",
        running.base_url
    )?;
    writeln!(
        out,
        "  to register it as a site, start `rollcall serve` with ROLLCALL_ALLOW_TARGETS={}/32",
        running.address.ip()
    )?;
    stop.cancelled().await;
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}
