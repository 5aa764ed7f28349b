//! The timeline: what happened to a user or group, and why.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::{ObjectKind, TimelineKind};
use crate::id::{ConnectionId, SiteId, TenantId, TimelineId};

/// A row of `timeline`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timeline")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TimelineId,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub object_kind: ObjectKind,
    /// The directory user or group.
    pub object_id: Uuid,
    /// The directory.
    pub connection_id: Option<ConnectionId>,
    /// The site, for what happened there.
    pub site_id: Option<SiteId>,
    /// Request from the provider, or work at a site.
    pub kind: TimelineKind,
    /// The SCIM request.
    pub request_id: Option<String>,
    /// One sentence.
    pub summary: String,
    /// More, for those who look.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub detail: Option<Json>,
}

impl ActiveModelBehavior for ActiveModel {}
