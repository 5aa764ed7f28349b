//! How much is let in at once: what would only queue is told to come back before it costs anything.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use store::id::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::Refusal;
use crate::tokens::Opened;

mod rate;

pub use rate::{Rate, SharedRates};

/// How long a tenant that sends nothing is remembered.
const IDLE: Duration = Duration::from_mins(1);
const TENANTS: u64 = 100_000;

/// Limits of one gateway process, and rates over all of them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests at work at a time.
    pub at_once: usize,
    /// Requests at work of one tenant at a time.
    pub at_once_per_tenant: usize,
    /// Requests of one tenant in a second; none: as many as come.
    pub per_tenant: Option<NonZeroU32>,
    /// Requests with one token in a second; none: as many as come.
    pub per_token: Option<NonZeroU32>,
}

impl Default for Limits {
    /// 1,024 at once and 128 of a tenant, and 500 a second of a tenant and 250 with a token.
    fn default() -> Self {
        Self {
            at_once: 1_024,
            at_once_per_tenant: 128,
            per_tenant: NonZeroU32::new(500),
            per_token: NonZeroU32::new(250),
        }
    }
}

/// Lets requests in.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    limits: Limits,
    all: Arc<Semaphore>,
    tenants: Cache<TenantId, Arc<Semaphore>>,
    rate: Rate,
}

/// A request's place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(limits: Limits, shared: Option<SharedRates>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.at_once)),
            tenants: Cache::builder().max_capacity(TENANTS).time_to_idle(IDLE).build(),
            rate: Rate::new(&limits, shared),
            limits,
        }
    }

    /// A place among all requests of this process.
    pub(crate) fn enter(&self) -> Result<Place, Refusal> {
        match Arc::clone(&self.all).try_acquire_owned() {
            Ok(place) => Ok(Place { _place: place }),
            Err(_) => Err(Refusal::Busy),
        }
    }

    /// A place among the tenant's requests, within the rates.
    pub(crate) async fn admit(&self, opened: &Opened) -> Result<Place, Refusal> {
        let limit = self.limits.at_once_per_tenant;
        // Whoever is at work holds its semaphore: forgetting it counts anew what is left, which is idle.
        let tenant = self.tenants.get_with(opened.tenant_id, || Arc::new(Semaphore::new(limit)));
        let place = tenant.try_acquire_owned().map_err(|_| Refusal::TooMany { seconds: 1 })?;
        self.rate.take(opened.tenant_id, opened.token_id).await?;
        Ok(Place { _place: place })
    }
}
