//! `/sessions`: signing in, by a key or by the tenant's identity provider, staying signed in, and signing out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::words::TenantStatus;
use store::entity::{session, tenant};
use store::id::TenantId;
use store::sessions::SignedIn;
use utoipa::ToSchema;

use crate::authentication::{Identity, Shown, Signed, session_of, signed_in_by};
use crate::body::Body;
use crate::caller::Edit;
use crate::error::ApiError;
use crate::idempotency::SHOWN_ONCE;
use crate::oidc::{self, OidcError, Pending};
use crate::refusals::{Refusals, SignInRefusals};
use crate::state::ApiState;
use crate::validation::is_slug;

/// What the signed form of [`Pending`] is for.
const PURPOSE: &str = "rollcall-sign-in";

/// Seconds that somebody may take to sign in at the provider.
const PATIENCE: u64 = 600;

/// A session with its secret.
#[derive(Serialize, ToSchema)]
pub struct CreatedSession {
    /// The secret, to be sent in `Authorization: Bearer`. It is shown this once.
    session: String,
    /// When the session ends by itself.
    expires_at: Timestamp,
}

fn created(row: &session::Model, secret: &SecretString) -> impl IntoResponse + use<> {
    let session = secret.expose_secret().to_owned();
    (StatusCode::CREATED, SHOWN_ONCE, Json(CreatedSession { session, expires_at: row.expires_at }))
}

/// Begin a session with a key
///
/// The API key, or the operator's, goes into `Authorization: Bearer`. The session may do what the key may, lasts 12 hours,
/// and ends at once when it is ended, or the key revoked.
#[utoipa::path(
    post, path = "/sessions", tag = "access",
    responses((status = 201, description = "The session", body = CreatedSession), Refusals),
)]
pub(crate) async fn create_session(
    State(state): State<ApiState>,
    shown: Shown,
) -> Result<impl IntoResponse, ApiError> {
    let who = signed_in_by(&state, &shown).await?;
    if let SignedIn::Key(tenant, _) = &who {
        find_served(&state, *tenant).await?;
    }
    let SignedIn::Key(tenant, key) = who else {
        let (row, secret) = state.store.sessions().insert(who).await?;
        return Ok(created(&row, &secret));
    };
    let edit = Edit::begin(&state.store.tenant(tenant), format!("key:{key}")).await?;
    let (row, secret) = edit.store.sessions().insert(who).await?;
    commit(edit, &row).await?;
    Ok(created(&row, &secret))
}

/// The tenant that somebody signs in to, if anybody can at the moment.
async fn find_served(state: &ApiState, id: TenantId) -> Result<tenant::Model, ApiError> {
    let tenant = state.store.tenants().get(id).await?;
    match tenant.status {
        TenantStatus::Active => Ok(tenant),
        TenantStatus::Suspended => Err(ApiError::NotLetIn("The tenant is suspended".into())),
        // What was written now would stay behind, or be overwritten.
        TenantStatus::Leaving | TenantStatus::Arriving => Err(ApiError::Moving),
    }
}

/// Exchange a session's secret
///
/// For clients that keep it where it may be copied, as browsers do: do it every few minutes. The secret before is taken for
/// two minutes more; whoever shows it later ends the session. 409 when the secret is not the present one any more.
#[utoipa::path(
    post, path = "/sessions/rotate", tag = "access",
    responses(
        (status = 201, description = "The session with another secret", body = CreatedSession),
        Refusals,
        (status = 409, description = "Another request exchanged it just now", content_type = "application/problem+json", body = crate::error::Problem),
    ),
)]
pub(crate) async fn rotate_session(
    State(state): State<ApiState>,
    shown: Shown,
) -> Result<impl IntoResponse, ApiError> {
    let (row, digest) = session_of(&state, &shown).await?;
    match state.store.sessions().replace_secret(row.id, &digest).await? {
        Some(secret) => Ok(created(&row, &secret)),
        None => Err(ApiError::Conflict("Another request exchanged it just now".into())),
    }
}

/// End a session
#[utoipa::path(
    delete, path = "/sessions/current", tag = "access",
    responses((status = 204, description = "It is over"), Refusals),
)]
pub(crate) async fn end_session(State(state): State<ApiState>, shown: Shown) -> Result<NoContent, ApiError> {
    let (row, _) = session_of(&state, &shown).await?;
    state.store.sessions().end(row.id).await?;
    Ok(NoContent)
}

