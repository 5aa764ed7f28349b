//! Deactivations and deletions let through, for the safety threshold.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{AccountId, LinkId, TenantId};

/// A row of `deprovisions`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deprovisions")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The link that asked for it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub link_id: LinkId,
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// When it was let through.
    pub at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
