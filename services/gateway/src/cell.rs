//! A cell as the gateway sees it: somewhere to ask whom a token belongs to, and somewhere to send requests.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

/// The SCIM handlers, wherever they run.
pub type Handlers = BoxCloneSyncService<Request<Body>, Response, Infallible>;

/// What carries calls to a gRPC server, in this process or through a network.
pub type Transport =
    BoxCloneSyncService<http::Request<tonic::body::Body>, http::Response<tonic::body::Body>, Undelivered>;

/// A call that did not get to the cell, or whose answer did not come back.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Undelivered(pub(crate) BoxError);

/// One database with its SCIM handlers.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its name, for people.
    pub name: String,
    /// Its routing service.
    pub routing: Transport,
    /// Its SCIM handlers.
    pub handlers: Handlers,
}

impl Cell {
    /// A cell whose routing service and handlers run in this process.
    pub fn here<S, H>(name: &str, routing: S, handlers: H) -> Self
    where
        S: Service<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = Infallible,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
        H: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self {
            name: name.to_owned(),
            routing: BoxCloneSyncService::new(routing.map_err(|never| match never {})),
            handlers: BoxCloneSyncService::new(handlers),
        }
    }
}
