//! How many requests a site grants us, as its answers tell, and waiting for a turn instead of being refused.
//!
//! Atlassian's Data Center products have a token bucket for each account and say in every answer how large it
//! is, what is left, and how fast it fills (Jira, Confluence and Bitbucket administration, "Rate limiting"). The
//! bucket is our own account's: people have theirs, so that using all of ours takes nothing from them. A site
//! that tells nothing is not paced; it may still close for a while by 429 or 503 with `Retry-After`. The Cloud's products
//! do not say how fast their buckets fill, but when nothing is left and until when.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::retry_after::{LONGEST, retry_after, used_up};
use crate::error::SiteError;

/// A call that would wait longer than this is refused instead, so that whoever makes it can put the work off
/// rather than hold an account meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Tokens that are left in a bucket with room for them: answers can overtake one another, and then the older reading is
/// one too high for each that did. As many calls are under way at once.
const SPARE: f64 = 4.0;

/// What a site said that it grants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grant {
    /// Requests that can be made at once after a rest.
    pub size: f64,
    /// Requests a second in the long run.
    pub per_second: f64,
}

/// One site's budget, shared by all who call it through one connector. Answers keep it up to date.
#[derive(Debug, Default)]
pub struct Budget {
    bucket: Mutex<Bucket>,
    /// Whoever waits here waits in the order of arrival.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Bucket {
    grant: Option<Grant>,
    tokens: f64,
    filled_at: Option<Instant>,
    /// Requests sent and not answered yet.
    under_way: u32,
    /// When the request was sent whose answer the tokens are from, and when that answer came.
    told_by: Option<(Instant, Instant)>,
    closed_until: Option<Instant>,
}

/// A request that may be sent now.
#[derive(Debug)]
pub(super) struct Passage<'b> {
    budget: &'b Budget,
    sent_at: Instant,
}

impl Budget {
    /// What the site said that it grants, if it did.
    pub fn grant(&self) -> Option<Grant> {
        self.bucket().grant
    }

    /// Waits for the turn to send a request. [`SiteError::RateLimited`] when that would take too long.
    pub(super) async fn pass(&self) -> Result<Passage<'_>, SiteError> {
        let turn = self.turn.lock().await;
        loop {
            let wait = self.bucket().wait(Instant::now());
            if wait.is_zero() {
                break;
            }
            if wait > LONGEST_WAIT {
                return Err(SiteError::RateLimited { retry_after: Some(wait) });
            }
            tokio::time::sleep(wait).await;
        }
        let sent_at = Instant::now();
        self.bucket().take();
        drop(turn);
        Ok(Passage { budget: self, sent_at })
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// Takes note of what the answer says.
    pub(super) fn answered(self, status: StatusCode, headers: &HeaderMap) {
        self.budget.bucket().learn(self.sent_at, Instant::now(), status, headers);
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let mut bucket = self.budget.bucket();
        bucket.under_way = bucket.under_way.saturating_sub(1);
    }
}

impl Bucket {
    /// How long until a request may be sent.
    fn wait(&mut self, now: Instant) -> Duration {
        let closed = self.closed_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let Some(grant) = self.grant else { return closed };
        self.fill(grant, now);
        let missing = 1.0 + grant.spare() - self.tokens;
        // The site may have been misunderstood, or limits nothing any more: it is asked again after a time.
        let unsure_in = self
            .told_by
            .map_or(Duration::ZERO, |(_, came_at)| (came_at + LONGEST).saturating_duration_since(now));
        let refill =
            if missing > 0.0 { (missing / grant.per_second).min(unsure_in.as_secs_f64()) } else { 0.0 };
        // Rounded up, as a timer may not wake before.
        closed.max(Duration::from_secs_f64((refill * 1_000.0).ceil() / 1_000.0))
    }

    fn fill(&mut self, grant: Grant, now: Instant) {
        let since = self.filled_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.tokens = since.as_secs_f64().mul_add(grant.per_second, self.tokens).min(grant.size);
        self.filled_at = Some(now);
    }

    fn take(&mut self) {
        self.tokens -= 1.0;
        self.under_way += 1;
    }

    fn learn(&mut self, sent_at: Instant, now: Instant, status: StatusCode, headers: &HeaderMap) {
        let refused = status == StatusCode::TOO_MANY_REQUESTS;
        if refused || status == StatusCode::SERVICE_UNAVAILABLE {
            let until = retry_after(headers).map(|wait| now + wait);
            self.closed_until = self.closed_until.max(until);
        }
        let until = used_up(headers).map(|wait| now + wait);
        self.closed_until = self.closed_until.max(until);
        let Some((grant, remaining)) = told(headers) else { return };
        self.grant = Some(grant);
        // What an earlier request was told is older news.
        if self.told_by.is_some_and(|(told_by, _)| sent_at < told_by) {
            return;
        }
        self.told_by = Some((sent_at, now));
        self.filled_at = Some(now);
        // This one is counted in what remains; the others that are under way may not be.
        self.tokens = remaining - f64::from(self.under_way.saturating_sub(1));
    }
}

