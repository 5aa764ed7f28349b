//! Path and query parameters, refused in our own form.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::id::{
    AccountId, ApiKeyId, BreakGlassId, ConnectionId, GroupId, LinkId, RunId, SchemaId, SetupLinkId, SiteId,
    TokenId, UserId,
};
use utoipa::IntoParams;

use crate::error::ApiError;

/// Declares the shapes of paths: what stands in a path's braces, beyond the tenant before it.
macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty),+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize, IntoParams)]
        #[into_params(parameter_in = Path)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)+
        }
    )+};
}

paths! {
    /// Every path of a tenant; [`crate::caller::TenantCaller`] reads it.
    TenantPath {
        /// The tenant's id or slug.
        tenant: String
    }
    /// A key.
    KeyPath {
        /// The key's id.
        key: ApiKeyId
    }
    /// A connection.
    ConnectionPath {
        /// The connection's id.
        connection: ConnectionId
    }
    /// A token of a connection.
    TokenPath {
        /// The connection's id.
        connection: ConnectionId,
        /// The token's id.
        token: TokenId
    }
    /// A link to the set-up of a connection.
    SetupLinkPath {
        /// The connection's id.
        connection: ConnectionId,
        /// The set-up link's id.
        setup_link: SetupLinkId
    }
    /// A time in which the operator may see a tenant's people.
    BreakGlassPath {
        /// The id of the time.
        break_glass: BreakGlassId
    }
    /// A site.
    SitePath {
        /// The site's id.
        site: SiteId
    }
    /// An account of a site's ledger.
    AccountPath {
        /// The site's id.
        site: SiteId,
        /// The account's id in the ledger.
        account: AccountId
    }
    /// A user at a site.
    SiteUserPath {
        /// The site's id.
        site: SiteId,
        /// The user's SCIM id.
        user: UserId
    }
    /// A link.
    LinkPath {
        /// The link's id.
        link: LinkId
    }
    /// A user as a link sees it.
    LinkUserPath {
        /// The link's id.
        link: LinkId,
        /// The user's SCIM id.
        user: UserId
    }
    /// A run of a link.
    LinkRunPath {
        /// The link's id.
        link: LinkId,
        /// The run's id.
        run: RunId
    }
    /// A run of any link.
    RunPath {
        /// The run's id.
        run: RunId
    }
    /// A schema extension.
    SchemaPath {
        /// The extension's id.
        schema: SchemaId
    }
    /// A user.
    UserPath {
        /// The user's SCIM id.
        user: UserId
    }
    /// A group.
    GroupPath {
        /// The group's SCIM id.
        group: GroupId
    }
}

/// Parameters of the path. What cannot be an id names nothing: 404, as any id that does not exist.
#[derive(Debug)]
pub struct PathParameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|_| ApiError::NotFound("resource"))
    }
}

/// Parameters of the query; unknown and unreadable ones are 400.
#[derive(Debug)]
pub struct QueryParameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|rejection| {
            let reason = std::error::Error::source(&rejection)
                .map_or_else(|| rejection.body_text(), ToString::to_string);
            ApiError::Malformed { detail: format!("The query cannot be read: {reason}"), errors: Vec::new() }
        })
    }
}
