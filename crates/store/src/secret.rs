//! Bearer secrets: made here, shown once, kept only as a digest.

use std::time::Duration;

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// What a secret opens. The prefix lets secret scanners recognise a leaked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A connection's SCIM base URL.
    ScimToken,
    /// The tenant API.
    ApiKey,
    /// The set-up page of a connection.
    SetupLink,
    /// What whoever signed in may do.
    Session,
}

impl SecretKind {
    /// The text that every secret of this kind starts with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::ScimToken => "rollcall_scim_",
            Self::ApiKey => "rollcall_key_",
            Self::SetupLink => "rollcall_setup_",
            Self::Session => "rollcall_session_",
        }
    }
}

/// How long before a credential ends by itself people are told.
pub const WARNING: Duration = Duration::from_hours(14 * 24);

/// Whether a credential ends by itself before long, so that another one is needed.
pub fn ends_soon(expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>, now: Timestamp) -> bool {
    revoked_at.is_none() && expires_at.is_some_and(|expiry| now < expiry && expiry <= now.plus(WARNING))
}

/// A fresh secret with 256 random bits.
pub fn generate(kind: SecretKind) -> Result<SecretString> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| Error::Inconsistent("no random bytes from the system".into()))?;
    Ok(SecretString::from(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes))))
}

/// SHA-256 of a presented secret: what is stored and looked up. A look-up by digest needs no
/// constant-time comparison, since the digest of a guess tells nothing about the stored one.
pub fn digest(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_credential_ends_soon_in_its_last_two_weeks_unless_it_is_revoked() {
        let now = Timestamp(0);
        let at = |after: Duration| Some(now.plus(after));
        assert!(ends_soon(at(WARNING), None, now) && ends_soon(at(Duration::from_millis(1)), None, now));
        assert!(!ends_soon(at(WARNING + Duration::from_millis(1)), None, now), "there is time");
        assert!(!ends_soon(Some(now), None, now), "it has ended");
        assert!(!ends_soon(None, None, now) && !ends_soon(at(WARNING), Some(now), now));
    }

    #[test]
    fn secrets_are_prefixed_long_and_different() {
        let first = generate(SecretKind::ScimToken).unwrap();
        let second = generate(SecretKind::ScimToken).unwrap();
        assert!(first.expose_secret().starts_with("rollcall_scim_"));
        assert_eq!(first.expose_secret().len(), "rollcall_scim_".len() + 43);
        assert_ne!(first.expose_secret(), second.expose_secret());
    }
}
