//! The token bucket by which Atlassian's Data Center products limit requests.

use tokio::time::Instant;

use crate::faults::RateLimit;

/// One account's bucket: `burst` tokens when full, refilled steadily.
#[derive(Clone, Debug)]
pub(crate) struct TokenBucket {
    tokens: f64,
    filled_at: Instant,
}

/// What the bucket says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether the request may pass.
    pub(crate) admitted: bool,
    /// Whole tokens left after it.
    pub(crate) remaining: u64,
    /// Whole seconds until there is a token again; 0 while there is one.
    pub(crate) retry_after_seconds: u64,
}

impl TokenBucket {
    /// Returns a full bucket.
    pub(crate) fn full(limit: RateLimit, now: Instant) -> Self {
        Self { tokens: f64::from(limit.burst), filled_at: now }
    }

    /// Refills the bucket up to `now` and takes a token if there is one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "tokens and waiting times are small and never negative"
    )]
    pub(crate) fn take(&mut self, limit: RateLimit, now: Instant) -> Reading {
        let refill = now.duration_since(self.filled_at).as_secs_f64() * limit.per_second;
        self.tokens = (self.tokens + refill).min(f64::from(limit.burst));
        self.filled_at = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        let missing = (1.0 - self.tokens).max(0.0);
        let retry_after_seconds =
            if missing > 0.0 { (missing / limit.per_second).ceil().min(3_600.0) as u64 } else { 0 };
        Reading { admitted, remaining: self.tokens as u64, retry_after_seconds }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::TokenBucket;
    use crate::faults::RateLimit;

    #[test]
    fn bucket_empties_tells_the_wait_and_refills_up_to_its_size() {
        let limit = RateLimit { burst: 2, per_second: 0.5 };
        let start = Instant::now();
        let mut bucket = TokenBucket::full(limit, start);
        assert!(bucket.take(limit, start).admitted);
        let last = bucket.take(limit, start);
        assert!(last.admitted);
        assert_eq!((last.remaining, last.retry_after_seconds), (0, 2));
        assert!(!bucket.take(limit, start + Duration::from_secs(1)).admitted);
        assert!(bucket.take(limit, start + Duration::from_secs(2)).admitted);
        assert_eq!(bucket.take(limit, start + Duration::from_mins(15)).remaining, 1);
    }
}
