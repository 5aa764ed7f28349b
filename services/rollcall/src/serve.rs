//! Putting the roles of a process together: the only place that knows them all.

mod listener;
mod wakeups;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use console::Console;
use gateway::Gateway;
use gateway::admission::SharedRates;
use gateway::cell::Cell;
use gateway::tokens::Tokens;
use guard::Proxies;
use proto::pass::PassKeys;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use scim::Scim;
use scim::edge::Edge;
use scim::routing::RoutingService;
use scim::stall::{StallWatch, guarded};
use secrecy::ExposeSecret as _;
use store::{Clock, Store, StoreOptions};
use sync::connectors::Connectors;
use sync::{Engine, EngineOptions};
use telemetry::Metrics;
use tenant_api::caller::Looks;
use tenant_api::oidc::provider::Providers;
use tenant_api::{ApiState, JwtKeys};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{CellAddress, Config, Role};
use crate::internal::{self, Internal};
use crate::master_key::MasterKey;
use crate::rules::RulesInProcess;
use crate::serve::listener::{Stop, serve};

/// The roles at work. Dropping it stops them without waiting; [`Running::drain`] lets them finish.
#[derive(Debug)]
pub(crate) struct Running {
    /// What identity providers are told.
    pub(crate) public_url: Url,
    store: Option<Store>,
    draining: Arc<AtomicBool>,
    /// Ends listeners and workers.
    stop: Stop,
    /// Ends health and metrics, last.
    stop_internal: CancellationToken,
    work: JoinSet<anyhow::Result<()>>,
    attendants: JoinSet<()>,
    drain: Duration,
    drain_delay: Duration,
}

/// Opens the database of a configuration, with its master key; the schema is not looked at.
pub(crate) async fn open_store(config: &Config, master: &MasterKey) -> anyhow::Result<Store> {
    open_store_with(store_options(config), master).await
}

/// The same for bringing the schema up to date, which takes the time that it takes.
pub(crate) async fn open_store_to_migrate(config: &Config, master: &MasterKey) -> anyhow::Result<Store> {
    open_store_with(StoreOptions { statement_timeout: None, ..store_options(config) }, master).await
}

fn store_options(config: &Config) -> StoreOptions {
    let mut options = StoreOptions::new(config.database.url.expose_secret());
    options.max_connections = config.database.connections;
    options
}

/// Opens a database that another process may be serving.
pub(crate) async fn open_store_with(options: StoreOptions, master: &MasterKey) -> anyhow::Result<Store> {
    let vault = master.vault().context("the master key")?;
    Store::connect(options, vault).await.context("the database cannot be opened; see `rollcall doctor`")
}

/// Sees to it that the schema is the one of this program and that the master key opens what it holds.
pub(crate) async fn check_store(config: &Config, store: &Store) -> anyhow::Result<()> {
    if config.database.embedded {
        store.migrate().await.context("bringing the embedded database up to date")?;
    }
    let schema = store.schema().await.context("looking for pending migrations")?;
    anyhow::ensure!(
        schema.pending.is_empty(),
        "the database lacks migrations ({}); run `rollcall migrate` first",
        schema.pending.join(", ")
    );
    if !schema.later.is_empty() {
        tracing::warn!(later = schema.later.join(", "), "the schema is of a later version than this program");
    }
    match store.tenants().check_keys().await {
        Err(store::Error::Sealed) => anyhow::bail!(
            "the master key is not the one that this database's secrets were sealed with; set the right \
             ROLLCALL_MASTER_KEY"
        ),
        checked => checked.context("checking the master key"),
    }
}

