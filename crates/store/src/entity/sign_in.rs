//! How a tenant's people sign in by an identity provider of its own (OpenID Connect).

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::entity::words::Role;
use crate::id::TenantId;

/// A row of `sign_in`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: TenantId,
    /// Where the provider describes itself.
    pub issuer: String,
    /// What its tokens have in `iss`, where that is something else.
    pub token_issuer: Option<String>,
    /// What we are called there.
    pub client_id: String,
    /// Sealed; without one we are a public client.
    pub client_secret: Option<Vec<u8>>,
    /// What access tokens for our API have in `aud`, where that is not the client id.
    pub audience: Option<String>,
    /// What is asked for.
    pub scopes: Texts,
    /// The claim that says who may what; dots lead into objects.
    pub claim: String,
    /// Which of its values give which role.
    pub roles: RoleRules,
    /// Counts edits; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// Texts in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Texts(pub Vec<String>);

/// Which values of the claim give which role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct RoleRules(pub Vec<RoleRule>);

/// One value of the claim, and the role that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleRule {
    /// The value, such as the name or id of a group.
    pub value: String,
    /// The role.
    pub role: Role,
}
