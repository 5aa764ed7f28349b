//! Who calls: the operator's key, a tenant's API key, or an access token that was made from one.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use guard::Source;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use store::entity::words::Role;
use store::entity::{api_key, session, setup_link, tenant};
use store::id::{ApiKeyId, TenantId};
use store::secret::{self, SecretKind};
use store::sessions::{Found, SignedIn};

use crate::error::ApiError;
use crate::oidc::people::Person;
use crate::oidc::{self, OidcError};
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
    /// Someone of a tenant for whom its identity provider vouches.
    Person(TenantId, Person),
    /// Someone with a link to the set-up of one connection, and of nothing else.
    SetupLink(setup_link::Model),
}

impl Identity {
    /// The name in audit logs.
    pub fn actor(&self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::Key(key) => format!("key:{}", key.id),
            // What they are called by the provider is theirs alone; their name may not be.
            Self::Person(_, person) if person.name == person.subject => format!("person:{}", person.subject),
            Self::Person(_, person) => format!("person:{} ({})", person.subject, person.name),
            Self::SetupLink(link) => format!("setup-link:{}", link.id),
        }
    }
}

/// What an access token says (RFC 7519 §4.1) beyond for whom and until when it is.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: ApiKeyId,
    iat: i64,
    tenant: TenantId,
    role: Role,
}

/// A token of ours, for ourselves.
#[derive(Debug, Serialize)]
pub(crate) struct Signed<'a, T> {
    iss: &'a str,
    aud: &'a str,
    exp: i64,
    #[serde(flatten)]
    claims: T,
}

impl<'a, T> Signed<'a, T> {
    /// `claims`, for a purpose and so many seconds from `now`.
    pub(crate) fn new(state: &'a ApiState, purpose: &'a str, now: Timestamp, lasts: u64, claims: T) -> Self {
        let exp = seconds(now) + i64::try_from(lasts).unwrap_or(0);
        Self { iss: state.public_url.as_str(), aud: purpose, exp, claims }
    }
}

/// Keys that sign access tokens and check them (HS256), and that make digests of requests.
#[derive(Clone)]
pub struct JwtKeys {
    signing: EncodingKey,
    checking: Vec<DecodingKey>,
    /// What digests of requests were made by before.
    older: Vec<EncodingKey>,
}

impl JwtKeys {
    /// Keys from 32 secret bytes, the same on every replica.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: vec![DecodingKey::from_secret(secret)],
            older: Vec::new(),
        }
    }

    /// The same keys, which also take what other secret bytes have signed.
    #[must_use]
    pub fn also_checking(mut self, secret: &[u8; 32]) -> Self {
        self.checking.push(DecodingKey::from_secret(secret));
        self.older.push(EncodingKey::from_secret(secret));
        self
    }

    /// A token that only we can make.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, ApiError> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a token cannot be signed");
            ApiError::Internal(None)
        })
    }

    /// A digest of a request that tells nothing about it: its body may hold a password, which a digest
    /// without a key would let be guessed. A line break keeps it apart from all that a token is made of.
    ///
    /// The first one is that of new requests; the others are of the keys that are being exchanged.
    pub(crate) fn fingerprints(&self, path: &str, body: &[u8]) -> Result<Vec<String>, ApiError> {
        let message = [b"request\n", path.as_bytes(), b"\n", body].concat();
        let digest = |key| jsonwebtoken::crypto::sign(&message, key, Algorithm::HS256);
        std::iter::once(&self.signing).chain(&self.older).map(digest).collect::<Result<_, _>>().map_err(
            |error| {
                tracing::error!(error = &error as &dyn std::error::Error, "request cannot be digested");
                ApiError::Internal(None)
            },
        )
    }

    /// The claims of a token that we signed for ourselves and this purpose, and that has not expired at `now`.
    pub(crate) fn check<T: DeserializeOwned>(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: Timestamp,
    ) -> Option<T> {
        #[derive(Deserialize)]
        struct Expiring<T> {
            exp: i64,
            #[serde(flatten)]
            claims: T,
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The time is the store's clock's, which the library does not know.
        validation.validate_exp = false;
        let mut keys = self.checking.iter();
        let read =
            keys.find_map(|key| jsonwebtoken::decode::<Expiring<T>>(token, key, &validation).ok())?.claims;
        (seconds(now) < read.exp).then_some(read.claims)
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1000)
}

