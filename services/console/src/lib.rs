//! The web console: pages that tenant admins, whoever sets a provider up, and operators use instead of a manual.
//!
//! It is a client of the REST API and has no other door: a page asks the API's router with the credential of whoever is
//! signed in, so that authorization, validation and the audit log are in one place, and nothing that a page does could
//! not be done by a script. It has no database.
//!
//! Reading order: [`router`], then [`session`] (who is it), [`api`] (asking), [`shell`] and [`elements`] (what pages are
//! made of), then [`pages`], one file a subject. Scripts and styles are in `assets/`; everything but the copy buttons
//! and what is live works without scripts.

use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, MatchedPath, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::Key;
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use url::Url;

pub mod api;
mod assets;
pub mod elements;
pub mod failure;
pub mod forms;
mod guide;
pub mod live;
pub mod pages;
pub mod resources;
pub mod session;
pub mod shell;
mod words;

pub use assets::{SCRIPT, STYLE};

/// Bytes of a form at the most: mappings of many groups are long.
const MAX_FORM_BYTES: usize = 1024 * 1024;

/// What the console needs.
#[derive(Clone)]
pub struct Console {
    /// The REST API, with its paths under `/v1`.
    pub api: Router,
    /// What seals the cookies of sessions; the same on every replica.
    pub key: Key,
    /// What sealed them before; cookies under these are read, and sealed anew.
    pub older_keys: Vec<Key>,
    /// Where browsers reach us.
    pub public_url: Url,
}

impl Console {
    /// A console over `api` whose sessions are sealed by `secret`.
    pub fn new(api: Router, secret: &[u8; 32], public_url: Url) -> Self {
        Self { api, key: Key::derive_from(secret), older_keys: Vec::new(), public_url }
    }

    /// The same console, which also reads cookies that were sealed by another secret.
    #[must_use]
    pub fn also_opening(mut self, secret: &[u8; 32]) -> Self {
        self.older_keys.push(Key::derive_from(secret));
        self
    }
}

impl FromRef<Console> for Key {
    fn from_ref(console: &Console) -> Self {
        console.key.clone()
    }
}

/// The pages under `/console` and `/setup`.
pub fn router(console: Console) -> Router {
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pages::keep_sessions(pages::router(), &console)
        .fallback(failure::no_page)
        .layer(
            ServiceBuilder::new()
                .layer(axum::middleware::from_fn(measure))
                .layer(axum::middleware::from_fn(in_our_words))
                // Pages hold personal data, and sometimes a secret that is shown once.
                .layer(header("cache-control", "no-store"))
                .layer(header("content-security-policy", CONTENT_SECURITY_POLICY))
                // With none at all, browsers would not say that a form is ours, either.
                .layer(header("referrer-policy", "same-origin"))
                .layer(header("x-content-type-options", "nosniff"))
                .layer(header("cross-origin-opener-policy", "same-origin"))
                .layer(header("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"))
                .layer(CsrfLayer::new().with_rejection_response(|_| failure::cross_site().into_response()))
                .layer(DefaultBodyLimit::max(MAX_FORM_BYTES)),
        )
        .with_state(console)
}

/// Nothing but our own files, no inline scripts or styles, in nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Addresses that are none are refused by the framework in words of its own, and shown in ours.
async fn in_our_words(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_page =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind != "text/plain; charset=utf-8");
    if response.status().is_client_error() && !is_page { failure::not_found() } else { response }
}

/// Times pages by their route.
async fn measure(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    metrics::histogram!("rollcall_console_page_seconds", "route" => route)
        .record(began.elapsed().as_secs_f64());
    response
}
