//! Groups of directories.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{ConnectionId, GroupId, TenantId};

/// A row of `groups`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "groups")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The directory.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: ConnectionId,
    /// The SCIM id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GroupId,
    /// `displayName` as sent.
    pub display_name: String,
    /// `displayName` folded for case.
    pub display_name_folded: String,
    /// `externalId`, case-exact.
    pub external_id: Option<String>,
    /// The SCIM resource without id, meta and members.
    #[sea_orm(column_type = "JsonBinary")]
    pub document: Json,
    /// Counts changes; the ETag.
    pub version: i64,
    /// `meta.created`.
    pub created_at: Timestamp,
    /// `meta.lastModified`.
    pub last_modified_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
