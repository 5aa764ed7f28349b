//! Memberships at sites that links manage.

use sea_orm::entity::prelude::*;

use crate::id::{AccountId, SiteId, TenantId};

/// A row of `memberships`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Site group name folded for case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_folded: String,
    /// Site group name.
    pub group_name: String,
    /// Whether the site has it for sure; otherwise we set out to add it.
    pub confirmed: bool,
}

impl ActiveModelBehavior for ActiveModel {}
