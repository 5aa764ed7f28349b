//! What simulated sites have in common: people and groups, log-in, limits on requests, and the ways in which a
//! simulated site misbehaves.
//!
//! A product adds its routes and the form of its answers ([`Product`]). A request goes through `gate`
//! (counting, faults, authentication, rate limit) to one of the product's handlers; `directory` holds the
//! accounts and groups; `controls` is `/_sandbox`, which needs no credentials. [`SimulatedSite`] is what a
//! test or the demo does with a site whatever its product.

pub(crate) mod authentication;
mod calls;
mod controls;
pub(crate) mod directory;
mod gate;
mod rate_limit;
pub mod recording;
pub(crate) mod request;
mod serving;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use self::{calls::CallCounts, rate_limit::TokenBucket};
use crate::{
    faults::{FaultSource, Faults, RateLimit},
    state::{CallsState, ProjectState, StateSnapshot},
};

pub use self::directory::Directory;
pub use self::rate_limit::Reading;
pub use self::serving::{RunningSandbox, serve};

/// Failed log-ins with a password after which an account must solve a CAPTCHA.
pub const LOGIN_FAILURES_BEFORE_CAPTCHA: u32 = 3;

/// How a site starts. `quirks` is what may differ between sites of one product.
#[derive(Clone)]
pub struct Options<Quirks> {
    /// The administrator's account name.
    pub admin_username: String,
    /// The administrator's personal access token.
    pub admin_token: String,
    /// The administrator's password.
    pub admin_password: String,
    /// How many made-up people have an account from the start.
    pub users: usize,
    /// How many made-up groups (`team-0`, `team-1`, …) those people are spread over, one group each.
    pub groups: usize,
    /// The version that the product tells.
    pub version: String,
    /// A request limit per account. Off by default, as in the products.
    pub rate_limit: Option<RateLimit>,
    /// What differs between sites of one product.
    pub quirks: Quirks,
}

impl<Quirks: Default> Options<Quirks> {
    /// An empty site of this version.
    pub(crate) fn of_version(version: &str) -> Self {
        Self {
            admin_username: "rollcall".to_owned(),
            admin_token: "sandbox-token".to_owned(),
            admin_password: "sandbox-password".to_owned(),
            users: 0,
            groups: 0,
            version: version.to_owned(),
            rate_limit: None,
            quirks: Quirks::default(),
        }
    }
}

/// One product: its routes, its data, and the form of its answers.
pub trait Product: Sized + Send + Sync + 'static {
    /// The product's name in pages and log-in prompts.
    const NAME: &'static str;
    /// The base of all routes that are counted.
    const API: &'static str;
    /// Whether answers tell in headers whom the product takes the caller for.
    const TELLS_CALLER: bool = true;
    /// What an admin writes behind the server's address to address the site.
    const BASE_PATH: &'static str = "";
    /// What differs between sites of the product.
    type Quirks: Clone + Send + Sync;
    /// Everything at a site.
    type Site: Send;

    /// Makes a site.
    fn start(options: &Options<Self::Quirks>) -> Self::Site;

    /// The people and groups of a site.
    fn directory(site: &mut Self::Site) -> &mut Directory;

    /// The projects of a site, where the product has them.
    fn projects(_site: &Self::Site) -> Vec<ProjectState> {
        Vec::new()
    }

    /// The routes of the product's API.
    fn routes() -> Router<Installation<Self>>;

    /// Routes of `/_sandbox` that only this product has.
    fn more_controls() -> Router<Installation<Self>> {
        Router::new()
    }

    /// A refusal in the product's form.
    fn refusal(status: StatusCode, text: &str) -> Response;

    /// The answer to somebody who is not logged in.
    fn log_in_first() -> Response {
        Self::refusal(StatusCode::UNAUTHORIZED, "You are not authenticated. Log in to do this.")
    }

    /// The answer to an account that may not administer.
    fn not_an_administrator() -> Response {
        Self::refusal(StatusCode::FORBIDDEN, "You do not have permission to perform this operation.")
    }

    /// Gives a refusal, which came before any handler, the form of the API that was asked, where there are several.
    fn refused_at(_path: &str, refusal: Response) -> Response {
        refusal
    }

    /// Tells in headers what the rate limit says of a request.
    fn tell_limit(headers: &mut HeaderMap, limit: RateLimit, reading: Reading) {
        gate::tell_limit_of_interval(headers, limit, reading);
    }

    /// The answer to credentials that were refused.
    fn login_refused(headers: HeaderMap, status: StatusCode) -> Response {
        let text = status.canonical_reason().unwrap_or_default();
        let mut response = html_page(status, text);
        response.headers_mut().extend(headers);
        response
    }
}

