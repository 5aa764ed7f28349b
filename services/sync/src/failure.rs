//! What a site's no means: for the task that met it, and for everything else that waits for that site.

use std::time::Duration;

use atlassian::error::SiteError;
use store::clock::Timestamp;
use store::tasks::TaskEnd;

use crate::backoff::Backoff;
use crate::engine::EngineOptions;

/// Answers with status 500 in a row after which the site is to blame, and not the objects.
const INTERNAL_ERRORS: u32 = 5;

/// Consequences of a failed call.
#[derive(Debug, PartialEq, Eq)]
pub struct Consequence {
    /// How the task ends.
    pub end: TaskEnd,
    /// What happens to the whole site.
    pub site: SiteConsequence,
    /// Whether the change may have been made all the same.
    pub in_doubt: bool,
}

/// What a failed call means for the whole site.
#[derive(Debug, PartialEq, Eq)]
pub enum SiteConsequence {
    /// Nothing: the failure is the object's own.
    None,
    /// No call before this instant.
    BackOff(Timestamp),
    /// No call until an admin resumes it: more log-ins with bad credentials would lock the account out.
    Pause,
}

/// What a failure is judged by, besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Whether our account may not administer the site at all.
    pub barred: bool,
    /// Answers with status 500 in a row, this one included.
    pub internal_errors: u32,
    /// How often the site itself failed in a row before.
    pub site_failures: u32,
    /// Now.
    pub now: Timestamp,
}

/// Judges a failure of a task that failed `attempts` times before.
pub fn judge(
    error: &SiteError,
    attempts: u32,
    circumstances: &Circumstances,
    options: &EngineOptions,
) -> Consequence {
    let Circumstances { now, site_failures, .. } = *circumstances;
    let text = error.to_string();
    let in_doubt = error.outcome_unknown();
    let again = |due_at, counts| TaskEnd::Retry { due_at, error: text.clone(), counts };
    if error.pauses_site() || circumstances.barred {
        return Consequence { end: again(now, false), site: SiteConsequence::Pause, in_doubt };
    }
    if !error.retryable() {
        let wait = match error {
            // The name may be about to become free: another account is being renamed.
            SiteError::AlreadyExists { .. } | SiteError::Rejected { status: 409, .. } => {
                refusal_wait(attempts, options)
            }
            _ => options.refused_wait,
        };
        let end = TaskEnd::Refused { due_at: now.plus(wait), error: text };
        return Consequence { end, site: SiteConsequence::None, in_doubt };
    }
    let own_wait = options.backoff.wait(attempts.saturating_add(1));
    if error.concerns_site() || circumstances.internal_errors >= INTERNAL_ERRORS {
        let site_wait = || options.backoff.wait(site_failures.saturating_add(1));
        // Products send whole seconds, 0 included.
        let wait = error.retry_after().unwrap_or_else(site_wait).max(Duration::from_millis(50));
        let until = now.plus(wait);
        // Where the call was under way, the object may be what brings the site down: then it must not be
        // the first again and again.
        let end = if in_doubt { again(until.max(now.plus(own_wait)), true) } else { again(until, false) };
        return Consequence { end, site: SiteConsequence::BackOff(until), in_doubt };
    }
    let wait = error.retry_after().map_or(own_wait, |asked| asked.max(own_wait));
    Consequence { end: again(now.plus(wait), true), site: SiteConsequence::None, in_doubt }
}

/// How long something waits that is refused because of something else that may change soon.
pub fn refusal_wait(attempts: u32, options: &EngineOptions) -> Duration {
    let backoff = Backoff { longest: options.refused_wait, ..options.backoff };
    backoff.wait(attempts.saturating_add(1))
}

/// A count of a row, which is never negative.
pub fn count(before: i32) -> u32 {
    u32::try_from(before).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use atlassian::http::HttpSettings;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn judged(error: &SiteError, circumstances: Circumstances) -> Consequence {
        judge(error, 0, &circumstances, &EngineOptions::new(HttpSettings::default()))
    }

    fn calm() -> Circumstances {
        Circumstances { barred: false, internal_errors: 0, site_failures: 0, now: NOW }
    }

    fn unavailable(status: u16) -> SiteError {
        SiteError::Unavailable { status: Some(status), retry_after: None, detail: "x".into() }
    }

    #[test]
    fn wait_that_the_site_asks_for_is_the_sites_and_no_failure_of_the_task() {
        let error = SiteError::RateLimited { retry_after: Some(Duration::from_secs(7)) };
        let until = NOW.plus(Duration::from_secs(7));
        let consequence = judged(&error, calm());
        assert_eq!(consequence.site, SiteConsequence::BackOff(until));
        assert!(matches!(consequence.end, TaskEnd::Retry { due_at, counts: false, .. } if due_at == until));
        assert!(!consequence.in_doubt);
    }

    #[test]
    fn single_internal_error_is_the_objects_and_many_in_a_row_are_the_sites() {
        let alone = judged(&unavailable(500), Circumstances { internal_errors: 1, ..calm() });
        assert_eq!(alone.site, SiteConsequence::None);
        let many = judged(&unavailable(500), Circumstances { internal_errors: INTERNAL_ERRORS, ..calm() });
        assert!(matches!(many.site, SiteConsequence::BackOff(_)));
    }

    #[test]
    fn forbidden_is_the_objects_unless_our_account_is_barred() {
        let error = SiteError::Forbidden { detail: "x".into() };
        let own = judged(&error, calm());
        assert!(matches!(own.end, TaskEnd::Refused { .. }));
        assert_eq!(own.site, SiteConsequence::None);
        let barred = judged(&error, Circumstances { barred: true, ..calm() });
        assert_eq!(barred.site, SiteConsequence::Pause);
        assert!(matches!(barred.end, TaskEnd::Retry { counts: false, .. }));
    }

    #[test]
    fn object_whose_call_met_the_failure_of_the_site_has_failed_too() {
        let consequence = judged(&unavailable(503), calm());
        assert!(matches!(consequence.site, SiteConsequence::BackOff(_)));
        assert!(matches!(consequence.end, TaskEnd::Retry { counts: true, .. }));
        assert!(consequence.in_doubt);
    }
}
