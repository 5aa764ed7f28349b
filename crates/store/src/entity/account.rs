//! Accounts at sites, as last known.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;
use crate::id::{AccountId, SiteId, TenantId};

/// A row of `accounts`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// Our own id for it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    /// The product's stable identity; absent until it was seen.
    pub key: Option<String>,
    /// Its user name, or the one asked for while it does not exist.
    pub username: String,
    /// The same folded for case, unique at the site.
    pub username_folded: String,
    /// As last known.
    pub display_name: Option<String>,
    /// As last known.
    pub email: Option<String>,
    /// As last known.
    pub active: Option<bool>,
    /// Whether we made it (or set out to).
    pub created_by_us: bool,
    /// When we last set out to make it.
    pub creation_asked_at: Option<Timestamp>,
    /// A call's outcome is unknown: look before acting.
    pub in_doubt: bool,
    /// The piece of work that holds it.
    pub lease_owner: Option<Uuid>,
    /// When that hold ends by itself.
    pub lease_until: Option<Timestamp>,
    /// When the site last showed it.
    pub observed_at: Option<Timestamp>,
    /// When this row was made.
    pub created_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
