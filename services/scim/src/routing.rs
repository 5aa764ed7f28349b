//! What gateways ask this cell: whom a token belongs to, and when that changes.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use proto::routing::v1 as wire;
use proto::routing::v1::routing_server::{Routing, RoutingServer};
use store::Store;
use store::entity::words::{ConnectionStatus, TenantStatus};
use store::id::ConnectionId;
use store::routes::{Route, RouteChange};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::Scim;
use crate::requests::Requests;
use crate::schemas::Schemas;

/// How often the database is asked for changes. A gateway believes what it remembers for some three times as long
/// without hearing from us.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Looks that a watcher may be behind before it is cut off, to begin again.
const BEHIND: usize = 64;

/// What is told of a request that brought no token.
const NO_TOKEN: &str = "The request had no header \"Authorization: Bearer …\": the provider sends no token, or sends it in \
    another way.";
/// What is told of a request whose token opens another base URL, or nothing.
const WRONG_TOKEN: &str = "The token is none of this connection, or is revoked. Copy it again, whole and without spaces, or \
    make a new one; and see that the base URL is this connection's.";

/// The routing service of this cell. Clones share one look at the database.
#[derive(Clone, Debug)]
pub struct RoutingService {
    store: Store,
    schemas: Schemas,
    requests: Requests,
    looks: Arc<OnceLock<Looks>>,
    /// Ends what is told, so that gateways listen to another process before this one is gone.
    stop: CancellationToken,
}

/// What is told to everyone who watches; dropped with the last clone of the service.
#[derive(Debug)]
struct Looks {
    told: broadcast::Sender<wire::WatchResponse>,
    work: AbortHandle,
}

impl Drop for Looks {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl RoutingService {
    /// The service of a cell with these handlers. It looks for changes as soon as somebody watches.
    pub fn new(scim: &Scim, stop: CancellationToken) -> Self {
        let Scim { store, schemas, requests, .. } = scim.clone();
        Self { store, schemas, requests, looks: Arc::default(), stop }
    }

    /// As a gRPC server.
    pub fn server(&self) -> RoutingServer<Self> {
        RoutingServer::new(self.clone())
    }
}

/// Tells what was changed, for ever. While the database does not answer nothing is told, so that gateways stop to
/// believe what they remember.
async fn look(store: Store, told: broadcast::Sender<wire::WatchResponse>) {
    let mut changes = store.route_changes();
    let mut interval = tokio::time::interval(LOOK_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match changes.next().await {
            Ok(changes) => {
                let changes = changes.into_iter().map(change).collect();
                // Nobody may be listening.
                drop(told.send(wire::WatchResponse { changes }));
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "changes of routes not read");
            }
        }
    }
}

fn change(change: RouteChange) -> wire::Change {
    let subject = match change {
        RouteChange::Token(digest) => wire::change::Subject::TokenDigest(digest),
        RouteChange::Connection(id) => wire::change::Subject::ConnectionId(id.0.into_bytes().to_vec()),
        RouteChange::Tenant(id) => wire::change::Subject::TenantId(id.0.into_bytes().to_vec()),
    };
    wire::Change { subject: Some(subject) }
}

fn route(route: &Route) -> wire::Route {
    wire::Route {
        tenant_id: route.token.tenant_id.0.into_bytes().to_vec(),
        connection_id: route.token.connection_id.0.into_bytes().to_vec(),
        token_id: route.token.id.0.into_bytes().to_vec(),
        strict: route.connection.strict,
        schemas: route.schemas.0,
        expires_at: route.token.expires_at.map(|at| at.0),
        tenant_status: match route.tenant_status {
            TenantStatus::Active => wire::TenantStatus::Active,
            TenantStatus::Suspended => wire::TenantStatus::Suspended,
            TenantStatus::Leaving | TenantStatus::Arriving => wire::TenantStatus::Moving,
        }
        .into(),
        connection_status: match route.connection.status {
            ConnectionStatus::Active => wire::ConnectionStatus::Active,
            ConnectionStatus::Paused => wire::ConnectionStatus::Paused,
        }
        .into(),
    }
}

#[tonic::async_trait]
impl Routing for RoutingService {
    async fn resolve(
        &self,
        request: Request<wire::ResolveRequest>,
    ) -> Result<Response<wire::ResolveResponse>, Status> {
        let wire::ResolveRequest { token_digest, connection_id, source } = request.into_inner();
        let connection = Uuid::from_slice(&connection_id).ok().map(ConnectionId);
        if token_digest.is_empty() {
            if let Some(connection) = connection {
                self.requests.note_stranger(connection, NO_TOKEN);
            }
            return Ok(Response::new(wire::ResolveResponse { route: None }));
        }
        let found = match self.store.find_route(&token_digest, &source).await {
            Ok(found) => found,
            // What a token belongs to went while it was read.
            Err(store::Error::NotFound(_)) => None,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "token look-up failed");
                return Err(Status::unavailable("the database does not answer"));
            }
        };
        let opens = |connection| found.as_ref().is_some_and(|route| route.token.connection_id == connection);
        if let Some(connection) = connection.filter(|connection| !opens(*connection)) {
            self.requests.note_stranger(connection, WRONG_TOKEN);
        }
        if let Some(found) = &found {
            let (tenant, types) = (found.token.tenant_id, Arc::clone(&found.resource_types));
            self.schemas.remember(tenant, found.schemas, types).await;
        }
        Ok(Response::new(wire::ResolveResponse { route: found.as_ref().map(route) }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<wire::WatchResponse, Status>> + Send>>;

    async fn watch(&self, _: Request<wire::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let looks = self.looks.get_or_init(|| {
            let (told, _) = broadcast::channel(BEHIND);
            let work = tokio::spawn(look(self.store.clone(), told.clone())).abort_handle();
            Looks { told, work }
        });
        let looks = BroadcastStream::new(looks.told.subscribe());
        // A watcher that is behind missed changes: it has to begin again.
        let looks = looks.map(|look| look.map_err(|_| Status::data_loss("behind; watch again")));
        Ok(Response::new(Box::pin(looks.take_until(self.stop.clone().cancelled_owned()))))
    }
}
