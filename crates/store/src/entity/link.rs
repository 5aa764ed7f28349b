//! Links: connection to site.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{ConnectionId, LinkId, SiteId, TenantId};

/// A row of `links`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "links")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The link.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LinkId,
    /// Where people come from.
    pub connection_id: ConnectionId,
    /// Where they go.
    pub site_id: SiteId,
    /// The larger wins where links disagree.
    pub precedence: i32,
    /// Whether it is carried out.
    pub enabled: bool,
    /// `policy::LinkSettings` as JSON.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Json,
    /// When its next run begins by itself.
    pub next_run_at: Option<Timestamp>,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
