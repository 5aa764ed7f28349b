//! The last SCIM requests of connections, for whoever sets a provider up or looks for a mistake.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{ConnectionId, RequestId, TenantId};

/// A row of `scim_requests`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scim_requests")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The connection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: ConnectionId,
    /// The entry; later ones are greater.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RequestId,
    /// When it came.
    pub at: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// Path and query below the base URL.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: i32,
    /// Microseconds until it was answered.
    pub duration_micros: i64,
    /// Its `x-request-id`.
    pub request_id: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The body, with secrets masked; absent when there was none or it is too large.
    pub sent: Option<String>,
    /// Why it was refused.
    pub problem: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
