//! A simulated Jira Data Center (9.x, 10.x): the parts of `/rest/api/2` by which users, groups, memberships and
//! leads are administered.
//!
//! Written from the vendor's REST description and documentation. Where those are silent, the module chooses what
//! is known of the product and says so; [`Quirks`] holds the switches. Texts of errors are in English; a real
//! site's are in the language of its settings, so only status and field names mean anything.
//!
//! `users`, `groups`, `projects` and `server` hold the routes, `site` the data that only Jira has, `answers` the
//! form of refusals; the rest is what the Data Center products share.

mod answers;
mod groups;
mod projects;
mod server;
mod site;
mod users;

#[cfg(test)]
mod tests;

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use self::{answers::Refusal, site::Site};
use crate::{
    installation::{self, Directory, Installation, Product},
    state::ProjectState,
};

/// The base of all routes that are counted.
const API: &str = "/rest/api/2";

/// The most members that one page of a group shows.
pub const MEMBER_PAGE_LIMIT: usize = 50;

/// A simulated site: a project `DEMO` that the administrator leads and, with people, a project `LEGACY` that
/// `ada.abbott.0` leads with its only component. Clones share the same data.
pub type JiraDataCenter = Installation<Jira>;

/// How a site starts.
pub type Options = installation::Options<Quirks>;

/// What differs between sites.
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Whether `active` in an update is obeyed. Older versions ignore it and refuse an update that says nothing
    /// else (JRASERVER-36639).
    pub deactivates_by_update: bool,
    /// Whether an account that leads something is refused to be deactivated or deleted.
    pub keeps_leads: bool,
    /// What the list of all components shows, where there is one.
    pub component_list: ComponentList,
}

/// What `GET /component/page` shows. The vendor's description leaves its answer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentList {
    /// Each component with its lead.
    WithLeads,
    /// No leads.
    WithoutLeads,
    /// There is no such call.
    Absent,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { deactivates_by_update: true, keeps_leads: true, component_list: ComponentList::WithLeads }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of_version("10.3.0")
    }
}

/// The product.
#[derive(Debug)]
pub enum Jira {}

impl Product for Jira {
    const NAME: &'static str = "Jira";
    const API: &'static str = API;
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

    fn routes() -> Router<JiraDataCenter> {
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
            .route(&api("/component/page"), get(projects::component_page))
            .route(&api("/component/{id}"), get(projects::component).put(projects::update_component))
    }

    fn more_controls() -> Router<JiraDataCenter> {
        Router::new().route("/_sandbox/projects", post(projects::put_project))
    }

    fn refusal(status: StatusCode, text: &str) -> Response {
        Refusal::message(status, text).into_response()
    }
}

fn api(path: &str) -> String {
    format!("{API}{path}")
}