/// Starts the roles; each is at work when this returns.
pub(crate) async fn start(
    config: &Config,
    roles: &[Role],
    metrics: Option<Metrics>,
) -> anyhow::Result<Running> {
    let has = |role| roles.contains(&role);
    check_roles(config, roles)?;
    // A gateway alone knows neither the database nor the key of what is in it.
    let vault = roles.iter().any(|role| *role != Role::Gateway);
    let master = if vault { Some(MasterKey::of(config)?) } else { None };
    let store = match &master {
        Some(master) => Some(open_store(config, master).await?),
        None => None,
    };
    if let Some(store) = &store {
        check_store(config, store).await?;
    }
    let passes = match (&config.passes, &master) {
        (Some(passes), _) => Some(passes.clone()),
        (None, Some(master)) => Some(PassKeys::one(&master.derive("scim passes")?.first)?),
        (None, None) => None,
    };

    let is_public = has(Role::Gateway) || has(Role::Api);
    let public = if is_public { Some(bind(config.listen).await?) } else { None };
    let internal = bind(config.internal_listen).await?;
    let internal_address = internal.local_addr()?;
    let public_address = public.as_ref().map(TcpListener::local_addr).transpose()?;
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{}", public_address.unwrap_or(config.listen)))?,
    };
    let mut running = Running::new(config, public_url, store.clone());
    let redis = config.redis.as_ref().map(redis_connection).transpose()?;

    let connectors = Connectors::new(config.http.clone());
    let mut router = Router::new();
    let mut tokens = None;
    let scim = store.as_ref().filter(|_| has(Role::Scim)).map(|store| {
        let public_url = running.public_url.as_str().trim_end_matches('/').to_owned();
        Scim::new(store.clone(), public_url)
    });
    let routing = scim.as_ref().map(|scim| RoutingService::new(scim, running.stop.now.clone()));
    if let Some(scim) = &scim {
        let requests = scim.requests.clone();
        running.attendants.spawn(async move { requests.keep_up().await });
    }
    if has(Role::Gateway) {
        let cells = match (&scim, &routing) {
            (Some(scim), Some(routing)) => {
                let handlers = guarded(scim::router(scim.clone()), StallWatch::default());
                vec![Cell::here("default", routing.server(), handlers)]
            }
            _ => remote_cells(config, passes.as_ref())?,
        };
        let shared = redis.clone().map(SharedRates::new);
        let gateway = Gateway::new(&cells, Clock::default(), config.limits.clone(), shared);
        tokens = Some(gateway.tokens().clone());
        let listening = gateway.tokens().clone();
        running.attendants.spawn(async move { listening.listen().await });
        router = router.merge(gateway::router(gateway));
    } else if let (Some(scim), Some(routing), Some(passes)) = (scim, routing, passes) {
        let draining = Arc::clone(&running.draining);
        let router =
            scim::edge::edge(Edge { scim, routing, passes, stalls: StallWatch::default(), draining });
        let listener = bind(config.cell_listen).await?;
        tracing::info!(listen = %listener.local_addr()?, "answering gateways");
        running.work.spawn(serve(listener, router, Proxies::default(), running.stop.clone()));
    }
    if let (Some(store), Some(master), true) = (&store, &master, has(Role::Api)) {
        let api = api_state(config, store, tokens.as_ref(), &running.public_url, master, &connectors)?;
        router = router.merge(api_and_console(api, master)?);
    }
    if let Some(public) = public {
        running.work.spawn(serve(public, router, config.proxies.clone(), running.stop.clone()));
    }
    if let (Some(store), true) = (&store, has(Role::Sync)) {
        let engine = engine(config, store.clone(), connectors);
        let stop = running.stop.now.clone();
        running.work.spawn(async move {
            engine.run(stop).await;
            Ok(())
        });
        running.attendants.spawn(internal::count_backlog(store.clone()));
        if let Some(redis) = &config.redis {
            running.attendants.spawn(wakeups::listen(store.clone(), redis.clone()));
        }
    }
    if let (Some(store), Some(redis)) = (&store, redis) {
        running.attendants.spawn(wakeups::tell(store.clone(), redis));
    }
    running.be_seen(internal, store, metrics);
    tracing::info!(
        listen = public_address.map(tracing::field::display),
        internal = %internal_address,
        ?roles,
        "serving"
    );
    Ok(running)
}

/// What a process of these roles cannot do without.
fn check_roles(config: &Config, roles: &[Role]) -> anyhow::Result<()> {
    let has = |role| roles.contains(&role);
    if has(Role::Gateway) && has(Role::Scim) {
        anyhow::ensure!(
            config.cells.is_empty(),
            "cells: a process with the roles gateway and scim serves its own cell; leave cells out, or run the roles \
             apart"
        );
    } else if has(Role::Gateway) {
        anyhow::ensure!(
            !config.cells.is_empty(),
            "cells: a gateway that runs apart needs to know where the SCIM handlers are; set ROLLCALL_CELLS, such as \
             http://rollcall-scim:8082"
        );
        anyhow::ensure!(
            config.passes.is_some(),
            "internal_key: a gateway that runs apart signs requests with it; make one with `openssl rand -base64 32`, \
             and set ROLLCALL_INTERNAL_KEY to the same here and at the SCIM handlers"
        );
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

/// The cells that a gateway which runs apart sends requests to.
fn remote_cells(config: &Config, passes: Option<&PassKeys>) -> anyhow::Result<Vec<Cell>> {
    let passes = passes.context("internal_key: missing")?;
    let cells = config.cells.iter().map(|CellAddress { name, addresses }| {
        gateway::remote::cell(name, addresses, passes.clone(), Clock::default()).context("cells")
    });
    cells.collect()
}

/// A connection that is made when it is first used, and again whenever it is lost: nothing waits for Redis to start.
fn redis_connection(client: &redis::Client) -> anyhow::Result<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(Duration::from_millis(500)))
        .set_max_delay(Duration::from_secs(1));
    client.get_connection_manager_lazy(config).context("redis_url")
}

