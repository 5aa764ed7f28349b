//! Tokens and what they open: asked of the cells, and remembered while the cells confirm it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use guard::Source;
use moka::future::Cache;
use proto::routing::v1 as wire;
use proto::routing::v1::change::Subject;
use proto::routing::v1::routing_client::RoutingClient;
use store::clock::{Clock, Timestamp};
use store::id::{ConnectionId, TenantId, TokenId};
use store::secret;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::cell::{Cell, Transport};
use crate::failures::Failures;
use crate::refusal::Refusal;
use crate::watched::{UNCONFIRMED, Watched};

const CAPACITY: u64 = 100_000;
/// How long a cell may take to say whom a token belongs to.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before a cell is listened to again that stopped telling changes.
const LISTEN_AGAIN: Duration = Duration::from_millis(200);
/// How often requests without a token are told of, for one connection.
const STRANGERS: Duration = Duration::from_secs(2);
/// Requests without a token that are told of in a second, for all connections.
const TOLD: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// What a valid token opens.
#[derive(Debug)]
pub struct Opened {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The one connection.
    pub connection_id: ConnectionId,
    /// The token.
    pub token_id: TokenId,
    /// Refuse dialects instead of repairing them.
    pub strict: bool,
    /// Which schema extensions its users and groups may hold.
    pub schemas: u64,
    pub(crate) digest: Vec<u8>,
    /// The cell that it lives in, by its place.
    pub(crate) cell: usize,
    pub(crate) asked_at: Instant,
    /// Changes of the cell before this one are known to leave it as it is.
    position: AtomicU64,
    expires_at: Option<Timestamp>,
    tenant: wire::TenantStatus,
    connection: wire::ConnectionStatus,
}

