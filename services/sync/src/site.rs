//! One site's queue: claims due tasks, a few at a time, the most urgent first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use store::entity::task;
use store::entity::words::{RunOutcome, SiteStatus, TaskKind, TenantStatus};
use store::sites::DueSite;
use store::tasks::TaskEnd;
use store::tenant::TenantStore;
use telemetry::trace;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use tracing::{Instrument as _, Span};

use crate::connectors::ConnectError;
use crate::engine::Engine;
use crate::failure::{self, Circumstances};
use crate::links::SiteLinks;
use crate::workplace::{Signals, Stop, Workplace};
use crate::{account, group};

/// The queue of one site.
#[derive(Debug)]
pub struct SiteQueue {
    engine: Engine,
    tenant: TenantStore,
    due: DueSite,
    stop: Stop,
    signals: Arc<Signals>,
}

/// What is claimed and what is under way.
#[derive(Default)]
struct Round {
    waiting: VecDeque<(Workplace, task::Model)>,
    running: JoinSet<()>,
    /// What each of `running` is about.
    tasks: HashMap<Id, task::Model>,
    /// Set by the first task that ended well: until then, one at a time.
    open: bool,
    /// Calls that the site may get at the same time.
    calls_at_once: usize,
    /// Whether anything was claimed at all.
    worked: bool,
    /// Until when other replicas leave trying the site to us.
    probing_until: Option<store::clock::Timestamp>,
}

impl SiteQueue {
    /// The queue of a site that has something due.
    pub fn new(engine: Engine, due: DueSite, stop: Stop) -> Self {
        let tenant = engine.store.tenant(due.tenant_id);
        Self { engine, tenant, due, stop, signals: Arc::default() }
    }

    /// Works until nothing is due, the site fails, or it is time to stop. Says whether anything was done.
    pub async fn work(&self) -> store::Result<bool> {
        let mut round = Round::default();
        let ended = self.round(&mut round).await;
        // What was claimed and not begun is given back; nothing of it was touched.
        round.waiting.clear();
        let (given_back, left) = tokio::join!(
            async { self.tenant.tasks(self.due.id).give_back(self.engine.worker).await },
            async {
                match round.probing_until {
                    Some(until) => self.tenant.sites().leave_probe(self.due.id, until).await,
                    None => Ok(()),
                }
            }
        );
        ended.and(given_back).and(left).map(|()| round.worked)
    }

