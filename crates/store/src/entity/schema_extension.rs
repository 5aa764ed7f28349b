//! Schema extensions that tenants registered.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::ObjectKind;
use crate::id::{SchemaId, TenantId};

/// A row of `schema_extensions`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "schema_extensions")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The extension.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SchemaId,
    /// Its URN in small letters, unique in the tenant.
    pub urn_folded: String,
    /// What it extends.
    pub resource_type: ObjectKind,
    /// Its definition in the form of RFC 7643 §7, every characteristic written out.
    #[sea_orm(column_type = "JsonBinary")]
    pub definition: Json,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
