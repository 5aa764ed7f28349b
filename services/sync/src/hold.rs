//! Working on what is held for a time only.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tokio::time::Instant;

/// Goes on with `work` until `until`, by the clock and not by a timer's turn: a process that was stopped for a while
/// finds its answers waiting and its timers late, and must not do one more step for what others hold by then. `None`
/// when the time was over.
pub(crate) async fn while_held<T>(until: Instant, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut over = pin!(tokio::time::sleep_until(until));
    std::future::poll_fn(|context| {
        if Instant::now() >= until || over.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_ends_within_the_time_or_not_at_all() {
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(while_held(soon, async { 1 }).await, Some(1));
        assert_eq!(while_held(soon, std::future::pending::<()>()).await, None);
        assert!(Instant::now() >= soon);
    }

    #[tokio::test]
    async fn whoever_wakes_late_does_not_do_one_more_step() {
        let (tell, told) = tokio::sync::oneshot::channel();
        let until = Instant::now() + Duration::from_millis(20);
        let work = tokio::spawn(while_held(until, async move { told.await.unwrap() }));
        tokio::task::yield_now().await;
        // As a stopped process does: the whole thread stands still, and then the answer is there at once.
        std::thread::sleep(Duration::from_millis(40));
        tell.send(()).unwrap();
        assert_eq!(work.await.unwrap(), None);
    }
}
