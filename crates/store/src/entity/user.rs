//! Users of directories.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{ConnectionId, TenantId, UserId};

/// A row of `users`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The directory.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: ConnectionId,
    /// The SCIM id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// `userName` folded for case, unique in the directory.
    pub user_name_folded: String,
    /// `externalId`, case-exact.
    pub external_id: Option<String>,
    /// `displayName` folded for case.
    pub display_name_folded: Option<String>,
    /// The primary (or first) e-mail folded for case.
    pub email_folded: Option<String>,
    /// `active`.
    pub active: bool,
    /// The SCIM resource without id, meta and groups.
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
