//! How long to wait after a failure: exponential with jitter, so that many waiters spread out.

use std::time::Duration;

use rand::RngExt as _;

/// The steps between failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_mins(5) }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (1 for the first): between half of and the whole doubled
    /// step.
    pub fn wait(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_limit_and_is_jittered() {
        let backoff = Backoff::default();
        assert_eq!(backoff.ceiling(1), Duration::from_millis(500));
        assert_eq!(backoff.ceiling(4), Duration::from_secs(4));
        assert_eq!(backoff.ceiling(1_000), backoff.longest);
        for failures in 1..30 {
            let waited = backoff.wait(failures);
            assert!(waited >= backoff.ceiling(failures) / 2 && waited <= backoff.ceiling(failures));
        }
    }
}
