//! Closed sets of words in columns, stored as text.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// Whether a tenant is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TenantStatus {
    /// Served.
    #[sea_orm(string_value = "active")]
    Active,
    /// Refused, and nothing is done at its sites.
    #[sea_orm(string_value = "suspended")]
    Suspended,
    /// Being moved to another cell: refused for a moment, and nothing is done at its sites.
    #[sea_orm(string_value = "leaving")]
    Leaving,
    /// A copy that is not served before the cell that it comes from has let go of it.
    #[sea_orm(string_value = "arriving")]
    Arriving,
}

/// What an API key may do within its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Everything, keys included.
    #[sea_orm(string_value = "owner")]
    Owner,
    /// Everything but keys.
    #[sea_orm(string_value = "admin")]
    Admin,
    /// Read only.
    #[sea_orm(string_value = "auditor")]
    Auditor,
}

/// How users come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ConnectionMethod {
    /// The provider pushes SCIM requests.
    #[sea_orm(string_value = "scim")]
    Scim,
    /// We read the provider's REST API.
    #[sea_orm(string_value = "pull")]
    Pull,
}

/// Whether a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ConnectionStatus {
    /// Served.
    #[sea_orm(string_value = "active")]
    Active,
    /// Refused with 503.
    #[sea_orm(string_value = "paused")]
    Paused,
}

/// Whether work is done at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SiteStatus {
    /// Tasks are worked off.
    #[sea_orm(string_value = "active")]
    Active,
    /// It refused our credentials, or an admin paused it: tasks wait.
    #[sea_orm(string_value = "paused")]
    Paused,
}

/// What a group member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MemberKind {
    /// A user.
    #[sea_orm(string_value = "user")]
    User,
    /// A nested group.
    #[sea_orm(string_value = "group")]
    Group,
}

/// What a task is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskKind {
    /// A directory user and its account at the site.
    #[sea_orm(string_value = "user")]
    User,
    /// A directory group and its site groups.
    #[sea_orm(string_value = "group")]
    Group,
}

/// Whether a task may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskState {
    /// When it is due.
    #[sea_orm(string_value = "ready")]
    Ready,
    /// When it is due, but the site refused this object: it is tried seldom.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// Not before an admin approves.
    #[sea_orm(string_value = "held")]
    Held,
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ObjectKind {
    /// A directory user.
    #[sea_orm(string_value = "user")]
    User,
    /// A directory group.
    #[sea_orm(string_value = "group")]
    Group,
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TimelineKind {
    /// The identity provider asked for something.
    #[sea_orm(string_value = "request")]
    Request,
    /// Something was done, refused or held at a site.
    #[sea_orm(string_value = "site")]
    Site,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RunStatus {
    /// Objects are being marked.
    #[sea_orm(string_value = "marking")]
    Marking,
    /// Marked objects are worked off.
    #[sea_orm(string_value = "working")]
    Working,
    /// Ended.
    #[sea_orm(string_value = "done")]
    Done,
    /// An admin stopped it.
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
}

/// What a run marks now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RunPhase {
    /// Groups first, so that they exist.
    #[sea_orm(string_value = "groups")]
    Groups,
    /// Then users.
    #[sea_orm(string_value = "users")]
    Users,
}

/// How a run ended for one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RunOutcome {
    /// The site was changed.
    #[sea_orm(string_value = "changed")]
    Changed,
    /// It was right already.
    #[sea_orm(string_value = "unchanged")]
    Unchanged,
    /// Held for approval.
    #[sea_orm(string_value = "held")]
    Held,
    /// A setting or the product forbids it.
    #[sea_orm(string_value = "skipped")]
    Skipped,
    /// The site refused it.
    #[sea_orm(string_value = "failed")]
    Failed,
}

/// What goes first within a site: taking access away goes before giving it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "i32", db_type = "Integer")]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskRank {
    /// A user was deactivated or deleted.
    Deprovision = 0,
    /// A membership was taken away.
    Withdraw = 1,
    /// A group came or changed: members need it.
    Group = 2,
    /// A user came or changed.
    Change = 3,
    /// A run looks at everything.
    Verify = 4,
}
