//! Members of groups that are not known yet, a row each.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::MemberKind;
use crate::id::{ConnectionId, GroupId, TenantId};

/// A row of `parked_members`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "parked_members")]
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
    /// The key of what the provider sent as the member's value.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    /// The same without case.
    pub value_folded: String,
    /// What the provider sent.
    pub value_text: String,
    /// What the provider says it is.
    pub kind: Option<MemberKind>,
    /// When it was first named.
    pub since: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
