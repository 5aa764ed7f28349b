//! What every request passes before and after its handler, from the outside in.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use guard::{Guesses, Source};
use store::secret;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;
use uuid::Uuid;

use crate::error::ApiError;

/// Bytes of a request body at the most.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How long a request may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_mins(1);

/// Wraps every route of `router`.
pub fn apply(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            // Never shown in logs.
            .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION]))
            .layer(TraceLayer::new_for_http().make_span_with(span))
            .layer(axum::middleware::from_fn(measure))
            .layer(PropagateRequestIdLayer::x_request_id())
            // Answers hold personal data, and sometimes a secret that is shown once.
            .layer(SetResponseHeaderLayer::if_not_present(
                CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            .layer(SetResponseHeaderLayer::overriding(
                X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(HandleErrorLayer::new(timed_out))
            .layer(TimeoutLayer::new(TIME_LIMIT))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES)),
    )
}

/// The span of a request. The route stands for the path: queries hold user names.
fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let request_id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
    tracing::info_span!(
        "api request",
        http.method = %request.method(),
        http.route = route,
        request.id = request_id,
        tenant.id = tracing::field::Empty,
    )
}

/// Counts and times a request by its route; what matches none is one of its own.
async fn measure(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    };
    let response = next.run(request).await;
    metrics::histogram!("rollcall_api_request_seconds", "method" => method, "route" => route.clone())
        .record(began.elapsed().as_secs_f64());
    metrics::counter!(
        "rollcall_api_requests_total",
        "method" => method,
        "route" => route,
        "status" => response.status().as_str().to_owned(),
    )
    .increment(1);
    response
}

/// Different credentials in a minute from one source that may open nothing.
const MOST_GUESSES: u32 = 60;

/// What was guessed at the API.
pub(crate) fn guesses() -> Guesses {
    Guesses::new(MOST_GUESSES)
}

/// Refuses to try further credentials of whoever has tried many. Calls within the process have no source.
pub(crate) async fn limit_guesses(State(guesses): State<Guesses>, request: Request, next: Next) -> Response {
    let Some(source) = request.extensions().get::<Source>().copied() else { return next.run(request).await };
    let signs_in = request.uri().path().ends_with("/sign-in/finish");
    let shown = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let digest = match shown {
        Some(shown) => secret::digest(&String::from_utf8_lossy(shown)),
        // Each end of a sign-in is a try of its own.
        None if signs_in => Uuid::now_v7().as_bytes().to_vec(),
        None => return next.run(request).await,
    };
    if let Err(seconds) = guesses.check(source, &digest) {
        tracing::warn!(%source, "many credentials that open nothing come from one source");
        return ApiError::TooManyTries(seconds).into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED
        || (signs_in && (status.is_client_error() || status == StatusCode::BAD_GATEWAY))
    {
        guesses.failed(source, &digest);
    } else if status.is_success() && !signs_in {
        guesses.succeeded(source, &digest);
    }
    response
}

async fn timed_out(_: BoxError) -> ApiError {
    ApiError::Unavailable(None)
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast::<String>().map(|text| *text);
    let text = text.or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned()));
    let text = text.unwrap_or_else(|_| "no message".to_owned());
    tracing::error!(panic.message = text, "request panicked");
    ApiError::Internal(None).into_response()
}
