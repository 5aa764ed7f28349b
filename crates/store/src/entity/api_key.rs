//! API keys of tenants.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::Role;
use crate::id::{ApiKeyId, TenantId};

/// A row of `api_keys`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// Name for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the key.
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
