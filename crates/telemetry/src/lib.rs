//! How the program is seen from outside: logs on standard error, metrics in Prometheus' text format, traces to an
//! OpenTelemetry collector ([`trace`]).
//!
//! Logs carry ids, counts and durations; never tokens, names, e-mail addresses or bodies. Metrics carry no
//! tenant or site as a label: their number would grow with the customers.

pub mod catalogue;
pub mod trace;

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::trace::{TraceExport, Traces};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// One readable line, for people at a terminal.
    Text,
}

/// Bounds of duration histograms in seconds: from a cached look-up to a site's time-out.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Sends log lines that pass `filter` (`info`, `sync=debug,info`, …) to standard error, and spans to a collector if
/// one is named, for the rest of the process. Fails when the filter cannot be read or logging was started before.
pub fn start_logging(
    filter: &str,
    format: LogFormat,
    export: Option<&TraceExport>,
) -> anyhow::Result<Traces> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("the log filter {filter:?}"))?;
    // A line that cannot be written is lost: telling so on the same standard error would panic, on a full disk at that.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).boxed(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    let (spans, traces) = match export {
        Some(export) => {
            let (layer, traces) = trace::layer(export)?;
            (Some(layer), traces)
        }
        None => (None, Traces::none()),
    };
    let started = tracing_subscriber::registry().with(spans).with(lines.with_filter(filter)).try_init();
    started.context("logging was not started")?;
    Ok(traces)
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: metrics_process::Collector,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Metrics")
    }
}

impl Metrics {
    /// Starts to collect what the `metrics` macros report, for the rest of the process.
    pub fn start() -> anyhow::Result<Self> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .context("the bounds of histograms")?
            .install_recorder()
            .context("metrics were not started")?;
        catalogue::describe();
        metrics::gauge!("rollcall_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let process = metrics_process::Collector::default();
        process.describe();
        Ok(Self { handle, process })
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.process.collect();
        self.handle.render()
    }

    /// Folds samples into histograms every few seconds, so that memory stays bounded between scrapes;
    /// returns only when dropped.
    pub async fn keep_up(&self) {
        let mut interval = tokio::time::interval(Duration::from_secs(5));
        loop {
            interval.tick().await;
            self.handle.run_upkeep();
        }
    }
}
