//! Typed identifiers: UUIDv7, so that they sort by creation and index well.

use std::fmt;
use std::str::FromStr;

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType,
        )]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = Uuid))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier, later than all made before it in this process.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        // sea-orm asks this of every primary key; UUIDs are never made from a row counter.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

typed_ids! {
    /// A tenant: one organization.
    TenantId,
    /// An API key of a tenant.
    ApiKeyId,
    /// A connection: one identity provider registered by a tenant.
    ConnectionId,
    /// A bearer token of a connection.
    TokenId,
    /// A site: one Atlassian instance of a tenant.
    SiteId,
    /// A link: connection to site, with its settings.
    LinkId,
    /// A user of a directory, the SCIM resource's `id`.
    UserId,
    /// A group of a directory, the SCIM resource's `id`.
    GroupId,
    /// What stands at a site for one person, whichever directories claim it.
    AccountId,
    /// An entry of the timeline.
    TimelineId,
    /// A full synchronization of a link.
    RunId,
    /// A schema extension of a tenant.
    SchemaId,
    /// An entry of the audit log.
    AuditId,
    /// A SCIM request that was noted.
    RequestId,
    /// A link that opens the set-up page of a connection.
    SetupLinkId,
    /// A time in which the operator may see a tenant's people.
    BreakGlassId,
    /// Somebody who is signed in.
    SessionId,
}
