//! The products whose simulated sites the engine works at, and what differs between them for a test.

use sandbox::SimulatedSite;
use sandbox::bitbucket_data_center::{self, BitbucketDataCenter};
use sandbox::confluence_data_center::{self, ConfluenceDataCenter};
use sandbox::jira_data_center::{self, JiraDataCenter};

/// A product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Simulated {
    Jira,
    Confluence,
    Bitbucket,
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
        }
    }

    /// The operation, as the simulated site counts it.
    pub(crate) fn operation(self, write: Write) -> &'static str {
        match (self, write) {
            (Self::Jira, Write::CreateAccount) => "POST /user",
            (Self::Jira, Write::Deactivate) => "PUT /user",
            (Self::Jira, Write::DeleteAccount) => "DELETE /user",
            (Self::Jira, Write::CreateGroup) => "POST /group",
            (Self::Jira, Write::AddMember) => "POST /group/user",
            (Self::Jira, Write::RemoveMember) => "DELETE /group/user",
            (Self::Confluence, Write::CreateAccount) => "POST /admin/user",
            (Self::Confluence, Write::Deactivate) => "PUT /admin/user/{username}/disable",
            (Self::Confluence, Write::DeleteAccount) => "DELETE /admin/user/{username}",
            (Self::Confluence, Write::CreateGroup) => "POST /admin/group",
            (Self::Confluence, Write::AddMember) => "PUT /user/{username}/group/{group}",
            (Self::Confluence, Write::RemoveMember) => "DELETE /user/{username}/group/{group}",
            (Self::Bitbucket, Write::CreateAccount) => "POST /admin/users",
            // Nobody is deactivated; what is taken away first are the groups.
            (Self::Bitbucket, Write::Deactivate | Write::RemoveMember) => "POST /admin/groups/remove-user",
            (Self::Bitbucket, Write::DeleteAccount) => "DELETE /admin/users",
            (Self::Bitbucket, Write::CreateGroup) => "POST /admin/groups",
            (Self::Bitbucket, Write::AddMember) => "POST /admin/groups/add-users",
        }
    }

    /// Whether a user name can be changed.
    pub(crate) fn renames_accounts(self) -> bool {
        self != Self::Confluence
    }

    /// Whether an account can be deactivated; elsewhere it loses its groups.
    pub(crate) fn deactivates_accounts(self) -> bool {
        self != Self::Bitbucket
    }

    /// How the names of the groups begin that the product itself brings.
    pub(crate) fn own_groups(self) -> &'static [&'static str] {
        match self {
            Self::Jira => &["jira-"],
            Self::Confluence => &["confluence-"],
            Self::Bitbucket => &["bitbucket-", "stash-"],
        }
    }
}
