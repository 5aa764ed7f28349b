//! Sites: Atlassian instances.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::entity::words::SiteStatus;
use crate::id::{SiteId, TenantId};

/// A row of `sites`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sites")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SiteId,
    /// Name for people.
    pub name: String,
    /// `jira-data-center`, ….
    pub product: String,
    /// Address of the instance.
    pub base_url: String,
    /// Sealed credentials.
    pub credentials: Vec<u8>,
    /// PEM of the certificate authorities that alone are trusted there; those of the installation without them.
    pub certificate_authorities: Option<String>,
    /// Whether work is done at it.
    pub status: SiteStatus,
    /// Why it is not active, in words.
    pub status_reason: Option<String>,
    /// No call before this instant.
    pub resume_at: Option<Timestamp>,
    /// Refusals and failures of the site itself in a row.
    pub failures: i32,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
