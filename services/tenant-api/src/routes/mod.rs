//! One module a resource; each operation's extractor says who may call it.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub mod access;
pub mod accounts;
pub mod audit;
pub mod break_glass;
pub mod conflicts;
pub mod connections;
pub mod explain;
pub mod groups;
pub mod held;
pub mod keys;
pub mod links;
mod names;
pub mod openapi;
pub mod plans;
pub mod previews;
pub mod requests;
pub mod run_results;
pub mod runs;
pub mod schemas;
pub mod sessions;
pub mod setup_links;
pub mod sign_in;
pub mod sites;
pub mod tenants;
pub mod timeline;
pub mod tokens;
pub mod users;

/// All documented operations, without the `/v1` before them.
pub fn operations() -> OpenApiRouter<ApiState> {
    OpenApiRouter::<ApiState>::new()
        .routes(routes!(access::create_access_token))
        .routes(routes!(access::who_am_i))
        .routes(routes!(sessions::create_session))
        .routes(routes!(sessions::rotate_session))
        .routes(routes!(sessions::end_session))
        .routes(routes!(sessions::start_sign_in))
        .routes(routes!(sessions::finish_sign_in))
        .routes(routes!(sign_in::get_sign_in, sign_in::replace_sign_in, sign_in::delete_sign_in))
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::get_tenant, tenants::update_tenant))
        .routes(routes!(break_glass::list_break_glass, break_glass::break_glass))
        .routes(routes!(break_glass::close_break_glass))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(connections::list_connections, connections::create_connection))
        .routes(routes!(connections::get_connection, connections::update_connection))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(requests::list_requests))
        .routes(routes!(setup_links::list_setup_links, setup_links::create_setup_link))
        .routes(routes!(setup_links::revoke_setup_link))
        .routes(routes!(sites::list_sites, sites::create_site))
        .routes(routes!(sites::get_site, sites::update_site))
        .routes(routes!(sites::test::test_site))
        .routes(routes!(sites::synchronization::plan_site))
        .routes(routes!(sites::synchronization::run_site))
        .routes(routes!(links::list_links, links::create_link))
        .routes(routes!(links::get_link, links::update_link))
        .routes(routes!(schemas::list_schemas, schemas::create_schema))
        .routes(routes!(schemas::get_schema, schemas::replace_schema, schemas::delete_schema))
        .routes(routes!(previews::preview_groups))
        .routes(routes!(previews::preview_user))
        .routes(routes!(plans::create_plan))
        .routes(routes!(runs::list_runs, runs::create_run))
        .routes(routes!(runs::get_run_of_link))
        .routes(routes!(run_results::list_results_of_link))
        .routes(routes!(runs::cancel_run))
        .routes(routes!(runs::watch_run))
        .routes(routes!(runs::get_run))
        .routes(routes!(run_results::list_results))
        .routes(routes!(held::list_held))
        .routes(routes!(held::approve_held))
        .routes(routes!(held::reject_held))
        .routes(routes!(conflicts::list_conflicts, conflicts::confirm_conflicts))
        .routes(routes!(conflicts::get_conflict, conflicts::answer_conflict))
        .routes(routes!(accounts::list_accounts))
        .routes(routes!(accounts::get_account))
        .routes(routes!(accounts::merge_accounts))
        .routes(routes!(accounts::relink_user))
        .routes(routes!(accounts::split_user))
        .routes(routes!(users::list_users))
        .routes(routes!(users::get_user))
        .routes(routes!(timeline::list_user_timeline))
        .routes(routes!(explain::explain_user))
        .routes(routes!(explain::sync_user))
        .routes(routes!(groups::list_groups))
        .routes(routes!(groups::get_group))
        .routes(routes!(groups::list_parked_members))
        .routes(routes!(timeline::list_group_timeline))
        .routes(routes!(audit::list_audit))
}