/// Whose people want to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSignIn {
    /// The tenant's slug.
    tenant: String,
}

/// The beginning of a sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedSignIn {
    /// Where to send the person's browser.
    authorization_url: String,
    /// The name of the host there.
    provider: String,
    /// To be kept by that browser alone, and sent back with what the provider gives it.
    pending: String,
}

/// Begin to sign in by a tenant's identity provider
///
/// Asks for no credential. The browser goes to `authorization_url`, and comes back to `/console/sign-in/callback` with
/// `code` and `state`.
#[utoipa::path(
    post, path = "/sign-in/start", tag = "access", request_body = StartSignIn, security(()),
    responses((status = 200, description = "Where to go", body = StartedSignIn), SignInRefusals),
)]
pub(crate) async fn start_sign_in(
    State(state): State<ApiState>,
    Body(body): Body<StartSignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let none = || ApiError::NotFound("organization with a sign-in of its own");
    let named =
        if is_slug(&body.tenant) { state.store.tenants().find_by_slug(&body.tenant).await? } else { None };
    let tenant = named.ok_or_else(none)?;
    let settings = state.store.tenant(tenant.id).sign_in().find().await?.ok_or_else(none)?;
    let redirect = state.sign_in_callback().map_err(|_| ApiError::Internal(None))?;
    let (url, pending) = oidc::start(&state.providers, &settings, &redirect).await?;
    let now = state.store.clock().now();
    let pending = state.signing.sign(&Signed::new(&state, PURPOSE, now, PATIENCE, pending))?;
    let provider = url.host_str().unwrap_or_default().to_owned();
    Ok((SHOWN_ONCE, Json(StartedSignIn { authorization_url: url.into(), provider, pending })))
}

/// What came back from the provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishSignIn {
    /// What the beginning gave.
    pending: String,
    /// As the provider sent it.
    state: String,
    /// As the provider sent it.
    code: String,
}

/// Sign in with what the tenant's identity provider gave
///
/// Asks for no credential but what came of the beginning. 403 says why somebody is not let in.
#[utoipa::path(
    post, path = "/sign-in/finish", tag = "access", request_body = FinishSignIn, security(()),
    responses((status = 201, description = "The session", body = CreatedSession), SignInRefusals),
)]
pub(crate) async fn finish_sign_in(
    State(state): State<ApiState>,
    Body(body): Body<FinishSignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let now = state.store.clock().now();
    let begin_again = || {
        ApiError::NotLetIn("This sign-in was begun too long ago, or in another browser; begin again".into())
    };
    let pending: Option<Pending> =
        state.signing.check(&body.pending, state.public_url.as_str(), PURPOSE, now);
    let pending = pending.filter(|pending| pending.state == body.state).ok_or_else(begin_again)?;
    let tenant = find_served(&state, pending.tenant).await?;
    let store = state.store.tenant(tenant.id);
    let settings = store.sign_in().find().await?.ok_or_else(begin_again)?;
    let secret = match store.sign_in().open_client_secret(&settings).await? {
        Some(secret) => Some(oidc::client_secret(&secret)?),
        None => None,
    };
    let redirect = state.sign_in_callback().map_err(|_| ApiError::Internal(None))?;
    let person = oidc::finish(&state.providers, &settings, secret, &redirect, pending, body.code, now).await;
    let person = match person {
        Ok(person) => person,
        Err(error) => {
            if let OidcError::Refused(why) = &error {
                let detail = Some(json!({"reason": why}));
                store.audit().insert("rollcall", "session.refuse", "session", String::new(), detail).await?;
            }
            return Err(error.into());
        }
    };
    let actor = Identity::Person(tenant.id, person.clone()).actor();
    let (subject, name, role) = (person.subject, person.name, person.role);
    let who = SignedIn::Person { tenant: tenant.id, subject, name, role, rules: settings.version };
    let edit = Edit::begin(&store, actor).await?;
    let begun = edit.store.sessions().insert(who).await;
    let (row, secret) = begun.map_err(|error| match error {
        // The role comes of rules that are no longer there.
        store::Error::Stale => begin_again(),
        error => error.into(),
    })?;
    commit(edit, &row).await?;
    Ok(created(&row, &secret))
}

async fn commit(edit: Edit, row: &session::Model) -> Result<(), ApiError> {
    let detail = row.role.map(|role| json!({"role": role}));
    edit.commit("session.create", row.id, detail).await
}
