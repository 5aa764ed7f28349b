//! Credentials on their way in: read once, and kept out of every message.

use atlassian::credentials::Credentials;
use atlassian::{Product, SiteError};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::error::FieldProblem;

/// What we log in at a site with.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the body; atlassian::Credentials reads it")]
pub(super) enum SiteCredentials {
    /// A personal access token.
    Bearer { token: String },
    /// A user name and password.
    Basic { username: String, password: String },
    /// The API token of an Atlassian account, for `jira-cloud` and `bitbucket-cloud`. With the organization's key, people are invited
    /// without a mail, found although they hide their addresses, and suspended rather than taken out of their groups.
    ApiKey { email: String, token: String, organization: Option<OrganizationKey> },
}

/// The key of an organization in the Cloud.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body; atlassian::OrganizationKey reads it")]
pub(super) struct OrganizationKey {
    /// The organization's id, as Atlassian Administration shows it.
    id: String,
    /// The id of the organization's directory that the site's accounts are in.
    directory_id: String,
    /// The key.
    api_key: String,
    /// The address of the organization's API, `https://api.atlassian.com` unless said otherwise.
    base_url: Option<String>,
}

/// Credentials of a body in the form in which they are sealed, if the product takes them; an unknown product takes
/// all.
///
/// The reader's own message is dropped: it may quote the value, and with it a secret.
pub(super) fn sealable(value: Value, product: Option<Product>) -> Result<Zeroizing<Vec<u8>>, FieldProblem> {
    let credentials = serde_json::from_value::<Credentials>(value).map_err(|_| {
        FieldProblem::new(
            "credentials",
            "must be {\"type\":\"bearer\",\"token\"}, {\"type\":\"basic\",\"username\",\"password\"} or \
             {\"type\":\"api_key\",\"email\",\"token\"} with or without \"organization\":{\"id\",\"directory_id\",\
             \"api_key\"}, with text and nothing else",
        )
    })?;
    if let Some(Err(SiteError::Unauthorized { detail, .. })) =
        product.map(|product| product.check_credentials(&credentials))
    {
        return Err(FieldProblem::new("credentials", format!("are of the wrong type: {detail}")));
    }
    Ok(Zeroizing::new(credentials.expose_json().to_string().into_bytes()))
}
