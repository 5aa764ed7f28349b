//! A simulated SCIM directory of an organization in Atlassian Cloud: `/scim/directory/{id}`, by which an identity
//! provider keeps the accounts of an organization.
//!
//! Written from the vendor's pages on user provisioning and from recorded answers. Where those are silent, the module
//! follows RFC 7643 and RFC 7644; [`Quirks`] holds the switches. Unverified are: how long a list lags behind a write,
//! what becomes of memberships when a user is deactivated, and the body of a 401.
//!
//! The organization's key logs in, and no account. `users`, `groups` hold the calls, `answers` how things are shown and
//! the form of refusals, `patch` the operations of PATCH, `site` the rules behind them.

mod answers;
mod groups;
mod patch;
mod site;
mod users;

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use self::{answers::Refusal, site::ScimDirectory};
use crate::{
    faults::RateLimit,
    installation::{
        self, Directory, Installation, Product, Reading,
        request::{Body, header_value},
    },
};

/// The base of all routes that are counted.
const API: &str = "/scim/directory/{directory}";
/// The identifier of the one directory.
const DIRECTORY: &str = "7c0a3f5e-52c8-4b5e-9d0a-3f1d2b6c9e41";
/// Where it is.
const BASE_PATH: &str = "/scim/directory/7c0a3f5e-52c8-4b5e-9d0a-3f1d2b6c9e41";

/// A simulated directory. Clones share the same data.
pub type AtlassianCloud = Installation<Cloud>;

/// How a directory starts. The administrator's token is the directory's API key.
pub type Options = installation::Options<Quirks>;

/// What is not known of the real directory.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// How far lists lag behind writes: what is newer than this is not in them. Reading one thing by its identifier
    /// does not lag.
    pub lag: Duration,
    /// Whether a user who is deactivated loses all memberships.
    pub deactivation_empties_groups: bool,
    /// Whether a changed `userName` is taken, or left as it was without a word.
    pub renames: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { lag: Duration::from_millis(200), deactivation_empties_groups: true, renames: true }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of_version("")
    }
}

/// The product.
#[derive(Debug)]
pub enum Cloud {}

impl Product for Cloud {
    const NAME: &'static str = "Atlassian Cloud";
    const API: &'static str = API;
    const TELLS_CALLER: bool = false;
    const BASE_PATH: &'static str = BASE_PATH;
    type Quirks = Quirks;
    type Site = ScimDirectory;

    fn start(options: &Options) -> ScimDirectory {
        ScimDirectory::start(options)
    }

    fn directory(site: &mut ScimDirectory) -> &mut Directory {
        &mut site.directory
    }

    fn routes() -> Router<AtlassianCloud> {
        Router::new()
            .route(&api("/Users"), get(users::list).post(users::create))
            .route(
                &api("/Users/{id}"),
                get(users::get).put(users::put).patch(users::patch).delete(users::delete),
            )
            .route(&api("/Groups"), get(groups::list).post(groups::create))
            .route(&api("/Groups/{id}"), get(groups::get).patch(groups::patch).delete(groups::delete))
            .route(&api("/ServiceProviderConfig"), get(answers::service_provider_config))
    }

    fn more_controls() -> Router<AtlassianCloud> {
        Router::new().route("/_sandbox/organization", post(organization))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        let kind = (status == StatusCode::BAD_REQUEST).then_some("invalidSyntax");
        Refusal::new(status, kind, text).into_response()
    }

    fn log_in_first() -> Response {
        Self::refusal(StatusCode::UNAUTHORIZED, "Authorization header is missing")
    }

    fn login_refused(_: HeaderMap, status: StatusCode) -> Response {
        Self::refusal(status, "The API key is not valid for this directory")
    }

    /// Cloud tells when the bucket is full again only to those whom it refuses.
    fn tell_limit(headers: &mut HeaderMap, limit: RateLimit, reading: Reading) {
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit.burst));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(reading.remaining));
        if !reading.admitted {
            headers.insert(header::RETRY_AFTER, header_value(&reading.retry_after_seconds.to_string()));
        }
    }
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}

/// The body of `POST /_sandbox/organization`: what the organization has besides the directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrganizationChange {
    /// Names of groups that were made by hand and are not the directory's.
    #[serde(default)]
    local_groups: Vec<String>,
    /// E-mail addresses of accounts that are not in the directory and cannot be joined with it.
    #[serde(default)]
    foreign_emails: Vec<String>,
}

async fn organization(
    State(cloud): State<AtlassianCloud>,
    Body(change): Body<OrganizationChange>,
) -> StatusCode {
    let mut site = cloud.site();
    site.local_groups.extend(change.local_groups.iter().map(|name| name.to_lowercase()));
    site.foreign_emails.extend(change.foreign_emails.iter().map(|email| email.to_lowercase()));
    StatusCode::NO_CONTENT
}

/// A body in the media type of SCIM, which the vendor's answers have.
fn scim<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    (status, [(header::CONTENT_TYPE, "application/scim+json;charset=UTF-8")], Json(body)).into_response()
}
