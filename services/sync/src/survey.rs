//! What a site's lists show, read once for a run: whoever stands there as the ledger has it need not be asked for.
//!
//! A page of a list tells of up to a thousand accounts what would cost a call each. The survey only ever spares
//! questions: whoever is missing from it, or differs in anything, is asked for as ever.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use atlassian::error::SiteError;
use atlassian::site::{Account, Page, PageStart};
use policy::group::{DirectoryGroup, Mapping, site_groups_for};
use policy::product::ProductRules;
use policy::settings::GroupMode;
use scim_protocol::fold;
use store::entity::words::SiteStatus;
use store::entity::{account, membership};
use store::id::SiteId;
use store::tenant::TenantStore;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::connectors::ConnectedSite;
use crate::links::{SiteLink, SiteLinks};

/// Failures in a row after which the lists are given up.
const MOST_FAILURES: u32 = 5;
/// How long a site that fails is waited for.
const RECOVERY: Duration = Duration::from_mins(10);
/// Accounts whose lists are kept in memory, about 200 bytes each.
const MOST_ACCOUNTS: usize = 500_000;

/// Why there is no survey.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSurvey {
    /// The site did not answer.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// The site has refused our credentials, or somebody has paused it.
    #[error("the site is paused")]
    Paused,
    /// The site has failed for too long.
    #[error("the site does not recover")]
    Down,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Reading on would cost more than it spares.
    #[error("the site's lists are longer than what they would spare")]
    NotWorthwhile,
}

/// What is read.
#[derive(Debug)]
pub(crate) struct Surveyor {
    pub(crate) tenant: TenantStore,
    pub(crate) site: SiteId,
    pub(crate) connected: Arc<ConnectedSite>,
    /// Waits after failures.
    pub(crate) backoff: Backoff,
    /// Names of the site groups that accounts are in by links.
    pub(crate) given: Vec<String>,
    /// Whether it matters who else is in a group.
    pub(crate) all_groups: bool,
    /// Calls that the lists may cost.
    pub(crate) most_calls: u64,
    /// Accounts, groups and members read so far, for who watches.
    pub(crate) listed: AtomicI64,
}

/// What a site's lists showed.
#[derive(Debug)]
pub(crate) struct Survey {
    accounts: HashMap<String, Shown>,
    /// Folded names of the site's groups; `None` where it does not list them all.
    groups: Option<HashSet<String>>,
    /// Positions of folded names in [`Shown::groups`].
    positions: HashMap<String, u32>,
    all_groups: bool,
    hides_email: bool,
    withdraws_access: bool,
}

/// An account as the lists showed it.
#[derive(Debug)]
struct Shown {
    username: String,
    display_name: String,
    email: Option<String>,
    active: bool,
    groups: Vec<u32>,
}

/// Whether lists prove anything at this site, and whether it matters there who else is in a group.
pub(crate) fn asks_all_groups(connected: &ConnectedSite, links: &SiteLinks) -> Option<bool> {
    if connected.capabilities.shows_the_past {
        return None;
    }
    let cleans = |link: &SiteLink| {
        let groups = &link.settings.group_sync;
        link.row.enabled && groups.mode != GroupMode::Off && !groups.keep_existing
    };
    Some(connected.withdraws_access() || links.all().iter().any(cleans))
}

