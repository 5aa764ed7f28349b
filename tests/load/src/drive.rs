//! A closed loop: each connection sends its next request when it has the answer to the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::task::JoinSet;

use crate::figures::Latencies;
use crate::http::Client;

/// A request, and the status that its answer must have.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Bytes>,
    pub(crate) status: StatusCode,
}

/// What came of a drive.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
}

impl Driven {
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^53")]
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }
}

/// Drives all `clients` for `time`, with at most `limit` requests; `ask` makes the n-th request. An answer of another
/// status than was asked for ends everything: figures of failures would say nothing.
pub(crate) async fn drive(
    clients: &mut Vec<Client>,
    time: Duration,
    limit: u64,
    ask: impl Fn(u64) -> Asked + Send + Sync + 'static,
) -> anyhow::Result<Driven> {
    let (ask, next) = (Arc::new(ask), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for mut client in clients.drain(..) {
        let (ask, next) = (Arc::clone(&ask), Arc::clone(&next));
        workers.spawn(async move {
            let mut latencies = Latencies::default();
            while started.elapsed() < time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= limit {
                    break;
                }
                latencies.push(send(&mut client, &ask(number)).await?);
            }
            anyhow::Ok((client, latencies))
        });
    }
    let mut latencies = Latencies::default();
    while let Some(done) = workers.join_next().await {
        let (client, some) = done.context("a connection of the load")??;
        latencies.append(some);
        clients.push(client);
    }
    Ok(Driven { requests: latencies.count(), elapsed: started.elapsed(), latencies })
}

/// Sends one request and says how long its answer took.
pub(crate) async fn send(client: &mut Client, asked: &Asked) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let (status, answer) = client.send(asked.method.clone(), &asked.path, asked.body.clone()).await?;
    let took = begun.elapsed();
    anyhow::ensure!(
        status == asked.status,
        "{} {}: {status}: {}",
        asked.method,
        asked.path,
        String::from_utf8_lossy(&answer[..answer.len().min(1_000)]),
    );
    Ok(took)
}