/// What a request shows of who sends it.
#[derive(Debug)]
pub struct Shown {
    credential: Option<String>,
    /// Where it comes from, for whoever looks after the credential.
    source: String,
}

impl Shown {
    /// What the head of a request shows.
    pub fn of(parts: &Parts) -> Self {
        let source = parts.extensions.get::<Source>().map(ToString::to_string).unwrap_or_default();
        Self { credential: bearer(&parts.headers).map(str::to_owned), source }
    }

    fn bearer(&self) -> Option<&str> {
        self.credential.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Shown {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

/// The bearer credential of a request (RFC 6750 §2.1); the scheme's name has no case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty()).then_some(credential)
}

/// Recognises the caller by an operator key, an API key or an access token.
pub async fn authenticate(state: &ApiState, shown: &Shown) -> Result<Identity, ApiError> {
    let credential = shown.bearer().ok_or(ApiError::Unauthenticated)?;
    let digest = secret::digest(credential);
    // Digests are compared, so the time this takes tells nothing about the key.
    if state.operator_key_digest.as_ref().is_some_and(|operator| *operator == digest) {
        return Ok(Identity::Operator);
    }
    let now = state.store.clock().now();
    if credential.starts_with(SecretKind::SetupLink.prefix()) {
        return use_setup_link(state, &digest, &shown.source).await.map(Identity::SetupLink);
    }
    if credential.starts_with(SecretKind::Session.prefix()) {
        let session = open_session(state, &digest).await?;
        return identity_of_session(state, session, shown).await;
    }
    let key = match state.signing.check(credential, state.public_url.as_str(), AUDIENCE, now) {
        Some(claims) => key_of_token(state, &claims).await?,
        None => state.store.find_api_key(&digest).await?,
    };
    use_key(state, key, &shown.source).await.map(Identity::Key)
}

/// Recognises the caller as [`authenticate`] does, or by an access token of the tenant's own identity provider.
pub(crate) async fn authenticate_in(
    state: &ApiState,
    shown: &Shown,
    tenant: Option<&tenant::Model>,
) -> Result<Identity, ApiError> {
    match authenticate(state, shown).await {
        Err(ApiError::Unauthenticated) => {}
        recognised => return recognised,
    }
    let token = shown.bearer().filter(|credential| credential.split('.').count() == 3);
    let (Some(token), Some(tenant)) = (token, tenant) else { return Err(ApiError::Unauthenticated) };
    let Some(settings) = state.store.tenant(tenant.id).sign_in().find().await? else {
        return Err(ApiError::Unauthenticated);
    };
    match oidc::bearer(&state.providers, &settings, token, state.store.clock().now()).await {
        Ok(person) => Ok(Identity::Person(tenant.id, person)),
        Err(error) => {
            // Why is told to those who operate us alone: whoever sent it may be anybody.
            tracing::info!(tenant.id = %tenant.id, reason = %error, "a token of a tenant's provider was refused");
            match error {
                OidcError::Provider(_) => Err(ApiError::Unavailable(None)),
                OidcError::Refused(_) => Err(ApiError::Unauthenticated),
            }
        }
    }
}

/// What tells the operator's present key apart in rows of sessions: keyed digests, the first by the present key.
fn operator_marks(state: &ApiState) -> Result<Vec<Vec<u8>>, ApiError> {
    let Some(digest) = &state.operator_key_digest else { return Ok(Vec::new()) };
    let marks = state.signing.fingerprints("the operator's key", digest)?;
    Ok(marks.into_iter().map(String::into_bytes).collect())
}

/// The session of a request's credential, and the digest of that.
pub(crate) async fn session_of(
    state: &ApiState,
    shown: &Shown,
) -> Result<(session::Model, Vec<u8>), ApiError> {
    let credential = shown.bearer().ok_or(ApiError::Unauthenticated)?;
    let digest = secret::digest(credential);
    Ok((open_session(state, &digest).await?, digest))
}

async fn open_session(state: &ApiState, digest: &[u8]) -> Result<session::Model, ApiError> {
    match state.store.sessions().find(digest).await? {
        Some(Found::Open(session)) => Ok(session),
        Some(Found::Replayed(session)) => {
            tracing::warn!(session.id = %session.id, "a secret of a session came back after it was replaced: it was copied, \
                and the session is ended");
            if let Some(tenant) = session.tenant_id {
                let audit = state.store.tenant(tenant).audit();
                audit.insert("rollcall", "session.replay", "session", session.id.to_string(), None).await?;
            }
            Err(ApiError::Unauthenticated)
        }
        None => Err(ApiError::Unauthenticated),
    }
}

async fn identity_of_session(
    state: &ApiState,
    session: session::Model,
    shown: &Shown,
) -> Result<Identity, ApiError> {
    match (session.tenant_id, session.key_id) {
        // Another operator's key ends what was begun with the one before.
        (None, _) => {
            let marks = operator_marks(state)?;
            let is_of_the_present_key =
                marks.iter().any(|mark| session.operator_digest.as_ref() == Some(mark));
            if is_of_the_present_key { Ok(Identity::Operator) } else { Err(ApiError::Unauthenticated) }
        }
        (Some(tenant), Some(key)) => {
            let key = find_key(state, tenant, key).await?;
            use_key(state, key, &shown.source).await.map(Identity::Key)
        }
        (Some(tenant), None) => match (session.subject, session.name, session.role) {
            (Some(subject), Some(name), Some(role)) => {
                Ok(Identity::Person(tenant, Person { subject, name, role }))
            }
            _ => Err(ApiError::Unauthenticated),
        },
    }
}

/// Recognises the operator's key or an API key themselves: neither an access token nor a session can lengthen its own life.
pub(crate) async fn signed_in_by(state: &ApiState, shown: &Shown) -> Result<SignedIn, ApiError> {
    let digest = secret::digest(shown.bearer().ok_or(ApiError::Unauthenticated)?);
    if state.operator_key_digest.as_ref().is_some_and(|operator| *operator == digest) {
        // It may be words that somebody chose: a digest without a key would let them be guessed from a backup.
        let kept = operator_marks(state)?.into_iter().next().ok_or(ApiError::Internal(None))?;
        return Ok(SignedIn::Operator(kept));
    }
    let key = authenticate_key(state, shown).await?;
    Ok(SignedIn::Key(key.tenant_id, key.id))
}

/// Recognises an API key itself.
async fn authenticate_key(state: &ApiState, shown: &Shown) -> Result<api_key::Model, ApiError> {
    let credential = shown.bearer().ok_or(ApiError::Unauthenticated)?;
    let key = state.store.find_api_key(&secret::digest(credential)).await?;
    use_key(state, key, &shown.source).await
}

/// The key behind an access token: looked up each time, so that revoking it ends its tokens too.
async fn key_of_token(state: &ApiState, claims: &Claims) -> Result<Option<api_key::Model>, ApiError> {
    find_key(state, claims.tenant, claims.sub).await
}

async fn find_key(
    state: &ApiState,
    tenant: TenantId,
    key: ApiKeyId,
) -> Result<Option<api_key::Model>, ApiError> {
    match state.store.tenant(tenant).api_keys().get(key).await {
        Ok(key) => Ok(Some(key)),
        Err(store::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn use_key(
    state: &ApiState,
    key: Option<api_key::Model>,
    source: &str,
) -> Result<api_key::Model, ApiError> {
    let now = state.store.clock().now();
    let valid =
        |key: &api_key::Model| key.revoked_at.is_none() && key.expires_at.is_none_or(|expiry| now < expiry);
    let key = key.filter(valid).ok_or(ApiError::Unauthenticated)?;
    if let Err(error) = state.store.tenant(key.tenant_id).api_keys().touch(&key, source).await {
        // The last use is a convenience; a request does not fail for it.
        tracing::warn!(error = &error as &dyn std::error::Error, "use of an API key was not noted");
    }
    Ok(key)
}

async fn use_setup_link(
    state: &ApiState,
    digest: &[u8],
    source: &str,
) -> Result<setup_link::Model, ApiError> {
    let now = state.store.clock().now();
    let link = state.store.find_setup_link(digest).await?.filter(|link| link.is_valid(now));
    let link = link.ok_or(ApiError::Unauthenticated)?;
    if let Err(error) =
        state.store.tenant(link.tenant_id).setup_links(link.connection_id).touch(&link, source).await
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
pub async fn exchange(state: &ApiState, shown: &Shown) -> Result<String, ApiError> {
    let key = authenticate_key(state, shown).await?;
    let now = state.store.clock().now();
    let claims = Claims { sub: key.id, iat: seconds(now), tenant: key.tenant_id, role: key.role };
    state.signing.sign(&Signed::new(state, AUDIENCE, now, ACCESS_TOKEN_SECONDS, claims))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://scim.example.com/";

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": ApiKeyId::generate(), "iat": 1_000, "exp": 1_900,
            "tenant": TenantId::generate(), "role": "admin",
        })
    }

    fn with(field: &str, value: &str) -> Value {
        let mut claims = claims();
        claims[field] = json!(value);
        claims
    }

    fn check(keys: &JwtKeys, token: &str, now: Timestamp) -> Option<Claims> {
        keys.check(token, ISSUER, AUDIENCE, now)
    }

    #[test]
    fn a_token_is_good_until_its_expiry_and_not_at_it() {
        let keys = JwtKeys::new(&[1; 32]);
        let token = keys.sign(&claims()).unwrap();
        assert!(check(&keys, &token, Timestamp(1_899_999)).is_some());
        assert!(check(&keys, &token, Timestamp(1_900_000)).is_none());
    }

    #[test]
    fn a_token_of_another_key_issuer_or_audience_is_not_ours() {
        let keys = JwtKeys::new(&[1; 32]);
        let at = Timestamp(1_000_000);
        let sign = |claims: Value| keys.sign(&claims).unwrap();
        assert!(check(&JwtKeys::new(&[2; 32]), &sign(claims()), at).is_none());
        assert!(check(&keys, &sign(with("iss", "https://other")), at).is_none());
        assert!(check(&keys, &sign(with("aud", "other")), at).is_none());
        assert!(check(&keys, "a.b.c", at).is_none());
    }

    #[test]
    fn a_token_of_the_key_before_is_ours_while_keys_are_exchanged() {
        let (old, new) = (JwtKeys::new(&[1; 32]), JwtKeys::new(&[2; 32]));
        let both = new.clone().also_checking(&[1; 32]);
        let at = Timestamp(1_000_000);
        for keys in [&old, &new] {
            assert!(check(&both, &keys.sign(&claims()).unwrap(), at).is_some());
        }
        assert!(check(&new, &both.sign(&claims()).unwrap(), at).is_some(), "the first one signs");
        let digests = both.fingerprints("/v1/tenants", b"{}").unwrap();
        let alone = |keys: &JwtKeys| keys.fingerprints("/v1/tenants", b"{}").unwrap();
        assert_eq!(digests, [alone(&new), alone(&old)].concat(), "repeats of before are known");
    }

    #[test]
    fn a_token_without_what_an_access_token_says_is_none() {
        let keys = JwtKeys::new(&[1; 32]);
        for missing in ["iss", "aud", "sub", "exp", "tenant"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(missing);
            assert!(check(&keys, &keys.sign(&claims).unwrap(), Timestamp(1_000_000)).is_none(), "{missing}");
        }
    }

    #[test]
    fn a_token_with_another_algorithm_is_not_ours() {
        let keys = JwtKeys::new(&[1; 32]);
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS384), &claims(), &keys.signing).unwrap();
        assert!(check(&keys, &token, Timestamp(1_000_000)).is_none());
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
