//! A simulated Jira Data Center (9.x, 10.x): the parts of `/rest/api/2` by which users, groups, memberships and
//! leads are administered.
//!
//! Written from the vendor's REST description and documentation. Where those are silent, the module chooses what
//! is known of the product and says so; [`Options`] holds the switches. Texts of errors are in English; a real
//! site's are in the language of its settings, so only status and field names mean anything.
//!
//! A request goes through `gate` (counting, faults, authentication, rate limit) to one of `users`, `groups`,
//! `projects` or `server`; `site` holds the data; `controls` is `/_sandbox`, which needs no credentials.

mod answers;
mod authentication;
mod controls;
mod gate;
mod groups;
mod projects;
mod server;
mod site;
mod users;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router, middleware,
    routing::{get, post},
};

use self::site::Site;
use crate::{
    calls::CallCounts,
    faults::{FaultSource, Faults, RateLimit},
    rate_limit::TokenBucket,
    state::StateSnapshot,
};

/// The base of all routes that are counted.
const API: &str = "/rest/api/2";

/// The most members that one page of a group shows.
pub const MEMBER_PAGE_LIMIT: usize = 50;

/// Failed log-ins with a password after which an account must solve a CAPTCHA.
pub const LOGIN_FAILURES_BEFORE_CAPTCHA: u32 = 3;

/// How a site starts.
#[derive(Clone)]
pub struct Options {
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
    /// The version that `serverInfo` tells.
    pub version: String,
    /// A request limit per account. Off by default, as in the product.
    pub rate_limit: Option<RateLimit>,
    /// Whether `active` in an update is obeyed. Older versions ignore it and refuse an update that says nothing
    /// else (JRASERVER-36639).
    pub deactivates_by_update: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            admin_username: "rollcall".to_owned(),
            admin_token: "sandbox-token".to_owned(),
            admin_password: "sandbox-password".to_owned(),
            users: 0,
            groups: 0,
            version: "10.3.0".to_owned(),
            rate_limit: None,
            deactivates_by_update: true,
        }
    }
}

/// A simulated site. Clones share the same data.
#[derive(Clone)]
pub struct JiraDataCenter {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    site: Mutex<Site>,
    traffic: Mutex<Traffic>,
}

/// What is known of the calls, apart from what they change.
#[derive(Default)]
struct Traffic {
    calls: CallCounts,
    faults: FaultSource,
    buckets: HashMap<String, TokenBucket>,
}

impl fmt::Debug for JiraDataCenter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JiraDataCenter").finish_non_exhaustive()
    }
}

impl JiraDataCenter {
    /// Returns a site with the product's own groups, the administrator, a project `DEMO` that the administrator
    /// leads, and as many made-up people and groups as the options say. With people, `ada.abbott.0` leads a
    /// project `LEGACY` and its only component.
    pub fn new(options: Options) -> Self {
        let site = Mutex::new(Site::start(&options));
        Self { inner: Arc::new(Inner { options, site, traffic: Mutex::default() }) }
    }

    /// Returns the routes: the product's API and `/_sandbox`.
    ///
    /// Called without a server (`tower::ServiceExt::oneshot`), a dropped connection shows as status 502 and a
    /// time-out, when its time is over, as status 504.
    pub fn router(&self) -> Router {
        Router::new()
            .route(&api("/serverInfo"), get(server::server_info))
            .route(&api("/myself"), get(server::myself))
            .route(&api("/mypermissions"), get(server::my_permissions))
            .route(
                &api("/user"),
                get(users::get).post(users::create).put(users::update).delete(users::delete),
            )
            .route(&api("/user/search"), get(users::search))
            .route(&api("/groups/picker"), get(groups::pick))
            .route(&api("/group"), get(groups::get).post(groups::create).delete(groups::delete))
            .route(&api("/group/member"), get(groups::members))
            .route(&api("/group/user"), post(groups::add_member).delete(groups::remove_member))
            .route(&api("/project"), get(projects::list))
            .route(&api("/project/{key}"), get(projects::get).put(projects::update))
            .route(&api("/project/{key}/components"), get(projects::components))
            .route(&api("/component/{id}"), get(projects::component).put(projects::update_component))
            .fallback(answers::no_such_route)
            .method_not_allowed_fallback(answers::method_not_allowed)
            .layer(middleware::from_fn_with_state(self.clone(), gate::admit))
            .route("/_sandbox/state", get(controls::state))
            .route("/_sandbox/faults", post(controls::faults))
            .route("/_sandbox/users", post(controls::users))
            .route("/_sandbox/groups", post(controls::groups))
            .route("/_sandbox/projects", post(controls::projects))
            .route("/_sandbox/captcha/clear", post(controls::clear_captcha))
            .with_state(self.clone())
    }

    /// Returns what stands at the site, and the calls so far: the same as `GET /_sandbox/state`.
    pub fn state(&self) -> StateSnapshot {
        let traffic = self.traffic();
        let (calls, creates_by_name) = (traffic.calls.snapshot(), traffic.calls.creates_by_name());
        drop(traffic);
        self.site().snapshot(calls, creates_by_name)
    }

    /// Replaces the faults, and starts their draws and all rate limits anew. Numbers out of range are not
    /// refused here; see [`Faults::validate`].
    pub fn set_faults(&self, faults: Faults) {
        let mut traffic = self.traffic();
        traffic.faults = FaultSource::new(faults);
        traffic.buckets.clear();
    }

    pub(crate) fn set_base_url(&self, base_url: &str) {
        base_url.clone_into(&mut self.site().base_url);
    }

    // A panic in one request must not make every later one fail, so a poisoned lock is used as it is.
    fn site(&self) -> MutexGuard<'_, Site> {
        self.inner.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.inner.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}
