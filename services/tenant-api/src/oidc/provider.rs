//! What identity providers say of themselves (OpenID Connect Discovery 1.0), and whether a token is one of theirs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atlassian::http::HttpSettings;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use moka::future::Cache;
use serde::Deserialize;
use serde_json::{Map, Value};
use store::Timestamp;
use tokio::sync::Mutex;
use url::{Host, Url};

use crate::oidc::{OidcError, http};

/// How many providers are remembered.
const REMEMBERED: u64 = 10_000;
/// How long a provider is believed.
const FRESH: Duration = Duration::from_hours(1);
/// How long a provider is not asked again that failed, or whose keys did not have the one that a token names: bad tokens
/// must not make us ask and ask.
const PATIENCE: Duration = Duration::from_secs(30);
/// How far clocks may be apart.
const LEEWAY: Duration = Duration::from_mins(1);

/// What is said of keys that are not shown to everybody.
const CLOSED_KEYS: &str = ". Its signing keys must be readable without signing in: at Oracle, turn on \"Access signing \
                           certificate\" in the domain's settings";

/// Algorithms of keys that only the provider has. What is signed by a secret that both sides know is not taken, nor is
/// what is not signed.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What we need of a discovery document.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    /// What the provider is called in its tokens.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: Url,
    /// Where codes are exchanged.
    pub token_endpoint: Url,
    /// Where its public keys are.
    pub jwks_uri: Url,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl Metadata {
    /// Whether the token endpoint takes our secret by HTTP's own means; that is the default (OpenID Connect Discovery 1.0
    /// §3).
    pub fn takes_basic_authentication(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic")
    }
}

/// A provider, as it was when it was asked.
#[derive(Debug)]
pub struct Provider {
    /// What it says of itself.
    pub metadata: Metadata,
    keys: JwkSet,
}

#[derive(Debug)]
struct Asked {
    at: Instant,
    answer: Result<Arc<Provider>, OidcError>,
}

impl Asked {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < if self.answer.is_ok() { FRESH } else { PATIENCE }
    }
}

/// Providers that were asked before, by their address.
#[derive(Clone, Debug)]
pub struct Providers {
    http: HttpSettings,
    asked: Cache<String, Arc<Mutex<Option<Asked>>>>,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// One of its `aud`.
    pub audience: &'a str,
    /// Its `nonce`, of whoever signs in just now.
    pub nonce: Option<&'a str>,
}

impl Providers {
    /// Providers that are reached by these rules.
    pub fn new(http: HttpSettings) -> Self {
        Self { http, asked: Cache::new(REMEMBERED) }
    }

    pub(super) fn http(&self) -> &HttpSettings {
        &self.http
    }

    /// The provider at `issuer`.
    pub async fn get(&self, issuer: &str) -> Result<Arc<Provider>, OidcError> {
        self.ask(issuer, Asked::is_fresh).await
    }

    /// The same, asked now.
    pub async fn ask_again(&self, issuer: &str) -> Result<Arc<Provider>, OidcError> {
        self.ask(issuer, |_| false).await
    }

    /// One question at a time to each.
    async fn ask(
        &self,
        issuer: &str,
        suffices: impl Fn(&Asked) -> bool + Send,
    ) -> Result<Arc<Provider>, OidcError> {
        let slot = self.asked.get_with_by_ref(issuer, async { Arc::default() }).await;
        let mut slot = slot.lock().await;
        if let Some(asked) = slot.as_ref().filter(|asked| suffices(asked)) {
            return asked.answer.clone();
        }
        let answer = self.read(issuer).await.map(Arc::new);
        *slot = Some(Asked { at: Instant::now(), answer: answer.clone() });
        answer
    }

