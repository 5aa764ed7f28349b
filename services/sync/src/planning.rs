//! The plan of a link, without carrying it out: the same rules as for work, over a whole directory.
//!
//! Accounts that the ledger knows are compared with what it knows. For users without one the site is asked for its
//! lists, so that the plan can say whether an account would be made or one that stands there taken over. What an
//! account leads is asked only when it is taken away, so a plan does not tell hand-overs.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use atlassian::error::SiteError;
use policy::account::{Claim, DesiredAccount, DirectoryGroup, Feed};
use policy::group::{Mapping, site_groups_for};
use policy::identity;
use policy::plan::digest::PlanDigest;
use policy::plan::link::{LinkPlan, PlannedKind, PlannedObject};
use policy::plan::{AccountPlan, Action, ObservedAccount, Skipped};
use scim_protocol::fold;
use store::deprovisions::{DeprovisionWindow, TakenAway};
use store::entity::{account, link, user};
use store::id::{AccountId, GroupId, LinkId, UserId};
use store::tenant::TenantStore;

use crate::account::from_ledger;
use crate::connectors::{ConnectError, Connectors};
use crate::execution::verdict;
use crate::links::SiteLink;

mod adoption;
mod digest;
mod listing;
mod names;
pub(crate) mod page;
mod scene;

use adoption::Unknown;
use digest::Digesting;
use listing::SiteListing;
use names::NamesToBe;
use page::{Directories, Ledger};
pub(crate) use scene::Scene;

/// Why a user gets no account whose name is a colleague's, or that of a stranger.
const TAKEN: &str = "the user name is that of another user's account at this site";

/// Users and groups read at once.
const PAGE: u64 = 1_000;

/// Makes plans.
#[derive(Clone, Debug)]
pub struct Planner {
    connectors: Connectors,
}

/// A plan, and what it was made of.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: LinkPlan,
    /// What it follows from.
    pub digest: PlanDigest,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The site did not answer as a plan needs it.
    #[error("the site was asked and did not answer: {0}")]
    Site(#[from] SiteError),
    /// The site's row or a link's settings cannot be used.
    #[error("{0}")]
    Settings(String),
}

impl PlanError {
    pub(crate) fn not_linked() -> Self {
        Self::Settings("The connection is not linked to the site".to_owned())
    }
}

impl From<ConnectError> for PlanError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Store(error) => Self::Store(error),
            ConnectError::Settings(problem) => Self::Settings(problem),
        }
    }
}

impl Planner {
    /// A planner that calls sites through `connectors`.
    pub fn new(connectors: Connectors) -> Self {
        Self { connectors }
    }

    /// What a run of `link` would do, were the link as given and enabled. `limit` is how many changes are told one by
    /// one.
    pub async fn plan(
        &self,
        tenant: &TenantStore,
        link: &link::Model,
        limit: usize,
    ) -> Result<Planned, PlanError> {
        let scene = self.scene(tenant, link.site_id, Some(link)).await?;
        if let Some(reason) = &scene.paused {
            return Err(PlanError::Settings(format!("The site is paused, and is not called: {reason}")));
        }
        // Without them a plan could touch what it must not.
        let rules = scene.connected.known_rules();
        let rules = if let Some(rules) = rules { rules } else { scene.connected.read_rules().await? };
        let own_key = scene.connected.own_key().await?.to_owned();
        let planned = scene.links.of(link.connection_id).cloned().ok_or_else(PlanError::not_linked)?;
        let mut planning = Planning {
            tenant,
            listing: SiteListing::new(Arc::clone(&scene.connected)),
            scene: Scene { rules, own_key: Some(own_key), ..scene },
            link: planned,
            digesting: Digesting::new(),
            plan: LinkPlan::new(limit),
            seen: HashSet::new(),
            present: HashSet::new(),
            unknown: Vec::new(),
            names: NamesToBe::default(),
        };
        planning.settings();
        planning.groups().await?;
        planning.users().await?;
        planning.adopt_or_create().await?;
        planning.judge().await?;
        Ok(planning.finish())
    }
}

