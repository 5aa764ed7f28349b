//! That a directory group has led to a site group.

use sea_orm::entity::prelude::*;

use crate::id::{ConnectionId, SiteId, TenantId};

/// A row of `group_feeds`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "group_feeds")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// The directory.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: ConnectionId,
    /// Site group name folded for case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_group_folded: String,
    /// The directory group's name as it was then.
    #[sea_orm(primary_key, auto_increment = false)]
    pub directory_group: String,
}

impl ActiveModelBehavior for ActiveModel {}
