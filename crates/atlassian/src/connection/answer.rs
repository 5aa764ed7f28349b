//! What a status and the headers beside it mean. Texts are localized, so none of them decides anything.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use serde::de::DeserializeOwned;
use url::Url;

use super::Dialect;
use crate::error::SiteError;
use crate::http::{Answer, retry_after};

/// The most of a site's own words that is passed on, in characters.
const DETAIL_CHARACTERS: usize = 300;
/// Who the site takes us for.
const USER_NAME: &str = "x-ausername";

/// Passes a success on, and turns everything else into the error that it is.
pub(super) fn judge(dialect: &Dialect, answer: Answer) -> Result<Answer, SiteError> {
    let errors = (dialect.errors)(&answer.body);
    if let Some(refused) = refused_credentials(&answer, errors.as_deref()) {
        let barred = dialect.answers_401_to_the_barred && errors.is_some() && known_name(&answer).is_some();
        return Err(match refused {
            SiteError::Unauthorized { captcha: false, detail } if barred => SiteError::Forbidden { detail },
            refused => refused,
        });
    }
    if answer.status.is_success() {
        return Ok(answer);
    }
    let status = answer.status.as_u16();
    let detail = said(&answer, errors.as_deref());
    Err(match answer.status {
        StatusCode::TOO_MANY_REQUESTS => SiteError::RateLimited { retry_after: retry_after(&answer.headers) },
        StatusCode::FORBIDDEN => SiteError::Forbidden { detail },
        // A proxy or a wrong address answers 404 as well: believing it would make accounts anew.
        StatusCode::NOT_FOUND if errors.is_none() && !is_blank(&answer) => SiteError::Protocol {
            detail: format!("404 with a body that is not {}'s", dialect.product.name()),
        },
        StatusCode::NOT_FOUND => SiteError::NotFound { detail },
        StatusCode::CONFLICT => SiteError::AlreadyExists { detail },
        code if code.is_redirection() => SiteError::Protocol { detail: redirected(status, &answer.headers) },
        code if code.is_server_error() || matches!(status, 408 | 425) => {
            SiteError::Unavailable { status: Some(status), retry_after: retry_after(&answer.headers), detail }
        }
        code if code.is_client_error() => SiteError::Rejected { status, detail },
        _ => SiteError::Protocol { detail: format!("status {status}") },
    })
}

/// Reads the body of a success.
pub(super) fn parse<T: DeserializeOwned>(dialect: &Dialect, answer: &Answer) -> Result<T, SiteError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        // Serde's message may quote the body, which may be a person's data or a stranger's page.
        let problem = if error.is_data() {
            format!("another shape than {}'s", dialect.product.name())
        } else {
            "no JSON".to_owned()
        };
        let at = format!("line {}, column {}", error.line(), error.column());
        SiteError::Protocol { detail: format!("{} with {problem} ({at})", answer.status.as_u16()) }
    })
}

/// Whether the answer says that we are not logged in.
///
/// 401 does. So do Seraph's headers on any other status, and a user header that says "anonymous": some
/// calls answer strangers with 200 and an empty list. The headers are unverified; absent ones say nothing.
fn refused_credentials(answer: &Answer, errors: Option<&[String]>) -> Option<SiteError> {
    let header = |name: &str| header(answer, name);
    let login = header("x-seraph-loginreason");
    let captcha = header("x-authentication-denied-reason").contains("CAPTCHA_CHALLENGE")
        || login.contains("AUTHENTICATION_DENIED");
    let refused = answer.status == StatusCode::UNAUTHORIZED
        || captcha
        || login.contains("AUTHENTICATED_FAILED")
        || (answer.status.is_success() && header(USER_NAME).eq_ignore_ascii_case("anonymous"));
    refused.then(|| {
        let detail = if captcha { "it asks for a CAPTCHA first".to_owned() } else { said(answer, errors) };
        SiteError::Unauthorized { captcha, detail }
    })
}

/// The name of the account that the site takes us for, as the answer tells it.
pub(crate) fn known_name(answer: &Answer) -> Option<&str> {
    Some(header(answer, USER_NAME)).filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("anonymous"))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// The site's own words where they are the product's error body, else the status alone: the text of a stranger's
/// page is nobody's business.
fn said(answer: &Answer, errors: Option<&[String]>) -> String {
    let text = errors.unwrap_or_default().join("; ");
    if text.is_empty() {
        return format!("status {}", answer.status.as_u16());
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim_end_matches(['.', ' ']);
    match text.char_indices().nth(DETAIL_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether there is no body. A 404 without one may be the product's.
fn is_blank(answer: &Answer) -> bool {
    answer.body.iter().all(u8::is_ascii_whitespace)
}

fn redirected(status: u16, headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    // A query may carry a session; the host and path say enough.
    let target = location.map(|location| match Url::parse(location) {
        Ok(mut url) => {
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => location.split(['?', '#']).next().unwrap_or_default().to_owned(),
    });
    match target {
        Some(target) => format!("{status} points to {target}, and redirects are not followed"),
        None => format!("{status} without a target"),
    }
}
