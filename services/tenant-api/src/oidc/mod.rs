//! Signing in by a tenant's own identity provider: OpenID Connect with the authorization code and PKCE.
//!
//! [`provider`] reads what a provider says of itself and checks its tokens; [`people`] says, without I/O, what a token
//! makes of a person; this file is the way of somebody who signs in. Every address is the tenant's input or its
//! provider's, and is reached by the guarded client that reaches sites.

use std::borrow::Cow;

use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenType};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use store::entity::sign_in;
use store::id::TenantId;
use url::Url;

mod http;
pub mod people;
pub mod provider;

use crate::oidc::people::Person;
use crate::oidc::provider::{Expected, Provider, Providers};

/// Where providers send people back to, behind our public URL.
pub const CALLBACK: &str = "/console/sign-in/callback";

/// Why somebody is not signed in.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider did not answer, or not as one; in words.
    #[error("{0}")]
    Provider(String),
    /// Who comes is not let in; in words.
    #[error("{0}")]
    Refused(String),
}

/// What is kept of a sign-in between its two ends, by whoever signs in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The tenant.
    pub tenant: TenantId,
    /// What the provider must send back.
    pub state: String,
    /// What its token must hold.
    pub nonce: String,
    /// What proves that the code was asked for by us (RFC 7636).
    pub verifier: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for WithIdToken {}

/// `oauth2`'s client, with an ID token in its answers.
type Client = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    StandardTokenIntrospectionResponse<WithIdToken, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn client(settings: &sign_in::Model, provider: &Provider, redirect: &Url) -> Client {
    let metadata = &provider.metadata;
    let auth_type =
        if metadata.takes_basic_authentication() { AuthType::BasicAuth } else { AuthType::RequestBody };
    oauth2::Client::new(ClientId::new(settings.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
        .set_redirect_uri(RedirectUrl::from_url(redirect.clone()))
        .set_auth_type(auth_type)
}

/// A client secret as it was stored.
pub fn client_secret(stored: &[u8]) -> Result<ClientSecret, OidcError> {
    let text = std::str::from_utf8(stored)
        .map_err(|_| OidcError::Provider("The client secret is no text".into()))?;
    Ok(ClientSecret::new(text.to_owned()))
}

/// Where to send somebody's browser, and what must be kept for when it comes back.
pub async fn start(
    providers: &Providers,
    settings: &sign_in::Model,
    redirect: &Url,
) -> Result<(Url, Pending), OidcError> {
    let provider = providers.get(&settings.issuer).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let nonce = CsrfToken::new_random().into_secret();
    let (url, state) = client(settings, &provider, redirect)
        .authorize_url(CsrfToken::new_random)
        .add_scopes(settings.scopes.0.iter().cloned().map(Scope::new))
        .add_extra_param("nonce", &nonce)
        .set_pkce_challenge(challenge)
        .url();
    let verifier = verifier.into_secret();
    let pending = Pending { tenant: settings.tenant_id, state: state.into_secret(), nonce, verifier };
    Ok((url, pending))
}

/// Who came back with a code.
pub async fn finish(
    providers: &Providers,
    settings: &sign_in::Model,
    client_secret: Option<ClientSecret>,
    redirect: &Url,
    pending: Pending,
    code: String,
    now: store::Timestamp,
) -> Result<Person, OidcError> {
    let provider = providers.get(&settings.issuer).await?;
    let mut client = client(settings, &provider, redirect);
    if let Some(secret) = client_secret {
        client = client.set_client_secret(secret);
    }
    let guarded = http::Guarded(providers.http());
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
        .request_async(&guarded)
        .await
        .map_err(|error| exchange_failed(&error))?;
    let Some(token) = &answer.extra_fields().id_token else {
        return Err(OidcError::Provider(
            "The identity provider gave no ID token; let the client have the scope openid".to_owned(),
        ));
    };
    let expected = Expected {
        issuer: settings.token_issuer.as_deref().unwrap_or(&provider.metadata.issuer),
        audience: &settings.client_id,
        nonce: Some(&pending.nonce),
    };
    let claims = providers.check(&settings.issuer, token, &expected, now).await?;
    people::person(&claims, &settings.claim, &settings.roles.0).map_err(OidcError::Refused)
}

/// Who sent an access token of the tenant's provider to the API.
pub async fn bearer(
    providers: &Providers,
    settings: &sign_in::Model,
    token: &str,
    now: store::Timestamp,
) -> Result<Person, OidcError> {
    // What no provider signs, such as a token of ours that has expired, is no reason to ask one.
    provider::algorithm(token)?;
    let provider = providers.get(&settings.issuer).await?;
    let expected = Expected {
        issuer: settings.token_issuer.as_deref().unwrap_or(&provider.metadata.issuer),
        audience: settings.audience.as_deref().unwrap_or(&settings.client_id),
        nonce: None,
    };
    let claims = providers.check(&settings.issuer, token, &expected, now).await?;
    people::person(&claims, &settings.claim, &settings.roles.0).map_err(OidcError::Refused)
}

type ExchangeError = RequestTokenError<OidcError, BasicErrorResponse>;

fn exchange_failed(error: &ExchangeError) -> OidcError {
    let words: Cow<'_, str> = match error {
        RequestTokenError::ServerResponse(said) => {
            let described = said.error_description().map_or("", String::as_str);
            format!("it answered {} {}", said.error(), people::printable(described)).into()
        }
        RequestTokenError::Request(failed) => failed.to_string().into(),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => "its answer could not be read".into(),
    };
    OidcError::Provider(format!("The identity provider did not exchange the code: {}", words.trim_end()))
}
