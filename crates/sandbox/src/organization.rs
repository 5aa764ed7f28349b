//! `/admin/v2/orgs/{organization}`: who is in the directory of an organization in the Cloud. The organization's key opens
//! it, and no account. Products that stand in an organization share these routes.

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::installation::{
    Installation, Product,
    authentication::{KEY_HOLDER, LoggedIn},
    directory::{Account, Directory, fold},
    request::Body,
};

/// The organization's routes.
pub(crate) const ORGANIZATION: &str = "/admin/v2/orgs/{organization}";

/// The organization of every simulated site in the Cloud.
pub const ORGANIZATION_ID: &str = "3c1f5a4e-0c7d-4a57-9a0b-6f2b8c9d1e20";
/// Its directory.
pub const DIRECTORY_ID: &str = "9d2e4b7a-81f3-4c66-b1de-2a7c5f0e3b14";
/// Its API key.
pub const ORGANIZATION_KEY: &str = "sandbox-organization-key";

/// A site as its organization sees it.
pub trait InOrganization: Send + Sync + 'static {
    /// The people and groups.
    fn directory(&self) -> &Directory;

    /// Whether the account's access is suspended.
    fn is_suspended(&self, key: &str) -> bool;

    /// Whether searches find the account with that key yet.
    fn is_found(&self, key: &str) -> bool;
}

pub(crate) type Answer = Result<Response, OrganizationRefusal>;

/// What the organization answers to a refused request.
#[derive(Debug)]
pub(crate) struct OrganizationRefusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl IntoResponse for OrganizationRefusal {
    fn into_response(self) -> Response {
        let status = self.status.as_u16().to_string();
        let title = self.status.canonical_reason().unwrap_or_default();
        let error = json!({
            "id": "5f0c7c1e-7d51-4a0e-9f30-0d4d0a6f3c11", "status": status, "code": self.code, "title": title,
            "detail": self.detail,
        });
        (self.status, Json(json!({ "errors": [error] }))).into_response()
    }
}

/// Gives a refusal that came before any handler the organization's form, where the organization was asked.
pub(crate) fn refused_at(path: &str, refusal: Response) -> Response {
    if !path.starts_with("/admin/") || refusal.status() == StatusCode::SERVICE_UNAVAILABLE {
        return refusal;
    }
    let (parts, _) = refusal.into_parts();
    let detail = parts.status.canonical_reason().unwrap_or_default().to_owned();
    let own = OrganizationRefusal { status: parts.status, code: "ADMIN-UAM-500-1", detail };
    let mut response = own.into_response();
    response
        .headers_mut()
        .extend(parts.headers.get(header::RETRY_AFTER).map(|wait| (header::RETRY_AFTER, wait.clone())));
    response
}

/// Whoever has the organization's key.
pub(crate) struct KeyHolder;

impl<P: Product> FromRequestParts<Installation<P>> for KeyHolder {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Installation<P>) -> Result<Self, Self::Rejection> {
        let LoggedIn(name) = LoggedIn::from_request_parts(parts, site).await?;
        let forbidden =
            || refusal(StatusCode::FORBIDDEN, "ADMIN-403-3", "The credentials are not the organization's");
        if name == KEY_HOLDER { Ok(Self) } else { Err(forbidden().into_response()) }
    }
}

pub(crate) fn refusal(status: StatusCode, code: &'static str, detail: &str) -> OrganizationRefusal {
    OrganizationRefusal { status, code, detail: detail.to_owned() }
}

pub(crate) fn check(organization: &str, directory: Option<&str>) -> Result<(), OrganizationRefusal> {
    if organization != ORGANIZATION_ID {
        return Err(refusal(StatusCode::NOT_FOUND, "ADMIN-404-2", "There is no such organization"));
    }
    match directory {
        Some(directory) if directory != DIRECTORY_ID => {
            Err(refusal(StatusCode::NOT_FOUND, "ADMIN-404-1", "There is no such directory"))
        }
        _ => Ok(()),
    }
}

/// `GET …/directories`.
pub(crate) async fn directories<P: Product>(
    State(_): State<Installation<P>>,
    _: KeyHolder,
    Path(organization): Path<String>,
) -> Answer {
    check(&organization, None)?;
    let all = json!([
        { "directoryId": DIRECTORY_ID, "name": "Sandbox directory" },
        { "directoryId": "5a0c2e4f-1b3d-4c5e-8f70-9a1b2c3d4e5f", "name": "Contractors" },
    ]);
    Ok(Json(json!({ "data": all, "links": { "self": "c2VsZg" } })).into_response())
}

/// The body of POST `/users/search`: only exact searches.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Search {
    #[serde(default)]
    account_ids: Vec<String>,
    #[serde(default)]
    emails: Vec<String>,
}

/// `POST …/users/search`.
pub(crate) async fn search<P: Product<Site: InOrganization>>(
    State(installation): State<Installation<P>>,
    _: KeyHolder,
    Path((organization, directory)): Path<(String, String)>,
    Body(search): Body<Search>,
) -> Answer {
    check(&organization, Some(&directory))?;
    if search.account_ids.len() > 10 || search.emails.len() > 100 {
        return Err(refusal(StatusCode::BAD_REQUEST, "ADMIN-400-24", "There are too many values"));
    }
    let site = installation.site();
    let is_asked = |account: &&Account| {
        search.account_ids.contains(&account.key)
            || search.emails.iter().any(|email| fold(email) == fold(&account.email))
                && site.is_found(&account.key)
    };
    let found: Vec<Value> =
        site.directory().accounts.values().filter(is_asked).map(|one| user(&*site, one)).collect();
    Ok(Json(json!({ "data": found, "links": { "self": "c2VsZg" } })).into_response())
}

fn user(site: &impl InOrganization, account: &Account) -> Value {
    let suspended = site.is_suspended(&account.key);
    json!({
        "accountId": account.key,
        "accountType": "atlassian",
        "accountStatus": if account.active || suspended { "active" } else { "inactive" },
        "membershipStatus": if suspended { "suspended" } else { "active" },
        "status": match (account.active, suspended) {
            (_, true) => "suspended",
            (true, false) => "active",
            (false, false) => "deactivated",
        },
        "claimStatus": "managed",
        "name": account.display_name,
        "email": account.email,
    })
}
