//! That somebody has said that a user is not an account's person.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{AccountId, SiteId, TenantId, UserId};

/// A row of `denied_claims`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "denied_claims")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// The directory user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// The account that is not its own.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Who said so.
    pub denied_by: String,
    /// When.
    pub denied_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
