//! A simulated Confluence Data Center (9.x, 10.x): the parts of `/rest/api` by which users, groups and memberships
//! are administered.
//!
//! Written from the vendor's REST description and documentation. Where those are silent, the module chooses what
//! is known of the product; [`Quirks`] holds the switches. Unverified are: the envelope of errors, `_links` in
//! pages, the cap of a page, `status` with its words, 404 for a group that is not there, 202 for a deletion, that
//! names are looked up without case, and what an account may not do to itself.
//!
//! `users` and `groups` hold what anybody who is logged in may read, `administration` what an administrator may
//! change, `answers` the form of refusals and pages; the rest is what the Data Center products share.

mod administration;
mod answers;
mod groups;
mod site;
mod users;

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};

use self::{answers::Refusal, site::Site};
use crate::installation::{self, Directory, Installation, Product, html_page};

/// The base of all routes that are counted.
const API: &str = "/rest/api";

/// The most that one page of any list shows.
pub const PAGE_LIMIT: usize = 200;

/// A simulated site. Clones share the same data.
pub type ConfluenceDataCenter = Installation<Confluence>;

/// How a site starts.
pub type Options = installation::Options<Quirks>;

/// What differs between sites.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Whether there is a call to change a name or address; 9.0 has none.
    pub updates_users: bool,
    /// Whether there is a call that tells the version; 9.1 is the first that has it.
    pub tells_version: bool,
    /// Whether the links of a page stand in `_links`, or beside its other fields as the description has it.
    pub links_apart: bool,
    /// How long a deletion goes on after it was accepted; until then the account is still shown.
    pub deletion_takes: Duration,
    /// Accounts that the licence allows, where that is bounded.
    pub seats: Option<usize>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            updates_users: true,
            tells_version: true,
            links_apart: true,
            deletion_takes: Duration::ZERO,
            seats: None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of_version("9.2.0")
    }
}

/// The product.
#[derive(Debug)]
pub enum Confluence {}

impl Product for Confluence {
    const NAME: &'static str = "Confluence";
    const API: &'static str = API;
    type Quirks = Quirks;
    type Site = Site;

    fn start(options: &Options) -> Site {
        Site::start(options)
    }

    fn directory(site: &mut Site) -> &mut Directory {
        // Every request asks for it, so that each sees what was done meanwhile.
        site.finish_deletions();
        &mut site.directory
    }

    fn routes() -> Router<ConfluenceDataCenter> {
        Router::new()
            .route(&api("/server-information"), get(users::server_information))
            .route(&api("/user"), get(users::get))
            .route(&api("/user/current"), get(users::current))
            .route(&api("/user/list"), get(users::list))
            .route(&api("/user/memberof"), get(groups::of_user))
            .route(&api("/user/{username}/group/{group}"), put(groups::join).delete(groups::leave))
            .route(&api("/group"), get(groups::list))
            .route(&api("/group/{group}"), get(groups::get))
            .route(&api("/group/{group}/member"), get(groups::members))
            .route(&api("/group/{group}/groupmember"), get(groups::group_members))
            .route(&api("/admin/users/list/active"), get(users::list_active))
            .route(&api("/admin/user"), post(administration::create_user))
            .route(
                &api("/admin/user/{username}"),
                put(administration::update_user).delete(administration::delete_user),
            )
            .route(&api("/admin/user/{username}/disable"), put(administration::disable_user))
            .route(&api("/admin/user/{username}/enable"), put(administration::enable_user))
            .route(&api("/admin/group"), post(administration::create_group))
            .route(&api("/admin/group/{group}"), delete(administration::delete_group))
            .layer(middleware::from_fn(refuse_encoded_slashes))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        Refusal::new(status, text).into_response()
    }
}

/// The web server beneath the product takes no escaped slash in a path.
async fn refuse_encoded_slashes(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_ascii_uppercase();
    if path.contains("%2F") || path.contains("%5C") {
        return html_page(StatusCode::BAD_REQUEST, "Bad Request");
    }
    next.run(request).await
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}
