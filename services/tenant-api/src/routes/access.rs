//! `/auth/token`: API keys exchanged for short-lived access tokens.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::entity::words::Role;
use store::id::{ApiKeyId, ConnectionId};
use utoipa::ToSchema;

use crate::authentication::{ACCESS_TOKEN_SECONDS, Identity, Shown, authenticate, exchange};
use crate::error::ApiError;
use crate::refusals::Refusals;
use crate::routes::tenants::Tenant;
use crate::state::ApiState;

/// An access token, as RFC 6749 §5.1 names its parts.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the RFC's names")]
pub struct AccessToken {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds that it lives.
    expires_in: u64,
}

/// Exchange an API key for an access token
///
/// The API key goes into `Authorization: Bearer`. The access token has the key's role, lives 15
/// minutes, and ends at once when the key is revoked. The operator's key is used as it is.
#[utoipa::path(
    post, path = "/auth/token", tag = "access",
    responses((status = 200, description = "The access token", body = AccessToken), Refusals),
)]
pub(crate) async fn create_access_token(
    State(state): State<ApiState>,
    shown: Shown,
) -> Result<Json<AccessToken>, ApiError> {
    let access_token = exchange(&state, &shown).await?;
    Ok(Json(AccessToken { access_token, token_type: "Bearer", expires_in: ACCESS_TOKEN_SECONDS }))
}

/// Whom a credential stands for.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhoIAm {
    kind: CredentialKind,
    /// The name in audit logs.
    actor: String,
    /// The tenant that it opens; null for the operator, who opens all.
    tenant: Option<Tenant>,
    /// What a key or a person may do.
    role: Option<Role>,
    /// The key, or the key that an access token was made from.
    key_id: Option<ApiKeyId>,
    /// The one connection that a set-up link opens.
    connection_id: Option<ConnectionId>,
}

/// Kinds of credentials.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// The operator's key.
    Operator,
    /// A key of a tenant, or an access token made from one.
    Key,
    /// A session of a person who signed in by the tenant's identity provider.
    Person,
    /// A link to the set-up of one connection.
    SetupLink,
}

/// Say whom the credential stands for
#[utoipa::path(
    get, path = "/me", tag = "access",
    responses((status = 200, description = "Who asks", body = WhoIAm), Refusals),
)]
pub(crate) async fn who_am_i(State(state): State<ApiState>, shown: Shown) -> Result<Json<WhoIAm>, ApiError> {
    let identity = authenticate(&state, &shown).await?;
    let actor = identity.actor();
    let (kind, tenant, role, key_id, connection_id) = match identity {
        Identity::Operator => (CredentialKind::Operator, None, None, None, None),
        Identity::Key(key) => (CredentialKind::Key, Some(key.tenant_id), Some(key.role), Some(key.id), None),
        Identity::Person(tenant, person) => {
            (CredentialKind::Person, Some(tenant), Some(person.role), None, None)
        }
        Identity::SetupLink(link) => {
            (CredentialKind::SetupLink, Some(link.tenant_id), None, None, Some(link.connection_id))
        }
    };
    let tenant = match tenant {
        Some(id) => Some(state.store.tenants().get(id).await?.into()),
        None => None,
    };
    Ok(Json(WhoIAm { kind, actor, tenant, role, key_id, connection_id }))
}
