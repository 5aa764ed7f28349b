//! How long to wait after a failure: exponential with full jitter, so that many waiters spread out.

use std::time::Duration;

use rand::RngExt as _;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(300);

/// The wait after `failures` failures in a row (1 for the first): between half of and the whole doubled
/// step, at most five minutes.
pub fn wait(failures: u32) -> Duration {
    let step = ceiling(failures);
    step.mul_f64(rand::rng().random_range(0.5..=1.0))
}

fn ceiling(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_limit_and_is_jittered() {
        assert_eq!(ceiling(1), Duration::from_millis(500));
        assert_eq!(ceiling(4), Duration::from_secs(4));
        assert_eq!(ceiling(1_000), LONGEST);
        for failures in 1..30 {
            let waited = wait(failures);
            assert!(waited >= ceiling(failures) / 2 && waited <= ceiling(failures));
        }
    }
}
