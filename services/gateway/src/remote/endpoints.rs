//! The processes of a cell, and which of them takes the next request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use axum::body::Body;
use futures::future::join_all;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::BadAddress;

/// How often each process is asked whether it takes requests.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How long it may take to say so.
const PROBE_LIMIT: Duration = Duration::from_millis(400);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// A connection that says nothing for so long is asked whether it is alive, and has as long again to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// A process of the cell.
#[derive(Debug)]
pub(super) struct Endpoint {
    address: SocketAddr,
    ready: AtomicBool,
    in_flight: AtomicUsize,
}

/// All processes of a cell.
#[derive(Debug)]
pub(super) struct Endpoints {
    name: String,
    /// Host names and ports.
    hosts: Vec<(String, u16)>,
    client: Client<HttpConnector, Body>,
    known: RwLock<Vec<Arc<Endpoint>>>,
    /// Whose turn it is among those that are as busy as each other.
    turn: AtomicUsize,
}

impl Endpoints {
    /// Begins to look after the processes behind an address.
    pub(super) fn watch(name: &str, addresses: &[Uri]) -> Result<Arc<Self>, BadAddress> {
        let hosts = addresses.iter().map(host).collect::<Result<_, _>>()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(true)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .http2_keep_alive_while_idle(true)
            .build(connector);
        let endpoints = Arc::new(Self {
            name: name.to_owned(),
            hosts,
            client,
            known: RwLock::default(),
            turn: AtomicUsize::new(0),
        });
        tokio::spawn(look_after(Arc::downgrade(&endpoints)));
        Ok(endpoints)
    }

    fn known(&self) -> Vec<Arc<Endpoint>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The least busy one that takes requests and was not tried yet. When none takes any, all may be tried: the last
    /// probe may have been wrong, and refusing everything helps nobody.
    pub(super) fn choose(&self, tried: &[Arc<Endpoint>]) -> Option<Arc<Endpoint>> {
        let known = self.known();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let untried = |endpoint: &&Arc<Endpoint>| !tried.iter().any(|other| Arc::ptr_eq(endpoint, other));
        let in_turn = (0..known.len()).map(|step| &known[(turn + step) % known.len()]).filter(untried);
        let ready = in_turn.clone().filter(|endpoint| endpoint.ready.load(Ordering::Relaxed));
        let busy = |endpoint: &&Arc<Endpoint>| endpoint.in_flight.load(Ordering::Relaxed);
        ready.min_by_key(busy).or_else(|| in_turn.min_by_key(busy)).cloned()
    }

    /// Sends a request to one process.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, Error> {
        let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(endpoint.address.to_string())
            .path_and_query(path)
            .build()
            .unwrap_or_default();
        *request.version_mut() = http::Version::HTTP_2;
        let _busy = Busy::begin(&endpoint.in_flight);
        let answer = self.client.request(request).await;
        if answer.is_err() {
            // The next probe says whether it is back.
            endpoint.ready.store(false, Ordering::Relaxed);
        }
        answer
    }

    /// Looks the addresses up, and asks each whether it takes requests.
    async fn look(&self) {
        if let Some(addresses) = self.look_up().await {
            self.take_in(addresses.into_iter());
        }
        let known = self.known();
        let probes = known.iter().map(async |endpoint| {
            let ready = tokio::time::timeout(PROBE_LIMIT, self.probe(endpoint)).await.unwrap_or(false);
            if endpoint.ready.swap(ready, Ordering::Relaxed) != ready {
                tracing::info!(cell = self.name, address = %endpoint.address, ready, "a process of the cell");
            }
            ready
        });
        let ready = join_all(probes).await.into_iter().filter(|ready| *ready).count();
        #[expect(clippy::cast_precision_loss, reason = "a number of processes")]
        metrics::gauge!("rollcall_gateway_ready_endpoints", "cell" => self.name.clone()).set(ready as f64);
    }

    /// The addresses of all hosts; `None` when one is not known: the name service may be out of order while the cell
    /// is not.
    async fn look_up(&self) -> Option<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        for (host, port) in &self.hosts {
            let looked_up = tokio::net::lookup_host((host.as_str(), *port));
            match tokio::time::timeout(PROBE_LIMIT * 2, looked_up).await {
                Ok(Ok(found)) => addresses.extend(found),
                Ok(Err(error)) => {
                    tracing::warn!(cell = self.name, host, %error, "no address is known");
                    return None;
                }
                Err(_) => {
                    tracing::warn!(cell = self.name, host, "the name service does not answer in time");
                    return None;
                }
            }
        }
        Some(addresses)
    }

    fn take_in(&self, addresses: impl Iterator<Item = SocketAddr>) {
        let mut before: BTreeMap<SocketAddr, Arc<Endpoint>> =
            self.known().into_iter().map(|endpoint| (endpoint.address, endpoint)).collect();
        let mut now = BTreeMap::new();
        for address in addresses {
            let new = || Endpoint { address, ready: AtomicBool::new(false), in_flight: AtomicUsize::new(0) };
            now.entry(address).or_insert_with(|| before.remove(&address).unwrap_or_else(|| Arc::new(new())));
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = now.into_values().collect();
    }

    async fn probe(&self, endpoint: &Endpoint) -> bool {
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(endpoint.address.to_string())
            .path_and_query("/ready")
            .build()
            .unwrap_or_default();
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        *request.version_mut() = http::Version::HTTP_2;
        self.client.request(request).await.is_ok_and(|answer| answer.status() == StatusCode::NO_CONTENT)
    }
}

/// Host and port of an address.
fn host(address: &Uri) -> Result<(String, u16), BadAddress> {
    let bad = || BadAddress(address.to_string());
    if address.scheme() != Some(&Scheme::HTTP) || !matches!(address.path(), "" | "/") {
        return Err(bad());
    }
    let host = address.host().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
    Ok((host, address.port_u16().unwrap_or(80)))
}

/// Looks after the processes for as long as somebody sends them requests.
async fn look_after(endpoints: Weak<Endpoints>) {
    let mut interval = tokio::time::interval(PROBE_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(endpoints) = endpoints.upgrade() else { return };
        endpoints.look().await;
    }
}

/// One request at work at a process.
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
