//! Every metric that there is. Alerts, dashboards and documentation may name these and no others; a test holds the
//! list against the code.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds, in buckets.
    Seconds,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Roles that report it.
    pub roles: &'static [&'static str],
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    roles: &'static [&'static str],
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    Described { name, kind, roles, labels, help }
}

/// All metrics but those of the process itself (`process_…`).
pub const METRICS: &[Described] = &[
    metric(
        "rollcall_build_info",
        Kind::Gauge,
        &["gateway", "scim", "api", "sync"],
        &["version"],
        "Always 1; the label says which version runs.",
    ),
    metric(
        "rollcall_scim_requests_total",
        Kind::Counter,
        &["gateway"],
        &["method", "resource", "status"],
        "SCIM requests answered at the gateway.",
    ),
    metric(
        "rollcall_scim_request_seconds",
        Kind::Seconds,
        &["gateway"],
        &["method", "resource"],
        "From a SCIM request's head to its answer's head, at the gateway.",
    ),
    metric(
        "rollcall_gateway_refusals_total",
        Kind::Counter,
        &["gateway"],
        &["reason"],
        "SCIM requests that the gateway refused itself.",
    ),
    metric(
        "rollcall_gateway_ready_endpoints",
        Kind::Gauge,
        &["gateway"],
        &["cell"],
        "Processes of a cell that take requests.",
    ),
    metric(
        "rollcall_scim_handler_seconds",
        Kind::Seconds,
        &["scim"],
        &["method", "route"],
        "From a request's head to its answer's head, at the SCIM handlers.",
    ),
    metric(
        "rollcall_api_requests_total",
        Kind::Counter,
        &["api"],
        &["method", "route", "status"],
        "REST requests answered.",
    ),
    metric(
        "rollcall_api_request_seconds",
        Kind::Seconds,
        &["api"],
        &["method", "route"],
        "From a REST request's head to its answer's head.",
    ),
    metric(
        "rollcall_console_page_seconds",
        Kind::Seconds,
        &["api"],
        &["route"],
        "From a request for a page of the console to the page, by its route.",
    ),
    metric(
        "rollcall_credentials_ending",
        Kind::Gauge,
        &["sync"],
        &["kind"],
        "Tokens and keys that are in use and end by themselves within two weeks.",
    ),
    metric("rollcall_tasks", Kind::Gauge, &["sync"], &["state"], "Tasks of the whole database, by state."),
    metric(
        "rollcall_oldest_task_age_seconds",
        Kind::Gauge,
        &["sync"],
        &["state"],
        "Age of the oldest task, by state.",
    ),
    metric(
        "rollcall_sync_latency_seconds",
        Kind::Seconds,
        &["sync"],
        &[],
        "From the committed SCIM write to the site showing it.",
    ),
    metric(
        "rollcall_sync_changes_total",
        Kind::Counter,
        &["sync"],
        &["product", "action"],
        "Changes made at sites.",
    ),
    metric(
        "rollcall_sync_site_backoffs_total",
        Kind::Counter,
        &["sync"],
        &["product"],
        "Times that a site failed and is left alone for a while.",
    ),
    metric(
        "rollcall_sync_site_pauses_total",
        Kind::Counter,
        &["sync"],
        &["product"],
        "Sites that were paused because they refuse our credentials.",
    ),
    metric(
        "rollcall_site_calls_total",
        Kind::Counter,
        &["sync", "api"],
        &["product", "operation", "status"],
        "Calls at sites; status none is no answer.",
    ),
    metric(
        "rollcall_site_call_seconds",
        Kind::Seconds,
        &["sync", "api"],
        &["product", "operation"],
        "How long calls at sites took.",
    ),
    metric(
        "rollcall_site_budget_wait_seconds",
        Kind::Seconds,
        &["sync", "api"],
        &["product"],
        "How long calls waited for a site's request budget.",
    ),
];

/// Gives each metric its help text.
pub(crate) fn describe() {
    for described in METRICS {
        match described.kind {
            Kind::Counter => describe_counter!(described.name, described.help),
            Kind::Gauge => describe_gauge!(described.name, described.help),
            Kind::Seconds => describe_histogram!(described.name, Unit::Seconds, described.help),
        }
    }
}
