//! `Idempotency-Key`: a POST that is sent again is answered again, and carried out once.
//!
//! A key is one caller's within one tenant, and stands for one request (path and body) for a day. What is
//! kept of a request is a keyed digest; what is kept of its answer is what any reader of the tenant can see.
//! An answer with a secret is not kept at all: secrets are stored nowhere but as digests, so a repeat learns
//! only that it was done.
//!
//! A request that was refused (4xx) did nothing and leaves its key free. One that failed (5xx), or was cut
//! off with its process, leaves its key taken: whether it was done must be looked up, not tried.

use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use store::idempotency::{Answer, Begun, IdempotencyKeys};
use tracing::Instrument as _;
use utoipa::IntoParams;

use crate::authentication::is_setup_link;
use crate::body::unreadable;
use crate::caller::{Auditor, Caller, Operator, TenantCaller};
use crate::error::ApiError;
use crate::layers::TIME_LIMIT;
use crate::parameters::{PathParameters, TenantPath};
use crate::state::ApiState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Tells an answer that was given again from the first one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Characters of a key at the most.
const MAX_KEY: usize = 255;

/// The header, for the OpenAPI document.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyHeader {
    /// The client's own name for this request, such as a UUID. Sent again with the same body within 24
    /// hours, it is answered again without being carried out twice.
    #[serde(rename = "Idempotency-Key")]
    #[param(required = false, max_length = 255)]
    pub idempotency_key: Option<String>,
}

/// Marks an answer that holds a secret, as an extension of the response.
#[derive(Clone, Copy, Debug)]
pub struct ShownOnce;

/// What a handler adds to an answer that holds a secret.
pub const SHOWN_ONCE: Extension<ShownOnce> = Extension(ShownOnce);

/// Carries out a POST with an `Idempotency-Key` once. Every other request passes through.
pub async fn once(State(state): State<ApiState>, request: Request, next: Next) -> Result<Response, ApiError> {
    if request.method() != Method::POST || !request.headers().contains_key(&IDEMPOTENCY_KEY) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let Some(keys) = keys_of_caller(&state, &mut parts).await? else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let key = key(&parts.headers)?;
    let body =
        Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await.map_err(unreadable)?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    match begin(&keys, &key, &state.signing.fingerprints(path, &body)?).await? {
        Begun::First => {}
        Begun::Other => {
            return Err(ApiError::invalid("Idempotency-Key", "came before with another request"));
        }
        Begun::Unanswered { since } => {
            return Err(unanswered(state.store.clock().now().since(since)));
        }
        Begun::Answered(answer) => return again(answer),
    }
    let request = Request::from_parts(parts, Body::from(body));
    // In a task of its own: a client that hangs up does not leave it half done.
    let work = async move { conclude(&keys, &key, next.run(request).await).await };
    tokio::spawn(work.in_current_span()).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "request panicked");
        ApiError::Internal(None)
    })
}

/// Begins the request, or finds what came before of the same body, whichever key its digest was made by.
async fn begin(keys: &IdempotencyKeys, key: &str, fingerprints: &[String]) -> Result<Begun, ApiError> {
    for fingerprint in fingerprints {
        match keys.begin(key, fingerprint.as_bytes()).await? {
            Begun::Other => {}
            begun => return Ok(begun),
        }
    }
    Ok(Begun::Other)
}

/// Where the caller's keys are. `None` when the request is none that has them; a caller who may read
/// nothing of the tenant is refused here as the handler would do it.
async fn keys_of_caller(state: &ApiState, parts: &mut Parts) -> Result<Option<IdempotencyKeys>, ApiError> {
    // Whoever sets one connection up asks for little, and has no keys of its own.
    if is_setup_link(&parts.headers) {
        return Ok(None);
    }
    if PathParameters::<TenantPath>::from_request_parts(parts, state).await.is_ok() {
        let caller = TenantCaller::<Auditor>::from_request_parts(parts, state).await?;
        return Ok(Some(caller.store.idempotency_keys(&caller.actor)));
    }
    match Caller::<Operator>::from_request_parts(parts, state).await {
        Ok(caller) => Ok(Some(state.store.idempotency_keys(&caller.actor))),
        Err(ApiError::Unauthenticated | ApiError::Forbidden(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn key(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let key = match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(key)), None) => key,
        _ => "",
    };
    let readable = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if readable {
        return Ok(key.to_owned());
    }
    Err(ApiError::Malformed {
        detail: format!("Idempotency-Key must be one of 1 to {MAX_KEY} visible ASCII characters"),
        errors: Vec::new(),
    })
}

fn unanswered(waiting: Duration) -> ApiError {
    ApiError::Conflict(if waiting < TIME_LIMIT {
        "The first request with this Idempotency-Key is still under way; try again in a minute".into()
    } else {
        "The first request with this Idempotency-Key ended without an answer; look whether it was done, and \
         use a new key if it was not"
            .into()
    })
}

fn again(answer: Answer) -> Result<Response, ApiError> {
    let Some(body) = answer.body else {
        return Err(ApiError::Conflict(
            "It was done already. The answer held a secret, which is shown once and kept nowhere; if it is \
             lost, revoke what was made and make another"
                .into(),
        ));
    };
    let status = StatusCode::from_u16(answer.status).map_err(|_| ApiError::Internal(None))?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if let Some(etag) = answer.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        headers.insert(ETAG, etag);
    }
    Ok(response)
}

/// Keeps the answer, or gives the key back. What fails here only makes a repeat less useful.
async fn conclude(keys: &IdempotencyKeys, key: &str, response: Response) -> Response {
    let status = response.status();
    if status.is_server_error() {
        return response;
    }
    if !status.is_success() {
        note(keys.give_back(key).await);
        return response;
    }
    let shown_once = response.extensions().get::<ShownOnce>().is_some();
    let (parts, body) = response.into_parts();
    // Our own answer, made in memory: it has a bounded size, and reading it cannot fail.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let etag = parts.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let kept = (!shown_once).then(|| body.to_vec());
    note(keys.answer(key, &Answer { status: status.as_u16(), etag, body: kept }).await);
    Response::from_parts(parts, Body::from(body))
}

fn note(kept: Result<(), store::Error>) {
    if let Err(error) = kept {
        tracing::warn!(error = &error as &dyn std::error::Error, "answer was not kept for a repeat");
    }
}
