//! Links that open the set-up page of a connection, for the provider's administrator.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{ConnectionId, SetupLinkId, TenantId};

/// A row of `setup_links`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "setup_links")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The link.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SetupLinkId,
    /// The one connection that it opens.
    pub connection_id: ConnectionId,
    /// SHA-256 of its secret.
    pub digest: Vec<u8>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Where that came from, as far as sources are told apart.
    pub last_used_from: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
