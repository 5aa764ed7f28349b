//! The products whose simulated sites the engine works at, and what differs between them for a test.

use sandbox::atlassian_cloud::{self, AtlassianCloud};
use sandbox::bitbucket_cloud::{self, BitbucketCloud};
use sandbox::bitbucket_data_center::{self, BitbucketDataCenter};
use sandbox::confluence_data_center::{self, ConfluenceDataCenter};
use sandbox::crowd::{self, Crowd};
use sandbox::jira_cloud::{self, JiraCloud};
use sandbox::jira_data_center::{self, JiraDataCenter};
use sandbox::{SimulatedSite, organization};
use serde_json::{Value, json};

/// A product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Simulated {
    Jira,
    Confluence,
    Bitbucket,
    Crowd,
    Cloud,
    /// Without the organization's key.
    JiraCloud,
    /// With it.
    JiraCloudWithKey,
    /// Nobody is made there, so it has tests of its own.
    BitbucketCloud,
}

/// One write of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    CreateAccount,
    Deactivate,
    DeleteAccount,
    CreateGroup,
    AddMember,
    RemoveMember,
}

impl Write {
    pub(crate) const ALL: [Self; 6] = [
        Self::CreateAccount,
        Self::Deactivate,
        Self::DeleteAccount,
        Self::CreateGroup,
        Self::AddMember,
        Self::RemoveMember,
    ];
}

