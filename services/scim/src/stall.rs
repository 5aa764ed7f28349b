//! Noticing that this process stood still: what waited in its sockets meanwhile was answered long ago, as having
//! failed, and may have been done elsewhere since. Doing it now would undo newer work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use proto::NOT_BEGUN;
use tokio::task::AbortHandle;

use crate::error::Failure;

/// How often the process shows itself that it runs.
const BEAT: Duration = Duration::from_millis(100);
/// A pause this long is a stall. It is shorter than any gateway waits before it gives a process up.
const STALL: Duration = Duration::from_secs(2);
/// How long after a stall what arrives may have been waiting.
const WARY: Duration = Duration::from_secs(2);

/// Whether this process runs without a pause; clones share what they know.
#[derive(Clone, Debug)]
pub struct StallWatch {
    progress: Arc<Progress>,
    _beats: Arc<Beats>,
}

#[derive(Debug)]
struct Progress {
    started: Instant,
    /// Milliseconds after `started`.
    last_beat: AtomicU64,
    wary_until: AtomicU64,
}

#[derive(Debug)]
struct Beats(AbortHandle);

impl Drop for Beats {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Default for StallWatch {
    /// Begins to watch; to be called within a runtime.
    fn default() -> Self {
        let started = Instant::now();
        let progress =
            Arc::new(Progress { started, last_beat: AtomicU64::new(0), wary_until: AtomicU64::new(0) });
        let beating = Arc::clone(&progress);
        let beats = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                beating.look(Instant::now(), true);
            }
        });
        Self { progress, _beats: Arc::new(Beats(beats.abort_handle())) }
    }
}

impl StallWatch {
    /// Whether a request that is read now may have been waiting while the process stood still.
    pub(crate) fn is_wary(&self) -> bool {
        self.progress.look(Instant::now(), false)
    }
}

impl Progress {
    /// Looks whether a stall ended just now; says whether we are wary.
    fn look(&self, now: Instant, beats: bool) -> bool {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = milliseconds(now.duration_since(self.started));
        let last = self.last_beat.load(Ordering::SeqCst);
        if now.saturating_sub(last) >= milliseconds(STALL) {
            let until = self.wary_until.fetch_max(now + milliseconds(WARY), Ordering::SeqCst);
            if until < now {
                tracing::warn!(
                    stood_still_ms = now - last,
                    "the process stood still; requests are refused for a moment"
                );
            }
        }
        if beats {
            self.last_beat.fetch_max(now, Ordering::SeqCst);
        }
        now < self.wary_until.load(Ordering::SeqCst)
    }
}

/// A router whose requests are refused, as not begun, while the process may have stood still.
pub fn guarded(router: Router, stalls: StallWatch) -> Router {
    router.layer(axum::middleware::from_fn_with_state(stalls, refuse_while_wary))
}

async fn refuse_while_wary(State(stalls): State<StallWatch>, request: Request, next: Next) -> Response {
    if !stalls.is_wary() {
        return next.run(request).await;
    }
    let mut response = Failure::Unavailable.into_response();
    response.headers_mut().insert(NOT_BEGUN, HeaderValue::from_static("stalled"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_makes_wary_for_a_while_whoever_notices_it_first() {
        for beat_first in [false, true] {
            let started = Instant::now();
            let state = Progress { started, last_beat: AtomicU64::new(0), wary_until: AtomicU64::new(0) };
            let at = |seconds: f64| started + Duration::from_secs_f64(seconds);
            for step in 0..20 {
                assert!(!state.look(at(f64::from(step) * 0.1), true));
            }
            assert!(!state.look(at(3.8), false), "a slow moment");
            assert!(state.look(at(10.0), beat_first));
            assert!(state.look(at(10.1), true));
            assert!(state.look(at(11.9), false));
            state.look(at(11.9), true);
            assert!(!state.look(at(12.2), false));
        }
    }
}
