//! The last SCIM requests of a connection. They are for people who set a provider up or look for a mistake: a bounded
//! number is kept, for a bounded time, and some may be missing. What was done is the timeline's to tell.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait as _, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::clock::Timestamp;
use crate::database::Store;
use crate::entity::scim_request;
use crate::error::Result;
use crate::id::{ConnectionId, RequestId, TenantId};
use crate::lookup::without_nul;
use crate::statement::{IDS_PER_STATEMENT, execute, for_reference, placeholders, rows};
use crate::tenant::TenantStore;

/// Requests of one connection that are kept when old ones are forgotten.
pub const KEPT: i64 = 1_000;
/// How long they are kept.
pub const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// Rows of one insert: twelve columns each stay far below SQLite's limit of bound values.
const REQUESTS_PER_STATEMENT: usize = 500;

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

/// A request, and which connection it was for.
#[derive(Clone, Debug)]
pub struct Noted {
    /// The tenant, where the request was let in.
    pub tenant: Option<TenantId>,
    /// The connection that it was for.
    pub connection: ConnectionId,
    /// The request.
    pub request: NewRequest,
}

impl Store {
    /// Notes requests of any tenants together. Those for connections that are not there, or are another tenant's, are
    /// left out. Returns the connections that something was noted of.
    pub async fn note_requests(&self, noted: Vec<Noted>) -> Result<Vec<(TenantId, ConnectionId)>> {
        let ids: BTreeSet<ConnectionId> = noted.iter().map(|noted| noted.connection).collect();
        let ids: Vec<ConnectionId> = ids.into_iter().collect();
        let transaction = self.write().await?;
        let mut tenants = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            // So that none of them goes before its requests are there.
            let sql = format!(
                "SELECT id, tenant_id FROM connections WHERE id IN ({}) {}",
                placeholders(1, ids.len()),
                for_reference(transaction.get_database_backend())
            );
            for row in rows(&*transaction, sql, ids.iter().map(|id| (*id).into()).collect()).await? {
                tenants.insert(
                    row.try_get::<ConnectionId>("", "id")?,
                    row.try_get::<TenantId>("", "tenant_id")?,
                );
            }
        }
        let mut of_known = noted.into_iter().filter_map(|noted| {
            let tenant = *tenants.get(&noted.connection)?;
            noted.tenant.is_none_or(|own| own == tenant).then_some((tenant, noted))
        });
        loop {
            let (mut bound, mut lines) = (Vec::new(), Vec::new());
            for (tenant, noted) in of_known.by_ref().take(REQUESTS_PER_STATEMENT) {
                let row = values(tenant, noted);
                lines.push(format!("({})", placeholders(bound.len() + 1, row.len())));
                bound.extend(row);
            }
            if lines.is_empty() {
                break;
            }
            let sql = format!("INSERT INTO scim_requests ({COLUMNS}) VALUES {}", lines.join(","));
            execute(&*transaction, sql, bound).await?;
        }
        drop(of_known);
        transaction.commit().await?;
        Ok(tenants.into_iter().map(|(connection, tenant)| (tenant, connection)).collect())
    }
}

/// A request's values for [`COLUMNS`].
fn values(tenant: TenantId, noted: Noted) -> Vec<sea_orm::Value> {
    let text = |text: &str| without_nul(text).into_owned();
    let request = noted.request;
    vec![
        tenant.into(),
        noted.connection.into(),
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

impl Requests {
    /// Forgets those that are outdated or too many.
    pub async fn forget_old(&self) -> Result<()> {
        let transaction = self.tenant.store.write().await?;
        let sql = "DELETE FROM scim_requests WHERE tenant_id = $1 AND connection_id = $2 AND (at < $3 OR id <= ( \
              SELECT id FROM scim_requests WHERE tenant_id = $1 AND connection_id = $2 \
              ORDER BY id DESC LIMIT 1 OFFSET $4))";
        let oldest = self.tenant.now().minus(KEPT_FOR);
        let values = vec![self.tenant.id.into(), self.connection.into(), oldest.into(), KEPT.into()];
        execute(&*transaction, sql, values).await?;
        transaction.commit().await
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
        Ok(query.all(&self.tenant.store.reader()).await?)
    }
}
