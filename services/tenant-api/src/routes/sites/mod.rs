//! `/tenants/{tenant}/sites`: the Atlassian instances of a tenant.

use atlassian::Product;
use atlassian::http::Authorities;
use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Timestamp;
use store::entity::site;
use store::entity::words::SiteStatus;
use store::id::SiteId;
use store::sites::{NewSite, SiteEdit};
use url::Url;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Access, Admin, Auditor, TenantCaller};
use crate::error::ApiError;
use crate::etag::{IfMatch, etag};
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{PathParameters, QueryParameters, SitePath, TenantPath};
use crate::refusals::{CreateRefusals, EditRefusals, QueryRefusals, TenantRefusals};
use crate::validation::Problems;

mod credentials;
pub mod synchronization;
pub mod test;

use credentials::{SiteCredentials, sealable};

/// A new site.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSite {
    /// Name for people.
    name: String,
    /// `jira-data-center`, `confluence-data-center`, `bitbucket-data-center`, `crowd`, `atlassian-cloud`, `jira-cloud` or
    /// `bitbucket-cloud`. `crowd` is
    /// Jira's own user server too, and takes `basic` credentials alone: those of an application. `atlassian-cloud` is the
    /// SCIM directory of an organization, and takes its API key as `bearer`.
    /// `jira-cloud` is for organizations without one, and takes `api_key`; so does `bitbucket-cloud`, of which the groups
    /// are kept, and which needs the organization's key.
    product: String,
    /// Address of the instance, with its context path if it has one; of a SCIM directory, the SCIM base URL that
    /// Atlassian shows with the API key; of Bitbucket Cloud, that of the workspace: `https://bitbucket.org/acme`.
    base_url: String,
    /// What we log in with; never shown again.
    #[schema(value_type = SiteCredentials, write_only)]
    credentials: Value,
    /// Certificate authorities of a site behind a company's own, in PEM form: they alone are trusted there. Without them
    /// those of the installation are.
    certificate_authorities: Option<String>,
}

/// A change of a site; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSite {
    name: Option<String>,
    /// A new address on another host needs the credentials again.
    base_url: Option<String>,
    /// New credentials also resume a site that refused the old ones.
    #[schema(value_type = Option<SiteCredentials>, write_only)]
    credentials: Option<Value>,
    /// Certificate authorities of a site behind a company's own, in PEM form: they alone are trusted there. Without them
    /// those of the installation are. An empty text for none.
    certificate_authorities: Option<String>,
    /// Nothing is done at a paused site; its tasks wait.
    status: Option<SiteStatus>,
}

/// One Atlassian instance, without its credentials.
#[derive(Debug, Serialize, ToSchema)]
pub struct Site {
    id: SiteId,
    name: String,
    product: String,
    base_url: String,
    /// The certificate authorities that alone are trusted there, in PEM form.
    certificate_authorities: Option<String>,
    status: SiteStatus,
    /// Why it is paused or waited for, in words.
    status_reason: Option<String>,
    /// No call goes to it before this instant.
    resume_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A site and what waits there.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteWithBacklog {
    #[serde(flatten)]
    site: Site,
    backlog: Backlog,
}

/// How much waits at a site.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backlog {
    /// Tasks that will be worked off.
    waiting: i64,
    /// Tasks that the site refused; they are tried again seldom.
    failed: i64,
    /// Tasks that wait for an approval.
    held: i64,
    /// Since when the oldest waiting one has been waiting.
    oldest: Option<Timestamp>,
}

