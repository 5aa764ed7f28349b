//! `/tenants/{tenant}/sign-in`: how a tenant's people sign in by its own identity provider.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, NoContent};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Timestamp;
use store::entity::sign_in::{self, RoleRule};
use store::sign_in::{ClientSecret, NewSignIn};
use url::Url;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::body::Body;
use crate::caller::{Access, Auditor, Owner, TenantCaller};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::oidc::provider::is_private_on_its_way;
use crate::parameters::TenantPath;
use crate::refusals::{ReplaceRefusals, TenantRefusals};
use crate::state::ApiState;
use crate::validation::Problems;

/// How many values of the claim may have a role.
const MAX_ROLES: usize = 200;

/// How a tenant's people sign in, all of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceSignIn {
    /// The identity provider's address: what `/.well-known/openid-configuration` is put behind.
    issuer: String,
    /// What its tokens have in `iss`, where that is not `issuer`: `https://identity.oraclecloud.com/` at Oracle.
    token_issuer: Option<String>,
    /// What Rollcall is called there.
    client_id: String,
    /// Never shown again. Absent, the stored one stays; empty, Rollcall is a public client.
    #[schema(write_only)]
    client_secret: Option<String>,
    /// What access tokens for this API have in `aud`, where that is not the client id.
    audience: Option<String>,
    /// What is asked for: `openid`, `profile` and `email` when absent.
    scopes: Option<Vec<String>>,
    /// The claim that says who may what: `groups` when absent. Dots lead into objects.
    claim: Option<String>,
    /// Which of its values give which role. Of several, the highest counts; whoever has none is not let in.
    roles: Vec<RoleRule>,
}

