//! Calls to identity providers, by the guarded client and with a limit on what is read.

use atlassian::http::HttpSettings;
use futures::future::BoxFuture;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;

use crate::oidc::OidcError;

/// Bytes of an answer at the most: key sets have a few kilobytes.
const MAX_ANSWER_BYTES: usize = 512 * 1024;

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn refused(url: &Url, why: &dyn std::fmt::Display) -> OidcError {
    OidcError::Provider(format!("{} cannot be reached: {why}", host(url)))
}

async fn send(
    http: &HttpSettings,
    url: &Url,
    request: impl FnOnce(reqwest::Client) -> reqwest::RequestBuilder,
) -> Result<(StatusCode, HeaderMap, Vec<u8>), OidcError> {
    let client = http.client_for(url).map_err(|error| refused(url, &error))?;
    let broken = |error: reqwest::Error| refused(url, &innermost(&error));
    let mut response = request(client).header(ACCEPT, "application/json").send().await.map_err(broken)?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(broken)? {
        if body.len() + part.len() > MAX_ANSWER_BYTES {
            return Err(OidcError::Provider(format!("{} answered too much", host(url))));
        }
        body.extend_from_slice(&part);
    }
    Ok((response.status(), response.headers().clone(), body))
}

/// The cause that says most: the outer ones name the address again.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// Reads a JSON document. `if_closed` is said besides where it is not shown to everybody.
pub(super) async fn read<T: DeserializeOwned>(
    http: &HttpSettings,
    url: &Url,
    if_closed: &str,
) -> Result<T, OidcError> {
    let (status, _, body) = send(http, url, |client| client.get(url.clone())).await?;
    if !status.is_success() {
        let is_refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let hint = if is_refused { if_closed } else { "" };
        return Err(OidcError::Provider(format!("{} answered {status} to {}{hint}", host(url), url.path())));
    }
    serde_json::from_slice(&body).map_err(|error| {
        let what = format!("What {} says at {} is not understood: {error}", host(url), url.path());
        OidcError::Provider(what)
    })
}

/// Carries the requests of `oauth2` out.
pub(super) struct Guarded<'a>(pub(super) &'a HttpSettings);

impl<'c> AsyncHttpClient<'c> for Guarded<'_> {
    type Error = OidcError;
    type Future = BoxFuture<'c, Result<HttpResponse, OidcError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(exchange(self.0, request))
    }
}

async fn exchange(http: &HttpSettings, request: HttpRequest) -> Result<HttpResponse, OidcError> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string())
        .map_err(|_| OidcError::Provider("The token endpoint is no address".to_owned()))?;
    let built = |client: reqwest::Client| {
        client.request(parts.method.clone(), url.clone()).headers(parts.headers.clone()).body(body.clone())
    };
    let (status, headers, body) = send(http, &url, built).await?;
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
