//! The audit log: who changed what.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{AuditId, TenantId};

/// A row of `audit`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: `operator`, or `key:` and the key's id.
    pub actor: String,
    /// What, as `connection.create`.
    pub action: String,
    /// What it was done to.
    pub object_kind: String,
    /// Its id.
    pub object_id: String,
    /// Before and after, without secrets.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub detail: Option<Json>,
    /// Its number in the tenant's chain, from 1; none, when an older version wrote it.
    pub sequence: Option<i64>,
    /// Holds it to the entries before.
    pub digest: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
