//! What a run marks. Where that is much, the site's lists are read first, and only those are asked for one by one whom
//! they show otherwise than the ledger.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};

use policy::group::DirectoryGroup;
use store::entity::run;
use store::entity::words::{RunPhase, RunStatus, SiteStatus, TenantStatus};
use store::id::{GroupId, UserId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::Engine;
use crate::links::{SiteLink, SiteLinks};
use crate::planning::page::Ledger;
use crate::survey::{Survey, Surveyor, asks_all_groups};

/// Reading lists is given up when it has cost this part of what asking for each account would.
const SPARED: u64 = 2;
/// Sites whose lists are read at the same time: each is kept in memory until its run is marked.
const SURVEYS_AT_ONCE: usize = 8;

impl Engine {
    /// Marks what runs ask for. Beside the queues, since marking a large directory takes a while.
    pub(crate) async fn mark(&self, cancel: &CancellationToken) {
        let mut large = JoinSet::new();
        while !cancel.is_cancelled() {
            if let Err(error) = self.advance_runs(&mut large, cancel).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "runs not advanced");
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(self.options.poll_interval) => {}
            }
        }
        while large.join_next().await.is_some() {}
    }

    /// Marks the next pages of runs, until none has anything to mark.
    async fn advance_runs(&self, large: &mut JoinSet<()>, cancel: &CancellationToken) -> store::Result<()> {
        while !cancel.is_cancelled() {
            let Some(run) = self.store.claim_run(self.worker, self.options.run_interval).await? else {
                break;
            };
            if run.status == RunStatus::Marking
                && let Some((surveyor, links)) = self.surveyor(&run).await?
            {
                // Its turn comes: what was claimed is claimable again in a moment.
                while large.try_join_next().is_some() {}
                if large.len() >= SURVEYS_AT_ONCE {
                    continue;
                }
                // Before it could be claimed again.
                match self.store.tenant(run.tenant_id).runs().keep(&run, 0, self.options.lease).await {
                    Ok(()) => {}
                    Err(store::Error::Stale) => continue,
                    Err(error) => return Err(error),
                }
                let (engine, cancel) = (self.clone(), cancel.clone());
                large.spawn(async move { engine.mark_large(run, surveyor, links, cancel).await });
                continue;
            }
            match self.store.tenant(run.tenant_id).runs().advance(&run).await {
                // Another replica took it over.
                Ok(_) | Err(store::Error::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// How the site's lists are to be read for a run; `None` when they would spare little, or prove nothing.
    async fn surveyor(&self, run: &run::Model) -> store::Result<Option<(Surveyor, SiteLinks)>> {
        let tenant = self.store.tenant(run.tenant_id);
        let accounts = tenant.accounts(run.site_id);
        let known = accounts.count_claimants(run.connection_id).await?;
        if known < self.options.survey_from {
            return Ok(None);
        }
        let site = tenant.sites().get(run.site_id).await?;
        // A site that fails is called by its queue's probe alone.
        let is_called = site.status == SiteStatus::Active && site.failures == 0;
        if !is_called || self.store.tenants().get(run.tenant_id).await?.status != TenantStatus::Active {
            return Ok(None);
        }
        let Ok(connected) = self.connectors.of(&tenant, &site).await else { return Ok(None) };
        let Ok(links) = SiteLinks::read(&tenant, run.site_id).await? else { return Ok(None) };
        // Nothing is done for a disabled link.
        if links.of(run.connection_id).is_none_or(|link| !link.row.enabled) {
            return Ok(None);
        }
        let Some(all_groups) = asks_all_groups(&connected, &links) else { return Ok(None) };
        let surveyor = Surveyor {
            connected,
            backoff: self.options.backoff,
            given: accounts.given_groups().await?,
            all_groups,
            most_calls: (known / SPARED).max(self.options.survey_calls),
            listed: AtomicI64::new(0),
            site: run.site_id,
            tenant,
        };
        Ok(Some((surveyor, links)))
    }

    /// Reads the lists and marks a run to its end, holding it all the while.
    async fn mark_large(
        &self,
        run: run::Model,
        surveyor: Surveyor,
        links: SiteLinks,
        cancel: CancellationToken,
    ) {
        let runs = self.store.tenant(run.tenant_id).runs();
        let marked = tokio::select! {
            marked = self.survey_and_mark(&run, &surveyor, &links) => marked,
            () = cancel.cancelled() => runs.release(&run).await,
        };
        match marked {
            // Another replica has it, or it was cancelled.
            Ok(()) | Err(store::Error::Stale) => {}
            Err(error) => {
                tracing::warn!(run.id = %run.id, error = &error as &dyn std::error::Error, "run not marked");
            }
        }
    }

    async fn survey_and_mark(
        &self,
        run: &run::Model,
        surveyor: &Surveyor,
        links: &SiteLinks,
    ) -> store::Result<()> {
        let survey = tokio::select! {
            survey = surveyor.survey() => survey,
            lost = self.keep(run, &surveyor.listed) => return Err(lost),
        };
        let survey = match survey {
            Ok(survey) => Some(survey),
            Err(reason) => {
                tracing::info!(
                    run.id = %run.id,
                    reason = &reason as &dyn std::error::Error,
                    "the site's lists are not read; each account is asked for"
                );
                None
            }
        };
        let tenant = self.store.tenant(run.tenant_id);
        let runs = tenant.runs();
        runs.keep(run, surveyor.listed.load(Ordering::Relaxed), self.options.lease).await?;
        let mut run = run.clone();
        while run.status == RunStatus::Marking {
            let page = runs.next_page(&run).await?;
            let shown = match &survey {
                Some(survey) => self.shown(&run, &page, survey, surveyor, links).await?,
                None => HashSet::new(),
            };
            run = runs.mark_page(&run, &page, &shown, Some(self.options.lease)).await?;
        }
        runs.release(&run).await
    }

    /// Keeps the run ours until that fails.
    async fn keep(&self, run: &run::Model, listed: &AtomicI64) -> store::Error {
        let runs = self.store.tenant(run.tenant_id).runs();
        loop {
            if let Err(error) = runs.keep(run, listed.load(Ordering::Relaxed), self.options.lease).await {
                return error;
            }
            // Often enough for who watches.
            tokio::time::sleep((self.options.lease / 3).min(self.options.run_interval)).await;
        }
    }

    /// Which objects of a page the lists show as the ledger has them.
    async fn shown(
        &self,
        run: &run::Model,
        page: &[Uuid],
        survey: &Survey,
        surveyor: &Surveyor,
        links: &SiteLinks,
    ) -> store::Result<HashSet<Uuid>> {
        let tenant = self.store.tenant(run.tenant_id);
        match run.phase {
            RunPhase::Groups => {
                let Some(link) = links.of(run.connection_id) else { return Ok(HashSet::new()) };
                let Some(rules) = surveyor.connected.known_rules() else { return Ok(HashSet::new()) };
                let shown = |group: &SiteLink, id: Uuid, name: String| {
                    survey.shows_group(&DirectoryGroup { id, name }, group, &rules).then_some(id)
                };
                let groups = tenant.groups(run.connection_id);
                let limit = u64::try_from(page.len()).unwrap_or(u64::MAX);
                let groups = groups.after(run.cursor.map(GroupId), limit).await?;
                Ok(groups
                    .into_iter()
                    .filter_map(|group| shown(link, group.id.0, group.display_name))
                    .collect())
            }
            RunPhase::Users => {
                let ids: Vec<UserId> = page.iter().map(|id| UserId(*id)).collect();
                let mut ledger = Ledger::default();
                ledger.add(tenant.accounts(run.site_id).claimed_by(&ids).await?);
                let shown = |id: &UserId| {
                    let row = ledger.claimed_by(*id);
                    row.is_some_and(|row| survey.shows(row, ledger.memberships(row.id)))
                };
                Ok(ids.into_iter().filter(shown).map(|id| id.0).collect())
            }
        }
    }
}