fn engine(config: &Config, store: Store, connectors: Connectors) -> Engine {
    let mut options = EngineOptions::new(config.http.clone());
    options.lease = config.lease;
    // Work on one account is not renewed but cut off before its lease ends, so it has more time.
    options.account_lease = config.lease * 3;
    options.drain_limit = config.drain.mul_f64(0.8);
    Engine::with_connectors(store, options, connectors)
}

/// The REST API, and the console as its client.
fn api_and_console(state: ApiState, master: &MasterKey) -> anyhow::Result<Router> {
    let public_url = state.public_url.clone();
    let api = tenant_api::router(state);
    let keys = master.derive("console sessions")?;
    let mut console = Console::new(api.clone(), &keys.first, public_url);
    for other in &keys.others {
        console = console.also_opening(other);
    }
    let home = Router::new().route("/", get(async || Redirect::temporary("/console")));
    Ok(home.merge(api).merge(console::router(console)))
}

fn api_state(
    config: &Config,
    store: &Store,
    tokens: Option<&Tokens>,
    public_url: &Url,
    master: &MasterKey,
    connectors: &Connectors,
) -> anyhow::Result<ApiState> {
    let tokens = tokens.cloned();
    let keys = master.derive("access tokens")?;
    let mut signing = JwtKeys::new(&keys.first);
    for other in &keys.others {
        signing = signing.also_checking(other);
    }
    Ok(ApiState {
        store: store.clone(),
        public_url: public_url.clone(),
        operator_key_digest: config
            .operator_key
            .as_ref()
            .map(|key| store::secret::digest(key.expose_secret())),
        signing,
        http: config.http.clone(),
        providers: Providers::new(config.http.clone()),
        looks: Looks::default(),
        rules: Arc::new(RulesInProcess::new(connectors.clone())),
        revocations: Arc::new(move |digest| {
            // Gateways of other processes learn of it from the cell's changes.
            let Some(tokens) = tokens.clone() else { return };
            let digest = digest.to_vec();
            tokio::spawn(async move { tokens.forget(&digest).await });
        }),
    })
}

impl Running {
    fn new(config: &Config, public_url: Url, store: Option<Store>) -> Self {
        Self {
            public_url,
            store,
            draining: Arc::default(),
            stop: Stop::default(),
            stop_internal: CancellationToken::new(),
            work: JoinSet::new(),
            attendants: JoinSet::new(),
            drain: config.drain,
            drain_delay: config.drain_delay,
        }
    }

    /// Serves health and metrics.
    fn be_seen(&mut self, internal: TcpListener, store: Option<Store>, metrics: Option<Metrics>) {
        let health = Internal { store, metrics: metrics.clone(), draining: Arc::clone(&self.draining) };
        let stop = Stop { now: self.stop_internal.clone(), ..Stop::default() };
        let served = serve(internal, internal::router(health), Proxies::default(), stop);
        self.attendants.spawn(async {
            if let Err(error) = served.await {
                tracing::error!(error = format!("{error:#}"), "health and metrics are no longer served");
            }
        });
        if let Some(metrics) = metrics {
            self.attendants.spawn(async move { metrics.keep_up().await });
        }
    }

    /// Returns when a role ended by itself, which is a failure.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match self.work.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => anyhow::Error::new(panic).context("a role ended badly"),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a role ended although nobody stopped it"),
        }
    }

    /// Says that it stops, takes no new work, finishes what was begun within the configured time, and ends.
    pub(crate) async fn drain(mut self) -> anyhow::Result<()> {
        self.draining.store(true, Ordering::Relaxed);
        self.stop.announced.cancel();
        tokio::time::sleep(self.drain_delay).await;
        self.stop.now.cancel();
        let finished = tokio::time::timeout(self.drain, async {
            while let Some(ended) = self.work.join_next().await {
                ended.context("a role ended badly")??;
            }
            anyhow::Ok(())
        });
        if let Ok(result) = finished.await {
            result?;
        } else {
            // Leases run out and other workers look before they act; nothing is lost.
            tracing::warn!(seconds = self.drain.as_secs(), "work was cut off at the time limit");
        }
        self.stop_internal.cancel();
        self.attendants.shutdown().await;
        self.work.shutdown().await;
        match self.store {
            Some(store) => Ok(store.close().await?),
            None => Ok(()),
        }
    }
}
