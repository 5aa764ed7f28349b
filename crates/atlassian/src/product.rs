//! The products that have a connector, and what is fixed for each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::error::SiteError;

/// A product of Atlassian. Its text form is the one of the admin API: `jira-data-center`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Product {
    /// Jira Data Center and Server.
    JiraDataCenter,
    /// Confluence Data Center and Server.
    ConfluenceDataCenter,
    /// Bitbucket Data Center and Server.
    BitbucketDataCenter,
    /// Crowd, and Jira's own user server.
    Crowd,
    /// The SCIM directory of an organization in Atlassian Cloud.
    AtlassianCloud,
    /// Jira in Atlassian Cloud, without such a directory.
    JiraCloud,
    /// A workspace of Bitbucket in Atlassian Cloud.
    BitbucketCloud,
}

/// Groups that administer an organization or its sites as they are made. They are made by hand and no directory's, so
/// that a link cannot reach them there (unverified, so they are named all the same).
const CLOUD_ADMIN_GROUPS: &[&str] =
    &["org-admins", "site-admins", "administrators", "system-administrators", "jira-administrators"];

impl Product {
    /// Every product.
    pub const ALL: &'static [Self] = &[
        Self::JiraDataCenter,
        Self::ConfluenceDataCenter,
        Self::BitbucketDataCenter,
        Self::Crowd,
        Self::AtlassianCloud,
        Self::JiraCloud,
        Self::BitbucketCloud,
    ];

    /// The text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JiraDataCenter => "jira-data-center",
            Self::ConfluenceDataCenter => "confluence-data-center",
            Self::BitbucketDataCenter => "bitbucket-data-center",
            Self::Crowd => "crowd",
            Self::AtlassianCloud => "atlassian-cloud",
            Self::JiraCloud => "jira-cloud",
            Self::BitbucketCloud => "bitbucket-cloud",
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::JiraDataCenter => "Jira",
            Self::ConfluenceDataCenter => "Confluence",
            Self::BitbucketDataCenter => "Bitbucket",
            Self::Crowd => "Crowd",
            Self::AtlassianCloud => "Atlassian Cloud",
            Self::JiraCloud => "Jira Cloud",
            Self::BitbucketCloud => "Bitbucket Cloud",
        }
    }

    /// Groups that administer the product as it is installed. They are never touched unless a mapping
    /// names them. Jira's names are common knowledge, not a documented contract. `None` where the site tells
    /// them ([`crate::Site::admin_groups`]).
    pub fn admin_groups(self) -> Option<&'static [&'static str]> {
        match self {
            Self::JiraDataCenter => Some(&["jira-administrators", "jira-system-administrators"]),
            Self::ConfluenceDataCenter => Some(&["confluence-administrators"]),
            Self::BitbucketDataCenter | Self::JiraCloud | Self::BitbucketCloud => None,
            Self::Crowd => Some(&["crowd-administrators"]),
            Self::AtlassianCloud => Some(CLOUD_ADMIN_GROUPS),
        }
    }

    /// Refuses credentials of a kind that the product does not take.
    pub fn check_credentials(self, credentials: &Credentials) -> Result<(), SiteError> {
        match (self, credentials) {
            (Self::Crowd, Credentials::Bearer { .. }) => Err(SiteError::Unauthorized {
                captcha: false,
                detail: "Crowd takes the name and password of an application, and no token".to_owned(),
            }),
            (Self::AtlassianCloud, Credentials::Basic { .. } | Credentials::ApiKey { .. }) => {
                Err(SiteError::Unauthorized {
                    captcha: false,
                    detail: "a SCIM directory takes its API key as a bearer token, and no name and password"
                        .to_owned(),
                })
            }
            (Self::JiraCloud, Credentials::ApiKey { .. })
            | (Self::BitbucketCloud, Credentials::ApiKey { organization: Some(_), .. }) => Ok(()),
            (Self::BitbucketCloud, _) => Err(SiteError::Unauthorized {
                captcha: false,
                detail:
                    "Bitbucket Cloud takes an account's address with an API token, as type api_key, and the \
                         organization's key, without which nobody is found by address"
                        .to_owned(),
            }),
            (Self::JiraCloud, _) => Err(SiteError::Unauthorized {
                captcha: false,
                detail: "Jira Cloud takes an account's address with an API token, as type api_key".to_owned(),
            }),
            (_, Credentials::ApiKey { .. }) => Err(SiteError::Unauthorized {
                captcha: false,
                detail: "only products in the Cloud take an API key".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether an account has no user name, and goes by its e-mail address.
    pub fn names_accounts_by_email(self) -> bool {
        matches!(self, Self::JiraCloud | Self::BitbucketCloud)
    }

    /// Whether a few failed log-ins with a password lock the account out until a person answers a CAPTCHA.
    pub fn asks_for_captcha(self) -> bool {
        !matches!(self, Self::Crowd | Self::AtlassianCloud | Self::JiraCloud | Self::BitbucketCloud)
    }

    /// The oldest version (major, minor) that the connector is written for. Jira 8.14 is the first with
    /// personal access tokens, Confluence 8.2 the first with calls that administer users; Bitbucket has tokens since
    /// 5.5, and what we know of it is of 8.x and 9.x; Crowd's calls have been the same since 3.0. `None` in the Cloud,
    /// where there are no versions.
    pub fn oldest_version(self) -> Option<(u32, u32)> {
        match self {
            Self::JiraDataCenter => Some((8, 14)),
            Self::ConfluenceDataCenter => Some((8, 2)),
            Self::BitbucketDataCenter => Some((8, 0)),
            Self::Crowd => Some((3, 0)),
            Self::AtlassianCloud | Self::JiraCloud | Self::BitbucketCloud => None,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text names no product that has a connector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown product {0:?}")]
pub struct UnknownProduct(pub String);

impl FromStr for Product {
    type Err = UnknownProduct;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|product| product.as_str() == text);
        found.copied().ok_or_else(|| UnknownProduct(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_the_same_for_display_parse_and_json() {
        for &product in Product::ALL {
            assert_eq!(product.to_string().parse(), Ok(product));
            assert_eq!(serde_json::to_value(product).unwrap(), product.as_str());
        }
    }

    #[test]
    fn unknown_product_is_named_in_the_error() {
        let error = "jira-server".parse::<Product>().unwrap_err();
        assert_eq!(error.to_string(), "unknown product \"jira-server\"");
    }
}
