//! Who sends a request: a personal access token, a name and password, or nobody.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Installation, Product,
    directory::{Directory, Login, fold},
    request::header_value,
};

/// Tells how the log-in went.
pub(super) const LOGIN_REASON: HeaderName = HeaderName::from_static("x-seraph-loginreason");
/// Tells why a log-in was denied before the password was looked at.
const DENIED_REASON: HeaderName = HeaderName::from_static("x-authentication-denied-reason");

/// Who sent the request; the gate puts it into the request's extensions.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// No credentials were sent.
    Anonymous,
    /// The folded name of an account.
    Account(String),
}

/// Who has made what was made with a key.
pub(crate) const KEY_HOLDER: &str = "key";

/// Why credentials were refused: the answer to the whole request, also where nobody need log in.
#[derive(Clone, Copy, Debug)]
pub(super) enum LoginRefusal {
    /// The token or the password is wrong, or the account is not active.
    Failed,
    /// Too many wrong passwords: even the right one is refused until a CAPTCHA is solved in a browser.
    CaptchaNeeded,
}

/// Reads the credentials.
pub(super) fn authenticate(headers: &HeaderMap, directory: &mut Directory) -> Result<Caller, LoginRefusal> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else { return Ok(Caller::Anonymous) };
    let (scheme, credentials) =
        authorization.to_str().unwrap_or("").trim().split_once(' ').unwrap_or(("", ""));
    if let Some((application, right)) = &directory.application {
        let sent =
            Some(credentials.trim()).filter(|_| scheme.eq_ignore_ascii_case("basic")).and_then(decode_basic);
        let knows = sent.is_some_and(|(name, password)| name == *application && password == *right);
        return if knows { Ok(Caller::Account(fold(application))) } else { Err(LoginRefusal::Failed) };
    }
    if let Some(key) = directory.key.as_ref().filter(|_| scheme.eq_ignore_ascii_case("bearer")) {
        let knows = credentials.trim() == key;
        return if knows { Ok(Caller::Account(KEY_HOLDER.to_owned())) } else { Err(LoginRefusal::Failed) };
    }
    if directory.logs_in(Login::Key) {
        return Err(LoginRefusal::Failed);
    }
    if directory.logs_in(Login::ApiToken) {
        let name = by_api_token(credentials.trim(), directory);
        return name.map(Caller::Account).ok_or(LoginRefusal::Failed);
    }
    let name = if scheme.eq_ignore_ascii_case("bearer") {
        by_token(credentials.trim(), directory)
    } else if scheme.eq_ignore_ascii_case("basic") {
        by_password(credentials.trim(), directory)?
    } else {
        None
    };
    name.map(Caller::Account).ok_or(LoginRefusal::Failed)
}

fn by_token(token: &str, directory: &Directory) -> Option<String> {
    let key = directory.tokens.get(token)?;
    let account = directory.account_of_key(key)?;
    account.active.then(|| fold(&account.name))
}

/// A token opens its own account alone, whose name is sent with it.
fn by_api_token(credentials: &str, directory: &Directory) -> Option<String> {
    let (name, token) = decode_basic(credentials)?;
    by_token(&token, directory).filter(|owner| *owner == fold(&name))
}

/// Returns nothing for a wrong password. Only passwords are held back by a CAPTCHA, not tokens.
fn by_password(credentials: &str, directory: &mut Directory) -> Result<Option<String>, LoginRefusal> {
    let Some((name, password)) = decode_basic(credentials) else { return Ok(None) };
    let folded = fold(&name);
    if directory.needs_captcha(&folded) {
        return Err(LoginRefusal::CaptchaNeeded);
    }
    let right = directory
        .accounts
        .get(&folded)
        .is_some_and(|account| account.active && account.password.as_deref() == Some(password.as_str()));
    if !right {
        directory.login_failed(&folded);
        return Ok(None);
    }
    directory.login_succeeded(&folded);
    Ok(Some(folded))
}

fn decode_basic(credentials: &str) -> Option<(String, String)> {
    let bytes = BASE64_STANDARD.decode(credentials).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

impl LoginRefusal {
    /// Answers as the product does, with the reason in headers.
    pub(super) fn response<P: Product>(self, base_url: &str) -> Response {
        let mut headers = HeaderMap::new();
        match self {
            Self::Failed => {
                headers.insert(LOGIN_REASON, HeaderValue::from_static("AUTHENTICATED_FAILED"));
                let realm = format!("Basic realm=\"{}\"", P::NAME);
                headers.insert(header::WWW_AUTHENTICATE, header_value(&realm));
                P::login_refused(headers, StatusCode::UNAUTHORIZED)
            }
            Self::CaptchaNeeded => {
                headers.insert(LOGIN_REASON, HeaderValue::from_static("AUTHENTICATION_DENIED"));
                let reason = format!("CAPTCHA_CHALLENGE; login-url={base_url}/login.jsp");
                headers.insert(DENIED_REASON, header_value(&reason));
                P::login_refused(headers, StatusCode::FORBIDDEN)
            }
        }
    }
}

/// The folded name of an account that has logged in; nobody is refused.
pub(crate) struct LoggedIn(pub(crate) String);

impl<P: Product> FromRequestParts<Installation<P>> for LoggedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Installation<P>) -> Result<Self, Self::Rejection> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Account(name)) => Ok(Self(name.clone())),
            Some(Caller::Anonymous) | None => Err(P::log_in_first()),
        }
    }
}

/// The folded name of an account that may administer the product; others are refused.
pub(crate) struct Administrator(pub(crate) String);

impl<P: Product> FromRequestParts<Installation<P>> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Installation<P>) -> Result<Self, Self::Rejection> {
        let LoggedIn(name) = LoggedIn::from_request_parts(parts, site).await?;
        if P::directory(&mut site.site()).is_administrator(&name) {
            Ok(Self(name))
        } else {
            Err(P::not_an_administrator())
        }
    }
}
