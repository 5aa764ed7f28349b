//! One connector a product of Atlassian behind one trait, without a database.
//!
//! Start at [`site::Site`], what every product can be asked; then [`connect`], which makes a connector from
//! an address and credentials; then [`error::SiteError`], which says what a failure means for the caller.
//! [`http`] holds the rules that every call obeys: which addresses may be reached, how long a call may take,
//! how much of an answer is read.

pub mod atlassian_cloud;
pub mod bitbucket_cloud;
pub mod bitbucket_data_center;
pub mod check;
pub mod confluence_data_center;
mod connection;
pub mod credentials;
pub mod crowd;
pub mod error;
mod group_ids;
pub mod http;
pub mod jira_cloud;
pub mod jira_data_center;
mod membership;
mod organization;
pub mod product;
pub mod site;

use std::sync::Arc;

use url::Url;

pub use credentials::Credentials;
pub use error::SiteError;
pub use http::budget::Budget;
pub use product::Product;
pub use site::Site;

/// Makes the connector of a site. Nothing is sent yet.
///
/// `base_url` is the address of the instance with its context path, if it has one: `https://host/jira`. For a SCIM
/// directory it is the SCIM base URL that Atlassian shows, for Bitbucket in the Cloud the workspace's address:
/// `https://bitbucket.org/acme`.
/// Fails with [`SiteError::TargetRefused`] for an address that may not be called, and with
/// [`SiteError::Unauthorized`] for credentials that no request can carry.
pub fn connect(
    product: Product,
    base_url: &Url,
    credentials: Credentials,
    http: &http::HttpSettings,
) -> Result<Arc<dyn Site>, SiteError> {
    connect_within(&Arc::default(), product, base_url, credentials, http)
}

/// The same, with a budget that the caller can read.
pub fn connect_within(
    budget: &Arc<Budget>,
    product: Product,
    base_url: &Url,
    credentials: Credentials,
    http: &http::HttpSettings,
) -> Result<Arc<dyn Site>, SiteError> {
    http::target::check_url(base_url, &http.allow_targets)?;
    credentials.check_sendable()?;
    product.check_credentials(&credentials)?;
    let client = http::HttpClient::new(http, base_url, budget)?;
    match product {
        Product::JiraDataCenter => {
            Ok(Arc::new(jira_data_center::JiraDataCenter::new(client, base_url, credentials)))
        }
        Product::BitbucketDataCenter => {
            Ok(Arc::new(bitbucket_data_center::BitbucketDataCenter::new(client, base_url, credentials)))
        }
        Product::AtlassianCloud => {
            Ok(Arc::new(atlassian_cloud::AtlassianCloud::new(client, base_url, credentials)))
        }
        Product::JiraCloud => Ok(Arc::new(jira_cloud::JiraCloud::new(client, base_url, credentials, http)?)),
        Product::BitbucketCloud => {
            Ok(Arc::new(bitbucket_cloud::BitbucketCloud::new(client, base_url, credentials, http)?))
        }
        Product::Crowd => Ok(Arc::new(crowd::Crowd::new(client, base_url, credentials))),
        Product::ConfluenceDataCenter => {
            Ok(Arc::new(confluence_data_center::ConfluenceDataCenter::new(client, base_url, credentials)))
        }
    }
}
