//! A cell whose handlers run in other processes: which of them take requests, and how a request gets there.
//!
//! The addresses behind the cell's names are looked up again and again, and each is asked twice a second whether it
//! takes requests. So a process that drains, hangs or is gone is left out before requests meet it, and one that was
//! added gets its share: the least busy one is next.

mod endpoints;
mod forward;

use std::sync::Arc;

use http::Uri;
use proto::pass::PassKeys;
use store::clock::Clock;
use tower::util::BoxCloneSyncService;

use crate::cell::Cell;
use crate::remote::endpoints::Endpoints;
use crate::remote::forward::{carry, forward};

/// A cell somewhere else. It is looked after until the last clone is dropped; to be called within a runtime.
pub fn cell(name: &str, addresses: &[Uri], passes: PassKeys, clock: Clock) -> Result<Cell, BadAddress> {
    let endpoints = Endpoints::watch(name, addresses)?;
    let (routing, handlers) = (Arc::clone(&endpoints), endpoints);
    let (own_passes, own_clock) = (passes.clone(), clock.clone());
    Ok(Cell {
        name: name.to_owned(),
        routing: BoxCloneSyncService::new(tower::service_fn(move |request| {
            carry(Arc::clone(&routing), own_passes.clone(), own_clock.clone(), request)
        })),
        handlers: BoxCloneSyncService::new(tower::service_fn(move |request| {
            forward(Arc::clone(&handlers), passes.clone(), clock.clone(), request)
        })),
    })
}

/// A cell's address that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no address of a cell: it looks like http://rollcall-scim:8082")]
pub struct BadAddress(String);
