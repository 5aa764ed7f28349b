//! Reading requests as the products do: JSON bodies, and queries whose values are all text.

use axum::{
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::{Installation, Product, html_page};

/// A JSON body. Another content type is 415; broken JSON, wrong types and unknown fields are 400.
pub(crate) struct Body<T>(pub(crate) T);

impl<P: Product, T: DeserializeOwned> FromRequest<Installation<P>> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Installation<P>) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(html_page(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"));
        }
        let bytes =
            axum::body::Bytes::from_request(request, site).await.map_err(IntoResponse::into_response)?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| P::refusal(StatusCode::BAD_REQUEST, &error.to_string()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    ["application/json", "application/scim+json"].iter().any(|known| media_type.eq_ignore_ascii_case(known))
}

/// The query's parameters, in order, repeated ones too.
pub(crate) struct Parameters(Vec<(String, String)>);

/// What is wrong with a parameter: a 400 of the product.
#[derive(Debug)]
pub(crate) struct BadParameter(pub(crate) String);

impl Parameters {
    /// Returns the first value of the parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns every value of the parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that must be there and not empty.
    pub(crate) fn required(&self, name: &str) -> Result<&str, BadParameter> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| BadParameter(format!("The '{name}' query parameter was not provided.")))
    }

    /// Returns a count, `default` when it is absent; a negative one counts as 0.
    pub(crate) fn count(&self, name: &str, default: usize) -> Result<usize, BadParameter> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let number: i64 = text
            .parse()
            .map_err(|_| BadParameter(format!("The '{name}' query parameter is not a number.")))?;
        Ok(usize::try_from(number).unwrap_or(0))
    }

    /// Returns a flag, `default` when it is absent. As in Java, everything but `true` is false.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |text| text.eq_ignore_ascii_case("true"))
    }

    /// Tells whether the comma-separated parameter `expand` names this part.
    pub(crate) fn expands(&self, part: &str) -> bool {
        self.all("expand").flat_map(|names| names.split(',')).any(|name| name.trim() == part)
    }
}

impl<P: Product> FromRequestParts<Installation<P>> for Parameters {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Installation<P>) -> Result<Self, Self::Rejection> {
        Query::from_request_parts(parts, site)
            .await
            .map(|Query(pairs)| Self(pairs))
            .map_err(|error| P::refusal(StatusCode::BAD_REQUEST, &error.body_text()))
    }
}

/// Escapes text for a query's value in a link.
pub(crate) fn query_value(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Makes a header's value of text that may not fit into one.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("?"))
}
