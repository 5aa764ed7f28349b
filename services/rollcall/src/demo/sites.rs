//! The simulated sites of the demo, one for each product, and what each product does otherwise than asked.

use sandbox::atlassian_cloud::{self, AtlassianCloud};
use sandbox::bitbucket_data_center::{self, BitbucketDataCenter};
use sandbox::confluence_data_center::{self, ConfluenceDataCenter};
use sandbox::crowd::{self, Crowd};
use sandbox::jira_cloud::{self, JiraCloud};
use sandbox::jira_data_center::{self, JiraDataCenter};
use sandbox::{RunningSandbox, SimulatedSite, organization};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What is known of a product apart from our connector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// What people call it.
    pub(super) name: &'static str,
    /// What the REST API calls it.
    pub(super) product: &'static str,
    /// What an account goes by.
    pub(super) naming: Naming,
    /// Whether names and addresses can be changed.
    pub(super) changes_profiles: bool,
    /// Whether an account can be deactivated; elsewhere it loses its groups.
    pub(super) deactivates: bool,
    /// Whether an account of the site is ours.
    pub(super) has_own_account: bool,
}

/// What an account goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// A user name.
    UserName,
    /// The user name that it was made with.
    FirstUserName,
    /// The e-mail address that it was made with.
    FirstAddress,
}

pub(super) const JIRA: Manners = Manners {
    name: "Jira",
    product: "jira-data-center",
    naming: Naming::UserName,
    changes_profiles: true,
    deactivates: true,
    has_own_account: true,
};

/// A site that is served.
#[derive(Debug)]
pub(super) struct DemoSite {
    pub(super) manners: Manners,
    /// What we log in with.
    pub(super) credentials: Value,
    pub(super) simulated: Box<dyn SimulatedSite>,
    pub(super) served: RunningSandbox,
}

/// Which sites each tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Products {
    Jira,
    All,
}

impl DemoSite {
    /// Starts the sites of one tenant, with so many people who have accounts already.
    pub(super) async fn start(products: Products, users: usize) -> anyhow::Result<Vec<Self>> {
        let bearer =
            || json!({ "type": "bearer", "token": jira_data_center::Options::default().admin_token });
        let jira = jira_data_center::Options { users, groups: 1, ..Default::default() };
        let mut sites = vec![Self::serve(JIRA, JiraDataCenter::new(jira), |_| bearer()).await?];
        if products == Products::Jira {
            return Ok(sites);
        }
        let options = confluence_data_center::Options { users, ..Default::default() };
        let manners = Manners {
            name: "Confluence",
            product: "confluence-data-center",
            naming: Naming::FirstUserName,
            ..JIRA
        };
        sites.push(Self::serve(manners, ConfluenceDataCenter::new(options), |_| bearer()).await?);
        let options = bitbucket_data_center::Options { users, ..Default::default() };
        let manners =
            Manners { name: "Bitbucket", product: "bitbucket-data-center", deactivates: false, ..JIRA };
        sites.push(Self::serve(manners, BitbucketDataCenter::new(options), |_| bearer()).await?);
        let options = crowd::Options { users, ..Default::default() };
        let basic = json!({ "type": "basic", "username": options.admin_username, "password": options.admin_password });
        let manners = Manners { name: "Crowd", product: "crowd", ..JIRA };
        sites.push(Self::serve(manners, Crowd::new(options), |_| basic).await?);
        let options = atlassian_cloud::Options { users, ..Default::default() };
        let manners =
            Manners { name: "Atlassian Cloud", product: "atlassian-cloud", has_own_account: false, ..JIRA };
        sites.push(Self::serve(manners, AtlassianCloud::new(options), |_| bearer()).await?);
        let options = jira_cloud::Options { users, ..Default::default() };
        let manners = Manners {
            name: "Jira Cloud",
            product: "jira-cloud",
            naming: Naming::FirstAddress,
            changes_profiles: false,
            ..JIRA
        };
        let (email, token) = (options.admin_username.clone(), options.admin_token.clone());
        let api_key = |served: &RunningSandbox| {
            let organization = json!({
                "id": organization::ORGANIZATION_ID, "directory_id": organization::DIRECTORY_ID,
                "api_key": organization::ORGANIZATION_KEY, "base_url": served.origin,
            });
            json!({ "type": "api_key", "email": email, "token": token, "organization": organization })
        };
        sites.push(Self::serve(manners, JiraCloud::new(options), api_key).await?);
        Ok(sites)
    }

    async fn serve(
        manners: Manners,
        simulated: impl SimulatedSite + 'static,
        credentials: impl FnOnce(&RunningSandbox) -> Value,
    ) -> anyhow::Result<Self> {
        let served = sandbox::serve(&simulated, TcpListener::bind("127.0.0.1:0").await?)?;
        Ok(Self { manners, credentials: credentials(&served), simulated: Box::new(simulated), served })
    }

    /// Accounts that stood there from the start and are people's.
    pub(super) fn adopted(&self) -> usize {
        let state = self.simulated.state();
        let from_start = state.users.iter().filter(|account| account.created_by == "start").count();
        from_start - usize::from(self.manners.has_own_account)
    }
}
