//! What Kubernetes and Prometheus ask: served on an address of its own, never to the public.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use store::Store;
use store::entity::words::TaskState;
use telemetry::Metrics;

/// How long the database may take before we are not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the backlog is counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// What health is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Internal {
    /// `None`: a gateway alone, which is ready whatever becomes of the cells, as its answer is better than none.
    pub(crate) store: Option<Store>,
    pub(crate) metrics: Option<Metrics>,
    /// Set when the process stops: no new traffic, please.
    pub(crate) draining: Arc<AtomicBool>,
}

pub(crate) fn router(internal: Internal) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(internal)
}

async fn ready(State(internal): State<Internal>) -> impl IntoResponse {
    if internal.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    let Some(store) = &internal.store else { return (StatusCode::OK, "ready\n") };
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n"),
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer in time\n"),
    }
}

async fn metrics(State(internal): State<Internal>) -> impl IntoResponse {
    let text = internal.metrics.map(|metrics| metrics.render()).unwrap_or_default();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// Counts the backlog now and then; returns only when dropped.
pub(crate) async fn count_backlog(store: Store) {
    let mut interval = tokio::time::interval(COUNT_EVERY);
    loop {
        interval.tick().await;
        let totals = match store.backlog_by_state().await {
            Ok(totals) => totals,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "backlog not counted");
                continue;
            }
        };
        match store.ending_credentials().await {
            Ok(ending) => {
                for (kind, ending) in [("token", ending.tokens), ("key", ending.keys)] {
                    #[expect(clippy::cast_precision_loss, reason = "a count of rows is far below 2^53")]
                    metrics::gauge!("rollcall_credentials_ending", "kind" => kind).set(ending as f64);
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "credentials that end were not counted");
            }
        }
        for (state, name) in
            [(TaskState::Ready, "ready"), (TaskState::Failed, "failed"), (TaskState::Held, "held")]
        {
            let total = totals.iter().find(|total| total.state == state);
            let age = total.map_or(0.0, |total| store.clock().now().since(total.oldest).as_secs_f64());
            #[expect(clippy::cast_precision_loss, reason = "a count of rows is far below 2^53")]
            let count = total.map_or(0.0, |total| total.n as f64);
            metrics::gauge!("rollcall_tasks", "state" => name).set(count);
            metrics::gauge!("rollcall_oldest_task_age_seconds", "state" => name).set(age);
        }
    }
}
