//! Who works where: one queue per site that has something due, so that a slow site holds back nobody.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atlassian::http::HttpSettings;
use policy::settings::LinkSettings;
use store::Store;
use store::clock::Timestamp;
use store::sites::DueSite;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::connectors::Connectors;
use crate::site::SiteQueue;
use crate::workplace::Stop;

/// Looks for due tasks are at least this far apart, however many marks are made: a directory that takes in
/// thousands of changes a second must not be asked after each.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Runs begun by themselves at one look.
const DUE_RUNS: u64 = 100;

/// How long writing down may take what was cut off.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How the engine works.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Accounts and groups worked on at one site at a time.
    pub concurrency: usize,
    /// How long a claimed task stays ours without renewal.
    pub lease: Duration,
    /// How long an account may be held. Work on one is put off after half of it, and cut off after five
    /// sixths, so that two workers never act on one account.
    pub account_lease: Duration,
    /// How often the database is asked for due tasks when nothing woke us: marks made by other
    /// processes, retries that fall due.
    pub poll_interval: Duration,
    /// From how many accounts of a link on a run reads the site's lists before it asks for one by one.
    pub survey_from: u64,
    /// Calls that the lists may cost in any case. They are given up when they have cost more than that, and half of what
    /// asking for each account would.
    pub survey_calls: u64,
    /// How often a run is looked at whose objects are worked off.
    pub run_interval: Duration,
    /// How often is looked for runs that are to begin by themselves.
    pub schedule_interval: Duration,
    /// Waits after failures, of a site and of one object.
    pub backoff: Backoff,
    /// How seldom an object is tried again that the site refuses as it is.
    pub refused_wait: Duration,
    /// How long a site that may show the past takes to show an account whose creation was left in doubt.
    pub shown_within: Duration,
    /// How long work that is begun may go on after we were told to stop; then it is cut off, and looked at
    /// again by whoever comes next.
    pub drain_limit: Duration,
    /// Limits and rules of outgoing HTTP.
    pub http: HttpSettings,
}

impl EngineOptions {
    /// Defaults: 4 at a time, leases of 60 s and 180 s, a look twice a second, 20 s to come to an end.
    pub fn new(http: HttpSettings) -> Self {
        Self {
            concurrency: 4,
            lease: Duration::from_mins(1),
            account_lease: Duration::from_mins(3),
            poll_interval: Duration::from_millis(500),
            survey_from: 200,
            survey_calls: 100,
            run_interval: Duration::from_secs(1),
            schedule_interval: Duration::from_secs(5),
            backoff: Backoff::default(),
            refused_wait: Duration::from_hours(1),
            shown_within: Duration::from_mins(1),
            drain_limit: Duration::from_secs(20),
            http,
        }
    }
}

/// One process's share of the work. Replicas need no coordinator: they claim from the same tables.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) options: Arc<EngineOptions>,
    pub(crate) connectors: Connectors,
    /// This process among its replicas.
    pub(crate) worker: Uuid,
}

impl Engine {
    /// An engine over a store.
    pub fn new(store: Store, options: EngineOptions) -> Self {
        let connectors = Connectors::new(options.http.clone());
        Self::with_connectors(store, options, connectors)
    }

    /// The same, sharing connectors and with them each site's budget.
    pub fn with_connectors(store: Store, options: EngineOptions, connectors: Connectors) -> Self {
        Self { store, options: Arc::new(options), connectors, worker: Uuid::now_v7() }
    }

    /// Works until `cancel`; then finishes what is begun, within [`EngineOptions::drain_limit`], and gives
    /// the rest back.
    pub async fn run(&self, cancel: CancellationToken) {
        let stop = Stop { begin_nothing: cancel.clone(), cut_off: CancellationToken::new() };
        let drained = async {
            tokio::join!(self.work(&stop), self.mark(&cancel), self.keep_schedules(&cancel));
        };
        let limit = async {
            cancel.cancelled().await;
            tokio::time::sleep(self.options.drain_limit).await;
            stop.cut_off.cancel();
            // What was cut off is still to be written down.
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = drained => {}
            () = limit => {}
        }
    }

    /// Keeps a queue going for each site that has something due.
    async fn work(&self, stop: &Stop) {
        let busy = BusySites::default();
        let mut queues = JoinSet::new();
        while !stop.begin_nothing.is_cancelled() {
            if let Err(error) = self.start_queues(&busy, &mut queues, stop).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "due tasks not read");
            }
            tokio::select! {
                () = stop.begin_nothing.cancelled() => {}
                () = self.store.task_marked() => tokio::time::sleep(SHORTEST_PAUSE).await,
                () = tokio::time::sleep(self.options.poll_interval) => {}
            }
            while let Some(ended) = queues.try_join_next() {
                report(ended);
            }
        }
        while let Some(ended) = queues.join_next().await {
            report(ended);
        }
    }

    async fn start_queues(
        &self,
        busy: &BusySites,
        queues: &mut JoinSet<()>,
        stop: &Stop,
    ) -> store::Result<()> {
        for due in self.store.sites_with_due_tasks().await? {
            let Some(place) = busy.take(due) else { continue };
            let (engine, stop) = (self.clone(), stop.clone());
            queues.spawn(async move {
                let store = engine.store.clone();
                let worked = SiteQueue::new(engine, due, stop).work().await;
                drop(place);
                match worked {
                    // A mark may have come between the last claim and now. Where nothing could be claimed,
                    // looking again at once would only turn in a circle.
                    Ok(true) => store.wake(),
                    Ok(false) => {}
                    Err(error) => tracing::warn!(
                        site.id = %due.id,
                        error = &error as &dyn std::error::Error,
                        "work at a site interrupted"
                    ),
                }
            });
        }
        Ok(())
    }

    /// Begins runs that are due by themselves.
    async fn keep_schedules(&self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(error) = self.begin_due_runs().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "scheduled runs not begun");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(self.options.schedule_interval) => {}
            }
        }
    }

    async fn begin_due_runs(&self) -> store::Result<()> {
        for link in self.store.links_with_due_runs(DUE_RUNS).await? {
            let tenant = self.store.tenant(link.tenant_id);
            // Settings of a later version are for that one to read.
            let Ok(settings) = serde_json::from_value::<LinkSettings>(link.settings.clone()) else {
                continue;
            };
            let next = settings.schedule.next_after(tenant.now().0).map(Timestamp);
            tenant.runs().begin_scheduled(&link, next).await?;
        }
        Ok(())
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended.map_err(|error| error.to_string()) {
        tracing::error!(error, "a site's queue broke off");
    }
}

/// The sites that have a queue in this process.
#[derive(Clone, Debug, Default)]
struct BusySites(Arc<Mutex<HashSet<DueSite>>>);

impl BusySites {
    /// Takes a site for one queue, unless it has one.
    fn take(&self, due: DueSite) -> Option<Place> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(due);
        taken.then(|| Place { sites: self.clone(), due })
    }
}

/// A site taken; free again when dropped, also by a panic.
struct Place {
    sites: BusySites,
    due: DueSite,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sites.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.due);
    }
}
