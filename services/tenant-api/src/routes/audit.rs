//! `/tenants/{tenant}/audit`: who changed which piece of configuration.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use store::Timestamp;
use store::entity::audit_entry;
use store::id::AuditId;
use utoipa::ToSchema;

use crate::caller::{Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::paging::{Page, PageQuery};
use crate::parameters::{QueryParameters, TenantPath};
use crate::refusals::{QueryRefusals, TenantRefusals};

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    id: AuditId,
    at: Timestamp,
    /// `operator`; `key:` and the id of the API key; `person:` and whom the tenant's identity provider vouches for;
    /// `setup-link:` and its id; or `rollcall`.
    actor: String,
    /// What was done, such as `connection.create`.
    action: String,
    object_kind: String,
    object_id: String,
    /// What was said of it, without secrets.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
    /// Its number in the tenant's chain of entries, from 1; null for what an older version wrote.
    sequence: Option<i64>,
    /// SHA-256 in hexadecimal over the digest before it and the entry without `digest` in canonical JSON (RFC 8785); before
    /// the first one stands SHA-256 over `rollcall audit log of ` and the tenant's id.
    digest: Option<String>,
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
            sequence: row.sequence,
            digest: row.digest.map(hex::encode),
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
    caller: TenantCaller<Auditor, People>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let window = query.window::<AuditId>()?;
    let rows = caller.store.audit().list(window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, AuditEntry::from)))
}
