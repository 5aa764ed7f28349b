//! Who sends a request: a personal access token, a name and password, or nobody.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    JiraDataCenter,
    answers::{Refusal, header_value, html_page},
    site::{Site, fold},
};

/// Tells how the log-in went.
pub(super) const LOGIN_REASON: HeaderName = HeaderName::from_static("x-seraph-loginreason");
/// Tells why a log-in was denied before the password was looked at.
const DENIED_REASON: HeaderName = HeaderName::from_static("x-authentication-denied-reason");

/// Who sent the request; the gate puts it into the request's extensions.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// No credentials were sent.
    Anonymous,
    /// The folded name of an account.
    Account(String),
}

/// Why credentials were refused: the answer to the whole request, also where nobody need log in.
#[derive(Clone, Copy, Debug)]
pub(super) enum LoginRefusal {
    /// The token or the password is wrong, or the account is not active.
    Failed,
    /// Too many wrong passwords: even the right one is refused until a CAPTCHA is solved in a browser.
    CaptchaNeeded,
}

/// Reads the credentials.
pub(super) fn authenticate(headers: &HeaderMap, site: &mut Site) -> Result<Caller, LoginRefusal> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else { return Ok(Caller::Anonymous) };
    let (scheme, credentials) =
        authorization.to_str().unwrap_or("").trim().split_once(' ').unwrap_or(("", ""));
    let name = if scheme.eq_ignore_ascii_case("bearer") {
        by_token(credentials.trim(), site)
    } else if scheme.eq_ignore_ascii_case("basic") {
        by_password(credentials.trim(), site)?
    } else {
        None
    };
    name.map(Caller::Account).ok_or(LoginRefusal::Failed)
}

fn by_token(token: &str, site: &Site) -> Option<String> {
    let key = site.tokens.get(token)?;
    let account = site.account_of_key(key)?;
    account.active.then(|| fold(&account.name))
}

/// Returns nothing for a wrong password. Only passwords are held back by a CAPTCHA, not tokens.
fn by_password(credentials: &str, site: &mut Site) -> Result<Option<String>, LoginRefusal> {
    let Some((name, password)) = decode_basic(credentials) else { return Ok(None) };
    let folded = fold(&name);
    if site.needs_captcha(&folded) {
        return Err(LoginRefusal::CaptchaNeeded);
    }
    let right = site
        .accounts
        .get(&folded)
        .is_some_and(|account| account.active && account.password.as_deref() == Some(password.as_str()));
    if !right {
        site.login_failed(&folded);
        return Ok(None);
    }
    site.login_succeeded(&folded);
    Ok(Some(folded))
}

fn decode_basic(credentials: &str) -> Option<(String, String)> {
    let bytes = BASE64_STANDARD.decode(credentials).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

impl LoginRefusal {
    /// Answers as the product does: a page, and the reason in headers.
    pub(super) fn response(self, base_url: &str) -> Response {
        match self {
            Self::Failed => {
                let mut response = html_page(StatusCode::UNAUTHORIZED, "Unauthorized");
                let headers = response.headers_mut();
                headers.insert(LOGIN_REASON, HeaderValue::from_static("AUTHENTICATED_FAILED"));
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Jira\""));
                response
            }
            Self::CaptchaNeeded => {
                let mut response = html_page(StatusCode::FORBIDDEN, "Forbidden");
                let reason = format!("CAPTCHA_CHALLENGE; login-url={base_url}/login.jsp");
                let headers = response.headers_mut();
                headers.insert(LOGIN_REASON, HeaderValue::from_static("AUTHENTICATION_DENIED"));
                headers.insert(DENIED_REASON, header_value(&reason));
                response
            }
        }
    }
}

/// The folded name of an account that has logged in; without one, 401.
pub(super) struct LoggedIn(pub(super) String);

impl FromRequestParts<JiraDataCenter> for LoggedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &JiraDataCenter) -> Result<Self, Self::Rejection> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Account(name)) => Ok(Self(name.clone())),
            Some(Caller::Anonymous) | None => Err(Refusal::message(
                StatusCode::UNAUTHORIZED,
                "You are not authenticated. Authentication required to perform this operation.",
            )),
        }
    }
}

/// The folded name of an account that may administer Jira; another account is 403, nobody is 401.
pub(super) struct Administrator(pub(super) String);

impl FromRequestParts<JiraDataCenter> for Administrator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, jira: &JiraDataCenter) -> Result<Self, Self::Rejection> {
        let LoggedIn(name) = LoggedIn::from_request_parts(parts, jira).await?;
        if jira.site().is_administrator(&name) {
            Ok(Self(name))
        } else {
            Err(Refusal::message(
                StatusCode::FORBIDDEN,
                "You do not have permission to perform this operation.",
            ))
        }
    }
}