    async fn round(&self, round: &mut Round) -> store::Result<()> {
        let options = &self.engine.options;
        let tasks = self.tenant.tasks(self.due.id);
        let mut renewal = tokio::time::interval(options.lease / 3);
        renewal.reset();
        let mut more = true;
        let mut trouble = None;
        loop {
            let ending = trouble.is_some() || self.signals.failed() || self.stop.begin_nothing.is_cancelled();
            if ending {
                round.waiting.clear();
            }
            let slots = if round.open { options.concurrency.min(round.calls_at_once) } else { 1 };
            while round.running.len() < slots
                && let Some((workplace, task)) = round.waiting.pop_front()
            {
                round.begin(workplace, task);
            }
            if more && !ending && round.waiting.is_empty() && round.running.len() < slots {
                match self.claim(round).await {
                    Ok(claimed) => more = claimed,
                    // What is under way comes to its end all the same.
                    Err(error) => trouble = Some(error),
                }
                continue;
            }
            if round.running.is_empty() {
                return trouble.map_or(Ok(()), Err);
            }
            tokio::select! {
                Some(ended) = round.running.join_next_with_id() => {
                    more = true;
                    if let Err(error) = self.ended(round, ended).await {
                        trouble = Some(error);
                    }
                }
                _ = renewal.tick() => {
                    if let Err(error) = tasks.renew(self.engine.worker, options.lease).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "leases not renewed");
                    }
                }
                // A slow object keeps one place; the others must not wait for it.
                () = tokio::time::sleep(options.poll_interval), if !more => more = true,
            }
        }
    }

    /// Claims more, if there is more.
    async fn claim(&self, round: &mut Round) -> store::Result<bool> {
        let Some(workplace) = self.workplace(round).await? else { return Ok(false) };
        let (tasks, options) = (self.tenant.tasks(self.due.id), &self.engine.options);
        let claimed = if round.open {
            let limit = u64::try_from(options.concurrency.saturating_mul(2)).unwrap_or(u64::MAX);
            tasks.claim(self.engine.worker, options.lease, limit).await?
        } else if workplace.site.failures > 0 {
            tasks.claim_probe(self.engine.worker, options.lease).await?.into_iter().collect()
        } else {
            tasks.claim(self.engine.worker, options.lease, 1).await?
        };
        round.calls_at_once = workplace.connected.calls_at_once;
        round.worked |= !claimed.is_empty();
        let more = !claimed.is_empty();
        round.waiting.extend(claimed.into_iter().map(|task| (workplace.clone(), task)));
        Ok(more)
    }

    /// Takes note of a task that ended.
    async fn ended(&self, round: &mut Round, ended: Result<(Id, ()), JoinError>) -> store::Result<()> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let task = round.tasks.remove(&id);
        if let (Err(error), Some(task)) = (&ended, task) {
            tracing::error!(
                task.kind = ?task.kind,
                task.object = %task.object_id,
                error = error.to_string(),
                "work on a task broke off"
            );
            let wait = self.engine.options.backoff.wait(failure::count(task.attempts).saturating_add(1));
            let due_at = self.tenant.now().plus(wait);
            let end = TaskEnd::Retry { due_at, error: "Internal error".to_owned(), counts: true };
            let put = self.tenant.tasks(self.due.id).end(&task, end, Vec::new(), RunOutcome::Failed).await;
            if !matches!(put, Err(store::Error::Stale)) {
                put?;
            }
        }
        if self.signals.failed() {
            round.probing_until = None;
        } else if self.signals.answered() && round.probing_until.take().is_some() {
            self.tenant.sites().recovered(self.due.id).await?;
            round.open = true;
        } else if round.probing_until.is_none() {
            round.open = true;
        }
        Ok(())
    }

    /// The site with its connector and links, or nothing when it is not to be worked at now.
    async fn workplace(&self, round: &mut Round) -> store::Result<Option<Workplace>> {
        let sites = self.tenant.sites();
        let site = sites.get(self.due.id).await?;
        if site.status != SiteStatus::Active
            || self.engine.store.tenants().get(self.due.tenant_id).await?.status != TenantStatus::Active
        {
            return Ok(None);
        }
        let now = self.tenant.now();
        if site.failures > 0 && round.probing_until.is_none() {
            round.open = false;
            let until = now.plus(self.engine.options.http.request_timeout);
            if !sites.begin_probe(site.id, until).await? {
                return Ok(None);
            }
            round.probing_until = Some(until);
        } else if round.probing_until.is_none() && site.resume_at.is_some_and(|resume| resume > now) {
            return Ok(None);
        }
        let connected = match self.engine.connectors.of(&self.tenant, &site).await {
            Ok(connected) => connected,
            Err(ConnectError::Settings(problem)) => {
                sites.pause(site.id, site.version, &problem).await?;
                return Ok(None);
            }
            Err(ConnectError::Store(error)) => return Err(error),
        };
        if let Some(refusal) = connected.refusal() {
            sites.pause(site.id, site.version, refusal).await?;
            return Ok(None);
        }
        let links = match SiteLinks::read(&self.tenant, site.id).await? {
            Ok(links) => Arc::new(links),
            Err(problem) => {
                sites.pause(site.id, site.version, &problem).await?;
                return Ok(None);
            }
        };
        let workplace = Workplace {
            engine: self.engine.clone(),
            tenant: self.tenant.clone(),
            site: Arc::new(site),
            connected,
            links,
            signals: Arc::clone(&self.signals),
            stop: self.stop.clone(),
            began: Instant::now(),
        };
        Ok(self.is_welcome(&workplace).await?.then_some(workplace))
    }

    /// Whether the site takes our credentials: asked by one call before any other is made with them, since a
    /// few refused log-ins at the same time are enough for a CAPTCHA.
    async fn is_welcome(&self, workplace: &Workplace) -> store::Result<bool> {
        let asked = tokio::select! {
            asked = workplace.connected.own_key() => asked,
            () = self.stop.cut_off.cancelled() => return Ok(false),
        };
        let Err(error) = asked else { return Ok(true) };
        let circumstances = Circumstances {
            barred: !error.retryable(),
            internal_errors: u32::MAX,
            site_failures: failure::count(workplace.site.failures),
            now: self.tenant.now(),
        };
        let consequence = failure::judge(&error, 0, &circumstances, &self.engine.options);
        workplace.tell_site(&consequence.site, &error).await?;
        Ok(false)
    }
}

impl Round {
    fn begin(&mut self, mut workplace: Workplace, task: task::Model) {
        workplace.began = Instant::now();
        let about = task.clone();
        let span = span(&task);
        let work = async move { perform(&workplace, &task).await };
        let handle = self.running.spawn(work.instrument(span));
        self.tasks.insert(handle.id(), about);
    }
}

/// The span of work on a task: part of the trace of the request that marked it last. What is tried again is a trace of
/// its own that refers to that one, as it may be hours later.
fn span(task: &task::Model) -> Span {
    let span = tracing::info_span!(
        "sync_task",
        tenant.id = %task.tenant_id,
        site.id = %task.site_id,
        task.kind = ?task.kind,
        task.object = %task.object_id,
        task.attempts = task.attempts,
    );
    match &task.trace_context {
        Some(marked) if task.attempts == 0 => trace::continue_from(&span, marked),
        Some(marked) => trace::refer_to(&span, marked),
        None => {}
    }
    span
}

/// Works on a task. A failure of the database leaves it to be tried again.
async fn perform(workplace: &Workplace, task: &task::Model) {
    let done = match task.kind {
        TaskKind::User => account::perform(workplace, task).await,
        TaskKind::Group => group::perform(workplace, task).await,
    };
    let error = match done {
        // With a stale lease another worker has it by now, and its word counts.
        Ok(()) | Err(store::Error::Stale) => return,
        Err(error) => error,
    };
    tracing::warn!(
        site.id = %task.site_id,
        task.kind = ?task.kind,
        task.object = %task.object_id,
        error = &error as &dyn std::error::Error,
        "task interrupted"
    );
    let end = workplace.again(task, "The database failed");
    let tasks = workplace.tenant.tasks(task.site_id);
    if let Err(error) = tasks.end(task, end, Vec::new(), RunOutcome::Failed).await {
        // The lease runs out, or the queue gives the task back; nothing is lost.
        tracing::warn!(error = &error as &dyn std::error::Error, "task not put off");
    }
}

/// Ends a task that has nothing to do here.
pub(crate) async fn finish_idle(workplace: &Workplace, task: &task::Model) -> store::Result<()> {
    let tasks = workplace.tenant.tasks(task.site_id);
    tasks.end(task, TaskEnd::Finished, Vec::new(), RunOutcome::Unchanged).await
}
