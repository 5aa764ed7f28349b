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
    /// What speaks against that the user is the account's person: the claim has no say. Empty while nobody has looked at
    /// it, `None` when it is settled.
    pub doubt: Option<String>,
    /// The user name that the account got instead of the directory's.
    pub given_name: Option<String>,
    /// The directory's user name, folded for case, that it stands in for; `None` for whichever.
    pub given_for: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
