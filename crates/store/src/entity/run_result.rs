//! What a run did to each object.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::{ObjectKind, RunOutcome};
use crate::id::{RunId, TenantId};

/// A row of `run_results`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run_results")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: RunId,
    /// What it is about.
    #[sea_orm(primary_key, auto_increment = false)]
    pub object_kind: ObjectKind,
    /// The directory user or group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub object_id: Uuid,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Changes and reasons.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
    /// When.
    pub at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
