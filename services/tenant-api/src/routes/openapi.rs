//! `/openapi.json` and `/docs`: what the API says of itself, open to everyone.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::documentation;
use crate::error::{FieldProblem, Problem};

/// The head of the document; the operations come from [`super::operations`].
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rollcall",
        description = "The control plane of a SCIM provisioning service for Atlassian: tenants, their \
            identity providers (connections), their Atlassian instances (sites), and what flows between \
            them (links). Authenticate with an API key, or with an access token made from one.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem, FieldProblem)),
    modifiers(&BearerCredential),
    security(("bearer" = [])),
)]
pub(crate) struct Description;

struct BearerCredential;

impl Modify for BearerCredential {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        scheme.description = Some("An API key or an access token".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

static JSON: LazyLock<String> = LazyLock::new(crate::openapi_json);
static PAGE: LazyLock<documentation::HtmlPage> = LazyLock::new(|| documentation::page(&crate::openapi()));

pub(crate) async fn get_openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], JSON.as_str())
}

pub(crate) async fn get_docs() -> impl IntoResponse {
    ([(CONTENT_SECURITY_POLICY, PAGE.content_security_policy.clone())], Html(PAGE.html.as_str()))
}
