//! Tenants.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::TenantStatus;
use crate::id::TenantId;

/// A row of `tenants`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TenantId,
    /// Name in URLs, unique.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Whether its traffic is served.
    pub status: TenantStatus,
    /// Its key, wrapped by the master key.
    pub wrapped_key: Vec<u8>,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// When its key was made; with the tenant, when nobody has said.
    pub key_made_at: Option<Timestamp>,
    /// The number of the last entry of its audit log.
    pub audit_sequence: Option<i64>,
    /// The digest of that.
    pub audit_digest: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
