//! Carrying requests to a process of a cell, and trying another one when that can do no harm.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError};
use hyper_util::client::legacy::Error;
use proto::NOT_BEGUN;
use proto::pass::PassKeys;
use store::caller::ScimCaller;
use store::clock::Clock;

use super::endpoints::Endpoints;
use crate::cell::Undelivered;
use crate::refusal::Refusal;

/// Processes that a request is tried on at the most.
const TRIES: usize = 3;

/// What belongs to one connection and not to the request (RFC 9110 §7.6.1), and what HTTP/2 says otherwise.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HOST,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
];

/// Carries a gRPC call. It is not repeated here: whoever calls knows what a repetition would do.
pub(super) async fn carry(
    endpoints: Arc<Endpoints>,
    passes: PassKeys,
    clock: Clock,
    mut request: http::Request<tonic::body::Body>,
) -> Result<http::Response<tonic::body::Body>, Undelivered> {
    let pass = passes.sign_own(clock.now()).map_err(|error| Undelivered(error.into()))?;
    let pass = HeaderValue::try_from(format!("Bearer {pass}")).map_err(|error| Undelivered(error.into()))?;
    request.headers_mut().insert(AUTHORIZATION, pass);
    let nowhere = || Undelivered("the cell has no process that is known".into());
    let endpoint = endpoints.choose(&[]).ok_or_else(nowhere)?;
    let answer = endpoints.send(&endpoint, request.map(Body::new)).await;
    let answer = answer.map_err(|error| Undelivered(error.into()))?;
    Ok(answer.map(tonic::body::Body::new))
}

/// Sends a request with a pass in the place of the provider's token. Its body was read before: what a slow
/// provider has not sent yet occupies no handler, and what is at hand can be sent again.
pub(super) async fn forward(
    endpoints: Arc<Endpoints>,
    passes: PassKeys,
    clock: Clock,
    request: Request,
) -> Result<Response, Infallible> {
    Ok(match try_all(&endpoints, &passes, &clock, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    })
}

async fn try_all(
    endpoints: &Endpoints,
    passes: &PassKeys,
    clock: &Clock,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let caller = parts.extensions.remove::<ScimCaller>().ok_or(Refusal::Unavailable)?;
    for name in OF_THE_CONNECTION {
        parts.headers.remove(name);
    }
    let body = body.collect().await.map_err(|error| refuse_body(&error))?.to_bytes();
    let mut tried = Vec::new();
    while tried.len() < TRIES {
        let Some(endpoint) = endpoints.choose(&tried) else { break };
        let pass = passes.sign(&caller, clock.now()).ok();
        let pass = pass.and_then(|pass| HeaderValue::try_from(format!("Bearer {pass}")).ok());
        parts.headers.insert(AUTHORIZATION, pass.ok_or(Refusal::Unavailable)?);
        match endpoints.send(&endpoint, copy(&parts, &body)).await {
            Ok(answer) if answer.headers().contains_key(NOT_BEGUN) => tried.push(endpoint),
            Ok(answer) => return Ok(answer.map(Body::new)),
            Err(error) if parts.method.is_safe() || never_arrived(&error) => {
                tracing::info!(error = &error as &dyn std::error::Error, "trying another process");
                tried.push(endpoint);
            }
            Err(error) => {
                // It may have been carried out; the provider asks again, and finds out.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a process went while it had a request"
                );
                return Err(Refusal::Unavailable);
            }
        }
    }
    Err(Refusal::Unavailable)
}

fn copy(parts: &Parts, body: &Bytes) -> Request {
    let mut request = Request::new(Body::from(body.clone()));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    request
}

/// Whether the request certainly was not worked on: no connection was made, or the process turned the stream away
/// because it stops (RFC 9113 §8.7).
fn never_arrived(error: &Error) -> bool {
    if error.is_connect() {
        return true;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<h2::Error>() {
            return cause.is_remote() && cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        source = cause.source();
    }
    false
}

fn refuse_body(error: &axum::Error) -> Refusal {
    let mut source: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(cause) = source {
        if cause.is::<LengthLimitError>() {
            return Refusal::TooLarge;
        }
        source = cause.source();
    }
    Refusal::Incomplete
}
