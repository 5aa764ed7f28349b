//! `/tenants/{tenant}/audit`: who changed which piece of configuration.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use store::Timestamp;
use store::entity::audit_entry;
use store::id::AuditId;
use utoipa::ToSchema;

use crate::caller::{Auditor, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, PageQuery};
use crate::parameters::{QueryParameters, TenantPath};
use crate::refusals::{QueryRefusals, TenantRefusals};

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    id: AuditId,
    at: Timestamp,
    /// `operator`, or `key:` and the id of the API key.
    actor: String,
    /// What was done, such as `connection.create`.
    action: String,
    object_kind: String,
    object_id: String,
    /// What was said of it, without secrets.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            action: row.action,
            object_kind: row.object_kind,
            object_id: row.object_id,
            detail: row.detail,
        }
    }
}

/// List the changes of configuration, the newest first
#[utoipa::path(
    get, path = "/tenants/{tenant}/audit", tag = "audit",
    params(TenantPath, PageQuery),
    responses((status = 200, description = "A page of changes", body = Page<AuditEntry>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_audit(
    caller: TenantCaller<Auditor>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let window = query.window::<AuditId>()?;
    let rows = caller.store.audit().list(window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, AuditEntry::from)))
}
