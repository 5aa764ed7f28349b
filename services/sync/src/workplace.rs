//! What work on one task at one site needs, and the gate that each of its calls passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use atlassian::error::SiteError;
use policy::product::ProductRules;
use store::entity::{site, task};
use store::tasks::TaskEnd;
use store::tenant::TenantStore;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::connectors::ConnectedSite;
use crate::engine::Engine;
use crate::failure::{self, Circumstances, Consequence, SiteConsequence};
use crate::links::SiteLinks;

/// How work is told to end.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Nothing more is begun; an account that is worked on comes to rest after the current call.
    pub begin_nothing: CancellationToken,
    /// What still goes on is cut off.
    pub cut_off: CancellationToken,
}

/// What the workers at one site tell each other.
#[derive(Debug, Default)]
pub struct Signals {
    /// Set when the site itself failed: no more calls.
    failed: AtomicBool,
    /// Set when it gave an answer that shows that it works.
    answered: AtomicBool,
    /// Answers with status 500 since it last worked.
    internal_errors: AtomicU32,
    /// Whether our account may administer the site; asked when something was forbidden.
    administers: OnceCell<bool>,
}

impl Signals {
    /// Whether the site itself failed.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether the site has shown that it works.
    pub fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

/// What interrupts work.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// The site refused or did not answer.
    Site(SiteError),
    /// The database failed.
    Store(store::Error),
    /// The work is to come to rest: the site failed for another worker, the process stops, or the account
    /// was held long enough.
    PutOff,
}

impl From<SiteError> for Interruption {
    fn from(error: SiteError) -> Self {
        Self::Site(error)
    }
}

impl From<store::Error> for Interruption {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Everything that work on one task at one site needs.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// The engine.
    pub engine: Engine,
    /// The site's tenant.
    pub tenant: TenantStore,
    /// The site as it was when the task was claimed.
    pub site: Arc<site::Model>,
    /// Its connector.
    pub connected: Arc<ConnectedSite>,
    /// The links that feed it.
    pub links: Arc<SiteLinks>,
    /// What the workers at the site tell each other.
    pub signals: Arc<Signals>,
    /// How the work is told to end.
    pub stop: Stop,
    /// When it began.
    pub began: Instant,
}

impl Workplace {
    /// Makes a call at the site, unless the work is to come to rest.
    pub(crate) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, SiteError>>,
    ) -> Result<T, Interruption> {
        let Some(_turn) = self.connected.turn().await else { return Err(Interruption::PutOff) };
        let held_long = self.began.elapsed() > self.engine.options.account_lease / 2;
        if held_long || self.signals.failed() || self.stop.begin_nothing.is_cancelled() {
            return Err(Interruption::PutOff);
        }
        let answer = call.await;
        if let Err(error) = &answer {
            self.connected.note(error);
        }
        if answer.as_ref().err().is_none_or(SiteError::is_refusal) {
            self.signals.answered.store(true, Ordering::Relaxed);
            self.signals.internal_errors.store(0, Ordering::Relaxed);
        }
        Ok(answer?)
    }

    /// Rules that the product itself sets; a site that has to be asked for them is asked now and then.
    pub(crate) async fn rules(&self) -> Result<Arc<ProductRules>, Interruption> {
        match self.connected.known_rules() {
            Some(rules) => Ok(rules),
            None => self.call(self.connected.read_rules()).await,
        }
    }

    /// Whether a sentence is the last that was told of an object here: nightly runs would tell it again each time.
    pub(crate) async fn has_told(&self, task: &task::Model, summary: &str) -> store::Result<bool> {
        let last = self.tenant.timeline().last_at(task.object_id, task.site_id).await?;
        Ok(last.as_deref() == Some(summary))
    }

    /// Whether a refusal is of this one object, so that the next may well succeed.
    pub(crate) async fn is_objects_own(&self, error: &SiteError) -> bool {
        error.is_refusal() && !(is_forbidden(error) && self.is_barred().await)
    }

    /// Whether our account may not administer the site at all: asked once, and believed only when told.
    async fn is_barred(&self) -> bool {
        let asked = self.signals.administers.get_or_try_init(|| self.connected.connector.may_administer());
        asked.await.is_ok_and(|administers| !administers)
    }

    /// Notes what a failed call means for the site, and says what it means for the task.
    pub async fn judge(&self, error: &SiteError, task: &task::Model) -> store::Result<Consequence> {
        let internal_errors = match error {
            SiteError::Unavailable { status: Some(500), .. } => {
                self.signals.internal_errors.fetch_add(1, Ordering::Relaxed) + 1
            }
            _ => 0,
        };
        let circumstances = Circumstances {
            barred: is_forbidden(error) && self.is_barred().await,
            internal_errors,
            site_failures: failure::count(self.site.failures),
            now: self.tenant.now(),
        };
        let consequence =
            failure::judge(error, failure::count(task.attempts), &circumstances, &self.engine.options);
        self.tell_site(&consequence.site, error).await?;
        Ok(consequence)
    }

    /// Writes the consequence for the site down, and ends the queue's work if there is one.
    pub async fn tell_site(&self, consequence: &SiteConsequence, error: &SiteError) -> store::Result<()> {
        if *consequence != SiteConsequence::None {
            self.signals.failed.store(true, Ordering::Relaxed);
        }
        let (sites, site) = (self.tenant.sites(), &self.site);
        match consequence {
            SiteConsequence::None => Ok(()),
            SiteConsequence::BackOff(until) => {
                metrics::counter!("rollcall_sync_site_backoffs_total", "product" => self.connected.product())
                    .increment(1);
                sites.back_off(site.id, site.failures, *until, &error.to_string()).await
            }
            SiteConsequence::Pause => {
                metrics::counter!("rollcall_sync_site_pauses_total", "product" => self.connected.product())
                    .increment(1);
                tracing::warn!(site.id = %site.id, "site paused: it refuses our credentials");
                sites.pause(site.id, site.version, &error.to_string()).await
            }
        }
    }

    /// How a task ends whose work was put off: due again at once, when the site may be called again.
    pub(crate) fn later(&self, task: &task::Model) -> TaskEnd {
        let error = task.last_error.clone().unwrap_or_else(|| "Put off".to_owned());
        TaskEnd::Retry { due_at: self.tenant.now(), error, counts: false }
    }

    /// How a task ends that failed by itself and may succeed later.
    pub(crate) fn again(&self, task: &task::Model, error: &str) -> TaskEnd {
        let wait = self.engine.options.backoff.wait(failure::count(task.attempts).saturating_add(1));
        TaskEnd::Retry { due_at: self.tenant.now().plus(wait), error: error.to_owned(), counts: true }
    }

    /// How a task ends that the site, or the ledger, refuses as it stands.
    pub(crate) fn refused(&self, task: &task::Model, error: &str) -> TaskEnd {
        let wait = failure::refusal_wait(failure::count(task.attempts), &self.engine.options);
        TaskEnd::Refused { due_at: self.tenant.now().plus(wait), error: error.to_owned() }
    }
}

fn is_forbidden(error: &SiteError) -> bool {
    matches!(error, SiteError::Forbidden { .. })
}
