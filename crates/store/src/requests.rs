//! The last SCIM requests of a connection. They are for people who set a provider up or look for a mistake: a bounded
//! number is kept, for a bounded time, and some may be missing. What was done is the timeline's to tell.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::{connection, scim_request};
use crate::error::Result;
use crate::id::{ConnectionId, RequestId, TenantId};
use crate::lookup::without_nul;
use crate::statement::{execute, placeholders};
use crate::tenant::TenantStore;

/// Requests of one connection that are kept at the most.
pub const KEPT: i64 = 1_000;
/// How long they are kept.
pub const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

const COLUMNS: &str = "tenant_id, connection_id, id, at, method, path, status, duration_micros, request_id, \
    user_agent, sent, problem";

/// The last requests of one connection.
#[derive(Clone, Debug)]
pub struct Requests {
    pub(crate) tenant: TenantStore,
    pub(crate) connection: ConnectionId,
}

/// A request to be noted.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// When it came.
    pub at: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// Path and query below the base URL.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// How long it took.
    pub duration: Duration,
    /// Its `x-request-id`.
    pub request_id: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The body; must hold no secret.
    pub sent: Option<String>,
    /// Why it was refused.
    pub problem: Option<String>,
}

impl Store {
    /// The tenant of a connection: for requests whose token opens nothing.
    pub async fn tenant_of_connection(&self, id: ConnectionId) -> Result<Option<TenantId>> {
        let query = connection::Entity::find().filter(connection::Column::Id.eq(id));
        Ok(query.one(&self.connection).await?.map(|row| row.tenant_id))
    }
}

impl Requests {
    /// Notes requests, and forgets those that are outdated or too many.
    pub async fn insert(&self, requests: Vec<NewRequest>) -> Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        let (mut bound, mut rows) = (Vec::new(), Vec::new());
        for request in requests {
            let row = self.values(&request);
            rows.push(format!("({})", placeholders(bound.len() + 1, row.len())));
            bound.extend(row);
        }
        let transaction = self.tenant.store.write().await?;
        let sql = format!("INSERT INTO scim_requests ({COLUMNS}) VALUES {}", rows.join(","));
        execute(&*transaction, sql, bound).await?;
        let sql = "DELETE FROM scim_requests WHERE tenant_id = $1 AND connection_id = $2 AND (at < $3 OR id <= ( \
              SELECT id FROM scim_requests WHERE tenant_id = $1 AND connection_id = $2 \
              ORDER BY id DESC LIMIT 1 OFFSET $4))";
        let oldest = self.tenant.now().minus(KEPT_FOR);
        let values = vec![self.tenant.id.into(), self.connection.into(), oldest.into(), KEPT.into()];
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
    }

    fn values(&self, request: &NewRequest) -> Vec<sea_orm::Value> {
        let text = |text: &str| without_nul(text).into_owned();
        vec![
            self.tenant.id.into(),
            self.connection.into(),
            RequestId::generate().into(),
            request.at.into(),
            text(&request.method).into(),
            text(&request.path).into(),
            i32::from(request.status).into(),
            i64::try_from(request.duration.as_micros()).unwrap_or(i64::MAX).into(),
            request.request_id.as_deref().map(text).into(),
            request.user_agent.as_deref().map(text).into(),
            request.sent.as_deref().map(text).into(),
            request.problem.as_deref().map(text).into(),
        ]
    }

    /// A page, newest first, before `before`; all, or only refused ones.
    pub async fn list(
        &self,
        refused_only: bool,
        before: Option<RequestId>,
        limit: u64,
    ) -> Result<Vec<scim_request::Model>> {
        let mut query = scim_request::Entity::find()
            .filter(scim_request::Column::TenantId.eq(self.tenant.id))
            .filter(scim_request::Column::ConnectionId.eq(self.connection))
            .order_by_desc(scim_request::Column::Id)
            .limit(limit);
        if refused_only {
            query = query.filter(scim_request::Column::Status.gte(400));
        }
        if let Some(before) = before {
            query = query.filter(scim_request::Column::Id.lt(before));
        }
        Ok(query.all(&self.tenant.store.connection).await?)
    }
}
