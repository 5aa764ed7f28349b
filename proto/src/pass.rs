//! A pass: what a gateway says of a request's sender, signed, so that SCIM handlers need believe nothing else.
//!
//! A JWT (RFC 7519) with HMAC SHA-256 that is good for a few seconds. Several keys are taken at once, so that they
//! are exchanged without an outage: the first one signs, each opens.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::caller::ScimCaller;
use store::clock::Timestamp;
use store::id::{ConnectionId, TenantId, TokenId};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Seconds that a pass is good for: longer than a request waits anywhere.
const LIFETIME_SECONDS: i64 = 120;
/// Seconds by which the clocks of two machines may differ.
const LEEWAY_SECONDS: u64 = 60;
const ISSUER: &str = "rollcall-gateway";
const AUDIENCE: &str = "rollcall-scim";
const ROUTING: &str = "rollcall-routing";

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// There is none.
    #[error("there is no key")]
    Missing,
    /// One is not 32 bytes in base64.
    #[error("key {0} is not 32 bytes in base64; make one with `openssl rand -base64 32`")]
    Malformed(usize),
}

/// A pass was refused; why is for the log, not for whoever sent it.
#[derive(Debug, thiserror::Error)]
#[error("the pass was refused: {0}")]
pub struct Refused(#[from] jsonwebtoken::errors::Error);

/// Keys that sign and open passes.
#[derive(Clone)]
pub struct PassKeys {
    signing: EncodingKey,
    opening: Vec<DecodingKey>,
    /// Of a request's pass, and of a gateway's own.
    validation: Validation,
    own_validation: Validation,
}

impl fmt::Debug for PassKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PassKeys").field("keys", &self.opening.len()).finish_non_exhaustive()
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    /// The connection.
    sub: Uuid,
    tenant: Uuid,
    token: Uuid,
    strict: bool,
    schemas: u64,
    request: String,
}

/// What a gateway says of itself when it asks the routing service.
#[derive(Clone, Serialize, Deserialize)]
struct OwnClaims {
    iss: String,
    aud: String,
    exp: i64,
    sub: String,
}

fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.leeway = LEEWAY_SECONDS;
    validation
}

impl PassKeys {
    /// Reads keys in base64, separated by commas: the first one signs.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (index, part) in text.split(',').map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let malformed = |_| KeyError::Malformed(index + 1);
            let bytes = Zeroizing::new(STANDARD.decode(part).map_err(malformed)?);
            if bytes.len() != 32 {
                return Err(KeyError::Malformed(index + 1));
            }
            keys.push(bytes);
        }
        Self::of(keys.iter().map(|key| key.as_slice()))
    }

    /// The one key.
    pub fn one(key: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of([key.as_slice()].into_iter())
    }

    fn of<'a>(keys: impl Iterator<Item = &'a [u8]> + Clone) -> Result<Self, KeyError> {
        Ok(Self {
            signing: EncodingKey::from_secret(keys.clone().next().ok_or(KeyError::Missing)?),
            opening: keys.map(DecodingKey::from_secret).collect(),
            validation: validation(AUDIENCE),
            own_validation: validation(ROUTING),
        })
    }

    /// A pass for a request of `caller`, made `now`.
    pub fn sign(&self, caller: &ScimCaller, now: Timestamp) -> Result<String, Refused> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: now.0 / 1000 + LIFETIME_SECONDS,
            sub: caller.connection_id.0,
            tenant: caller.tenant_id.0,
            token: caller.token_id.0,
            strict: caller.strict,
            schemas: caller.schemas,
            request: caller.request_id.clone(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?)
    }

    /// Who sends a request, by its pass.
    pub fn open(&self, pass: &str) -> Result<ScimCaller, Refused> {
        Ok(self.decode::<Claims>(pass, &self.validation)?.into())
    }

    /// A pass of the gateway itself, for what it asks on nobody's behalf.
    pub fn sign_own(&self, now: Timestamp) -> Result<String, Refused> {
        let claims = OwnClaims {
            iss: ISSUER.to_owned(),
            aud: ROUTING.to_owned(),
            exp: now.0 / 1000 + LIFETIME_SECONDS,
            sub: "gateway".to_owned(),
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?)
    }

    /// Whether a gateway asks.
    pub fn open_own(&self, pass: &str) -> Result<(), Refused> {
        self.decode::<OwnClaims>(pass, &self.own_validation).map(drop)
    }

    fn decode<T: DeserializeOwned + Clone>(&self, pass: &str, validation: &Validation) -> Result<T, Refused> {
        let mut refused = None;
        for key in &self.opening {
            match jsonwebtoken::decode::<T>(pass, key, validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => refused = Some(error),
            }
        }
        let none = || jsonwebtoken::errors::ErrorKind::InvalidToken.into();
        Err(Refused(refused.unwrap_or_else(none)))
    }
}

