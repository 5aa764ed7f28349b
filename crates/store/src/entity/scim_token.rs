//! Bearer tokens of connections.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{ConnectionId, TenantId, TokenId};

/// A row of `scim_tokens`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scim_tokens")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// The one connection that it opens.
    pub connection_id: ConnectionId,
    /// Name for people.
    pub name: String,
    /// SHA-256 of the token.
    pub digest: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Where that came from, as far as sources are told apart.
    pub last_used_from: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