impl Opened {
    /// Whether the tenant and the connection are served at all. A status of a later version is for later.
    pub(crate) fn check_served(&self) -> Result<(), Refusal> {
        match (self.tenant, self.connection) {
            (wire::TenantStatus::Suspended, _) => Err(Refusal::Suspended),
            (wire::TenantStatus::Moving, _) => Err(Refusal::Moving),
            (_, wire::ConnectionStatus::Paused) => Err(Refusal::Paused),
            (wire::TenantStatus::Active, wire::ConnectionStatus::Active) => Ok(()),
            (wire::TenantStatus::Unspecified, _) | (_, wire::ConnectionStatus::Unspecified) => {
                Err(Refusal::Unavailable)
            }
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Notes that changes before `position` leave it as it is.
    pub(crate) fn read_until(&self, position: u64) {
        self.position.fetch_max(position, Ordering::Relaxed);
    }

    pub(crate) fn depends_on(&self, change: &Subject) -> bool {
        match change {
            Subject::TokenDigest(digest) => *digest == self.digest,
            Subject::ConnectionId(id) => id.as_slice() == self.connection_id.0.as_bytes(),
            Subject::TenantId(id) => id.as_slice() == self.tenant_id.0.as_bytes(),
        }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(position: u64, asked_at: Instant) -> Self {
        Self {
            tenant_id: TenantId::generate(),
            connection_id: ConnectionId::generate(),
            token_id: TokenId::generate(),
            strict: false,
            schemas: 0,
            digest: vec![1; 32],
            cell: 0,
            asked_at,
            position: AtomicU64::new(position),
            expires_at: None,
            tenant: wire::TenantStatus::Active,
            connection: wire::ConnectionStatus::Active,
        }
    }
}

/// A cell that is asked and listened to.
#[derive(Debug)]
struct Asked {
    name: String,
    client: RoutingClient<Transport>,
    watched: Watched,
}

/// Resolves bearer tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    cells: Arc<[Asked]>,
    clock: Clock,
    cache: Cache<Vec<u8>, Arc<Opened>>,
    /// Where a connection was found last.
    homes: Cache<ConnectionId, usize>,
    /// Connections for which requests without a token came lately.
    strangers: Cache<ConnectionId, ()>,
    /// How many of them the cells are told of.
    told: Arc<DefaultDirectRateLimiter>,
    failures: Failures,
}

impl Tokens {
    pub(crate) fn new(cells: &[Cell], clock: Clock) -> Self {
        let asked = |cell: &Cell| Asked {
            name: cell.name.clone(),
            client: RoutingClient::new(cell.routing.clone()),
            watched: Watched::default(),
        };
        Self {
            cells: cells.iter().map(asked).collect(),
            clock,
            cache: Cache::new(CAPACITY),
            homes: Cache::new(CAPACITY),
            strangers: Cache::builder().max_capacity(CAPACITY).time_to_live(STRANGERS).build(),
            told: Arc::new(RateLimiter::direct(Quota::per_second(TOLD))),
            failures: Failures::new(),
        }
    }

    /// Listens to the cells, so that what was asked is believed for longer than a moment; returns only when dropped.
    pub async fn listen(&self) {
        let mut listeners = JoinSet::new();
        for place in 0..self.cells.len() {
            let cells = Arc::clone(&self.cells);
            listeners.spawn(async move {
                loop {
                    cells[place].listen().await;
                    tokio::time::sleep(LISTEN_AGAIN).await;
                }
            });
        }
        listeners.join_all().await;
    }

    /// Forgets a token by its digest, because it was revoked in this process.
    pub async fn forget(&self, digest: &[u8]) {
        self.cache.invalidate(digest).await;
    }

    /// What the `Authorization` header of a request to `connection` opens.
    pub(crate) async fn resolve(
        &self,
        header: Option<&str>,
        connection: ConnectionId,
        source: Option<Source>,
    ) -> Result<Arc<Opened>, Refusal> {
        let Some(token) = header.and_then(bearer) else {
            self.note_stranger(connection).await;
            return Err(Refusal::Unauthorized);
        };
        let digest = secret::digest(token);
        let known = self.cache.get(&digest).await;
        let known = known.filter(|opened| self.confirms(opened));
        let opened = if let Some(opened) = known {
            opened
        } else {
            // Whoever is known was let in above, whatever others try from the same place.
            self.failures.check(source, connection, &digest)?;
            let began = Instant::now();
            let opened = self.ask(digest.clone(), connection, source).await.inspect_err(|refusal| {
                if *refusal == Refusal::Unauthorized {
                    self.failures.failed(source, connection, &digest);
                }
            })?;
            // Somebody else's question may have been on its way for long.
            if opened.asked_at >= began || self.confirms(&opened) {
                opened
            } else {
                self.ask(digest, connection, source).await?
            }
        };
        if opened.expires_at.is_some_and(|expiry| expiry <= self.clock.now()) {
            return Err(Refusal::Unauthorized);
        }
        self.failures.succeeded(source, &opened.digest);
        Ok(opened)
    }

    /// Lets the cells note that a request without a token came for a connection, in a while and not each time.
    async fn note_stranger(&self, connection: ConnectionId) {
        // Who has no token must cost little: the ids are made up as easily as the requests.
        if self.strangers.contains_key(&connection) || self.told.check().is_err() {
            return;
        }
        self.strangers.insert(connection, ()).await;
        let cells = Arc::clone(&self.cells);
        tokio::spawn(async move {
            for cell in cells.iter() {
                // Whoever is to be told looks again, and the request is refused anyway.
                drop(cell.ask(Vec::new(), connection, None).await);
            }
        });
    }

    /// Whether what was asked some time ago still holds.
    fn confirms(&self, opened: &Opened) -> bool {
        self.cells[opened.cell].watched.confirms(opened, Instant::now())
    }

    async fn ask(
        &self,
        digest: Vec<u8>,
        connection: ConnectionId,
        source: Option<Source>,
    ) -> Result<Arc<Opened>, Refusal> {
        let now = Instant::now();
        let stale = |known: &Arc<Opened>| now.duration_since(known.asked_at) >= UNCONFIRMED;
        if self.cache.get(&digest).await.as_ref().is_some_and(stale) {
            self.cache.invalidate(&digest).await;
        }
        // Requests that miss at the same moment wait for one look-up. A no is not remembered: strangers
        // must not fill the cache, and a new token works at once.
        let opened = self.cache.try_get_with(digest.clone(), self.look_up(digest, connection, source)).await;
        opened.map_err(|refusal| *refusal)
    }

    /// Asks the cell where the connection was found last, and the others when it does not know the token.
    async fn look_up(
        &self,
        digest: Vec<u8>,
        connection: ConnectionId,
        source: Option<Source>,
    ) -> Result<Arc<Opened>, Refusal> {
        let home = if self.cells.len() == 1 { Some(0) } else { self.homes.get(&connection).await };
        if let Some(place) = home
            && let Some(opened) = self.look_up_in(place, digest.clone(), connection, source).await?
        {
            return Ok(opened);
        }
        let others = (0..self.cells.len()).filter(|place| Some(*place) != home);
        let asked = others.map(|place| self.look_up_in(place, digest.clone(), connection, source));
        let mut refusal = Refusal::Unauthorized;
        for answer in futures::future::join_all(asked).await {
            match answer {
                Ok(Some(opened)) => {
                    self.homes.insert(opened.connection_id, opened.cell).await;
                    return Ok(opened);
                }
                Ok(None) => {}
                // It may be the one that knows the token: nobody is told that it is wrong.
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }

    async fn look_up_in(
        &self,
        place: usize,
        digest: Vec<u8>,
        connection: ConnectionId,
        source: Option<Source>,
    ) -> Result<Option<Arc<Opened>>, Refusal> {
        let cell = &self.cells[place];
        let (asked_at, position) = (Instant::now(), cell.watched.position());
        let Some(route) = cell.ask(digest.clone(), connection, source).await? else { return Ok(None) };
        // Not to be remembered: the cell that a tenant has left tells nothing of it.
        if route.tenant_status() == wire::TenantStatus::Moving {
            return Err(Refusal::Moving);
        }
        let id = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| Refusal::Unavailable);
        Ok(Some(Arc::new(Opened {
            tenant_id: TenantId(id(&route.tenant_id)?),
            connection_id: ConnectionId(id(&route.connection_id)?),
            token_id: TokenId(id(&route.token_id)?),
            strict: route.strict,
            schemas: route.schemas,
            digest,
            cell: place,
            asked_at,
            position: AtomicU64::new(position),
            tenant: route.tenant_status(),
            connection: route.connection_status(),
            expires_at: route.expires_at.map(Timestamp),
        })))
    }
}

impl Asked {
    /// What a token opens in this cell. A call that failed is repeated once: it changes nothing, and the process that
    /// it met may have been about to stop.
    async fn ask(
        &self,
        digest: Vec<u8>,
        connection: ConnectionId,
        source: Option<Source>,
    ) -> Result<Option<wire::Route>, Refusal> {
        let mut failed = None;
        for _ in 0..2 {
            let mut client = self.client.clone();
            let request = wire::ResolveRequest {
                token_digest: digest.clone(),
                connection_id: connection.0.into_bytes().to_vec(),
                source: source.map(|source| source.to_string()).unwrap_or_default(),
            };
            match tokio::time::timeout(PATIENCE, client.resolve(request)).await {
                Ok(Ok(answer)) => return Ok(answer.into_inner().route),
                Ok(Err(status)) => failed = Some(format!("{:?}: {}", status.code(), status.message())),
                Err(_) => {
                    failed = Some("no answer in time".to_owned());
                    break;
                }
            }
        }
        tracing::warn!(cell = self.name, error = failed, "a token could not be looked up");
        Err(Refusal::Unavailable)
    }

    /// Takes in what the cell tells, until it stops to.
    async fn listen(&self) {
        let mut client = self.client.clone();
        let mut stream = match client.watch(wire::WatchRequest {}).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => {
                // Several times a second while the cell is away, which others tell.
                tracing::debug!(cell = self.name, code = ?status.code(), "the cell tells no changes");
                return;
            }
        };
        // What is told now may have been said long ago, when the stream stood still: only its rhythm makes it new.
        while let Ok(Ok(Some(told))) = tokio::time::timeout(PATIENCE, stream.message()).await {
            self.watched.tell(told.changes.into_iter().filter_map(|change| change.subject), Instant::now());
        }
        self.watched.lost();
    }
}

/// The token of `Bearer …`; the scheme's case does not count (RFC 9110 §11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_scheme_is_read_in_any_case() {
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
    }
}
