//! Who works where: one queue per site that has something due, so that a slow site holds back nobody.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use atlassian::http::HttpSettings;
use store::Store;
use store::sites::DueSite;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::connectors::Connectors;
use crate::site::SiteQueue;

/// How the engine works.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Accounts and groups worked on at one site at a time.
    pub concurrency: usize,
    /// How long a claimed task stays ours without renewal.
    pub lease: Duration,
    /// How often the database is asked for due tasks when nothing woke us: marks made by other
    /// processes, retries that fall due.
    pub poll_interval: Duration,
    /// Limits and rules of outgoing HTTP.
    pub http: HttpSettings,
}

impl EngineOptions {
    /// Defaults: 4 at a time, leases of 60 s, a look twice a second.
    pub fn new(http: HttpSettings) -> Self {
        Self {
            concurrency: 4,
            lease: Duration::from_secs(60),
            poll_interval: Duration::from_millis(500),
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
        Self { store, options: Arc::new(options), connectors, worker: Uuid::now_v7() }
    }

    /// Works until `cancel`; then finishes what is begun and gives the rest back.
    pub async fn run(&self, cancel: CancellationToken) {
        let busy: Arc<Mutex<HashSet<DueSite>>> = Arc::default();
        let mut queues = JoinSet::new();
        while !cancel.is_cancelled() {
            if let Err(error) = self.start_queues(&busy, &mut queues, &cancel).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "due tasks not read");
            }
            if let Err(error) = self.advance_runs().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "runs not advanced");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.store.task_marked() => {}
                () = tokio::time::sleep(self.options.poll_interval) => {}
            }
            while queues.try_join_next().is_some() {}
        }
        while queues.join_next().await.is_some() {}
    }

    async fn start_queues(
        &self,
        busy: &Arc<Mutex<HashSet<DueSite>>>,
        queues: &mut JoinSet<()>,
        cancel: &CancellationToken,
    ) -> store::Result<()> {
        for due in self.store.sites_with_due_tasks().await? {
            if !busy.lock().await.insert(due) {
                continue;
            }
            let (engine, busy, cancel) = (self.clone(), Arc::clone(busy), cancel.clone());
            queues.spawn(async move {
                if let Err(error) = SiteQueue::new(engine.clone(), due).work(&cancel).await {
                    tracing::warn!(
                        site.id = %due.id,
                        error = &error as &dyn std::error::Error,
                        "work at a site interrupted"
                    );
                }
                busy.lock().await.remove(&due);
                // A mark may have come between the last claim and now.
                engine.store.wake();
            });
        }
        Ok(())
    }

    /// Marks the next pages of runs, until none has anything to mark.
    async fn advance_runs(&self) -> store::Result<()> {
        const PAUSE: Duration = Duration::from_secs(1);
        while let Some(run) = self.store.claim_run(self.worker, PAUSE).await? {
            let next = self.store.tenant(run.tenant_id).runs().advance(&run).await;
            match next {
                Ok(next)
                    if next.status == run.status && next.cursor == run.cursor && next.phase == run.phase =>
                {
                    break;
                }
                // Another replica took it over.
                Ok(_) | Err(store::Error::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
