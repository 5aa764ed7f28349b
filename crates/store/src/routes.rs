//! What gateways remember, and when they must forget it: each change of a token, a connection or a tenant that a
//! route depends on is noted in the transaction that makes it, and read by whoever tells the gateways.

use std::collections::HashMap;
use std::sync::Arc;

use scim_protocol::schema::ResourceTypes;
use uuid::Uuid;

use crate::database::{Store, WriteTransaction};
use crate::entity::words::TenantStatus;
use crate::entity::{connection, scim_token};
use crate::error::Result;
use crate::id::{ConnectionId, TenantId};
use crate::schema_extensions::SchemasVersion;
use crate::statement::{database_now, execute, rows};

/// How long before the last look a change may have been noted and still be new to it, in milliseconds: a
/// transaction notes it first and commits it afterwards.
const OVERLAP_MILLISECONDS: i64 = 30_000;
/// How long a change is kept, in milliseconds.
const KEPT_MILLISECONDS: i64 = 3_600_000;

/// What a token opens, whether or not it is served at the moment.
#[derive(Clone, Debug)]
pub struct Route {
    /// The token; not valid for ever.
    pub token: scim_token::Model,
    /// The connection that it opens.
    pub connection: connection::Model,
    /// Whether the tenant is served.
    pub tenant_status: TenantStatus,
    /// Which schema extensions the tenant has.
    pub schemas: SchemasVersion,
    /// What its users and groups may hold.
    pub resource_types: Arc<ResourceTypes>,
}

impl Store {
    /// What the token of a digest opens; `None` when it is unknown, revoked or has ended. Notes the token's use, and from
    /// where.
    pub async fn find_route(&self, token_digest: &[u8], source: &str) -> Result<Option<Route>> {
        let Some(token) = self.find_scim_token(token_digest).await? else { return Ok(None) };
        if !token.is_valid(self.clock.now()) {
            return Ok(None);
        }
        let tenant = self.tenant(token.tenant_id);
        let tenant_status = self.tenants().get(token.tenant_id).await?.status;
        let connection = tenant.connections().get(token.connection_id).await?;
        let (schemas, resource_types) = tenant.schema_extensions().versioned().await?;
        // The last use is for people; a request does not fail for it.
        if let Err(error) = tenant.tokens(token.connection_id).touch(&token, source).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "last use of a token not noted");
        }
        Ok(Some(Route { token, connection, tenant_status, schemas, resource_types }))
    }

    /// Reads changes from now on.
    pub fn route_changes(&self) -> RouteChanges {
        RouteChanges { store: self.clone(), read_until: None, seen: HashMap::new() }
    }
}

/// Something that routes depend on was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteChange {
    /// The token of this digest was revoked.
    Token(Vec<u8>),
    /// The connection was edited.
    Connection(ConnectionId),
    /// The tenant was suspended or served again, or its schema extensions were edited.
    Tenant(TenantId),
}

impl RouteChange {
    /// Notes the change in the transaction that makes it.
    pub(crate) async fn note(self, transaction: &WriteTransaction, tenant: TenantId) -> Result<()> {
        use sea_orm::ConnectionTrait as _;
        let now = database_now(transaction.get_database_backend());
        let sql = format!("DELETE FROM route_changes WHERE tenant_id = $1 AND noted_at < {now} - $2");
        execute(&**transaction, sql, vec![tenant.into(), KEPT_MILLISECONDS.into()]).await?;
        let (connection, digest) = match self {
            Self::Token(digest) => (None, Some(digest)),
            Self::Connection(id) => (Some(id.0), None),
            Self::Tenant(_) => (None, None),
        };
        let sql = format!(
            "INSERT INTO route_changes (tenant_id, id, connection_id, token_digest, noted_at) \
             VALUES ($1, $2, $3, $4, {now})"
        );
        let values = vec![tenant.into(), Uuid::now_v7().into(), connection.into(), digest.into()];
        execute(&**transaction, sql, values).await?;
        Ok(())
    }
}

/// Changes in the order in which they are met, each once.
#[derive(Debug)]
pub struct RouteChanges {
    store: Store,
    /// By the database's clock; `None` before the first look.
    read_until: Option<i64>,
    /// Those of the overlap that were told already, with when they were noted.
    seen: HashMap<Uuid, i64>,
}

impl RouteChanges {
    /// What was committed since the call before; the first call begins.
    pub async fn next(&mut self) -> Result<Vec<RouteChange>> {
        let now = database_now(self.store.backend());
        // One statement, so that the clock is read no later than the rows.
        let sql = format!(
            "SELECT c.id, c.tenant_id, c.connection_id, c.token_digest, c.noted_at, n.now \
             FROM (SELECT {now} AS now) n LEFT JOIN route_changes c ON c.noted_at >= $1"
        );
        let since = self.read_until.map_or(i64::MAX, |until| until - OVERLAP_MILLISECONDS);
        let mut changes = Vec::new();
        for row in rows(&self.store.reader(), sql, vec![since.into()]).await? {
            self.read_until = Some(row.try_get("", "now")?);
            let Some(id) = row.try_get::<Option<Uuid>>("", "id")? else { continue };
            if self.seen.insert(id, row.try_get("", "noted_at")?).is_some() {
                continue;
            }
            let digest: Option<Vec<u8>> = row.try_get("", "token_digest")?;
            let connection: Option<Uuid> = row.try_get("", "connection_id")?;
            changes.push(match (digest, connection) {
                (Some(digest), _) => RouteChange::Token(digest),
                (None, Some(id)) => RouteChange::Connection(ConnectionId(id)),
                (None, None) => RouteChange::Tenant(TenantId(row.try_get("", "tenant_id")?)),
            });
        }
        if let Some(until) = self.read_until {
            self.seen.retain(|_, noted_at| *noted_at >= until - OVERLAP_MILLISECONDS);
        }
        Ok(changes)
    }
}
