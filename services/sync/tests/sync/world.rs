//! A tenant with one directory, one served site and a link, and an engine that can be started and killed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use atlassian::http::HttpSettings;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use sandbox::faults::Faults;
use sandbox::state::{StateSnapshot, UserState};
use sandbox::{RunningSandbox, SimulatedSite};
use serde_json::{Value, json};
use store::Store;
use store::connections::NewConnection;
use store::directory::WriteContext;
use store::entity::words::{ConnectionMethod, RunStatus, TaskKind};
use store::entity::{account, run, site, task};
use store::groups::{GroupWrite, MemberRequest, Refusal};
use store::id::{ConnectionId, GroupId, LinkId, SiteId, UserId};
use store::links::{LinkEdit, NewLink};
use store::members::MemberDelta;
use store::naming::UnknownMembers;
use store::sites::{NewSite, SiteEdit};
use store::tenant::TenantStore;
use store::testing::TestStore;
use store::users::UserWrite;
use sync::backoff::Backoff;
use sync::{Engine, EngineOptions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use crate::simulated::{Simulated, Write};

/// How long anything may take that must come about.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const ADMIN: &str = "rollcall";

/// The stage of a test.
pub(crate) struct World {
    pub(crate) store: TestStore,
    pub(crate) tenant: TenantStore,
    pub(crate) product: Simulated,
    pub(crate) sandbox: Box<dyn SimulatedSite>,
    pub(crate) served: Option<RunningSandbox>,
    pub(crate) site: SiteId,
    pub(crate) connection: ConnectionId,
    pub(crate) link: LinkId,
    pub(crate) options: EngineOptions,
    engine: Option<RunningEngine>,
}

/// An engine at work in this process.
pub(crate) struct RunningEngine {
    cancel: CancellationToken,
    work: JoinHandle<()>,
}

impl RunningEngine {
    pub(crate) fn start(store: Store, options: EngineOptions) -> Self {
        let cancel = CancellationToken::new();
        let engine = Engine::new(store, options);
        let work = tokio::spawn({
            let cancel = cancel.clone();
            async move { engine.run(cancel).await }
        });
        Self { cancel, work }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.work.await.unwrap();
    }

    /// Ends it wherever it is, as a kill does.
    pub(crate) async fn kill(self) {
        self.work.abort();
        assert!(self.work.await.unwrap_err().is_cancelled());
    }
}

/// Leases and waits that fit a test: what takes minutes outside takes a second here.
pub(crate) fn options() -> EngineOptions {
    let http = HttpSettings {
        allow_targets: vec!["127.0.0.0/8".parse().unwrap()],
        connect_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(10),
        ..HttpSettings::default()
    };
    EngineOptions {
        lease: Duration::from_millis(900),
        account_lease: Duration::from_secs(30),
        poll_interval: Duration::from_millis(20),
        survey_from: 1,
        run_interval: Duration::from_millis(100),
        schedule_interval: Duration::from_millis(50),
        backoff: Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(200) },
        drain_limit: Duration::from_millis(500),
        shown_within: Duration::from_millis(400),
        ..EngineOptions::new(http)
    }
}

pub(crate) fn context() -> WriteContext {
    WriteContext { request_id: "test".to_owned(), trace_context: None }
}

pub(crate) fn person(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "displayName": format!("The {name}"),
        "emails": [{"value": format!("{name}@example.com"), "primary": true}],
        "active": true,
    })
}

fn user_write(document: Value) -> UserWrite {
    UserWrite { document, summary: "written".to_owned(), detail: None }
}

fn group_write(document: Value, members: MemberDelta) -> GroupWrite {
    GroupWrite { document, members, summary: "written".to_owned(), detail: None }
}

fn group_document(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name })
}

impl World {
    /// With default settings and an empty directory; the engine does not run yet.
    pub(crate) async fn new(store: TestStore) -> Self {
        Self::at(store, Simulated::Jira).await
    }

