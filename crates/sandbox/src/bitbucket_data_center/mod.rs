//! A simulated Bitbucket Data Center (8.x, 9.x): the parts of `/rest/api/latest` by which users, groups, memberships
//! and global permissions are administered.
//!
//! Written from the vendor's REST description and documentation. Where those are silent, the module chooses what
//! is known of the product; [`Quirks`] holds the switches. Unverified are: the fields of users and groups, the envelope
//! of errors, the success codes, `X-AUSERNAME`, the cap of a page, and that names are looked up without case.
//!
//! Bitbucket answers 401 both to strangers and to people who may not do what they ask for. It has no call that
//! deactivates an account: who is in no group and has no global permission has no access.
//!
//! `users`, `groups` and `permissions` hold the calls, `answers` the form of refusals and pages; the rest is what the
//! Data Center products share.

mod answers;
mod groups;
mod permissions;
mod site;
mod users;

#[cfg(test)]
mod tests;

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};

use self::{answers::Refusal, site::Site};
use crate::installation::{self, Directory, Installation, Product};

/// The base of all routes that are counted.
const API: &str = "/rest/api/latest";

/// The most that one page of any list shows.
pub const PAGE_LIMIT: usize = 1_000;

/// A simulated site. Clones share the same data.
pub type BitbucketDataCenter = Installation<Bitbucket>;

/// How a site starts.
pub type Options = installation::Options<Quirks>;

/// What differs between sites.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// The status for a rename to a name that is taken.
    pub taken_rename: StatusCode,
    /// Whether somebody who is in no group can be taken out of it all the same; otherwise that is 404.
    pub removes_strangers: bool,
    /// Licensed users that the licence allows, where that is bounded.
    pub seats: Option<usize>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { taken_rename: StatusCode::CONFLICT, removes_strangers: false, seats: None }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of_version("9.4.2")
    }
}

/// The product.
#[derive(Debug)]
pub enum Bitbucket {}

impl Product for Bitbucket {
    const NAME: &'static str = "Bitbucket";
    const API: &'static str = API;
    type Quirks = Quirks;
    type Site = Site;

    fn start(options: &Options) -> Site {
        Site::start(options)
    }

    fn directory(site: &mut Site) -> &mut Directory {
        &mut site.directory
    }

    fn routes() -> Router<BitbucketDataCenter> {
        Router::new()
            .route(&api("/application-properties"), get(site::application_properties))
            .route(
                &api("/admin/users"),
                get(users::list).post(users::create).put(users::update).delete(users::delete),
            )
            .route(&api("/admin/users/rename"), post(users::rename))
            .route(&api("/admin/users/captcha"), delete(users::clear_captcha))
            .route(&api("/admin/users/more-members"), get(groups::of_user))
            .route(&api("/admin/users/more-non-members"), get(groups::not_of_user))
            .route(&api("/admin/users/add-groups"), post(groups::add_groups))
            .route(&api("/admin/users/add-group"), post(groups::add_group))
            .route(&api("/admin/users/remove-group"), post(groups::remove_group))
            .route(&api("/admin/groups"), get(groups::list).post(groups::create).delete(groups::delete))
            .route(&api("/admin/groups/more-members"), get(groups::members))
            .route(&api("/admin/groups/more-non-members"), get(groups::non_members))
            .route(&api("/admin/groups/add-users"), post(groups::add_users))
            .route(&api("/admin/groups/add-user"), post(groups::add_user))
            .route(&api("/admin/groups/remove-user"), post(groups::remove_user))
            .route(
                &api("/admin/permissions/groups"),
                get(permissions::of_groups).put(permissions::grant_group).delete(permissions::revoke_group),
            )
            .route(
                &api("/admin/permissions/users"),
                get(permissions::of_users).put(permissions::grant_user).delete(permissions::revoke_user),
            )
            .route(&api("/admin/user-directories"), get(site::user_directories))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        Refusal::new(status, text).into_response()
    }

    fn not_an_administrator() -> Response {
        Refusal::not_permitted().into_response()
    }

    fn login_refused(headers: axum::http::HeaderMap, status: StatusCode) -> Response {
        let text = "Authentication failed. Please check your credentials and try again.";
        let mut response = Refusal::new(status, text)
            .named("com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException")
            .into_response();
        response.headers_mut().extend(headers);
        response
    }
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}
