//! Times in which the operator may see a tenant's people.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{BreakGlassId, TenantId};

/// A row of `break_glass`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "break_glass")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The time in which it stands open.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BreakGlassId,
    /// Who needs it, and what for.
    pub reason: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When somebody ended it.
    pub closed_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
