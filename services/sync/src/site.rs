//! One site's queue: claims due tasks, a few at a time, the most urgent first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;
use store::entity::words::{SiteStatus, TaskKind};
use store::entity::{site, task};
use store::sites::DueSite;
use store::tasks::TaskEnd;
use store::tenant::TenantStore;
use tokio_util::sync::CancellationToken;

use crate::connectors::{ConnectError, ConnectedSite};
use crate::engine::Engine;
use crate::failure::{self, SiteConsequence};
use crate::links::SiteLinks;
use crate::{account, group};

/// Everything that work on one task at one site needs.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// The engine.
    pub engine: Engine,
    /// The site's tenant.
    pub tenant: TenantStore,
    /// The site as it was when the queue was last looked at.
    pub site: site::Model,
    /// Its connector.
    pub connected: Arc<ConnectedSite>,
    /// The links that feed it.
    pub links: Arc<SiteLinks>,
    /// Set when the site itself failed: nothing more is begun.
    pub stopped: Arc<AtomicBool>,
}

impl Workplace {
    /// Notes what a failed call means for the site, and ends the current round if it means anything.
    pub async fn judge(
        &self,
        error: &atlassian::error::SiteError,
        task: &task::Model,
    ) -> store::Result<failure::Consequence> {
        let consequence = failure::judge(error, task, &self.site, self.tenant.now());
        if consequence.site != SiteConsequence::None {
            self.stopped.store(true, Ordering::Relaxed);
        }
        failure::tell_site(&self.tenant, self.site.id, &consequence.site, error).await?;
        Ok(consequence)
    }
}

/// The queue of one site.
#[derive(Debug)]
pub struct SiteQueue {
    engine: Engine,
    tenant: TenantStore,
    due: DueSite,
}

impl SiteQueue {
    /// The queue of a site that has something due.
    pub fn new(engine: Engine, due: DueSite) -> Self {
        let tenant = engine.store.tenant(due.tenant_id);
        Self { engine, tenant, due }
    }

    /// Works until nothing is due, the site fails, or `cancel`.
    pub async fn work(&self, cancel: &CancellationToken) -> store::Result<()> {
        while !cancel.is_cancelled() {
            let Some(workplace) = self.workplace().await? else { return Ok(()) };
            // After a failure of the site a single task is the probe.
            let recovering = workplace.site.failures > 0;
            let limit = if recovering { 1 } else { self.engine.options.concurrency * 4 };
            let tasks = self.tenant.tasks(self.due.id);
            let claimed = tasks.claim(self.engine.worker, self.engine.options.lease, limit as u64).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            self.round(&workplace, claimed, cancel).await?;
            if workplace.stopped.load(Ordering::Relaxed) {
                return Ok(());
            }
            if recovering {
                self.tenant.sites().recovered(self.due.id).await?;
            }
        }
        Ok(())
    }

    /// Works off what was claimed, renewing the leases meanwhile. What is not begun is given back.
    async fn round(
        &self,
        workplace: &Workplace,
        claimed: Vec<task::Model>,
        cancel: &CancellationToken,
    ) -> store::Result<()> {
        let tasks = self.tenant.tasks(self.due.id);
        let options = &self.engine.options;
        let work =
            futures::stream::iter(claimed).for_each_concurrent(options.concurrency, |task| async move {
                if workplace.stopped.load(Ordering::Relaxed) || cancel.is_cancelled() {
                    return;
                }
                if let Err(error) = perform(workplace, &task).await {
                    // The lease runs out and the task is claimed again; nothing is lost.
                    tracing::warn!(
                        site.id = %task.site_id,
                        task.kind = ?task.kind,
                        task.object = %task.object_id,
                        error = &error as &dyn std::error::Error,
                        "task interrupted"
                    );
                }
            });
        let renewal = async {
            loop {
                tokio::time::sleep(options.lease / 3).await;
                if let Err(error) = tasks.renew(self.engine.worker, options.lease).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "leases not renewed");
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = renewal => {}
        }
        tasks.give_back(self.engine.worker).await
    }

    /// The site with its connector and links, or nothing when it is not to be worked at now.
    async fn workplace(&self) -> store::Result<Option<Workplace>> {
        let site = self.tenant.sites().get(self.due.id).await?;
        let waits = site.resume_at.is_some_and(|resume| resume > self.tenant.now());
        if site.status != SiteStatus::Active || waits {
            return Ok(None);
        }
        let connected = match self.engine.connectors.of(&self.tenant, &site).await {
            Ok(connected) => connected,
            Err(ConnectError::Settings(problem)) => {
                self.tenant.sites().pause(site.id, &problem).await?;
                return Ok(None);
            }
            Err(ConnectError::Store(error)) => return Err(error),
        };
        let links = Arc::new(SiteLinks::read(&self.tenant, site.id).await?);
        Ok(Some(Workplace {
            engine: self.engine.clone(),
            tenant: self.tenant.clone(),
            site,
            connected,
            links,
            stopped: Arc::default(),
        }))
    }
}

async fn perform(workplace: &Workplace, task: &task::Model) -> store::Result<()> {
    let done = match task.kind {
        TaskKind::User => account::perform(workplace, task).await,
        TaskKind::Group => group::perform(workplace, task).await,
    };
    match done {
        // Another worker has it by now; its word counts.
        Err(store::Error::Stale) => Ok(()),
        other => other,
    }
}

/// Ends a task that has nothing to do here.
pub(crate) async fn finish_idle(workplace: &Workplace, task: &task::Model) -> store::Result<()> {
    workplace.tenant.tasks(task.site_id).end(task, TaskEnd::Finished, Vec::new()).await
}
