//! An open loop: requests are sent at a fixed rate, whatever becomes of those before, and a latency counts from the
//! moment when the request was due. A server that stands still is seen to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::StatusCode;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::drive::Asked;
use crate::figures::Latencies;
use crate::http::Client;

/// Connections of one stream of requests: more than are ever at work at once.
const CONNECTIONS: u64 = 64;

/// How fast, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) per_second: u64,
    pub(crate) time: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Paced {
    /// Of those that were answered as asked.
    pub(crate) latencies: Latencies,
    /// Told to come back later.
    pub(crate) refused: u64,
}

/// Sends requests in this rhythm: `ask` makes the n-th, with its token.
pub(crate) async fn pace(
    address: SocketAddr,
    pace: Pace,
    ask: impl Fn(u64) -> (String, Asked) + Send + Sync + 'static,
) -> anyhow::Result<Paced> {
    let ask = Arc::new(ask);
    let count = pace.per_second * pace.time.as_secs();
    let connections = CONNECTIONS.min(count);
    let started = Instant::now() + Duration::from_millis(100);
    let mut senders = JoinSet::new();
    for first in 0..connections {
        let ask = Arc::clone(&ask);
        let mut client = Client::connect(address, "none").await?;
        senders.spawn(async move {
            let mut paced = Paced::default();
            for number in (first..count).step_by(usize::try_from(connections)?) {
                let due = started
                    + Duration::from_secs(1) * u32::try_from(number)? / u32::try_from(pace.per_second)?;
                let (token, asked) = ask(number);
                client.authorize(&token)?;
                tokio::time::sleep_until(due).await;
                let (status, answer) =
                    client.send(asked.method.clone(), &asked.path, asked.body.clone()).await?;
                match status {
                    status if status == asked.status => paced.latencies.push(due.elapsed()),
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => paced.refused += 1,
                    status => {
                        let text = String::from_utf8_lossy(&answer[..answer.len().min(1_000)]);
                        anyhow::bail!("{} {}: {status}: {text}", asked.method, asked.path);
                    }
                }
            }
            anyhow::Ok(paced)
        });
    }
    let mut all = Paced::default();
    while let Some(done) = senders.join_next().await {
        let some = done.context("a connection of the load")??;
        all.latencies.append(some.latencies);
        all.refused += some.refused;
    }
    Ok(all)
}
