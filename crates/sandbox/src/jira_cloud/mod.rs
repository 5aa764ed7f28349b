//! A simulated Jira in Atlassian Cloud: the parts of `/rest/api/3` by which the people and groups of a site are
//! administered, and beside them the parts of the organization's `/admin/v2` that invite, suspend and remove people.
//!
//! Written from the vendor's descriptions of both APIs. [`Quirks`] holds the switches for what those leave open.
//! Unverified are: what Jira shows of a suspended account, the status for a member who is in already, and how long a
//! search lags behind.
//!
//! An account is a person's own: it has no user name, and its name in here is its e-mail address. A site takes an
//! account's address and API token, the organization its key. `users`, `groups` and `projects` hold the site's calls,
//! `membership` the organization's.

mod answers;
mod groups;
mod membership;
mod projects;
mod site;
mod users;

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};

use self::{answers::Refusal, site::Site};
use crate::{
    faults::RateLimit,
    installation::{self, Directory, Installation, Product, Reading, request::header_value},
    organization::{self, ORGANIZATION},
    state::ProjectState,
};

/// The base of the routes of the site.
const API: &str = "/rest/api/3";
/// A simulated site. Clones share the same data.
pub type JiraCloud = Installation<Jira>;

/// How a site starts. The administrator's name is an address, and the token an API token.
pub type Options = installation::Options<Quirks>;

/// What is not known of the real site, or differs between sites.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// How far searches lag behind: whoever is newer than this is not found by them.
    pub lag: Duration,
    /// Whether people hide their addresses from the site; the organization sees them all the same.
    pub hides_emails: bool,
    /// Whether a person who is invited is refused all the same by the answer, as was reported of the vendor.
    pub refuses_whom_it_invites: bool,
    /// The status for a member who is in the group already.
    pub already_member: StatusCode,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            lag: Duration::from_millis(200),
            hides_emails: false,
            refuses_whom_it_invites: false,
            already_member: StatusCode::BAD_REQUEST,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { admin_username: "rollcall@example.com".to_owned(), ..Self::of_version("1001.0.0-SNAPSHOT") }
    }
}

/// The product.
#[derive(Debug)]
pub enum Jira {}

impl Product for Jira {
    const NAME: &'static str = "Jira Cloud";
    const API: &'static str = API;
    const TELLS_CALLER: bool = false;
    type Quirks = Quirks;
    type Site = Site;

    fn start(options: &Options) -> Site {
        Site::start(options)
    }

    fn directory(site: &mut Site) -> &mut Directory {
        &mut site.directory
    }

    fn projects(site: &Site) -> Vec<ProjectState> {
        site.project_states()
    }

    fn routes() -> Router<JiraCloud> {
        let users = format!("{ORGANIZATION}/directories/{{directory}}/users");
        Router::new()
            .route(&api("/serverInfo"), get(users::server_info))
            .route(&api("/myself"), get(users::myself))
            .route(&api("/mypermissions"), get(users::my_permissions))
            .route(&api("/user"), get(users::get).post(users::create).delete(users::delete))
            .route(&api("/user/search"), get(users::search))
            .route(&api("/user/groups"), get(users::groups))
            .route(&api("/users/search"), get(users::all))
            .route(&api("/group"), post(groups::create).delete(groups::delete))
            .route(&api("/group/bulk"), get(groups::bulk))
            .route(&api("/group/member"), get(groups::members))
            .route(&api("/group/user"), post(groups::join).delete(groups::leave))
            .route(&api("/project/search"), get(projects::search))
            .route(&api("/project/{key}"), put(projects::update))
            .route(&api("/project/{key}/components"), get(projects::components))
            .route(&api("/component/{id}"), put(projects::update_component))
            .route(&format!("{ORGANIZATION}/directories"), get(organization::directories::<Self>))
            .route(&format!("{users}/search"), post(organization::search::<Self>))
            .route(&format!("{users}/{{account}}/suspend"), post(membership::suspend))
            .route(&format!("{users}/{{account}}/restore"), post(membership::restore))
            .route(&format!("{users}/{{account}}"), delete(membership::remove))
            .route(&format!("{ORGANIZATION}/users/invite"), post(membership::invite))
    }

    fn more_controls() -> Router<JiraCloud> {
        Router::new().route("/_sandbox/projects", post(projects::make))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        Refusal::new(status, text).into_response()
    }

    fn log_in_first() -> Response {
        Self::refusal(StatusCode::UNAUTHORIZED, "Client must be authenticated to access this resource.")
    }

    fn login_refused(_: HeaderMap, _: StatusCode) -> Response {
        Self::log_in_first()
    }

    fn refused_at(path: &str, refusal: Response) -> Response {
        organization::refused_at(path, refusal)
    }

    /// How long to wait is told only to those who are refused.
    fn tell_limit(headers: &mut HeaderMap, limit: RateLimit, reading: Reading) {
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit.burst));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(reading.remaining));
        if !reading.admitted {
            headers.insert(header::RETRY_AFTER, header_value(&reading.retry_after_seconds.to_string()));
            headers.insert("ratelimit-reason", HeaderValue::from_static("jira-burst-based"));
        }
    }
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}