    async fn read(&self, issuer: &str) -> Result<Provider, OidcError> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let address =
            Url::parse(&address).map_err(|_| OidcError::Provider("issuer is no address".to_owned()))?;
        let metadata: Metadata = http::read(&self.http, &address, "").await?;
        for url in [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri] {
            if !is_private_on_its_way(url) {
                let host = address.host_str().unwrap_or_default();
                return Err(OidcError::Provider(format!("{host} names {url}, which has no TLS")));
            }
        }
        let keys = http::read(&self.http, &metadata.jwks_uri, CLOSED_KEYS).await?;
        Ok(Provider { metadata, keys })
    }

    /// The claims of a token of the provider, if it is what was expected.
    pub async fn check(
        &self,
        issuer: &str,
        token: &str,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, OidcError> {
        let header = algorithm(token)?;
        let kid = header.kid.as_deref();
        let mut provider = self.get(issuer).await?;
        if provider.key(kid).is_none() {
            // Keys are exchanged without a word: a new one is looked for.
            provider = self.ask(issuer, |asked| asked.at.elapsed() < PATIENCE).await?;
        }
        let key = provider
            .key(kid)
            .ok_or_else(|| refused("it is signed by a key that the provider does not have"))?;
        let key = DecodingKey::from_jwk(key).map_err(|_| refused("its key cannot be read"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[expected.audience]);
        validation.set_issuer(&[expected.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The time is the store's clock's, which the library does not know.
        validation.validate_exp = false;
        let claims = decode::<Map<String, Value>>(token, &key, &validation)
            .map_err(|error| {
                refused(&format!("{error} (issuer {}, audience {})", expected.issuer, expected.audience))
            })?
            .claims;
        hold(&claims, expected, now).map_err(refused)?;
        Ok(claims)
    }
}

/// How a token is signed, if it can be a provider's.
pub(super) fn algorithm(token: &str) -> Result<Header, OidcError> {
    let header = decode_header(token).map_err(|_| refused("it cannot be read"))?;
    if ALGORITHMS.contains(&header.alg) {
        Ok(header)
    } else {
        Err(refused("it is not signed by a key of the provider's own"))
    }
}

fn refused(why: &str) -> OidcError {
    OidcError::Refused(format!("The identity provider's token is not taken: {why}"))
}

impl Provider {
    fn key(&self, kid: Option<&str>) -> Option<&Jwk> {
        let signs = |key: &&Jwk| {
            key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
        };
        match kid {
            Some(kid) => {
                self.keys.keys.iter().filter(signs).find(|key| key.common.key_id.as_deref() == Some(kid))
            }
            // Without a name there must be no choice.
            None => match self.keys.keys.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        }
    }
}

/// What the library does not look at (OpenID Connect Core 1.0 §3.1.3.7).
fn hold(claims: &Map<String, Value>, expected: &Expected<'_>, now: Timestamp) -> Result<(), &'static str> {
    let instant = |name: &str| {
        claims.get(name).and_then(Value::as_f64).map(|seconds| {
            #[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest instant")]
            let milliseconds = (seconds * 1000.0) as i64;
            Timestamp(milliseconds)
        })
    };
    if instant("exp").is_none_or(|expiry| now.minus(LEEWAY) >= expiry) {
        return Err("it has expired");
    }
    if instant("nbf").is_some_and(|begin| now.plus(LEEWAY) < begin) {
        return Err("it is not valid yet");
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if expected.nonce.is_some() && text("nonce") != expected.nonce {
        return Err("it was not made for this sign-in");
    }
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
    if expected.nonce.is_some()
        && (several || claims.contains_key("azp"))
        && text("azp") != Some(expected.audience)
    {
        return Err("it was made for somebody else");
    }
    Ok(())
}

/// Whether nobody on the way to an address reads along: it has TLS, or is on this machine.
pub fn is_private_on_its_way(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn held(claims: &Value, nonce: Option<&str>) -> Result<(), &'static str> {
        let expected = Expected { issuer: "i", audience: "us", nonce };
        hold(claims.as_object().unwrap(), &expected, Timestamp(1_000_000))
    }

    #[test]
    fn a_token_is_held_to_its_times_its_nonce_and_its_addressee() {
        for (claims, nonce, taken) in [
            (json!({"exp": 1000}), None, true),
            (json!({"exp": 941}), None, true),
            (json!({"exp": 940}), None, false),
            (json!({"exp": "soon"}), None, false),
            (json!({}), None, false),
            (json!({"exp": 2000, "nbf": 1060}), None, true),
            (json!({"exp": 2000, "nbf": 1061}), None, false),
            (json!({"exp": 2000, "nonce": "n"}), Some("n"), true),
            (json!({"exp": 2000, "nonce": "m"}), Some("n"), false),
            (json!({"exp": 2000}), Some("n"), false),
            (json!({"exp": 2000, "nonce": "n", "aud": ["us", "them"], "azp": "us"}), Some("n"), true),
            (json!({"exp": 2000, "nonce": "n", "aud": ["us", "them"]}), Some("n"), false),
            (json!({"exp": 2000, "nonce": "n", "aud": "us", "azp": "them"}), Some("n"), false),
        ] {
            assert_eq!(held(&claims, nonce).is_ok(), taken, "{claims}");
        }
    }

    #[test]
    fn people_sign_in_where_nobody_reads_along() {
        for (url, private) in [
            ("https://idcs.example.com", true),
            ("http://idcs.example.com", false),
            ("http://127.0.0.1:9000", true),
            ("http://localhost:9000", true),
            ("http://localhost.example.com", false),
            ("ftp://127.0.0.1", false),
        ] {
            assert_eq!(is_private_on_its_way(&Url::parse(url).unwrap()), private, "{url}");
        }
    }
}
