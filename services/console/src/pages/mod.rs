//! One file a subject. A page's handler asks the API, and shows what it was told.

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::session::Session;
use crate::{Console, assets, session};

mod audit;
mod break_glass;
mod connections;
mod groups;
mod keys;
mod ledger;
mod links;
mod overview;
mod people;
mod plans;
mod review;
mod runs;
mod settings;
mod setup;
mod sign_in;
mod sign_in_settings;
mod sites;
mod tenants;

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Cursor {
    #[serde(default)]
    cursor: String,
}

impl Cursor {
    /// As a part of the API's query, behind another.
    fn query(&self) -> String {
        if self.cursor.is_empty() {
            String::new()
        } else {
            format!("&cursor={}", crate::api::query(&self.cursor))
        }
    }
}

/// The table of pages.
pub(crate) fn router() -> Router<Console> {
    let tenant = Router::new()
        .route("/", get(overview::show))
        .route("/connections", get(connections::list).post(connections::create))
        .route("/connections/new", get(connections::new))
        .route("/connections/{connection}", get(connections::show))
        .route("/connections/{connection}/edit", post(connections::edit))
        .route("/connections/{connection}/live", get(connections::live))
        .route("/connections/{connection}/requests", get(connections::requests))
        .route("/connections/{connection}/tokens", post(connections::create_token))
        .route("/connections/{connection}/tokens/{token}/revoke", post(connections::revoke_token))
        .route("/connections/{connection}/setup-links", post(connections::create_setup_link))
        .route(
            "/connections/{connection}/setup-links/{setup_link}/revoke",
            post(connections::revoke_setup_link),
        )
        .route("/sites", get(sites::list).post(sites::create))
        .route("/sites/new", get(sites::new))
        .route("/sites/{site}", get(sites::show).post(sites::edit))
        .route("/sites/{site}/test", post(sites::test))
        .route("/sites/{site}/credentials", post(sites::replace_credentials))
        .route("/links", get(links::list).post(links::create))
        .route("/links/new", get(links::new))
        .route("/links/{link}", get(links::show))
        .route("/links/{link}/switch", post(links::switch))
        .route("/links/{link}/settings", get(settings::show).post(settings::save))
        .route("/links/{link}/settings/preview", post(settings::preview))
        .route("/links/{link}/plan", get(plans::ask).post(plans::make))
        .route("/links/{link}/runs", post(runs::create))
        .route("/links/{link}/runs/{run}", get(runs::show))
        .route("/links/{link}/runs/{run}/live", get(runs::live))
        .route("/links/{link}/runs/{run}/cancel", post(runs::cancel))
        .route("/links/{link}/runs/{run}/results.csv", get(runs::results_csv))
        .route("/links/{link}/runs/{run}/results.json", get(runs::results_json))
        .route("/people", get(people::list))
        .route("/people/{user}", get(people::show))
        .route("/people/{user}/live", get(people::live))
        .route("/people/{user}/sync", post(people::sync))
        .route("/groups", get(groups::list))
        .route("/groups/{group}", get(groups::show))
        .route("/review", get(review::show))
        .route("/review/held/{link}", post(review::answer_held))
        .route("/review/conflicts/{site}/{user}", get(review::conflict).post(review::answer_conflict))
        .route("/ledger", get(ledger::list))
        .route("/ledger/{site}/{account}", get(ledger::show))
        .route("/ledger/{site}/{account}/merge", post(ledger::merge))
        .route("/ledger/{site}/users/{user}/relink", post(ledger::relink))
        .route("/ledger/{site}/users/{user}/split", post(ledger::split))
        .route("/audit", get(audit::list))
        .route("/break-glass", get(break_glass::show).post(break_glass::create))
        .route("/break-glass/{id}/close", post(break_glass::close))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key}/revoke", post(keys::revoke))
        .route("/sign-in", get(sign_in_settings::show).post(sign_in_settings::save))
        .route("/sign-in/remove", post(sign_in_settings::remove))
        .layer(axum::middleware::from_fn(break_glass::lead_there));
    Router::new()
        .route("/console", get(home))
        .route("/console/", get(home))
        .route("/console/assets/{version}/{name}", get(assets::get))
        .route("/console/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/console/sign-in/organization", get(sign_in::find_organization))
        .route("/console/sign-in/callback", get(sign_in::come_back))
        .route("/console/sign-in/at/{tenant}", get(sign_in::show_organization))
        .route("/console/sign-in/at/{tenant}/go", get(sign_in::go))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/tenants", get(tenants::list).post(tenants::create))
        .route("/console/tenants/{tenant}/status", post(tenants::set_status))
        .nest("/console/t/{tenant}", tenant)
        .route("/setup", get(setup::show))
        .route("/setup/live", get(setup::live))
        .route("/setup/tokens", post(setup::create_token))
        .route("/setup/{secret}", get(setup::open))
}

/// Notes that sessions are in use; the router that it wraps has its state.
pub(crate) fn keep_sessions(router: Router<Console>, console: &Console) -> Router<Console> {
    router.layer(axum::middleware::from_fn_with_state(console.clone(), session::keep))
}

async fn home(State(_): State<Console>, session: Option<Session>) -> Redirect {
    match session {
        Some(session) => Redirect::to(&session.home()),
        None => Redirect::to("/console/sign-in"),
    }
}