struct Planning<'a> {
    tenant: &'a TenantStore,
    scene: Scene,
    listing: SiteListing,
    link: SiteLink,
    digesting: Digesting,
    plan: LinkPlan,
    /// Accounts that are planned already: several users may claim one.
    seen: HashSet<AccountId>,
    /// Users that the directory has.
    present: HashSet<UserId>,
    unknown: Vec<Unknown>,
    /// What accounts are to be called that are not there yet.
    names: NamesToBe,
}

impl Planning<'_> {
    fn settings(&mut self) {
        for link in self.scene.links.all() {
            let row = &link.row;
            self.digesting.settings(&(
                row.id,
                row.connection_id,
                row.precedence,
                row.enabled,
                &*link.settings,
            ));
        }
        self.digesting.settings(&self.scene.rules);
    }

    /// Site groups that have to be made, and directory groups that lead nowhere.
    async fn groups(&mut self) -> Result<(), PlanError> {
        let accounts = self.tenant.accounts(self.link.row.site_id);
        let mut known: BTreeSet<String> =
            accounts.site_groups().await?.into_iter().map(|group| group.name_folded).collect();
        self.digesting.site(&known);
        let groups = self.tenant.groups(self.link.row.connection_id);
        let mut after: Option<GroupId> = None;
        loop {
            let page = groups.after(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for row in page {
                self.digesting.directory(&(row.id, &row.display_name));
                self.group(DirectoryGroup { id: row.id.0, name: row.display_name }, &mut known).await?;
            }
        }
    }

    async fn group(&mut self, group: DirectoryGroup, known: &mut BTreeSet<String>) -> Result<(), PlanError> {
        let object = PlannedObject { kind: PlannedKind::Group, id: group.id, name: group.name.clone() };
        let (mut made, mut not_done) = (Vec::new(), Vec::new());
        match site_groups_for(&group, &self.link.settings, &self.scene.rules) {
            Mapping::Excluded { reason } => {
                not_done.push(Skipped { what: "group".to_owned(), reason });
            }
            Mapping::Mapped { site_groups } => {
                for name in site_groups {
                    let folded = fold(name.trim());
                    if known.contains(&folded) || self.listing.has_group(&folded).await? {
                        continue;
                    }
                    if self.link.settings.group_sync.create_missing {
                        known.insert(folded);
                        let reason =
                            format!("The site has no group {name}, and group_sync.create_missing is on");
                        made.push((Action::EnsureGroup { name }, reason));
                    } else {
                        let reason =
                            format!("the site has no group {name}, and group_sync.create_missing is off");
                        not_done.push(Skipped { what: "group".to_owned(), reason });
                    }
                }
            }
        }
        self.plan.add_group(&object, &made, &not_done, self.link.row.id.0);
        Ok(())
    }

    async fn users(&mut self) -> Result<(), PlanError> {
        let users = self.tenant.users(self.link.row.connection_id);
        let mut after: Option<UserId> = None;
        loop {
            let page = users.after(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            self.page(page).await?;
        }
        let accounts = self.tenant.accounts(self.link.row.site_id);
        let mut after: Option<UserId> = None;
        loop {
            let claimants = accounts.claimants(self.link.row.connection_id, after, PAGE).await?;
            let Some(last) = claimants.last() else { return Ok(()) };
            after = Some(*last);
            let deleted: Vec<UserId> =
                claimants.into_iter().filter(|id| !self.present.contains(id)).collect();
            let mut ledger = Ledger::default();
            ledger.add(accounts.claimed_by(&deleted).await?);
            let mut directories = Directories::default();
            directories.complete(self.tenant, &ledger).await?;
            for id in deleted {
                if let Some(row) = ledger.claimed_by(id) {
                    let name = row.username.clone();
                    let object = PlannedObject { kind: PlannedKind::User, id: id.0, name };
                    self.account(object, Some(row), &ledger, &directories, id);
                }
            }
        }
    }

    /// Plans a page of users that the directory has.
    async fn page(&mut self, page: Vec<user::Model>) -> Result<(), PlanError> {
        let accounts = self.tenant.accounts(self.link.row.site_id);
        let order: Vec<(UserId, String)> = page.iter().map(|user| (user.id, user_name(user))).collect();
        let ids: Vec<UserId> = order.iter().map(|(id, _)| *id).collect();
        self.present.extend(&ids);
        let mut ledger = Ledger::default();
        ledger.add(accounts.claimed_by(&ids).await?);
        let mut directories = Directories::default();
        directories.add(self.tenant, self.link.row.connection_id, page).await?;
        // A user without a claim gets the ledger's account of its name.
        let unclaimed = ids.iter().filter(|id| ledger.claimed_by(**id).is_none());
        let names: HashMap<UserId, String> =
            unclaimed.filter_map(|id| Some((*id, self.wanted_name(*id, &directories)?))).collect();
        let wanted: Vec<String> = names.values().cloned().collect();
        ledger.add(accounts.named(&wanted).await?);
        let unclaimed: Vec<UserId> = names.keys().copied().collect();
        ledger.deny(accounts.denied_to(&unclaimed).await?);
        directories.complete(self.tenant, &ledger).await?;
        for (id, name) in order {
            let object = PlannedObject { kind: PlannedKind::User, id: id.0, name };
            let row = ledger.claimed_by(id).or_else(|| ledger.named(names.get(&id)?));
            if let Some(row) = row.filter(|row| self.is_colleagues(row, id, &ledger, &directories)) {
                if !self.named_otherwise(&object, row, &ledger, &directories).await? {
                    self.digesting.directory(&(id, "taken"));
                    self.omit(&object, TAKEN.to_owned(), 0);
                }
                continue;
            }
            self.account(object, row, &ledger, &directories, id);
        }
        Ok(())
    }

    /// Whether an account is somebody else's: claimed by others of the directory, who are still there, and not by the user,
    /// or said not to be the user's.
    fn is_colleagues(
        &self,
        row: &account::Model,
        id: UserId,
        ledger: &Ledger,
        directories: &Directories,
    ) -> bool {
        let connection = self.link.row.connection_id;
        let mut claims = ledger.claims(row.id).iter().filter(|claim| claim.connection_id == connection);
        ledger.denies(id, row.id)
            || (claims.clone().all(|claim| claim.user_id != id)
                && claims.any(|claim| directories.user(claim.user_id).is_some()))
    }

    /// What the user's account should be called, folded for case.
    fn wanted_name(&self, id: UserId, directories: &Directories) -> Option<String> {
        let user = self.scene.links.read_user(&self.link, directories.user(id)?, directories.groups(id));
        let name = if self.scene.connected.names_by_email() { user.email } else { Some(user.user_name) };
        name.filter(|name| !name.is_empty()).map(|name| fold(name.trim()))
    }

    /// Plans the account that a user claims, or is about to.
    fn account(
        &mut self,
        object: PlannedObject,
        row: Option<&account::Model>,
        ledger: &Ledger,
        directories: &Directories,
        id: UserId,
    ) {
        if row.is_some_and(|row| self.seen.contains(&row.id)) {
            return;
        }
        let claimed = row.map(|row| ledger.claims(row.id)).unwrap_or_default();
        let mut claims = self.scene.claims(claimed, directories);
        if claims.iter().all(|claim| claim.user_id != id.0) {
            let is_shared = !claims.is_empty();
            let claim = self.scene.newcomer(self.link.row.connection_id, id, directories, is_shared);
            if let Some(claim) = claim.as_ref().filter(|claim| claim.is_out_of_scope()) {
                self.digesting.directory(&(claim.user_id, "out of scope"));
                self.omit(&object, "the user is out of user_sync.scope".to_owned(), 0);
                return;
            }
            claims.extend(claim);
        }
        identity::weigh(&mut claims, row.and_then(|row| row.email.as_deref()));
        if let Some(doubt) = doubt_of(&claims, id) {
            self.digesting.directory(&(id, &doubt));
            self.omit(&object, doubt, 0);
            return;
        }
        self.seen.extend(row.map(|row| row.id));
        for claim in &claims {
            self.digesting.directory(&(claim.link, claim.user_id, &claim.user, &claim.groups, &claim.doubt));
        }
        let desired = policy::account::fold(&claims, &self.scene.rules);
        let memberships = row.map(|row| ledger.memberships(row.id)).unwrap_or_default();
        match row.filter(|row| row.key.is_some() && !row.in_doubt) {
            Some(row) => {
                let observed = from_ledger(row, memberships);
                self.compare(&object, desired, row.key.as_deref(), Some(observed), 0);
            }
            None => self.unknown.push(Unknown {
                object,
                row: row.cloned(),
                memberships: memberships.to_vec(),
                claims,
                desired,
            }),
        }
    }

    /// Tells that nothing is done for a user, after so many looks.
    fn omit(&mut self, object: &PlannedObject, reason: String, looks: u64) {
        let not_done = vec![Skipped { what: "account".to_owned(), reason }];
        self.plan.add_user(object, &AccountPlan { not_done, ..AccountPlan::default() }, looks);
    }

    fn compare(
        &mut self,
        object: &PlannedObject,
        mut desired: DesiredAccount,
        key: Option<&str>,
        observed: Option<ObservedAccount>,
        looks: u64,
    ) {
        let observed = observed.map(|observed| {
            let standing = observed.groups.union(&observed.managed);
            let unasked = standing.filter(|group| !desired.groups.contains_key(*group));
            let feeds: Vec<Feed> =
                unasked.filter_map(|group| self.scene.feeds.get(group)).flatten().cloned().collect();
            desired.managed_groups.learn(feeds);
            ObservedAccount { protected: key.is_some() && key == self.scene.own_key.as_deref(), ..observed }
        });
        self.digesting.site(&(key, &observed));
        let plan = policy::plan::account(&desired, observed.as_ref());
        self.plan.add_user(object, &plan, looks);
    }

    /// Whether the safety thresholds would hold what the plan takes away.
    async fn judge(&mut self) -> Result<(), PlanError> {
        if let Some(reason) = self.verdict(TakenAway::Account, self.plan.deprovisions()).await? {
            self.plan.hold_deprovisions(&reason);
        }
        if let Some(reason) = self.verdict(TakenAway::Memberships, self.plan.withdrawals()).await? {
            self.plan.hold_withdrawals(&reason);
        }
        Ok(())
    }

    async fn verdict(&self, taken: TakenAway, pending: u64) -> Result<Option<String>, PlanError> {
        if pending == 0 {
            return Ok(None);
        }
        let row = &self.link.row;
        let accounts = self.tenant.accounts(row.site_id);
        for limits in self.link.settings.safety.windows() {
            let window = limits.length();
            let judged = accounts.taken_away(taken, LinkId(row.id.0), row.connection_id, window).await?;
            let reason = verdict(taken, &limits, &DeprovisionWindow { pending, ..judged });
            if reason.is_some() {
                return Ok(reason);
            }
        }
        Ok(None)
    }

    fn finish(mut self) -> Planned {
        let summary = &mut self.plan.summary;
        summary.seconds =
            self.scene.connected.budget.grant().filter(|grant| grant.per_second > 0.0).map(|grant| {
                // A bucket that is full lets that many calls go at once.
                #[expect(clippy::cast_precision_loss, reason = "an estimate")]
                let waiting = (summary.calls as f64 - grant.size).max(0.0);
                Duration::from_secs_f64(waiting / grant.per_second).as_secs()
            });
        Planned { plan: self.plan, digest: self.digesting.finish() }
    }
}

/// What speaks against that a user is the person of the account that it claims.
pub(crate) fn doubt_of(claims: &[Claim], user: UserId) -> Option<String> {
    claims.iter().find(|claim| claim.user_id == user.0).and_then(|claim| claim.doubt.clone())
}

fn user_name(user: &user::Model) -> String {
    user.document["userName"].as_str().unwrap_or_default().to_owned()
}
