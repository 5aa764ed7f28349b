//! Tasks: what may differ at a site.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::{TaskKind, TaskRank, TaskState};
use crate::id::{ConnectionId, RunId, SiteId, TenantId};

/// A row of `tasks`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// What the object is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: TaskKind,
    /// The directory user or group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub object_id: Uuid,
    /// Its directory.
    pub connection_id: ConnectionId,
    /// Grows with each mark; work on an older one does not finish it.
    pub generation: i64,
    /// What goes first within a site.
    pub rank: TaskRank,
    /// Whether it may be claimed.
    pub state: TaskState,
    /// Not before.
    pub due_at: Timestamp,
    /// When it was first marked since it was last done.
    pub marked_at: Timestamp,
    /// Failures in a row.
    pub attempts: i32,
    /// The last failure in words.
    pub last_error: Option<String>,
    /// Look at the site even if nothing seems to differ.
    pub verify: bool,
    /// An admin let it pass the safety threshold.
    pub approved: bool,
    /// The run that asked for it.
    pub run_id: Option<RunId>,
    /// W3C `traceparent` of the request that marked it.
    pub trace_context: Option<String>,
    /// The worker that holds it.
    pub lease_owner: Option<Uuid>,
    /// When that hold ends by itself.
    pub lease_until: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
