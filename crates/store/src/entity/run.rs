//! Runs: full synchronizations of a link.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::{RunPhase, RunStatus};
use crate::id::{ConnectionId, LinkId, RunId, SiteId, TenantId};

/// A row of `runs`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunId,
    /// The link.
    pub link_id: LinkId,
    /// Its connection.
    pub connection_id: ConnectionId,
    /// Its site.
    pub site_id: SiteId,
    /// How far it is.
    pub status: RunStatus,
    /// What is being marked.
    pub phase: RunPhase,
    /// The last object marked in this phase.
    pub cursor: Option<Uuid>,
    /// Accounts, groups and members read from the site's lists so far; `None` when they are not read.
    pub listed: Option<i64>,
    /// Objects marked so far.
    pub marked: i64,
    /// Who asked for it.
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The worker that marks for it.
    pub lease_owner: Option<Uuid>,
    /// When that hold ends by itself.
    pub lease_until: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