/// How a tenant's people sign in, without the client secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantSignIn {
    issuer: String,
    token_issuer: Option<String>,
    client_id: String,
    /// Whether there is a client secret.
    has_client_secret: bool,
    audience: Option<String>,
    scopes: Vec<String>,
    claim: String,
    roles: Vec<RoleRule>,
    /// What must be registered at the provider as the redirect URI.
    redirect_uri: String,
    /// Where the tenant's people begin.
    sign_in_url: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn shown(row: sign_in::Model, slug: &str, state: &ApiState) -> Result<TenantSignIn, ApiError> {
    let redirect_uri = state.sign_in_callback().map_err(|_| ApiError::Internal(None))?.to_string();
    Ok(TenantSignIn {
        issuer: row.issuer,
        token_issuer: row.token_issuer,
        client_id: row.client_id,
        has_client_secret: row.client_secret.is_some(),
        audience: row.audience,
        scopes: row.scopes.0,
        claim: row.claim,
        roles: row.roles.0,
        redirect_uri,
        sign_in_url: format!("{}/console/sign-in/at/{slug}", state.public_base()),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// Show how the tenant's people sign in
#[utoipa::path(
    get, path = "/tenants/{tenant}/sign-in", tag = "access",
    params(TenantPath),
    responses((status = 200, description = "The settings", body = TenantSignIn, headers(("ETag" = String))), TenantRefusals),
)]
pub(crate) async fn get_sign_in(
    State(state): State<ApiState>,
    caller: TenantCaller<Auditor>,
) -> Result<impl IntoResponse, ApiError> {
    let row = caller.store.sign_in().get().await?;
    Ok((etag(row.version), Json(shown(row, &caller.tenant.slug, &state)?)))
}

fn read(body: ReplaceSignIn, current: Option<&sign_in::Model>) -> Result<NewSignIn, ApiError> {
    let mut problems = Problems::default();
    let issuer = problems.base_url("issuer", &body.issuer);
    if issuer.as_ref().is_some_and(|url| !is_private_on_its_way(url)) {
        problems.add("issuer", "must start with https://");
    }
    problems.name("client_id", &body.client_id);
    for (field, text) in [("token_issuer", &body.token_issuer), ("audience", &body.audience)] {
        if let Some(text) = text {
            problems.name(field, text);
        }
    }
    let scopes = body.scopes.unwrap_or_else(|| ["openid", "profile", "email"].map(str::to_owned).to_vec());
    if !scopes.iter().any(|scope| scope == "openid") {
        problems.add("scopes", "must have openid");
    }
    // RFC 6749 §3.3.
    let is_scope = |scope: &String| {
        !scope.is_empty()
            && scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    if scopes.len() > 20 || !scopes.iter().all(is_scope) {
        problems.add("scopes", "must be at most 20 words without spaces, quotes and backslashes");
    }
    let claim = body.claim.unwrap_or_else(|| "groups".to_owned());
    problems.name("claim", &claim);
    if body.roles.is_empty() {
        problems.add("roles", "must give somebody a role, or nobody could sign in");
    }
    if body.roles.len() > MAX_ROLES {
        problems.add("roles", format!("must have at most {MAX_ROLES} values"));
    }
    for (index, rule) in body.roles.iter().enumerate().take(MAX_ROLES) {
        problems.name(&format!("roles[{index}].value"), &rule.value);
    }
    let moved = |issuer: &Url| {
        current.is_some_and(|row| {
            row.client_secret.is_some()
                && Url::parse(&row.issuer).map_or(true, |known| known.origin() != issuer.origin())
        })
    };
    // A secret is never sent to a server that it was not given for.
    if body.client_secret.is_none() && issuer.as_ref().is_some_and(moved) {
        problems.add("client_secret", "must be given again when issuer names another host");
    }
    problems.check()?;
    let client_secret = body.client_secret.map(|secret| match secret.as_str() {
        "" => ClientSecret::Absent,
        _ => ClientSecret::Is(Zeroizing::new(secret)),
    });
    Ok(NewSignIn {
        issuer: body.issuer,
        token_issuer: body.token_issuer,
        client_id: body.client_id,
        client_secret,
        audience: body.audience,
        scopes,
        claim,
        roles: body.roles,
    })
}

/// Set how the tenant's people sign in
///
/// The provider is asked what it is before anything is stored; 422 says what it lacks. Everyone who signed in by what was
/// there before signs in again.
#[utoipa::path(
    put, path = "/tenants/{tenant}/sign-in", tag = "access", request_body = ReplaceSignIn,
    params(
        TenantPath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The settings as they are now", body = TenantSignIn, headers(("ETag" = String))), TenantRefusals, ReplaceRefusals),
)]
pub(crate) async fn replace_sign_in(
    State(state): State<ApiState>,
    caller: TenantCaller<Owner, Access>,
    if_match: IfMatch,
    Body(body): Body<ReplaceSignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let current = caller.store.sign_in().find().await?;
    let version = current.as_ref().map_or(0, |row| row.version);
    let expected = if_match.expect(version)?;
    let new = read(body, current.as_ref())?;
    let provider = state.providers.ask_again(&new.issuer).await;
    let provider = provider.map_err(|error| ApiError::invalid("issuer", error.to_string()))?;
    let says = &provider.metadata.issuer;
    let wants = new.token_issuer.as_deref().unwrap_or(&new.issuer);
    if says.trim_end_matches('/') != wants.trim_end_matches('/') {
        let problem = format!("must be {says} if this is the right provider: that is what it calls itself");
        return Err(ApiError::invalid("token_issuer", problem));
    }
    // A new address is only as safe as the look at the old one: nobody may move it in between.
    let new = NewSignIn { token_issuer: (says != &new.issuer).then(|| says.clone()), ..new };
    let detail = json!({"new_client_secret": new.client_secret.is_some()});
    let edit = caller.edit().await?;
    let row = edit.store.sign_in().put(new, expected.or(Some(version))).await?;
    let slug = &caller.tenant.slug;
    let before = current.map(|current| shown(current, slug, &state)).transpose()?;
    let (version, after) = (row.version, shown(row, slug, &state)?);
    edit.commit_change("sign_in.update", caller.tenant.id, detail, &before, &after).await?;
    Ok((etag(version), Json(after)))
}

/// Let nobody sign in by the identity provider any more
///
/// Everyone who did is signed out at once. API keys work on.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/sign-in", tag = "access",
    params(TenantPath),
    responses((status = 204, description = "It is removed"), TenantRefusals),
)]
pub(crate) async fn delete_sign_in(caller: TenantCaller<Owner, Access>) -> Result<NoContent, ApiError> {
    let edit = caller.edit().await?;
    edit.store.sign_in().delete().await?;
    edit.commit("sign_in.delete", caller.tenant.id, None).await?;
    Ok(NoContent)
}
