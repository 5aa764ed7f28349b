//! Who calls: the operator's key, a tenant's API key, or an access token that was made from one.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use store::entity::words::Role;
use store::entity::{api_key, setup_link};
use store::id::{ApiKeyId, TenantId};
use store::secret::{self, SecretKind};

use crate::error::ApiError;
use crate::state::ApiState;

/// Seconds that an access token lives.
pub const ACCESS_TOKEN_SECONDS: u64 = 900;

/// Whom access tokens are for: no other service accepts them, and we accept no others.
const AUDIENCE: &str = "rollcall-api";

/// Who was recognised.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The operator of this installation.
    Operator,
    /// Someone with a key of a tenant.
    Key(api_key::Model),
    /// Someone with a link to the set-up of one connection, and of nothing else.
    SetupLink(setup_link::Model),
}

impl Identity {
    /// The name in audit logs.
    pub fn actor(&self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::Key(key) => format!("key:{}", key.id),
            Self::SetupLink(link) => format!("setup-link:{}", link.id),
        }
    }
}

/// What an access token says (RFC 7519 §4.1).
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: ApiKeyId,
    iat: i64,
    exp: i64,
    tenant: TenantId,
    role: Role,
}

/// Keys that sign access tokens and check them (HS256), and that make digests of requests.
#[derive(Clone)]
pub struct JwtKeys {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl JwtKeys {
    /// Keys from 32 secret bytes, the same on every replica.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { signing: EncodingKey::from_secret(secret), checking: DecodingKey::from_secret(secret) }
    }

    fn sign(&self, claims: &Claims) -> Result<String, ApiError> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "access token cannot be signed");
            ApiError::Internal(None)
        })
    }

    /// A digest of a request that tells nothing about it: its body may hold a password, which a digest
    /// without a key would let be guessed. A line break keeps it apart from all that a token is made of.
    pub(crate) fn fingerprint(&self, path: &str, body: &[u8]) -> Result<String, ApiError> {
        let message = [b"request\n", path.as_bytes(), b"\n", body].concat();
        jsonwebtoken::crypto::sign(&message, &self.signing, Algorithm::HS256).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "request cannot be digested");
            ApiError::Internal(None)
        })
    }

    /// The claims of a token that we signed for ourselves and that has not expired at `now`.
    fn check(&self, token: &str, issuer: &str, now: Timestamp) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The time is the store's clock's, which the library does not know.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &validation).ok()?.claims;
        (seconds(now) < claims.exp).then_some(claims)
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// The bearer credential of a request (RFC 6750 §2.1); the scheme's name has no case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty()).then_some(credential)
}

/// Recognises the caller by an operator key, an API key or an access token.
pub async fn authenticate(state: &ApiState, headers: &HeaderMap) -> Result<Identity, ApiError> {
    let credential = bearer(headers).ok_or(ApiError::Unauthenticated)?;
    let digest = secret::digest(credential);
    // Digests are compared, so the time this takes tells nothing about the key.
    if state.operator_key_digest.as_ref().is_some_and(|operator| *operator == digest) {
        return Ok(Identity::Operator);
    }
    let now = state.store.clock().now();
    if credential.starts_with(SecretKind::SetupLink.prefix()) {
        return use_setup_link(state, &digest).await.map(Identity::SetupLink);
    }
    let key = match state.signing.check(credential, state.public_url.as_str(), now) {
        Some(claims) => key_of_token(state, &claims).await?,
        None => state.store.find_api_key(&digest).await?,
    };
    use_key(state, key).await.map(Identity::Key)
}

/// Recognises an API key itself: an access token cannot lengthen its own life.
async fn authenticate_key(state: &ApiState, headers: &HeaderMap) -> Result<api_key::Model, ApiError> {
    let credential = bearer(headers).ok_or(ApiError::Unauthenticated)?;
    let key = state.store.find_api_key(&secret::digest(credential)).await?;
    use_key(state, key).await
}