impl From<site::Model> for Site {
    fn from(row: site::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            product: row.product,
            base_url: row.base_url,
            certificate_authorities: row.certificate_authorities,
            status: row.status,
            status_reason: row.status_reason,
            resume_at: row.resume_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Register a site
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites", tag = "sites", request_body = CreateSite,
    params(TenantPath, IdempotencyHeader),
    responses((status = 201, description = "The new site", body = Site, headers(("ETag" = String))), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_site(
    caller: TenantCaller<Admin, Access>,
    Body(body): Body<CreateSite>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    problems.name("name", &body.name);
    let product = body.product.parse::<Product>();
    if product.is_err() {
        let known: Vec<&str> = Product::ALL.iter().map(|product| product.as_str()).collect();
        problems.add("product", format!("is not supported; use one of {}", known.join(", ")));
    }
    let base_url = problems.base_url("base_url", &body.base_url);
    let credentials = problems.take(sealable(body.credentials, product.as_ref().ok().copied()));
    body.certificate_authorities.iter().for_each(|pem| check_authorities(pem, &mut problems));
    problems.check()?;
    let (Ok(product), Some(base_url), Some(credentials)) = (product, base_url, credentials) else {
        return Err(ApiError::Internal(None));
    };
    let new = NewSite {
        name: body.name,
        product: product.to_string(),
        base_url: base_url.to_string(),
        credentials,
        certificate_authorities: body.certificate_authorities.as_deref().map(plain),
    };
    let edit = caller.edit().await?;
    let row = edit.store.sites().insert(new).await?;
    let detail = json!({"name": row.name, "product": row.product, "base_url": row.base_url});
    edit.commit("site.create", row.id, Some(detail)).await?;
    Ok((StatusCode::CREATED, etag(row.version), Json(Site::from(row))))
}

/// List the sites
#[utoipa::path(
    get, path = "/tenants/{tenant}/sites", tag = "sites",
    params(TenantPath, PageQuery),
    responses((status = 200, description = "A page of sites", body = Page<Site>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_sites(
    caller: TenantCaller<Auditor>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<Site>>, ApiError> {
    let window = query.window::<SiteId>()?;
    let rows = caller.store.sites().list(window.after, window.fetch()).await?;
    Ok(Json(window.page(rows, |row| row.id, Site::from)))
}

/// Show a site and its backlog
#[utoipa::path(
    get, path = "/tenants/{tenant}/sites/{site}", tag = "sites",
    params(TenantPath, SitePath),
    responses((status = 200, description = "The site", body = SiteWithBacklog, headers(("ETag" = String))), TenantRefusals),
)]
pub(crate) async fn get_site(
    caller: TenantCaller<Auditor>,
    PathParameters(SitePath { site: id }): PathParameters<SitePath>,
) -> Result<impl IntoResponse, ApiError> {
    let row = caller.store.sites().get(id).await?;
    let backlog = caller.store.tasks(id).backlog().await?;
    let backlog = Backlog {
        waiting: backlog.waiting,
        failed: backlog.failed,
        held: backlog.held,
        oldest: backlog.oldest,
    };
    Ok((etag(row.version), Json(SiteWithBacklog { site: row.into(), backlog })))
}

/// Change a site
#[utoipa::path(
    patch, path = "/tenants/{tenant}/sites/{site}", tag = "sites", request_body = UpdateSite,
    params(
        TenantPath,
        SitePath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The site as it is now", body = Site, headers(("ETag" = String))), TenantRefusals, EditRefusals),
)]
pub(crate) async fn update_site(
    caller: TenantCaller<Admin, Access>,
    PathParameters(SitePath { site: id }): PathParameters<SitePath>,
    if_match: IfMatch,
    Body(body): Body<UpdateSite>,
) -> Result<impl IntoResponse, ApiError> {
    let current = caller.store.sites().get(id).await?;
    let expected = if_match.expect(current.version)?;
    let mut problems = Problems::default();
    body.name.iter().for_each(|name| problems.name("name", name));
    let base_url = body.base_url.as_ref().and_then(|text| problems.base_url("base_url", text));
    if body.credentials.is_none() && base_url.as_ref().is_some_and(|url| leaves_origin(&current, url)) {
        problems.add("credentials", "must be given again when base_url names another host");
    }
    let authorities = body.certificate_authorities.iter().filter(|pem| !pem.is_empty());
    authorities.for_each(|pem| check_authorities(pem, &mut problems));
    let new_credentials = body.credentials.is_some();
    let credentials =
        body.credentials.and_then(|value| problems.take(sealable(value, current.product.parse().ok())));
    problems.check()?;
    let base_url = base_url.map(|url| url.to_string());
    let change = SiteEdit {
        name: body.name,
        base_url,
        credentials,
        certificate_authorities: body.certificate_authorities.as_deref().map(plain),
        status: body.status,
    };
    let edit = caller.edit().await?;
    // A new address is only as safe as the look at the old one: nobody may move it in between.
    let row = edit.store.sites().update(id, expected.or(Some(current.version)), change).await?;
    let (version, before, after) = (row.version, Site::from(current), Site::from(row));
    let detail = json!({ "new_credentials": new_credentials });
    edit.commit_change("site.update", id, detail, &before, &after).await?;
    Ok((etag(version), Json(after)))
}

/// Bytes of certificates at the most: they are sent with the site wherever it is shown.
const MAX_AUTHORITIES: usize = 16 * 1024;

/// Certificates as they are stored: forms end lines otherwise, and files end with one more.
fn plain(pem: &str) -> String {
    pem.replace("\r\n", "\n").trim().to_owned()
}

fn check_authorities(pem: &str, problems: &mut Problems) {
    if pem.len() > MAX_AUTHORITIES {
        problems.add("certificate_authorities", format!("must have at most {MAX_AUTHORITIES} bytes"));
    } else if let Err(error) = Authorities::from_pem(pem.as_bytes()) {
        problems.add("certificate_authorities", error.to_string());
    }
}

/// Whether `next` is another server than the stored one. Credentials are never sent to a server that
/// they were not given for, else whoever may edit a site could have them sent to themselves.
fn leaves_origin(current: &site::Model, next: &Url) -> bool {
    Url::parse(&current.base_url).map_or(true, |url| url.origin() != next.origin())
}
