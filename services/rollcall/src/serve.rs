//! Putting the roles together in one process: the only place that knows them all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use gateway::tokens::Tokens;
use gateway::{Gateway, Handlers};
use scim::Scim;
use secrecy::ExposeSecret as _;
use store::vault::Vault;
use store::{Store, StoreOptions};
use sync::connectors::Connectors;
use sync::{Engine, EngineOptions};
use telemetry::Metrics;
use tenant_api::{ApiState, JwtKeys};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{Config, Role};
use crate::internal::{self, Internal};
use crate::master_key::MasterKey;
use crate::rules::RulesInProcess;

/// The roles at work. Dropping it stops them without waiting; [`Running::drain`] lets them finish.
#[derive(Debug)]
pub(crate) struct Running {
    /// What identity providers are told.
    pub(crate) public_url: Url,
    store: Store,
    draining: Arc<AtomicBool>,
    /// Ends listeners and workers.
    stop: CancellationToken,
    /// Ends health and metrics, last.
    stop_internal: CancellationToken,
    work: JoinSet<anyhow::Result<()>>,
    attendants: JoinSet<()>,
    drain: Duration,
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

async fn open_store_with(options: StoreOptions, master: &MasterKey) -> anyhow::Result<Store> {
    let vault = Vault::new(master.bytes()).context("the master key")?;
    Store::connect(options, vault).await.context("the database cannot be opened; see `rollcall doctor`")
}

/// Sees to it that the schema is the one of this program and that the master key opens what it holds.
pub(crate) async fn check_store(config: &Config, store: &Store) -> anyhow::Result<()> {
    if config.database.embedded {
        store.migrate().await.context("bringing the embedded database up to date")?;
    }
    let pending = store.pending_migrations().await.context("looking for pending migrations")?;
    anyhow::ensure!(
        pending.is_empty(),
        "the database lacks migrations ({}); run `rollcall migrate` first",
        pending.join(", ")
    );
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
    anyhow::ensure!(
        has(Role::Gateway) == has(Role::Scim),
        "the roles gateway and scim run in one process in this version: name both, or neither"
    );
    let master = MasterKey::of(config)?;
    let store = open_store(config, &master).await?;
    check_store(config, &store).await?;

    let bind = async |address: SocketAddr| {
        TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
    };
    let (public, internal) = (bind(config.listen).await?, bind(config.internal_listen).await?);
    let (public_address, internal_address) = (public.local_addr()?, internal.local_addr()?);
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{public_address}"))?,
    };

    let tokens = Tokens::new(store.clone());
    let connectors = Connectors::new(config.http.clone());
    let mut router = Router::new();
    if has(Role::Gateway) {
        router = router.merge(scim_router(&store, &tokens, &public_url));
    }
    if has(Role::Api) {
        router = router.route("/", get(async || Redirect::temporary("/v1/docs"))).merge(tenant_api::router(
            api_state(config, &store, &tokens, &public_url, &master, &connectors)?,
        ));
    }

    let (stop, stop_internal) = (CancellationToken::new(), CancellationToken::new());
    let draining = Arc::new(AtomicBool::new(false));
    let health = Internal { store: store.clone(), metrics: metrics.clone(), draining: Arc::clone(&draining) };
    let (mut work, mut attendants) = (JoinSet::new(), JoinSet::new());
    if has(Role::Gateway) || has(Role::Api) {
        work.spawn(serve(public, router, stop.clone()));
    }
    if has(Role::Sync) {
        let mut options = EngineOptions::new(config.http.clone());
        options.lease = config.lease;
        // Work on one account is not renewed but cut off before its lease ends, so it has more time.
        options.account_lease = config.lease * 3;
        options.drain_limit = config.drain.mul_f64(0.8);
        let engine = Engine::with_connectors(store.clone(), options, connectors);
        let stop = stop.clone();
        work.spawn(async move {
            engine.run(stop).await;
            Ok(())
        });
        attendants.spawn(internal::count_backlog(store.clone()));
    }
    let served = serve(internal, internal::router(health), stop_internal.clone());
    attendants.spawn(async {
        if let Err(error) = served.await {
            tracing::error!(error = format!("{error:#}"), "health and metrics are no longer served");
        }
    });
    if let Some(metrics) = metrics {
        attendants.spawn(async move { metrics.keep_up().await });
    }
    tracing::info!(listen = %public_address, internal = %internal_address, ?roles, "serving");
    Ok(Running { public_url, store, draining, stop, stop_internal, work, attendants, drain: config.drain })
}

/// The gateway before the handlers of the same process.
fn scim_router(store: &Store, tokens: &Tokens, public_url: &Url) -> Router {
    let public_url = public_url.as_str().trim_end_matches('/').to_owned();
    let handlers = Handlers::new(scim::router(Scim { store: store.clone(), public_url }));
    gateway::router(Gateway { tokens: tokens.clone(), handlers })
}

fn api_state(
    config: &Config,
    store: &Store,
    tokens: &Tokens,
    public_url: &Url,
    master: &MasterKey,
    connectors: &Connectors,
) -> anyhow::Result<ApiState> {
    let tokens = tokens.clone();
    Ok(ApiState {
        store: store.clone(),
        public_url: public_url.clone(),
        operator_key_digest: config
            .operator_key
            .as_ref()
            .map(|key| store::secret::digest(key.expose_secret())),
        signing: JwtKeys::new(&*master.derive("access tokens")?),
        http: config.http.clone(),
        rules: Arc::new(RulesInProcess::new(connectors.clone())),
        revocations: Arc::new(move |digest| {
            let (tokens, digest) = (tokens.clone(), digest.to_vec());
            tokio::spawn(async move { tokens.forget(&digest).await });
        }),
    })
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    // Answers are small and awaited: none is held back to be sent along with the next.
    let listener = listener.tap_io(|stream: &mut TcpStream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.context("serving")
}

impl Running {
    /// Returns when a role ended by itself, which is a failure.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match self.work.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => anyhow::Error::new(panic).context("a role ended badly"),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a role ended although nobody stopped it"),
        }
    }

    /// Takes no new work, finishes what was begun within the configured time, and ends.
    pub(crate) async fn drain(mut self) -> anyhow::Result<()> {
        self.draining.store(true, Ordering::Relaxed);
        self.stop.cancel();
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
        Ok(self.store.close().await?)
    }
}
