//! Waking the sync workers of other processes through Redis: what is lost there is found by the next look at the
//! database.

use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::ConnectionManager;
use redis::{AsyncTypedCommands as _, RedisResult};
use store::Store;

const CHANNEL: &str = "rollcall:marked";
/// Wake-ups are at least this far apart.
const PAUSE: Duration = Duration::from_millis(10);
/// How long Redis is left alone after it failed.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// Tells other processes of tasks that were marked here; returns only when dropped.
pub(crate) async fn tell(store: Store, mut redis: ConnectionManager) {
    loop {
        store.marked_for_others().await;
        match redis.publish(CHANNEL, "").await {
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, "other processes were not woken through Redis");
                tokio::time::sleep(LEFT_ALONE).await;
            }
        }
    }
}

/// Wakes this process's workers when another one marked tasks; returns only when dropped.
pub(crate) async fn listen(store: Store, redis: redis::Client) {
    loop {
        if let Err(error) = listen_once(&store, &redis).await {
            tracing::warn!(%error, "Redis does not wake this process");
        }
        tokio::time::sleep(LEFT_ALONE).await;
    }
}

async fn listen_once(store: &Store, redis: &redis::Client) -> RedisResult<()> {
    let mut subscription = redis.get_async_pubsub().await?;
    subscription.subscribe(CHANNEL).await?;
    tracing::info!("woken through Redis");
    // What was marked while nobody listened.
    store.wake();
    let mut messages = subscription.on_message();
    while messages.next().await.is_some() {
        store.wake();
    }
    Ok(())
}
