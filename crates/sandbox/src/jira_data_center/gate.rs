//! What every request to the product's API passes: counting, faults, authentication, cross-site check, rate limit.

use std::time::Duration;

use axum::{
    Json,
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    API, JiraDataCenter,
    answers::{Refusal, header_value, html_page},
    authentication::{Caller, LOGIN_REASON, authenticate},
};
use crate::{
    faults::{RateLimit, Ruling},
    rate_limit::{Reading, TokenBucket},
    serving::ConnectionSwitch,
};

/// Counts the request, lets a fault have its way with it, and passes it on.
pub(super) async fn admit(State(jira): State<JiraDataCenter>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let operation = operation_of(&request);
    let switch = request.extensions().get::<ConnectInfo<ConnectionSwitch>>().map(|info| info.0.clone());
    let ruling = {
        let mut traffic = jira.traffic();
        traffic.calls.arrived(&operation);
        traffic.faults.rule(&operation)
    };
    match ruling {
        Ruling::Pass => {
            let response = carry_out(&jira, request, next).await;
            answered(&jira, &method, response)
        }
        Ruling::Refuse(status) => answered(&jira, &method, refusal(status)),
        Ruling::Hang { carried_out, hang_seconds } => {
            if carried_out {
                carry_out(&jira, request, next).await;
            }
            tokio::time::sleep(Duration::from_secs(hang_seconds)).await;
            drop_connection(switch.as_ref(), StatusCode::GATEWAY_TIMEOUT)
        }
        Ruling::Drop { carried_out } => {
            if carried_out {
                carry_out(&jira, request, next).await;
            }
            drop_connection(switch.as_ref(), StatusCode::BAD_GATEWAY)
        }
    }
}

fn answered(jira: &JiraDataCenter, method: &Method, response: Response) -> Response {
    jira.traffic().calls.answered(method, response.status());
    response
}

/// Names the operation by method and route, such as `PUT /project/{key}`.
fn operation_of(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("(unknown)", MatchedPath::as_str);
    format!("{} {}", request.method(), route.strip_prefix(API).unwrap_or(route))
}

async fn carry_out(jira: &JiraDataCenter, mut request: Request, next: Next) -> Response {
    let caller = {
        let mut site = jira.site();
        authenticate(request.headers(), &mut site).map_err(|refusal| refusal.response(&site.base_url))
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(response) => return response,
    };
    if is_cross_site(request.method(), request.headers()) {
        return Refusal::message(StatusCode::FORBIDDEN, "XSRF check failed").into_response();
    }
    let Caller::Account(name) = &caller else {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    };
    let shown_name = header_value(name);
    let reading = read_bucket(jira, name);
    request.extensions_mut().insert(caller);
    let mut response = match reading {
        Some((_, reading)) if !reading.admitted => too_many_requests(),
        Some(_) | None => next.run(request).await,
    };
    if let Some((limit, reading)) = reading {
        add_limit_headers(response.headers_mut(), limit, reading);
    }
    response.headers_mut().insert(HeaderName::from_static("x-ausername"), shown_name);
    response.headers_mut().insert(LOGIN_REASON, HeaderValue::from_static("OK"));
    response
}

/// A browser's write needs `X-Atlassian-Token: no-check`, so that no other site's page can send it.
fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    method != Method::GET
        && text("user-agent").contains("Mozilla")
        && !text("x-atlassian-token").eq_ignore_ascii_case("no-check")
}

fn read_bucket(jira: &JiraDataCenter, name: &str) -> Option<(RateLimit, Reading)> {
    let mut traffic = jira.traffic();
    let limit = traffic.faults.rate_limit().or(jira.inner.options.rate_limit)?;
    let now = Instant::now();
    let bucket = traffic.buckets.entry(name.to_owned()).or_insert_with(|| TokenBucket::full(limit, now));
    Some((limit, bucket.take(limit, now)))
}

/// The headers of Atlassian's page "Rate limiting, HTTP headers". Tokens are added each interval, and a rate below
/// one a second is told as one token in a longer interval.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are positive and small, and told in whole numbers"
)]
fn add_limit_headers(headers: &mut HeaderMap, limit: RateLimit, reading: Reading) {
    let (fill_rate, interval_seconds) = if limit.per_second >= 1.0 {
        (limit.per_second as u64, 1)
    } else {
        (1, (1.0 / limit.per_second).ceil() as u64)
    };
    headers.insert("x-ratelimit-limit", HeaderValue::from(limit.burst));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(reading.remaining));
    headers.insert("x-ratelimit-interval-seconds", HeaderValue::from(interval_seconds));
    headers.insert("x-ratelimit-fillrate", HeaderValue::from(fill_rate));
    headers.insert(header::RETRY_AFTER, HeaderValue::from(reading.retry_after_seconds));
}

fn too_many_requests() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, Json(json!({ "message": "Rate limit exceeded." }))).into_response()
}

fn refusal(status: u16) -> Response {
    match status {
        429 => {
            let mut response = too_many_requests();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        503 => html_page(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        _ => Refusal::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error").into_response(),
    }
}

/// Cuts the connection where there is one; without a server, the status says what would have happened.
fn drop_connection(switch: Option<&ConnectionSwitch>, status: StatusCode) -> Response {
    if let Some(switch) = switch {
        switch.cut();
    }
    status.into_response()
}