/// A simulated site of a product. Clones share the same data.
pub struct Installation<P: Product> {
    inner: Arc<Inner<P>>,
}

struct Inner<P: Product> {
    options: Options<P::Quirks>,
    site: Mutex<P::Site>,
    traffic: Mutex<Traffic>,
}

/// What is known of the calls, apart from what they change.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) calls: CallCounts,
    faults: FaultSource,
    buckets: HashMap<String, TokenBucket>,
}

/// What a test or the demo does with a site, whatever its product.
pub trait SimulatedSite: fmt::Debug + Send + Sync {
    /// Returns the routes: the product's API and `/_sandbox`.
    ///
    /// Called without a server (`tower::ServiceExt::oneshot`), a dropped connection shows as status 502 and a
    /// time-out, when its time is over, as status 504.
    fn router(&self) -> Router;

    /// Returns what stands at the site, and the calls so far: the same as `GET /_sandbox/state`.
    fn state(&self) -> StateSnapshot;

    /// Returns the calls so far alone, which costs nothing on a large site.
    fn calls(&self) -> CallsState;

    /// Replaces the faults, and starts their draws and all rate limits anew. Numbers out of range are not
    /// refused here; see [`Faults::validate`].
    fn set_faults(&self, faults: Faults);

    /// Tells the site where it is served.
    fn set_base_url(&self, base_url: &str);

    /// What an admin writes behind the server's address to address the site.
    fn base_path(&self) -> &'static str;
}

impl<P: Product> Clone for Installation<P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<P: Product> fmt::Debug for Installation<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct(P::NAME).finish_non_exhaustive()
    }
}

impl<P: Product> SimulatedSite for Installation<P> {
    fn router(&self) -> Router {
        P::routes()
            .fallback(no_such_route)
            .method_not_allowed_fallback(method_not_allowed)
            .layer(middleware::from_fn_with_state(self.clone(), gate::record::<P>))
            .route("/_sandbox/state", get(controls::state::<P>))
            .route("/_sandbox/faults", post(controls::faults::<P>))
            .route("/_sandbox/users", post(controls::users::<P>))
            .route("/_sandbox/groups", post(controls::groups::<P>))
            .route("/_sandbox/captcha/clear", post(controls::clear_captcha::<P>))
            .merge(P::more_controls())
            .with_state(self.clone())
    }

    fn state(&self) -> StateSnapshot {
        let traffic = self.traffic();
        let (calls, creates_by_name) = (traffic.calls.snapshot(), traffic.calls.creates_by_name());
        drop(traffic);
        let mut site = self.site();
        let projects = P::projects(&site);
        let (users, groups) = P::directory(&mut site).snapshot();
        StateSnapshot { users, groups, projects, calls, creates_by_name }
    }

    fn calls(&self) -> CallsState {
        self.traffic().calls.snapshot()
    }

    fn set_faults(&self, faults: Faults) {
        let mut traffic = self.traffic();
        traffic.faults = FaultSource::new(faults);
        traffic.buckets.clear();
    }

    fn set_base_url(&self, base_url: &str) {
        base_url.clone_into(&mut P::directory(&mut self.site()).base_url);
    }

    fn base_path(&self) -> &'static str {
        P::BASE_PATH
    }
}

impl<P: Product> Installation<P> {
    /// Returns a site with the product's own groups, the administrator, and as many made-up people and groups
    /// as the options say.
    pub fn new(options: Options<P::Quirks>) -> Self {
        let site = Mutex::new(P::start(&options));
        Self { inner: Arc::new(Inner { options, site, traffic: Mutex::default() }) }
    }

    pub(crate) fn options(&self) -> &Options<P::Quirks> {
        &self.inner.options
    }

    // A panic in one request must not make every later one fail, so a poisoned lock is used as it is.
    pub(crate) fn site(&self) -> MutexGuard<'_, P::Site> {
        self.inner.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.inner.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page in the style of the products' web server, which answers some errors before the product itself does.
pub(crate) fn html_page(status: StatusCode, text: &str) -> Response {
    let page = format!("<html><head><title>{text} ({code})</title></head></html>", code = status.as_u16());
    (status, [(header::CONTENT_TYPE, "text/html;charset=UTF-8")], page).into_response()
}

async fn no_such_route() -> Response {
    html_page(StatusCode::NOT_FOUND, "Not Found")
}

async fn method_not_allowed() -> Response {
    html_page(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}
