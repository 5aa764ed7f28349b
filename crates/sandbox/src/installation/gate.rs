//! What every request to a product's API passes: counting, faults, authentication, cross-site check, rate limit.

use std::time::Duration;

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use super::{
    Installation, Product,
    authentication::{Caller, LOGIN_REASON, authenticate},
    html_page,
    rate_limit::{Reading, TokenBucket},
    recording,
    request::header_value,
    serving::ConnectionSwitch,
};
use crate::faults::{RateLimit, Ruling};

/// Writes the exchange down, where that is asked for.
pub(super) async fn record<P: Product>(
    site: State<Installation<P>>,
    request: Request,
    next: Next,
) -> Response {
    match recording::begin(P::NAME, request).await {
        (request, None) => admit(site, request, next).await,
        (request, Some(exchange)) => exchange.end(admit(site, request, next).await).await,
    }
}

/// Counts the request, lets a fault have its way with it, and passes it on.
async fn admit<P: Product>(State(site): State<Installation<P>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let operation = operation_of(&request, P::API);
    let switch = request.extensions().get::<ConnectInfo<ConnectionSwitch>>().map(|info| info.0.clone());
    let (latency, ruling) = {
        let mut traffic = site.traffic();
        traffic.calls.arrived(&operation);
        (traffic.faults.latency(), traffic.faults.rule(&operation))
    };
    // Even a sleep of no time gives way, and whoever counts calls would meet one that is not carried out yet.
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match ruling {
        Ruling::Pass => {
            let response = carry_out(&site, request, next).await;
            answered(&site, &method, response)
        }
        Ruling::Refuse(status) => {
            let refusal = P::refused_at(request.uri().path(), refusal::<P>(status));
            answered(&site, &method, refusal)
        }
        Ruling::Hang { carried_out, hang_seconds } => {
            if carried_out {
                carry_out(&site, request, next).await;
            }
            tokio::time::sleep(Duration::from_secs(hang_seconds)).await;
            drop_connection(switch.as_ref(), StatusCode::GATEWAY_TIMEOUT)
        }
        Ruling::Drop { carried_out } => {
            if carried_out {
                carry_out(&site, request, next).await;
            }
            drop_connection(switch.as_ref(), StatusCode::BAD_GATEWAY)
        }
    }
}

fn answered<P: Product>(site: &Installation<P>, method: &Method, response: Response) -> Response {
    site.traffic().calls.answered(method, response.status());
    response
}

/// Names the operation by method and route, such as `PUT /project/{key}`.
fn operation_of(request: &Request, api: &str) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("(unknown)", MatchedPath::as_str);
    format!("{} {}", request.method(), route.strip_prefix(api).unwrap_or(route))
}

async fn carry_out<P: Product>(installation: &Installation<P>, mut request: Request, next: Next) -> Response {
    let caller = {
        let mut site = installation.site();
        let directory = P::directory(&mut site);
        authenticate(request.headers(), directory)
            .map_err(|refusal| refusal.response::<P>(&directory.base_url))
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(response) => return P::refused_at(request.uri().path(), response),
    };
    if is_cross_site(request.method(), request.headers()) {
        return P::refusal(StatusCode::FORBIDDEN, "XSRF check failed");
    }
    let Caller::Account(name) = &caller else {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    };
    let shown_name = header_value(name);
    let reading = read_bucket(installation, name);
    request.extensions_mut().insert(caller);
    let mut response = match reading {
        Some((_, reading)) if !reading.admitted => {
            P::refused_at(request.uri().path(), too_many_requests::<P>())
        }
        Some(_) | None => next.run(request).await,
    };
    if let Some((limit, reading)) = reading {
        P::tell_limit(response.headers_mut(), limit, reading);
    }
    if P::TELLS_CALLER {
        response.headers_mut().insert(HeaderName::from_static("x-ausername"), shown_name);
        response.headers_mut().insert(LOGIN_REASON, HeaderValue::from_static("OK"));
    }
    response
}

/// A browser's write needs `X-Atlassian-Token: no-check`, so that no other site's page can send it.
fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    method != Method::GET
        && text("user-agent").contains("Mozilla")
        && !text("x-atlassian-token").eq_ignore_ascii_case("no-check")
}

fn read_bucket<P: Product>(site: &Installation<P>, name: &str) -> Option<(RateLimit, Reading)> {
    let mut traffic = site.traffic();
    let limit = traffic.faults.rate_limit().or(site.options().rate_limit)?;
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
pub(super) fn tell_limit_of_interval(headers: &mut HeaderMap, limit: RateLimit, reading: Reading) {
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

fn too_many_requests<P: Product>() -> Response {
    P::refusal(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.")
}

fn refusal<P: Product>(status: u16) -> Response {
    match status {
        429 => {
            let mut response = too_many_requests::<P>();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        503 => html_page(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        _ => P::refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    }
}

/// Cuts the connection where there is one; without a server, the status says what would have happened.
fn drop_connection(switch: Option<&ConnectionSwitch>, status: StatusCode) -> Response {
    if let Some(switch) = switch {
        switch.cut();
    }
    status.into_response()
}
