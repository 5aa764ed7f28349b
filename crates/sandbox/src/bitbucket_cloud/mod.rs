//! A simulated workspace of Bitbucket in Atlassian Cloud: the parts of API 2.0 that show its people, what is left of API
//! 1.0 for its groups, and beside them the search of the organization.
//!
//! API 2.0 is written from the vendor's description, API 1.0 from its one page of documentation, which has no
//! description. [`Quirks`] holds the switches for what that leaves open. Unverified are: the answer to a name that is
//! taken, to a member who is in already and to one who is not, and the form of refusals.
//!
//! Nobody comes to a workspace by an API: its people are there from the start, or come behind the client's back
//! (`POST /_sandbox/users`). An account's name in here is its e-mail address, which Bitbucket shows to nobody.

mod groups;
mod people;

#[cfg(test)]
mod tests;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde_json::json;

use crate::{
    installation::{
        self, Directory, Installation, Product,
        directory::{Account, Conventions, Login},
        request::BadParameter,
    },
    organization::{self, InOrganization, ORGANIZATION, ORGANIZATION_KEY},
};

/// The slug of the workspace.
pub const WORKSPACE: &str = "acme";

/// A simulated workspace. Clones share the same data.
pub type BitbucketCloud = Installation<Bitbucket>;

/// How a workspace starts. The administrator's name is an address, and the token an API token.
pub type Options = installation::Options<Quirks>;

/// What is not known of the real one.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// The status for a member who is in the group already.
    pub already_member: StatusCode,
    /// The most groups that are shown with their members in one answer; above that the gateway gives up.
    pub most_groups_with_members: usize,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { already_member: StatusCode::CONFLICT, most_groups_with_members: usize::MAX }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { admin_username: "rollcall@example.com".to_owned(), ..Self::of_version("2.0") }
    }
}

const CONVENTIONS: Conventions = Conventions {
    first_key: 1,
    key: |number| format!("712020:{number:08x}-7a3c-4d1e-9b2f-4c6e8a0b1d3f"),
    keeps_key_of_name: true,
    administrators: &["administrators"],
    users: "",
    login: Login::ApiToken,
};

/// Everything in a workspace.
#[derive(Debug)]
pub struct Workspace {
    directory: Directory,
    quirks: Quirks,
}

impl InOrganization for Workspace {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn is_suspended(&self, _: &str) -> bool {
        false
    }

    fn is_found(&self, _: &str) -> bool {
        true
    }
}

/// The product.
#[derive(Debug)]
pub enum Bitbucket {}

impl Product for Bitbucket {
    const NAME: &'static str = "Bitbucket Cloud";
    const API: &'static str = "/2.0";
    const TELLS_CALLER: bool = false;
    const BASE_PATH: &'static str = "/acme";
    type Quirks = Quirks;
    type Site = Workspace;

    fn start(options: &Options) -> Workspace {
        let mut directory = Directory::start(CONVENTIONS, options);
        directory.key = Some(ORGANIZATION_KEY.to_owned());
        Workspace { directory, quirks: options.quirks }
    }

    fn directory(site: &mut Workspace) -> &mut Directory {
        &mut site.directory
    }

    fn routes() -> Router<BitbucketCloud> {
        let directory = format!("{ORGANIZATION}/directories");
        Router::new()
            .route("/2.0/user", get(people::me))
            .route("/2.0/workspaces/{workspace}", get(people::workspace))
            .route("/2.0/workspaces/{workspace}/members", get(people::members))
            .route("/2.0/workspaces/{workspace}/members/{member}", get(people::member))
            .route("/2.0/workspaces/{workspace}/permissions", get(people::permissions))
            .route("/1.0/groups/{workspace}", get(groups::all).post(groups::create))
            .route("/1.0/groups/{workspace}/{slug}", axum::routing::delete(groups::delete))
            .route("/1.0/groups/{workspace}/{slug}/members", get(groups::members))
            .route("/1.0/groups/{workspace}/{slug}/members/{member}", put(groups::join).delete(groups::leave))
            .route(&directory, get(organization::directories::<Self>))
            .route(&format!("{directory}/{{directory}}/users/search"), post(organization::search::<Self>))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        Refusal { status, text: text.to_owned() }.into_response()
    }

    fn login_refused(_: HeaderMap, _: StatusCode) -> Response {
        Self::log_in_first()
    }

    fn refused_at(path: &str, refusal: Response) -> Response {
        organization::refused_at(path, refusal)
    }
}

/// What a refused request is answered: `{"type":"error","error":{"message":"…"}}`.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    fn new(status: StatusCode, text: &str) -> Self {
        Self { status, text: text.to_owned() }
    }

    fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, &format!("{what} not found"))
    }
}

impl From<BadParameter> for Refusal {
    fn from(bad: BadParameter) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &bad.0)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "type": "error", "error": { "message": self.text } }))).into_response()
    }
}

/// An account's UUID, which is not its identifier at Atlassian.
fn uuid(account: &Account) -> String {
    let number = account.key.get(7..15).unwrap_or_default();
    format!("{{{number}-5d2b-4f7a-8e1c-9a3b7c5d1e0f}}")
}

impl Workspace {
    /// The account with that UUID or Atlassian identifier.
    fn account(&self, id: &str) -> Result<&Account, Refusal> {
        let mut accounts = self.directory.accounts.values();
        let found = accounts.find(|account| account.key == id || uuid(account) == id);
        found.ok_or_else(|| Refusal::not_found("Member"))
    }
}

/// Refuses another workspace than the one that is here.
fn check(workspace: &str) -> Result<(), Refusal> {
    if workspace == WORKSPACE { Ok(()) } else { Err(Refusal::not_found("Workspace")) }
}
