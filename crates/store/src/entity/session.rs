//! Who is signed in.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::Role;
use crate::id::{ApiKeyId, SessionId, TenantId};

/// A row of `sessions`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// The session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// The tenant; none, when it is the operator's.
    pub tenant_id: Option<TenantId>,
    /// SHA-256 of its secret.
    pub digest: Vec<u8>,
    /// SHA-256 of the secret before.
    pub replaced_digest: Option<Vec<u8>>,
    /// When that was replaced.
    pub replaced_at: Option<Timestamp>,
    /// A keyed digest of the operator's key that it was begun with.
    pub operator_digest: Option<Vec<u8>>,
    /// The API key that it was begun with.
    pub key_id: Option<ApiKeyId>,
    /// Who signed in by the tenant's identity provider, as that calls them.
    pub subject: Option<String>,
    /// Their name for people.
    pub name: Option<String>,
    /// What they may do; of a key, the key says it.
    pub role: Option<Role>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
