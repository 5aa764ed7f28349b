//! What we log in at a site with.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

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
    /// An API token of an Atlassian account, for products in the Cloud, and what more the organization allows.
    ApiKey {
        /// The account's e-mail address.
        email: String,
        /// The token.
        token: SecretString,
        /// The organization's key, where it may be used.
        organization: Option<OrganizationKey>,
    },
}

/// The key of an organization in the Cloud.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationKey {
    /// The organization's identifier.
    pub id: String,
    /// The identifier of its directory that the site's accounts are in.
    pub directory_id: String,
    /// The key.
    pub api_key: SecretString,
    /// The address of the organization's API; Atlassian's unless said otherwise.
    #[serde(default = "atlassian_api")]
    pub base_url: Url,
}

#[expect(clippy::unwrap_used, reason = "the address is a constant")]
fn atlassian_api() -> Url {
    Url::parse("https://api.atlassian.com").unwrap()
}

impl Credentials {
    /// The credentials in clear, to be encrypted at rest and for nothing else.
    pub fn expose_json(&self) -> Value {
        match self {
            Self::Bearer { token } => json!({ "type": "bearer", "token": token.expose_secret() }),
            Self::Basic { username, password } => {
                json!({ "type": "basic", "username": username, "password": password.expose_secret() })
            }
            Self::ApiKey { email, token, organization } => {
                let organization = organization.as_ref().map(|key| {
                    json!({
                        "id": key.id, "directory_id": key.directory_id, "base_url": key.base_url,
                        "api_key": key.api_key.expose_secret(),
                    })
                });
                let token = token.expose_secret();
                json!({ "type": "api_key", "email": email, "token": token, "organization": organization })
            }
        }
    }

    /// The user name, where there is one.
    pub(crate) fn username(&self) -> Option<&str> {
        match self {
            Self::Bearer { .. } => None,
            Self::Basic { username, .. } | Self::ApiKey { email: username, .. } => Some(username),
        }
    }

    /// The organization's key, where there is one.
    pub(crate) fn organization(&self) -> Option<&OrganizationKey> {
        match self {
            Self::ApiKey { organization, .. } => organization.as_ref(),
            Self::Bearer { .. } | Self::Basic { .. } => None,
        }
    }

    /// Refuses what no request can carry, before it fails in the middle of something. A token follows RFC
    /// 6750 section 2.1 (visible ASCII is enough here); RFC 7617 section 2 forbids a colon in a user name.
    pub(crate) fn check_sendable(&self) -> Result<(), SiteError> {
        let problem = match self {
            Self::Bearer { token } => problem_of_token(token),
            Self::Basic { username, .. } => problem_of_name(username),
            Self::ApiKey { email, organization, .. } => problem_of_name(email).or_else(|| {
                let key = organization.as_ref()?;
                let is_blank = key.id.trim().is_empty() || key.directory_id.trim().is_empty();
                problem_of_token(&key.api_key)
                    .or_else(|| is_blank.then_some("the organization's id or directory_id is empty"))
            }),
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
            Self::Basic { username, password: secret }
            | Self::ApiKey { email: username, token: secret, .. } => {
                request.basic_auth(username, Some(secret.expose_secret()))
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Bearer { .. } => "Bearer",
            Self::Basic { .. } => "Basic",
            Self::ApiKey { .. } => "ApiKey",
        };
        formatter.debug_struct(kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for OrganizationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OrganizationKey").finish_non_exhaustive()
    }
}

fn problem_of_token(token: &SecretString) -> Option<&'static str> {
    let token = token.expose_secret();
    let sendable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    (!sendable).then_some("the token is empty or holds characters that a token cannot have")
}

fn problem_of_name(name: &str) -> Option<&'static str> {
    let sendable = !name.is_empty() && !name.contains(':') && !name.chars().any(char::is_control);
    (!sendable).then_some("the user name is empty or holds a colon or a control character")
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
            json!({ "type": "api_key", "email": "bot@x", "token": "t", "organization": null }),
            json!({ "type": "api_key", "email": "bot@x", "token": "t", "organization": {
                "id": "o", "directory_id": "d", "api_key": "k", "base_url": "https://api.example.com/",
            }}),
        ] {
            let credentials = read(value.clone()).unwrap();
            assert_eq!(credentials.expose_json(), value);
        }
    }

    #[test]
    fn organization_is_atlassians_unless_said_otherwise() {
        let key = json!({ "id": "o", "directory_id": "d", "api_key": "k" });
        let credentials =
            read(json!({ "type": "api_key", "email": "a", "token": "t", "organization": key })).unwrap();
        assert_eq!(credentials.organization().unwrap().base_url.as_str(), "https://api.atlassian.com/");
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
        let organization = json!({ "id": "o", "directory_id": "d", "api_key": "hush" });
        let api_key =
            json!({ "type": "api_key", "email": "x", "token": "hush", "organization": organization });
        let api_key = read(api_key).unwrap();
        let shown = format!(
            "{:?} {:?} {api_key:?} {:?}",
            read(json!({ "type": "bearer", "token": "hush" })).unwrap(),
            read(json!({ "type": "basic", "username": "someone", "password": "hush" })).unwrap(),
            api_key.organization().unwrap(),
        );
        assert_eq!(shown, "Bearer { .. } Basic { .. } ApiKey { .. } OrganizationKey { .. }");
    }

    #[test]
    fn what_no_header_can_carry_is_refused_early() {
        for value in [
            json!({ "type": "bearer", "token": "" }),
            json!({ "type": "bearer", "token": "a\r\nX-Injected: 1" }),
            json!({ "type": "bearer", "token": "tök" }),
            json!({ "type": "basic", "username": "a:b", "password": "x" }),
            json!({ "type": "basic", "username": "", "password": "x" }),
            json!({ "type": "api_key", "email": "a:b", "token": "x" }),
            json!({ "type": "api_key", "email": "a", "token": "x", "organization": {
                "id": " ", "directory_id": "d", "api_key": "k",
            }}),
            json!({ "type": "api_key", "email": "a", "token": "x", "organization": {
                "id": "o", "directory_id": "d", "api_key": "",
            }}),
        ] {
            let refused = read(value.clone()).unwrap().check_sendable();
            assert!(matches!(refused, Err(SiteError::Unauthorized { captcha: false, .. })), "{value}");
        }
    }
}
