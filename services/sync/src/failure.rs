//! What a site's no means: for the task that met it, and for everything else that waits for that site.

use std::time::Duration;

use atlassian::error::SiteError;
use store::clock::Timestamp;
use store::entity::{site, task};
use store::id::SiteId;
use store::tasks::TaskEnd;
use store::tenant::TenantStore;

use crate::backoff;

/// How seldom an object is tried again that the site refuses as it is.
const REFUSED_WAIT: Duration = Duration::from_secs(3600);

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

/// Judges a failure. `failures` is how often the site itself failed in a row before.
pub fn judge(error: &SiteError, task: &task::Model, site: &site::Model, now: Timestamp) -> Consequence {
    let text = error.to_string();
    let retry = |due_at, counts| TaskEnd::Retry { due_at, error: text.clone(), counts };
    let in_doubt = error.outcome_unknown();
    if error.pauses_site() {
        return Consequence { end: retry(now, false), site: SiteConsequence::Pause, in_doubt };
    }
    if let SiteError::RateLimited { .. } = error {
        // Whole seconds are what products send; a little more keeps clocks that differ from meeting it.
        let wait = error.retry_after().unwrap_or_else(|| backoff::wait(count(site.failures)));
        let until = now.plus(wait.max(Duration::from_millis(50)));
        return Consequence { end: retry(until, false), site: SiteConsequence::BackOff(until), in_doubt };
    }
    if !error.retryable() {
        let end = TaskEnd::Refused { due_at: now.plus(REFUSED_WAIT), error: text };
        return Consequence { end, site: SiteConsequence::None, in_doubt };
    }
    let own_wait = backoff::wait(count(task.attempts));
    if error.concerns_site() {
        let wait = error.retry_after().unwrap_or_else(|| backoff::wait(count(site.failures)));
        let until = now.plus(wait);
        return Consequence { end: retry(until, false), site: SiteConsequence::BackOff(until), in_doubt };
    }
    let wait = error.retry_after().map_or(own_wait, |asked| asked.max(own_wait));
    Consequence { end: retry(now.plus(wait), true), site: SiteConsequence::None, in_doubt }
}

fn count(before: i32) -> u32 {
    u32::try_from(before).unwrap_or(0).saturating_add(1)
}

/// Writes the consequence for the site down.
pub async fn tell_site(
    tenant: &TenantStore,
    site: SiteId,
    consequence: &SiteConsequence,
    error: &SiteError,
) -> store::Result<()> {
    match consequence {
        SiteConsequence::None => Ok(()),
        SiteConsequence::BackOff(until) => tenant.sites().back_off(site, *until, &error.to_string()).await,
        SiteConsequence::Pause => {
            tracing::warn!(site.id = %site, "site paused: it refuses our credentials");
            tenant.sites().pause(site, &error.to_string()).await
        }
    }
}