/// The key behind an access token: looked up each time, so that revoking it ends its tokens too.
async fn key_of_token(state: &ApiState, claims: &Claims) -> Result<Option<api_key::Model>, ApiError> {
    match state.store.tenant(claims.tenant).api_keys().get(claims.sub).await {
        Ok(key) => Ok(Some(key)),
        Err(store::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn use_key(state: &ApiState, key: Option<api_key::Model>) -> Result<api_key::Model, ApiError> {
    let now = state.store.clock().now();
    let valid =
        |key: &api_key::Model| key.revoked_at.is_none() && key.expires_at.is_none_or(|expiry| now < expiry);
    let key = key.filter(valid).ok_or(ApiError::Unauthenticated)?;
    if let Err(error) = state.store.tenant(key.tenant_id).api_keys().touch(&key).await {
        // The last use is a convenience; a request does not fail for it.
        tracing::warn!(error = &error as &dyn std::error::Error, "use of an API key was not noted");
    }
    Ok(key)
}

async fn use_setup_link(state: &ApiState, digest: &[u8]) -> Result<setup_link::Model, ApiError> {
    let now = state.store.clock().now();
    let link = state.store.find_setup_link(digest).await?.filter(|link| link.is_valid(now));
    let link = link.ok_or(ApiError::Unauthenticated)?;
    if let Err(error) = state.store.tenant(link.tenant_id).setup_links(link.connection_id).touch(&link).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "use of a set-up link was not noted");
    }
    Ok(link)
}

/// Whether the credential of a request is a set-up link's, good or not.
pub(crate) fn is_setup_link(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|credential| credential.starts_with(SecretKind::SetupLink.prefix()))
}

/// A signed access token for the bearer of an API key.
pub async fn exchange(state: &ApiState, headers: &HeaderMap) -> Result<String, ApiError> {
    let key = authenticate_key(state, headers).await?;
    let now = seconds(state.store.clock().now());
    state.signing.sign(&Claims {
        iss: state.public_url.as_str().to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: key.id,
        iat: now,
        exp: now + i64::try_from(ACCESS_TOKEN_SECONDS).unwrap_or(0),
        tenant: key.tenant_id,
        role: key.role,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://scim.example.com/";

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: ApiKeyId::generate(),
            iat: 1_000,
            exp: 1_900,
            tenant: TenantId::generate(),
            role: Role::Admin,
        }
    }

    #[test]
    fn a_token_is_good_until_its_expiry_and_not_at_it() {
        let keys = JwtKeys::new(&[1; 32]);
        let token = keys.sign(&claims()).unwrap();
        assert!(keys.check(&token, ISSUER, Timestamp(1_899_999)).is_some());
        assert!(keys.check(&token, ISSUER, Timestamp(1_900_000)).is_none());
    }

    #[test]
    fn a_token_of_another_key_issuer_or_audience_is_not_ours() {
        let keys = JwtKeys::new(&[1; 32]);
        let at = Timestamp(1_000_000);
        let sign = |claims: Claims| keys.sign(&claims).unwrap();
        assert!(JwtKeys::new(&[2; 32]).check(&sign(claims()), ISSUER, at).is_none());
        assert!(keys.check(&sign(Claims { iss: "https://other".into(), ..claims() }), ISSUER, at).is_none());
        assert!(keys.check(&sign(Claims { aud: "other".into(), ..claims() }), ISSUER, at).is_none());
        assert!(keys.check("a.b.c", ISSUER, at).is_none());
    }

    #[test]
    fn a_token_with_another_algorithm_is_not_ours() {
        let keys = JwtKeys::new(&[1; 32]);
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS384), &claims(), &keys.signing).unwrap();
        assert!(keys.check(&token, ISSUER, Timestamp(1_000_000)).is_none());
    }

    #[test]
    fn a_bearer_credential_is_taken_in_any_case_of_the_scheme() {
        let headers = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            headers
        };
        assert_eq!(bearer(&headers("bearer abc")), Some("abc"));
        assert_eq!(bearer(&headers("Bearer  abc")), Some("abc"));
        for refused in ["Basic abc", "Bearer", "Bearer ", "abc"] {
            assert_eq!(bearer(&headers(refused)), None, "{refused}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
