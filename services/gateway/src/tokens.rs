//! Tokens and what they open, from a cache that lives for a second and that revocation empties.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use scim_protocol::schema::ResourceTypes;
use store::Store;
use store::clock::Timestamp;
use store::entity::words::{ConnectionStatus, TenantStatus};
use store::id::{ConnectionId, TenantId, TokenId};
use store::secret;

use crate::refusal::Refusal;

/// How long another process's revocation may go unnoticed.
const LIFETIME: Duration = Duration::from_secs(1);
const CAPACITY: u64 = 100_000;

/// What a valid token opens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The one connection.
    pub connection_id: ConnectionId,
    /// The token.
    pub token_id: TokenId,
    /// Refuse dialects instead of repairing them.
    pub strict: bool,
    /// What the connection's users and groups may hold.
    pub resource_types: Arc<ResourceTypes>,
    expires_at: Option<Timestamp>,
    tenant: TenantStatus,
    connection: ConnectionStatus,
}

impl Opened {
    /// Whether the tenant and the connection are served at all.
    pub(crate) fn check_served(&self) -> Result<(), Refusal> {
        match (self.tenant, self.connection) {
            (TenantStatus::Suspended, _) => Err(Refusal::Suspended),
            (_, ConnectionStatus::Paused) => Err(Refusal::Paused),
            _ => Ok(()),
        }
    }
}

/// Resolves bearer tokens.
#[derive(Clone)]
pub struct Tokens {
    store: Store,
    cache: Cache<Vec<u8>, Arc<Opened>>,
}

impl Tokens {
    /// A resolver with an empty cache.
    pub fn new(store: Store) -> Self {
        Self { store, cache: Cache::builder().max_capacity(CAPACITY).time_to_live(LIFETIME).build() }
    }

    /// Forgets a token by its digest, because it was revoked in this process.
    pub async fn forget(&self, digest: &[u8]) {
        self.cache.invalidate(digest).await;
    }

    /// What the `Authorization` header opens.
    pub(crate) async fn resolve(&self, header: Option<&str>) -> Result<Arc<Opened>, Refusal> {
        let token = header.and_then(bearer).ok_or(Refusal::Unauthorized)?;
        let digest = secret::digest(token);
        // Requests that miss at the same moment wait for one look-up. A no is not remembered: strangers
        // must not fill the cache, and a new token works at once.
        let opened = self.cache.try_get_with(digest.clone(), self.look_up(digest)).await;
        let opened = opened.map_err(|refusal| *refusal)?;
        let now = self.store.clock().now();
        if opened.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(Refusal::Unauthorized);
        }
        Ok(opened)
    }

    async fn look_up(&self, digest: Vec<u8>) -> Result<Arc<Opened>, Refusal> {
        let token = self.store.find_scim_token(&digest).await.map_err(|error| refuse(&error))?;
        let token = token.ok_or(Refusal::Unauthorized)?;
        if !token.is_valid(self.store.clock().now()) {
            return Err(Refusal::Unauthorized);
        }
        let tenant = self.store.tenant(token.tenant_id);
        let row = self.store.tenants().get(token.tenant_id).await.map_err(|error| refuse(&error))?;
        let connection =
            tenant.connections().get(token.connection_id).await.map_err(|error| refuse(&error))?;
        let resource_types =
            tenant.schema_extensions().resource_types().await.map_err(|error| refuse(&error))?;
        // The last use is for people; a request does not fail for it.
        if let Err(error) = tenant.tokens(token.connection_id).touch(&token).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "last use of a token not noted");
        }
        Ok(Arc::new(Opened {
            tenant_id: token.tenant_id,
            connection_id: token.connection_id,
            token_id: token.id,
            strict: connection.strict,
            resource_types,
            expires_at: token.expires_at,
            tenant: row.status,
            connection: connection.status,
        }))
    }
}

fn refuse(error: &store::Error) -> Refusal {
    match error {
        store::Error::NotFound(_) => Refusal::Unauthorized,
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "token look-up failed");
            Refusal::Unavailable
        }
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
