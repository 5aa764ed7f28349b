//! Site groups known to exist.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{SiteId, TenantId};

/// A row of `site_groups`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "site_groups")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// Name folded for case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name_folded: String,
    /// Name as asked for.
    pub name: String,
    /// Whether we made it.
    pub created_by_us: bool,
    /// When it was last known to exist.
    pub observed_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
