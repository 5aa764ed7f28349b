//! Members of groups, a row each.

use sea_orm::entity::prelude::*;

use crate::entity::words::MemberKind;
use crate::id::{ConnectionId, GroupId, TenantId};

/// A row of `group_members`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "group_members")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The directory.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: ConnectionId,
    /// The group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: GroupId,
    /// A user or group of the same directory.
    #[sea_orm(primary_key, auto_increment = false)]
    pub member_id: Uuid,
    /// Which of the two.
    pub kind: MemberKind,
}

impl ActiveModelBehavior for ActiveModel {}
