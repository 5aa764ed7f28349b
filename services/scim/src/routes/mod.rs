//! The table of routes (RFC 7644 §3.2). What is not in it is a SCIM 404 or 405.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode};
use scim_protocol::error::ScimError;

use crate::Scim;
use crate::error::Failure;

pub mod bulk;
pub mod discovery;
pub mod groups;
pub mod search;
pub mod users;

/// Every path below the base URL with the methods it serves; the suite walks this table.
pub const TABLE: &[(&str, &[&str])] = &[
    ("/Users", &["GET", "POST"]),
    ("/Users/.search", &["POST"]),
    ("/Users/{id}", &["GET", "PUT", "PATCH", "DELETE"]),
    ("/Groups", &["GET", "POST"]),
    ("/Groups/.search", &["POST"]),
    ("/Groups/{id}", &["GET", "PUT", "PATCH", "DELETE"]),
    ("/.search", &["POST"]),
    ("/Bulk", &["POST"]),
    ("/ServiceProviderConfig", &["GET"]),
    ("/Schemas", &["GET"]),
    ("/Schemas/{id}", &["GET"]),
    ("/ResourceTypes", &["GET"]),
    ("/ResourceTypes/{id}", &["GET"]),
    ("/Me", &["GET", "POST", "PUT", "PATCH", "DELETE"]),
];

/// Method and route as labels; a client cannot make up new ones.
pub(crate) fn label(method: &Method, matched: Option<&str>) -> (&'static str, &'static str) {
    let Some((route, methods)) = TABLE.iter().find(|(route, _)| Some(*route) == matched) else {
        return ("other", "none");
    };
    let method = methods.iter().find(|served| **served == method.as_str());
    (method.copied().unwrap_or("other"), route)
}

pub(crate) fn router(scim: Scim) -> Router {
    let routes = TABLE.iter().fold(Router::new(), |router, (path, _)| router.route(path, handlers(path)));
    routes.fallback(unknown_path).method_not_allowed_fallback(unknown_method).with_state(scim)
}

/// The handlers of a path in [`TABLE`]. One that is not in the table is not served, so that no route can
/// be without a case in the suite that walks it.
fn handlers(path: &str) -> MethodRouter<Scim> {
    match path {
        "/Users" => get(users::list::handle).post(users::create::handle),
        "/Users/.search" => post(users::list::search),
        "/Users/{id}" => get(users::get::handle)
            .put(users::replace::handle)
            .patch(users::patch::handle)
            .delete(users::delete::handle),
        "/Groups" => get(groups::list::handle).post(groups::create::handle),
        "/Groups/.search" => post(groups::list::search),
        "/Groups/{id}" => get(groups::get::handle)
            .put(groups::replace::handle)
            .patch(groups::patch::handle)
            .delete(groups::delete::handle),
        "/.search" => post(search::handle),
        "/Bulk" => post(bulk::handle),
        "/ServiceProviderConfig" => get(discovery::service_provider_config),
        "/Schemas" => get(discovery::schemas),
        "/Schemas/{id}" => get(discovery::schema),
        "/ResourceTypes" => get(discovery::resource_types),
        "/ResourceTypes/{id}" => get(discovery::resource_type),
        "/Me" => get(discovery::me)
            .post(discovery::me)
            .put(discovery::me)
            .patch(discovery::me)
            .delete(discovery::me),
        _ => MethodRouter::new(),
    }
}

async fn unknown_path() -> Failure {
    ScimError::not_found("No such endpoint; see /ResourceTypes".to_owned()).into()
}

/// 405 with what is allowed, or 204 for OPTIONS.
async fn unknown_method(path: Option<MatchedPath>, request: Request) -> Response {
    let pattern = path.as_ref().map(MatchedPath::as_str).unwrap_or_default();
    let served = TABLE.iter().find(|(known, _)| *known == pattern).map(|(_, methods)| *methods);
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Failure::from(ScimError::new(405, "This endpoint does not serve that method")).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&allowed(served.unwrap_or_default())) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

fn allowed(served: &[&str]) -> String {
    // HEAD is GET without the body.
    let head = served.contains(&"GET").then_some("HEAD");
    served.iter().copied().chain(head).chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}