impl Grant {
    fn spare(self) -> f64 {
        (self.size / 10.0).floor().min(SPARE)
    }
}

/// The bucket, and the tokens that are left in it. `None` when an answer does not say everything.
fn told(headers: &HeaderMap) -> Option<(Grant, f64)> {
    let number = |name: &str| -> Option<f64> {
        let text = headers.get(name)?.to_str().ok()?.trim();
        text.parse::<u32>().ok().map(f64::from)
    };
    let size = number("x-ratelimit-limit")?;
    let remaining = number("x-ratelimit-remaining")?;
    let per_second = number("x-ratelimit-fillrate")? / number("x-ratelimit-interval-seconds")?;
    // A bucket that never fills, or has no room, would silence the site for ever: then it is left to say 429.
    (size >= 1.0 && per_second.is_finite() && per_second > 0.0)
        .then_some((Grant { size, per_second }, remaining))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(limit: u32, remaining: u32, fill_rate: u32, interval: u32) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
        headers.insert("x-ratelimit-fillrate", HeaderValue::from(fill_rate));
        headers.insert("x-ratelimit-interval-seconds", HeaderValue::from(interval));
        headers
    }

    async fn ask(budget: &Budget, headers: &HeaderMap) {
        budget.pass().await.unwrap().answered(StatusCode::OK, headers);
    }

    #[tokio::test(start_paused = true)]
    async fn a_site_that_tells_nothing_is_not_paced() {
        let budget = Budget::default();
        let start = Instant::now();
        for _ in 0..10_000 {
            ask(&budget, &HeaderMap::new()).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(budget.grant(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_wait_for_the_bucket_to_fill() {
        let budget = Budget::default();
        ask(&budget, &headers(5, 1, 2, 1)).await;
        assert_eq!(budget.grant(), Some(Grant { size: 5.0, per_second: 2.0 }));
        let start = Instant::now();
        for _ in 0..5 {
            drop(budget.pass().await.unwrap());
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2), "one at once, then one each half second");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_under_way_count_until_they_are_answered() {
        let budget = Budget::default();
        let first = budget.pass().await.unwrap();
        tokio::time::advance(Duration::from_millis(1)).await;
        let second = budget.pass().await.unwrap();
        second.answered(StatusCode::OK, &headers(5, 1, 1, 1));
        let start = Instant::now();
        drop(budget.pass().await.unwrap());
        assert_eq!(start.elapsed(), Duration::from_secs(1), "the one that remained may be the first's");
        // The first request's answer is older news than the second's.
        first.answered(StatusCode::OK, &headers(5, 5, 1, 1));
        drop(budget.pass().await.unwrap());
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn after_429_nothing_is_sent_until_the_site_says_so() {
        let budget = Budget::default();
        let mut refusal = HeaderMap::new();
        refusal.insert("retry-after", HeaderValue::from(3));
        let start = Instant::now();
        budget.pass().await.unwrap().answered(StatusCode::TOO_MANY_REQUESTS, &refusal);
        drop(budget.pass().await.unwrap());
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        refusal.insert("retry-after", HeaderValue::from(60));
        budget.pass().await.unwrap().answered(StatusCode::SERVICE_UNAVAILABLE, &refusal);
        let refused = budget.pass().await.unwrap_err();
        assert_eq!(refused.retry_after(), Some(Duration::from_mins(1)), "too long to hold an account for");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_goes_in_the_order_of_arrival_and_ends_with_whoever_gives_up() {
        let budget = std::sync::Arc::new(Budget::default());
        ask(&budget, &headers(1, 0, 1, 1)).await;
        let order = std::sync::Arc::new(Mutex::new(Vec::new()));
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..4 {
            let (budget, order) = (budget.clone(), order.clone());
            let handle = waiting.spawn(async move {
                drop(budget.pass().await.unwrap());
                order.lock().unwrap().push(number);
            });
            tokio::task::yield_now().await;
            if number == 1 {
                handle.abort();
            }
        }
        while waiting.join_next().await.is_some() {}
        assert_eq!(*order.lock().unwrap(), [0, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_silences_a_site_for_an_hour_at_the_most() {
        let budget = Budget::default();
        ask(&budget, &headers(1, 0, 1, u32::MAX)).await;
        let wait = budget.pass().await.unwrap_err().retry_after().unwrap();
        assert_eq!(wait, LONGEST);
        tokio::time::advance(LONGEST).await;
        for _ in 0..3 {
            ask(&budget, &HeaderMap::new()).await;
        }
    }

    #[test]
    fn a_bucket_that_cannot_be_is_not_believed() {
        assert_eq!(told(&headers(0, 0, 1, 1)), None);
        assert_eq!(told(&headers(5, 1, 0, 1)), None);
        assert_eq!(told(&headers(5, 1, 1, 0)), None);
        let mut partly = headers(5, 1, 1, 1);
        partly.insert("x-ratelimit-remaining", HeaderValue::from_static("-1"));
        assert_eq!(told(&partly), None);
    }
}