impl From<Claims> for ScimCaller {
    fn from(claims: Claims) -> Self {
        Self {
            tenant_id: TenantId(claims.tenant),
            connection_id: ConnectionId(claims.sub),
            token_id: TokenId(claims.token),
            strict: claims.strict,
            schemas: claims.schemas,
            request_id: claims.request,
        }
    }
}

#[cfg(test)]
mod tests {
    use store::clock::Clock;

    use super::*;

    fn caller() -> ScimCaller {
        ScimCaller {
            tenant_id: TenantId::generate(),
            connection_id: ConnectionId::generate(),
            token_id: TokenId::generate(),
            strict: true,
            schemas: u64::MAX,
            request_id: "request-1".into(),
        }
    }

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    #[test]
    fn a_pass_says_who_sends_the_request() {
        let keys = PassKeys::parse(&key(1)).unwrap();
        let caller = caller();
        let opened = keys.open(&keys.sign(&caller, Clock::default().now()).unwrap()).unwrap();
        assert_eq!(opened, caller);
    }

    #[test]
    fn keys_are_exchanged_one_after_the_other() {
        let [old, both, new] =
            [key(1), format!("{}, {}", key(2), key(1)), key(2)].map(|text| PassKeys::parse(&text).unwrap());
        let now = Clock::default().now();
        let of_old = old.sign(&caller(), now).unwrap();
        let of_both = both.sign(&caller(), now).unwrap();
        assert!(both.open(&of_old).is_ok() && both.open(&of_both).is_ok() && new.open(&of_both).is_ok());
        assert!(new.open(&of_old).is_err() && old.open(&of_both).is_err());
    }

    #[test]
    fn what_is_old_changed_unsigned_or_for_somebody_else_opens_nothing() {
        let keys = PassKeys::parse(&key(1)).unwrap();
        let now = Clock::default().now();
        let late = now.minus(std::time::Duration::from_mins(4));
        assert!(keys.open(&keys.sign(&caller(), late).unwrap()).is_err());
        let pass = keys.sign(&caller(), now).unwrap();
        let (head, rest) = pass.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let other = keys.sign(&caller(), now).unwrap();
        let other_body = other.split('.').nth(1).unwrap();
        assert!(keys.open(&format!("{head}.{other_body}.{signature}")).is_err());
        assert!(keys.open(&format!("{head}.{body}.")).is_err());
        let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        assert!(keys.open(&format!("{none}.{body}.")).is_err());
        let signing = EncodingKey::from_secret(&[1; 32]);
        let mut claims: serde_json::Value =
            serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).unwrap())
                .unwrap();
        for (name, value) in [("aud", "rollcall-api"), ("iss", "somebody")] {
            let kept = std::mem::replace(&mut claims[name], value.into());
            let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &signing).unwrap();
            assert!(keys.open(&forged).is_err(), "{name}");
            claims[name] = kept;
        }
    }

    #[test]
    fn a_request_s_pass_asks_nothing_for_a_gateway_and_the_other_way_round() {
        let keys = PassKeys::parse(&key(1)).unwrap();
        let now = Clock::default().now();
        let (own, request) = (keys.sign_own(now).unwrap(), keys.sign(&caller(), now).unwrap());
        assert!(keys.open_own(&own).is_ok() && keys.open(&request).is_ok());
        assert!(keys.open_own(&request).is_err() && keys.open(&own).is_err());
        assert!(PassKeys::parse(&key(2)).unwrap().open_own(&own).is_err());
    }

    #[test]
    fn keys_that_cannot_be_used_are_named_by_their_place() {
        assert_eq!(PassKeys::parse(" , ").unwrap_err(), KeyError::Missing);
        assert_eq!(PassKeys::parse(&format!("{},c2hvcnQ=", key(1))).unwrap_err(), KeyError::Malformed(2));
        assert!(!format!("{:?}", PassKeys::parse(&key(1)).unwrap()).contains(&key(1)));
    }
}