impl Simulated {
    /// Its name in the admin API.
    pub(crate) fn product(self) -> &'static str {
        match self {
            Self::Jira => "jira-data-center",
            Self::Confluence => "confluence-data-center",
            Self::Bitbucket => "bitbucket-data-center",
            Self::Crowd => "crowd",
            Self::Cloud => "atlassian-cloud",
            Self::JiraCloud | Self::JiraCloudWithKey => "jira-cloud",
            Self::BitbucketCloud => "bitbucket-cloud",
        }
    }

    /// A site with nobody but our own account.
    pub(crate) fn start(self) -> Box<dyn SimulatedSite> {
        match self {
            Self::Jira => Box::new(JiraDataCenter::new(jira_data_center::Options::default())),
            Self::Confluence => {
                Box::new(ConfluenceDataCenter::new(confluence_data_center::Options::default()))
            }
            Self::Bitbucket => Box::new(BitbucketDataCenter::new(bitbucket_data_center::Options::default())),
            Self::Crowd => Box::new(Crowd::new(crowd::Options::default())),
            Self::BitbucketCloud => Box::new(BitbucketCloud::new(bitbucket_cloud::Options::default())),
            Self::Cloud => Box::new(AtlassianCloud::new(atlassian_cloud::Options::default())),
            Self::JiraCloud | Self::JiraCloudWithKey => {
                Box::new(JiraCloud::new(jira_cloud::Options::default()))
            }
        }
    }

    /// How many accounts are there from the start: ours, where it is an account.
    pub(crate) fn own_accounts(self) -> usize {
        usize::from(self != Self::Cloud)
    }

    /// What we log in with at the site that is served at `origin`.
    pub(crate) fn credentials(self, origin: &str) -> Value {
        let api_key = |organization: Value| {
            json!({
                "type": "api_key", "email": "rollcall@example.com", "token": "sandbox-token",
                "organization": organization,
            })
        };
        match self {
            Self::JiraCloud => api_key(Value::Null),
            Self::JiraCloudWithKey | Self::BitbucketCloud => api_key(json!({
                "id": organization::ORGANIZATION_ID, "directory_id": organization::DIRECTORY_ID,
                "api_key": organization::ORGANIZATION_KEY, "base_url": origin,
            })),
            Self::Crowd => json!({ "type": "basic", "username": "rollcall", "password": "sandbox-password" }),
            _ => json!({ "type": "bearer", "token": "sandbox-token" }),
        }
    }

    /// The operation, as the simulated site counts it.
    pub(crate) fn operation(self, write: Write) -> &'static str {
        match self {
            Self::Jira => match write {
                Write::CreateAccount => "POST /user",
                Write::Deactivate => "PUT /user",
                Write::DeleteAccount => "DELETE /user",
                Write::CreateGroup => "POST /group",
                Write::AddMember => "POST /group/user",
                Write::RemoveMember => "DELETE /group/user",
            },
            Self::Confluence => match write {
                Write::CreateAccount => "POST /admin/user",
                Write::Deactivate => "PUT /admin/user/{username}/disable",
                Write::DeleteAccount => "DELETE /admin/user/{username}",
                Write::CreateGroup => "POST /admin/group",
                Write::AddMember => "PUT /user/{username}/group/{group}",
                Write::RemoveMember => "DELETE /user/{username}/group/{group}",
            },
            Self::Bitbucket => match write {
                Write::CreateAccount => "POST /admin/users",
                // Nobody is deactivated; what is taken away first are the groups.
                Write::Deactivate | Write::RemoveMember => "POST /admin/groups/remove-user",
                Write::DeleteAccount => "DELETE /admin/users",
                Write::CreateGroup => "POST /admin/groups",
                Write::AddMember => "POST /admin/groups/add-users",
            },
            Self::JiraCloud => match write {
                Write::CreateAccount => "POST /user",
                // Without the key nobody is suspended; what is taken away first are the groups.
                Write::Deactivate | Write::RemoveMember => "DELETE /group/user",
                Write::DeleteAccount => "DELETE /user",
                Write::CreateGroup => "POST /group",
                Write::AddMember => "POST /group/user",
            },
            Self::JiraCloudWithKey => match write {
                Write::CreateAccount => "POST /admin/v2/orgs/{organization}/users/invite",
                Write::Deactivate => {
                    "POST /admin/v2/orgs/{organization}/directories/{directory}/users/{account}/suspend"
                }
                Write::DeleteAccount => {
                    "DELETE /admin/v2/orgs/{organization}/directories/{directory}/users/{account}"
                }
                _ => Self::JiraCloud.operation(write),
            },
            Self::BitbucketCloud => match write {
                Write::CreateAccount => "POST nothing",
                Write::DeleteAccount => "DELETE nothing",
                Write::CreateGroup => "POST /1.0/groups/{workspace}",
                Write::AddMember => "PUT /1.0/groups/{workspace}/{slug}/members/{member}",
                Write::Deactivate | Write::RemoveMember => {
                    "DELETE /1.0/groups/{workspace}/{slug}/members/{member}"
                }
            },
            Self::Cloud => match write {
                Write::CreateAccount => "POST /Users",
                Write::Deactivate => "PATCH /Users/{id}",
                Write::DeleteAccount => "DELETE /Users/{id}",
                Write::CreateGroup => "POST /Groups",
                // One call puts in and takes out.
                Write::AddMember | Write::RemoveMember => "PATCH /Groups/{id}",
            },
            Self::Crowd => match write {
                Write::CreateAccount => "POST /user",
                Write::Deactivate => "PUT /user",
                Write::DeleteAccount => "DELETE /user",
                Write::CreateGroup => "POST /group",
                Write::AddMember => "POST /group/user/direct",
                Write::RemoveMember => "DELETE /group/user/direct",
            },
        }
    }

    /// Whether a user name can be changed.
    pub(crate) fn renames_accounts(self) -> bool {
        self != Self::Confluence && !self.names_by_email()
    }

    /// Whether an account can be deactivated; elsewhere it loses its groups.
    pub(crate) fn deactivates_accounts(self) -> bool {
        !matches!(self, Self::Bitbucket | Self::JiraCloud | Self::BitbucketCloud)
    }

    /// Whether accounts are named by addresses, and keep their names and addresses whatever the directory says.
    pub(crate) fn names_by_email(self) -> bool {
        matches!(self, Self::JiraCloud | Self::JiraCloudWithKey | Self::BitbucketCloud)
    }

    /// How the names of the groups begin that the product itself brings.
    pub(crate) fn own_groups(self) -> &'static [&'static str] {
        match self {
            Self::Jira => &["jira-"],
            Self::Confluence => &["confluence-"],
            Self::Bitbucket => &["bitbucket-", "stash-"],
            Self::Crowd => &["crowd-"],
            Self::Cloud => &[],
            Self::JiraCloud | Self::JiraCloudWithKey => &["jira-", "site-"],
            Self::BitbucketCloud => &["administrators"],
        }
    }
}
