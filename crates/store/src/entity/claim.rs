//! Which directory user claims which account.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{AccountId, ConnectionId, SiteId, TenantId, UserId};

/// A row of `claims`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "claims")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// The directory user, which may be deleted already.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// Its directory.
    pub connection_id: ConnectionId,
    /// The account claimed.
    pub account_id: AccountId,
    /// Since when.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
