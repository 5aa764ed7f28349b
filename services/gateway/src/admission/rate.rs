//! Requests in a second, of a tenant and of a token: counted in Redis for all gateways together, and in this process
//! while Redis does not answer.
//!
//! The generic cell rate algorithm: a key holds the instant up to which its requests are spent. A second's worth may
//! come at once, ten seconds' worth after a pause, so that the bursts of a provider's cycle go through.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use redis::Script;
use redis::aio::ConnectionManager;
use store::id::{TenantId, TokenId};
use uuid::Uuid;

use super::Limits;
use crate::refusal::Refusal;

/// Seconds' worth of requests that may come at once.
const BURST_SECONDS: u32 = 10;
/// How long Redis may take: an answer that comes later than this process could count by itself is worth nothing.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long Redis is left alone after it failed.
const LEFT_ALONE: Duration = Duration::from_secs(1);
/// How many counts pass between looks for keys that are idle.
const SWEEP_EVERY: u64 = 100_000;

/// For each key in turn with its requests a second: whether one more fits, by Redis's own clock. Only when it fits
/// with all of them it is counted. Answers the milliseconds to wait, zero for none.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local t = redis.call('TIME')
         local now = t[1] * 1000 + t[2] / 1000
         local wait = 0
         local spent = {}
         for i, key in ipairs(KEYS) do
           local gap = 1000 / tonumber(ARGV[i])
           local burst = 1000 * tonumber(ARGV[#KEYS + 1])
           local at = math.max(tonumber(redis.call('GET', key) or 0), now)
           if at + gap - burst > now then wait = math.max(wait, at + gap - burst - now) end
           spent[i] = at + gap
         end
         if wait == 0 then
           for i, key in ipairs(KEYS) do
             redis.call('SET', key, string.format('%.3f', spent[i]), 'PX', math.ceil(spent[i] - now) + 1000)
           end
         end
         return math.ceil(wait)",
    )
});

/// Rates that all gateways count together.
#[derive(Clone)]
pub struct SharedRates(ConnectionManager);

impl std::fmt::Debug for SharedRates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SharedRates")
    }
}

impl SharedRates {
    /// Counts in this Redis.
    pub fn new(redis: ConnectionManager) -> Self {
        Self(redis)
    }
}

/// Counts requests.
#[derive(Clone, Debug)]
pub struct Rate {
    tenants: Option<(NonZeroU32, Arc<DefaultKeyedRateLimiter<Uuid>>)>,
    tokens: Option<(NonZeroU32, Arc<DefaultKeyedRateLimiter<Uuid>>)>,
    shared: Option<SharedRates>,
    /// Milliseconds after `started` until which Redis is left alone.
    alone_until: Arc<AtomicU64>,
    started: Instant,
    counted: Arc<AtomicU64>,
}

impl Rate {
    pub(super) fn new(limits: &Limits, shared: Option<SharedRates>) -> Self {
        let limiter = |per_second: NonZeroU32| {
            let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
            (per_second, Arc::new(RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst))))
        };
        Self {
            tenants: limits.per_tenant.map(limiter),
            tokens: limits.per_token.map(limiter),
            shared,
            alone_until: Arc::default(),
            started: Instant::now(),
            counted: Arc::default(),
        }
    }

    /// Counts a request, or says when to come back.
    pub(super) async fn take(&self, tenant: TenantId, token: TokenId) -> Result<(), Refusal> {
        let keys = [("tenant", &self.tenants, tenant.0), ("token", &self.tokens, token.0)];
        let keys = keys.into_iter().filter_map(|(kind, limit, id)| Some((kind, limit.as_ref()?, id)));
        let shared = keys.clone().map(|(kind, (rate, _), id)| (kind, *rate, id));
        let wait = if let Some(wait) = self.take_shared(tenant, shared).await {
            wait
        } else {
            self.sweep();
            let waits = keys.filter_map(|(_, (_, limiter), id)| {
                let refused = limiter.check_key(&id).err()?;
                Some(refused.wait_time_from(limiter.clock().now()))
            });
            waits.max().unwrap_or_default()
        };
        if wait.is_zero() {
            return Ok(());
        }
        Err(Refusal::TooMany { seconds: wait.as_millis().div_ceil(1000).try_into().unwrap_or(u32::MAX) })
    }

    /// The wait that all gateways together ask for; `None` when Redis does not say.
    async fn take_shared(
        &self,
        tenant: TenantId,
        keys: impl Iterator<Item = (&str, NonZeroU32, Uuid)>,
    ) -> Option<Duration> {
        let mut redis = self.shared.as_ref()?.0.clone();
        if self.elapsed() < self.alone_until.load(Ordering::Relaxed) {
            return None;
        }
        let mut call = SCRIPT.prepare_invoke();
        let mut any = false;
        for (kind, per_second, id) in keys {
            // What is counted together lies together, where Redis is several.
            call.key(format!("rollcall:{{{tenant}}}:rate:{kind}:{id}")).arg(per_second.get());
            any = true;
        }
        if !any {
            return Some(Duration::ZERO);
        }
        call.arg(BURST_SECONDS);
        let error = match tokio::time::timeout(PATIENCE, call.invoke_async::<u64>(&mut redis)).await {
            Ok(Ok(milliseconds)) => return Some(Duration::from_millis(milliseconds)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        let alone = LEFT_ALONE.as_millis().try_into().unwrap_or(u64::MAX);
        self.alone_until.store(self.elapsed() + alone, Ordering::Relaxed);
        tracing::warn!(error, "Redis does not count requests; this process counts its own");
        None
    }

    fn elapsed(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// Now and then forgets keys that are idle.
    fn sweep(&self) {
        if self.counted.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            for (_, limiter) in [&self.tenants, &self.tokens].into_iter().flatten() {
                limiter.retain_recent();
            }
        }
    }
}
