//! What we log in at a site with.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::SiteError;

/// Credentials of a site, in the form of the admin API: `{"type": "bearer", "token": …}`.
///
/// There is no `Serialize`, and `Debug` shows no secret: they leave only through [`Credentials::expose_json`].
#[derive(Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Credentials {
    /// A personal access token. Preferred: a wrong one leads to no CAPTCHA.
    Bearer {
        /// The token.
        token: SecretString,
    },
    /// A user name and password, for products or versions without tokens.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: SecretString,
    },
}

impl Credentials {
    /// The credentials in clear, to be encrypted at rest and for nothing else.
    pub fn expose_json(&self) -> Value {
        match self {
            Self::Bearer { token } => json!({ "type": "bearer", "token": token.expose_secret() }),
            Self::Basic { username, password } => {
                json!({ "type": "basic", "username": username, "password": password.expose_secret() })
            }
        }
    }

    /// The user name, where there is one.
    pub(crate) fn username(&self) -> Option<&str> {
        match self {
            Self::Bearer { .. } => None,
            Self::Basic { username, .. } => Some(username),
        }
    }

    /// Refuses what no request can carry, before it fails in the middle of something. A token follows RFC
    /// 6750 section 2.1 (visible ASCII is enough here); RFC 7617 section 2 forbids a colon in a user name.
    pub(crate) fn check_sendable(&self) -> Result<(), SiteError> {
        let problem = match self {
            Self::Bearer { token } => {
                let token = token.expose_secret();
                let sendable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
                (!sendable).then_some("the token is empty or holds characters that a token cannot have")
            }
            Self::Basic { username, .. } => {
                let sendable = !username.is_empty()
                    && !username.contains(':')
                    && !username.chars().any(char::is_control);
                (!sendable).then_some("the user name is empty or holds a colon or a control character")
            }
        };
        match problem {
            Some(detail) => Err(SiteError::Unauthorized { captcha: false, detail: detail.to_owned() }),
            None => Ok(()),
        }
    }

    /// Adds the `Authorization` header, marked as sensitive.
    pub(crate) fn authorize(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::Bearer { token } => request.bearer_auth(token.expose_secret()),
            Self::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose_secret()))
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Bearer { .. } => "Bearer",
            Self::Basic { .. } => "Basic",
        };
        formatter.debug_struct(kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Credentials, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn exposed_form_is_the_form_that_is_read() {
        for value in [
            json!({ "type": "bearer", "token": "abc" }),
            json!({ "type": "basic", "username": "sync", "password": "p:w ö" }),
        ] {
            let credentials = read(value.clone()).unwrap();
            assert_eq!(credentials.expose_json(), value);
        }
    }

    #[test]
    fn unknown_fields_and_types_are_refused() {
        for value in [
            json!({ "type": "bearer", "token": "abc", "username": "x" }),
            json!({ "type": "bearer" }),
            json!({ "type": "cookie", "token": "abc" }),
            json!({ "type": "basic", "username": 1, "password": "x" }),
            json!({ "token": "abc" }),
        ] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn debug_shows_neither_secret_nor_name() {
        let shown = format!(
            "{:?} {:?}",
            read(json!({ "type": "bearer", "token": "hush" })).unwrap(),
            read(json!({ "type": "basic", "username": "someone", "password": "hush" })).unwrap()
        );
        assert_eq!(shown, "Bearer { .. } Basic { .. }");
    }

    #[test]
    fn what_no_header_can_carry_is_refused_early() {
        for value in [
            json!({ "type": "bearer", "token": "" }),
            json!({ "type": "bearer", "token": "a\r\nX-Injected: 1" }),
            json!({ "type": "bearer", "token": "tök" }),
            json!({ "type": "basic", "username": "a:b", "password": "x" }),
            json!({ "type": "basic", "username": "", "password": "x" }),
        ] {
            let refused = read(value.clone()).unwrap().check_sendable();
            assert!(matches!(refused, Err(SiteError::Unauthorized { captcha: false, .. })), "{value}");
        }
    }
}
