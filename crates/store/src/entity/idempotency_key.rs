//! Requests that clients may send again, and how they were answered.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::TenantId;

/// A row of `idempotency_keys`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// The tenant; nil for the operator's own requests.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Who sent it: nobody else is answered from this row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub actor: String,
    /// The client's own name for the request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Tells the request from others.
    pub fingerprint: Vec<u8>,
    /// HTTP status of the answer; absent while there is none.
    pub status: Option<i32>,
    /// The answer's `ETag`.
    pub etag: Option<String>,
    /// The answer's body; absent when it held a secret.
    pub body: Option<Vec<u8>>,
    /// When the request came.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