impl Surveyor {
    /// Reads the site's lists.
    pub(crate) async fn survey(&self) -> Result<Survey, NoSurvey> {
        let connector = &self.connected.connector;
        let mut calls = Calls { surveyor: self, made: 0 };
        let mut accounts = HashMap::new();
        calls
            .pages(
                |page| connector.list_accounts(page),
                |account: Account| {
                    let Account { key, username, display_name, email, active, .. } = account;
                    accounts.insert(key, Shown { username, display_name, email, active, groups: Vec::new() });
                    accounts.len() <= MOST_ACCOUNTS
                },
            )
            .await?;
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let listed = |group: atlassian::site::SiteGroup| {
            names.insert(fold(group.name.trim()), group.name);
            true
        };
        let groups = match calls.pages(|page| connector.list_groups(page), listed).await {
            Ok(()) => Some(names.keys().cloned().collect()),
            // Some show only a part of many. Those that links give are known by name.
            Err(NoSurvey::Site(SiteError::NotPossible(_))) if !self.all_groups => None,
            Err(error) => return Err(error),
        };
        if !self.all_groups {
            names = self.given.iter().map(|name| (fold(name.trim()), name.clone())).collect();
        }
        let mut positions = HashMap::new();
        for (position, (folded, name)) in (0..).zip(names) {
            let into = |member: Account| {
                if let Some(shown) = accounts.get_mut(&member.key) {
                    shown.groups.push(position);
                }
                true
            };
            match calls.pages(|page| connector.list_members(&name, page), into).await {
                // It went while we were reading: whoever is in it by the ledger is asked for.
                Ok(()) | Err(NoSurvey::Site(SiteError::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
            positions.insert(folded, position);
        }
        Ok(Survey {
            accounts,
            groups,
            positions,
            all_groups: self.all_groups,
            hides_email: self.connected.hides_email(),
            withdraws_access: self.connected.withdraws_access(),
        })
    }
}

/// The calls of one survey.
struct Calls<'a> {
    surveyor: &'a Surveyor,
    made: u64,
}

impl Calls<'_> {
    /// Reads a list page by page into `take`, which says whether there is room for more.
    async fn pages<T, F>(
        &mut self,
        list: impl Fn(PageStart) -> F,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<(), NoSurvey>
    where
        F: Future<Output = Result<Page<T>, SiteError>>,
    {
        let mut next = Some(PageStart::FIRST);
        while let Some(start) = next.take() {
            let page = self.page(&list, start).await?;
            let read = i64::try_from(page.items.len()).unwrap_or(i64::MAX);
            self.surveyor.listed.fetch_add(read, Ordering::Relaxed);
            if !page.items.into_iter().all(&mut take) {
                return Err(NoSurvey::NotWorthwhile);
            }
            next = page.next;
        }
        Ok(())
    }

    /// Waits while the site fails: its queue tries it, and it alone.
    async fn site_is_up(&self) -> Result<(), NoSurvey> {
        let began = Instant::now();
        while began.elapsed() < RECOVERY {
            let site = self.surveyor.tenant.sites().get(self.surveyor.site).await?;
            let resumes_later = site.resume_at.is_some_and(|resume| resume > self.surveyor.tenant.now());
            if site.status != SiteStatus::Active {
                return Err(NoSurvey::Paused);
            }
            if site.failures == 0 && !resumes_later {
                return Ok(());
            }
            tokio::time::sleep(self.surveyor.backoff.first).await;
        }
        Err(NoSurvey::Down)
    }

    /// Reads one page. A failure that may pass is waited for: to go on without the lists is a call for each account.
    async fn page<T, F>(
        &mut self,
        list: impl Fn(PageStart) -> F,
        start: PageStart,
    ) -> Result<Page<T>, NoSurvey>
    where
        F: Future<Output = Result<Page<T>, SiteError>>,
    {
        let mut failures = 0;
        loop {
            self.made += 1;
            if self.made > self.surveyor.most_calls {
                return Err(NoSurvey::NotWorthwhile);
            }
            self.site_is_up().await?;
            let page = {
                let Some(_turn) = self.surveyor.connected.turn().await else { return Err(NoSurvey::Paused) };
                list(start.clone()).await
            };
            let error = match page {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            self.surveyor.connected.note(&error);
            if !error.retryable() || failures == MOST_FAILURES {
                return Err(error.into());
            }
            failures += 1;
            let wait = self.surveyor.backoff.wait(failures);
            tokio::time::sleep(wait.max(asked_wait(&error))).await;
        }
    }
}

/// How long the site asks us to wait.
fn asked_wait(error: &SiteError) -> Duration {
    match error {
        SiteError::RateLimited { retry_after } | SiteError::Unavailable { retry_after, .. } => {
            retry_after.unwrap_or_default()
        }
        _ => Duration::ZERO,
    }
}

impl Survey {
    /// Whether the lists show an account just as the ledger has it.
    pub(crate) fn shows(&self, row: &account::Model, memberships: &[membership::Model]) -> bool {
        let Some(shown) = row.key.as_ref().and_then(|key| self.accounts.get(key)) else { return false };
        // That access was taken away is the ledger's to remember.
        let is_withdrawn = self.withdraws_access && row.active == Some(false);
        let email_is_hidden = self.hides_email && shown.email.is_none();
        let given = || memberships.iter().map(|given| self.positions.get(&given.group_folded));
        let others_matter = self.all_groups;
        !row.in_doubt
            && memberships.iter().all(|given| given.confirmed)
            && shown.username == row.username
            && row.display_name.as_ref() == Some(&shown.display_name)
            && (email_is_hidden || row.email == shown.email)
            && (is_withdrawn || row.active == Some(shown.active))
            && given().all(|position| position.is_some_and(|position| shown.groups.contains(position)))
            && (!others_matter || given().count() == shown.groups.len())
    }

    /// Whether all site groups that a directory group leads to are there.
    pub(crate) fn shows_group(&self, group: &DirectoryGroup, link: &SiteLink, rules: &ProductRules) -> bool {
        match site_groups_for(group, &link.settings, rules) {
            Mapping::Mapped { site_groups } => self
                .groups
                .as_ref()
                .is_some_and(|groups| site_groups.iter().all(|name| groups.contains(&fold(name.trim())))),
            Mapping::Excluded { .. } => true,
        }
    }
}