    /// At a site of another product.
    pub(crate) async fn at(store: TestStore, product: Simulated) -> Self {
        Self::at_site(store, product, product.start()).await
    }

    /// At a site that starts otherwise.
    pub(crate) async fn at_site(
        store: TestStore,
        product: Simulated,
        sandbox: Box<dyn SimulatedSite>,
    ) -> Self {
        let tenant = store.tenants().insert("acme", "Acme").await.unwrap();
        let tenant = store.tenant(tenant.id);
        let served = sandbox::serve(&*sandbox, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let credentials = product.credentials(&served.origin);
        let site = add_site(&tenant, product.product(), &served.base_url, &credentials).await.id;
        let connection = add_connection(&tenant, "directory").await;
        let link = add_link(&tenant, connection, site, 0, json!({})).await;
        let served = Some(served);
        // The run that a new link asks for has nothing to look at yet.
        while let Some(run) = store.claim_run(uuid::Uuid::now_v7(), Duration::ZERO).await.unwrap() {
            tenant.runs().advance(&run).await.unwrap();
        }
        Self {
            store,
            tenant,
            product,
            sandbox,
            served,
            site,
            connection,
            link,
            options: options(),
            engine: None,
        }
    }

    /// Replaces the link's settings.
    pub(crate) async fn settings(&self, settings: Value) {
        self.edit_link(LinkEdit { settings: Some(settings), ..LinkEdit::default() }).await;
    }

    /// Replaces what we log in with at the site.
    pub(crate) async fn credentials(&self, credentials: &Value) {
        let secret = Zeroizing::new(credentials.to_string().into_bytes());
        let edit = SiteEdit { credentials: Some(secret), ..SiteEdit::default() };
        self.tenant.sites().update(self.site, None, edit).await.unwrap();
    }

    pub(crate) async fn enabled(&self, enabled: bool) {
        self.edit_link(LinkEdit { enabled: Some(enabled), ..LinkEdit::default() }).await;
    }

    async fn edit_link(&self, edit: LinkEdit) {
        self.tenant.links().update(self.link, None, edit).await.unwrap();
    }

    // The engine.

    pub(crate) fn start(&mut self) {
        assert!(self.engine.is_none());
        self.engine = Some(RunningEngine::start((*self.store).clone(), self.options.clone()));
    }

    pub(crate) async fn stop(&mut self) {
        self.engine.take().unwrap().stop().await;
    }

    pub(crate) async fn kill(&mut self) {
        self.engine.take().unwrap().kill().await;
    }

    /// Runs the engine until nothing waits, and stops it.
    pub(crate) async fn work(&mut self) {
        self.start();
        self.settle().await;
        self.stop().await;
    }

    /// Waits until nothing is left to do; what is held or refused may stay.
    pub(crate) async fn settle(&self) {
        eventually("nothing waits any more", async || {
            let runs = self.tenant.runs().list(self.link, None, 10).await.unwrap();
            runs.iter().all(|run| run.status == RunStatus::Done)
                && self.tenant.tasks(self.site).backlog().await.unwrap().waiting == 0
        })
        .await;
    }

    // The directory.

    pub(crate) async fn user(&self, name: &str) -> UserId {
        self.user_in(self.connection, person(name)).await
    }

    pub(crate) async fn user_in(&self, connection: ConnectionId, document: Value) -> UserId {
        self.tenant.users(connection).insert(user_write(document), &context()).await.unwrap().id
    }

    /// Sets attributes of a user.
    pub(crate) async fn edit(&self, user: UserId, attributes: Value) {
        self.edit_in(self.connection, user, attributes).await;
    }

    pub(crate) async fn edit_in(&self, connection: ConnectionId, user: UserId, attributes: Value) {
        let users = self.tenant.users(connection);
        users
            .modify(user, &context(), |row| {
                let mut document = row.document.clone();
                for (name, value) in attributes.as_object().unwrap() {
                    document[name] = value.clone();
                }
                Ok::<_, Infallible>(user_write(document))
            })
            .await
            .unwrap();
    }

    pub(crate) async fn active(&self, user: UserId, active: bool) {
        self.edit(user, json!({ "active": active })).await;
    }

    pub(crate) async fn delete(&self, user: UserId) {
        self.delete_in(self.connection, user).await;
    }

    pub(crate) async fn delete_in(&self, connection: ConnectionId, user: UserId) {
        let users = self.tenant.users(connection);
        users.delete(user, &context(), |_| Ok::<_, Infallible>(())).await.unwrap();
    }

    pub(crate) async fn group(&self, name: &str, members: &[UserId]) -> GroupId {
        self.group_in(self.connection, name, members).await
    }

    pub(crate) async fn group_in(&self, connection: ConnectionId, name: &str, members: &[UserId]) -> GroupId {
        let add = members.iter().map(|user| user.0.into()).collect();
        let members = MemberDelta { add, ..MemberDelta::default() };
        let groups = self.tenant.groups(connection);
        groups
            .insert(group_write(group_document(name), members), UnknownMembers::Refused, &context())
            .await
            .unwrap()
            .id
    }

    pub(crate) async fn rename_group(&self, group: GroupId, name: &str) {
        self.change_group(group, Some(name), &[], &[]).await;
    }

    pub(crate) async fn join(&self, group: GroupId, users: &[UserId]) {
        self.change_group(group, None, users, &[]).await;
    }

    pub(crate) async fn leave(&self, group: GroupId, users: &[UserId]) {
        self.change_group(group, None, &[], users).await;
    }

    async fn change_group(&self, group: GroupId, name: Option<&str>, add: &[UserId], remove: &[UserId]) {
        let delta = MemberDelta {
            replaces_all: false,
            add: add.iter().map(|user| user.0.into()).collect(),
            remove: remove.iter().map(ToString::to_string).collect(),
        };
        let request = MemberRequest { named: delta.add.clone(), ..MemberRequest::default() };
        self.tenant
            .groups(self.connection)
            .modify(group, &context(), &request, |before| {
                let document = name.map_or_else(|| before.row.document.clone(), group_document);
                Ok::<_, Refusal<Infallible>>(group_write(document, delta.clone()))
            })
            .await
            .unwrap();
    }

    pub(crate) async fn delete_group(&self, group: GroupId) {
        let groups = self.tenant.groups(self.connection);
        groups.delete(group, &context(), |_| Ok::<_, Infallible>(())).await.unwrap();
    }

    // The site.

    pub(crate) fn faults(&self, faults: Faults) {
        faults.validate().unwrap();
        self.sandbox.set_faults(faults);
    }

    /// Accounts that are named by addresses go by what is before the domain.
    pub(crate) fn state(&self) -> StateSnapshot {
        let mut state = self.sandbox.state();
        if self.product.names_by_email() {
            let short = |name: &mut String| {
                if let Some(local) = name.strip_suffix("@example.com") {
                    *name = local.to_owned();
                }
            };
            state.users.iter_mut().for_each(|user| short(&mut user.name));
            state.groups.iter_mut().flat_map(|group| &mut group.members).for_each(short);
            let creates = std::mem::take(&mut state.creates_by_name);
            state.creates_by_name = creates
                .into_iter()
                .map(|(mut name, times)| {
                    short(&mut name);
                    (name, times)
                })
                .collect();
        }
        state
    }

    pub(crate) fn account(&self, name: &str) -> Option<UserState> {
        self.state().users.into_iter().find(|user| user.name == name)
    }

    pub(crate) fn is_active(&self, name: &str) -> bool {
        self.account(name).is_some_and(|account| account.active)
    }

    /// Whether somebody can work at the site with the account.
    pub(crate) fn has_access(&self, name: &str) -> bool {
        let is_member = || self.state().groups.iter().any(|group| group.members.iter().any(|m| m == name));
        self.is_active(name) && (self.product.deactivates_accounts() || is_member())
    }

    pub(crate) fn members(&self, group: &str) -> BTreeSet<String> {
        let groups = self.state().groups;
        groups.into_iter().filter(|found| found.name == group).flat_map(|group| group.members).collect()
    }

    /// Calls so far, by operation or in all.
    pub(crate) fn calls(&self, operation: Option<&str>) -> u64 {
        let calls = self.state().calls;
        operation.map_or(calls.total, |name| calls.by_operation.get(name).copied().unwrap_or(0))
    }

    /// Calls so far that made a write of that kind.
    pub(crate) fn writes(&self, write: Write) -> u64 {
        self.calls(Some(self.product.operation(write)))
    }

    /// Changes something at the site behind our back.
    pub(crate) async fn behind_our_back(&self, what: &str, change: &Value) {
        let request = Request::post(format!("/_sandbox/{what}"))
            .header("content-type", "application/json")
            .body(Body::from(change.to_string()))
            .unwrap();
        let answer = self.sandbox.router().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{change}");
    }

    /// Waits until the site was called so often.
    pub(crate) async fn called(&self, operation: &str, times: u64) {
        eventually("the site is called", async || self.calls(Some(operation)) >= times).await;
    }

    pub(crate) fn is_created_once(&self, name: &str) {
        assert_eq!(self.state().creates_by_name.get(name), Some(&1), "creations of {name}");
    }

    // The database.

    pub(crate) async fn site_row(&self) -> site::Model {
        self.tenant.sites().get(self.site).await.unwrap()
    }

    pub(crate) async fn task(&self, user: UserId) -> Option<task::Model> {
        self.tenant.tasks(self.site).find(TaskKind::User, user.0).await.unwrap()
    }

    /// What the timeline says of the user, the newest first.
    pub(crate) async fn timeline(&self, user: UserId) -> Vec<String> {
        let entries = self.tenant.timeline().list(user.0, None, 50).await.unwrap();
        entries.into_iter().map(|entry| entry.summary).collect()
    }

    pub(crate) async fn ledger(&self, user: UserId) -> Option<account::Model> {
        self.tenant.accounts(self.site).find_by_user(user).await.unwrap()
    }

    /// Asks for a full synchronization and waits for its end; the engine must be running.
    pub(crate) async fn full_run(&self) -> run::Model {
        let link = self.tenant.links().get(self.link).await.unwrap();
        let run = self.tenant.runs().insert(&link, "test").await.unwrap();
        eventually("the run is done", async || {
            self.tenant.runs().get(run.id).await.unwrap().status == RunStatus::Done
        })
        .await;
        self.tenant.runs().get(run.id).await.unwrap()
    }
}

pub(crate) fn bearer() -> Value {
    json!({ "type": "bearer", "token": "sandbox-token" })
}

pub(crate) async fn add_site(
    tenant: &TenantStore,
    product: &str,
    base_url: &str,
    credentials: &Value,
) -> site::Model {
    let new = NewSite {
        certificate_authorities: None,
        name: "Site".to_owned(),
        product: product.to_owned(),
        base_url: base_url.to_owned(),
        credentials: Zeroizing::new(credentials.to_string().into_bytes()),
    };
    tenant.sites().insert(new).await.unwrap()
}

pub(crate) async fn add_connection(tenant: &TenantStore, name: &str) -> ConnectionId {
    let new = NewConnection {
        name: name.to_owned(),
        provider: "generic".to_owned(),
        method: ConnectionMethod::Scim,
        strict: false,
    };
    tenant.connections().insert(new).await.unwrap().id
}

pub(crate) async fn add_link(
    tenant: &TenantStore,
    connection_id: ConnectionId,
    site_id: SiteId,
    precedence: i32,
    settings: Value,
) -> LinkId {
    let new = NewLink { connection_id, site_id, precedence, enabled: true, settings, next_run_at: None };
    tenant.links().insert(new).await.unwrap().id
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "not so after {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
