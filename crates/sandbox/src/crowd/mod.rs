//! A simulated Crowd (5.x): the parts of `/rest/usermanagement/1` by which an application administers the users and
//! groups of its directory. Jira offers the same calls as a user server of its own.
//!
//! Written from the vendor's documentation of the resource and of how users are activated through it. Where that is
//! silent, the module chooses what is known of the product; [`Quirks`] holds the switches. Unverified are: `key`, the
//! call that renames, the statuses of a repeated membership, the search language beyond one comparison, and the
//! header with the version.
//!
//! Not an account logs in but an application, by its name and password, and there is no CAPTCHA.
//!
//! `users`, `groups` and `search` hold the calls, `answers` the form of refusals; the rest is what the products share.

mod answers;
mod groups;
mod search;
mod users;

#[cfg(test)]
mod tests;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use self::answers::Refusal;
use crate::installation::{
    self, Directory, Installation, Product,
    directory::{Conventions, Login},
    request::header_value,
};

/// The base of all routes that are counted.
const API: &str = "/rest/usermanagement/1";

/// A simulated server. Clones share the same data.
pub type Crowd = Installation<CrowdServer>;

/// How a server starts. The administrator's name and password are the application's; there are no tokens.
pub type Options = installation::Options<Quirks>;

/// What differs between servers.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Whether a user is shown with a key that a rename does not change.
    pub tells_keys: bool,
    /// Whether an update empties what it leaves out, or leaves it.
    pub empties_what_is_left_out: bool,
    /// The status for a user who is a member already.
    pub already_member: StatusCode,
    /// Whether the application may change users and groups.
    pub may_write: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            tells_keys: true,
            empties_what_is_left_out: true,
            already_member: StatusCode::CONFLICT,
            may_write: true,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of_version("5.3.0")
    }
}

/// An account that is made anew under a deleted one's name is another account.
const CONVENTIONS: Conventions = Conventions {
    first_key: 1,
    key: |number| format!("32769:{number:08x}-5c1d-4f8e-9a77-0123456789ab"),
    keeps_key_of_name: false,
    administrators: &["crowd-administrators"],
    users: "crowd-users",
    login: Login::Application,
};

/// The product.
#[derive(Debug)]
pub enum CrowdServer {}

impl Product for CrowdServer {
    const NAME: &'static str = "Crowd";
    const API: &'static str = API;
    type Quirks = Quirks;
    type Site = Directory;

    fn start(options: &Options) -> Directory {
        Directory::start(CONVENTIONS, options)
    }

    fn directory(site: &mut Directory) -> &mut Directory {
        site
    }

    fn routes() -> Router<Crowd> {
        Router::new()
            .route(
                &api("/user"),
                get(users::get).post(users::create).put(users::update).delete(users::delete),
            )
            .route(&api("/user/rename"), post(users::rename))
            .route(&api("/user/group/direct"), get(groups::of_user))
            .route(&api("/group"), get(groups::get).post(groups::create).delete(groups::delete))
            .route(&api("/group/user/direct"), get(groups::members).post(groups::join).delete(groups::leave))
            .route(&api("/search"), get(search::search))
            .route(&api("/config/cookie"), get(users::cookie_config))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        let reason = match status {
            StatusCode::BAD_REQUEST => "ILLEGAL_ARGUMENT",
            StatusCode::FORBIDDEN => "APPLICATION_PERMISSION_DENIED",
            _ => "OPERATION_FAILED",
        };
        Refusal::new(status, reason, text).into_response()
    }

    fn log_in_first() -> Response {
        Self::login_refused(HeaderMap::new(), StatusCode::UNAUTHORIZED)
    }

    fn login_refused(headers: HeaderMap, status: StatusCode) -> Response {
        let mut response = (status, "Application failed to authenticate").into_response();
        response.headers_mut().extend(headers);
        response.headers_mut().insert(header::CONTENT_TYPE, header_value("text/plain;charset=UTF-8"));
        response
    }
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}
