//! Connections: identity providers.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::{ConnectionMethod, ConnectionStatus};
use crate::id::{ConnectionId, TenantId};

/// A row of `connections`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "connections")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The connection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConnectionId,
    /// Name for people.
    pub name: String,
    /// `oracle`, `okta`, `entra`, … or `generic`.
    pub provider: String,
    /// Whether the provider pushes or is read.
    pub method: ConnectionMethod,
    /// Whether its requests are served.
    pub status: ConnectionStatus,
    /// Refuse dialects instead of repairing them.
    pub strict: bool,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
