//! The simulated sites that fail at random, and what each of them can do.

use sandbox::atlassian_cloud::{self, AtlassianCloud};
use sandbox::bitbucket_data_center::{self, BitbucketDataCenter};
use sandbox::confluence_data_center::{self, ConfluenceDataCenter};
use sandbox::crowd::{self, Crowd};
use sandbox::faults::Faults;
use sandbox::jira_cloud::{self, JiraCloud};
use sandbox::jira_data_center::{self, JiraDataCenter};
use sandbox::state::{StateSnapshot, UserState};
use sandbox::{RunningSandbox, SimulatedSite};
use tokio::net::TcpListener;

/// A site that is served.
pub(crate) struct Site {
    pub(crate) product: &'static str,
    pub(crate) base_url: String,
    /// Whether it can change a user name.
    pub(crate) renames: bool,
    /// Whether it can deactivate an account; elsewhere it loses its groups.
    pub(crate) deactivates: bool,
    /// Whether accounts are named by their addresses, and keep these and their names whatever is asked for.
    pub(crate) names_by_email: bool,
    simulated: Box<dyn SimulatedSite>,
    _served: RunningSandbox,
}

impl Site {
    pub(crate) async fn jira() -> Self {
        let jira = JiraDataCenter::new(jira_data_center::Options::default());
        Self::serve("jira-data-center", jira).await
    }

    /// One of each product besides Jira.
    pub(crate) async fn others() -> Vec<Self> {
        let confluence = ConfluenceDataCenter::new(confluence_data_center::Options::default());
        let bitbucket = BitbucketDataCenter::new(bitbucket_data_center::Options::default());
        let jira = JiraCloud::new(jira_cloud::Options::default());
        vec![
            Self { deactivates: false, names_by_email: true, ..Self::serve("jira-cloud", jira).await },
            Self { renames: false, ..Self::serve("confluence-data-center", confluence).await },
            Self { deactivates: false, ..Self::serve("bitbucket-data-center", bitbucket).await },
            Self::serve("crowd", Crowd::new(crowd::Options::default())).await,
            Self::serve("atlassian-cloud", AtlassianCloud::new(atlassian_cloud::Options::default())).await,
        ]
    }

    /// A site that can do everything.
    async fn serve(product: &'static str, simulated: impl SimulatedSite + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = sandbox::serve(&simulated, listener).unwrap();
        let base_url = served.base_url.clone();
        Self {
            product,
            base_url,
            renames: true,
            deactivates: true,
            names_by_email: false,
            simulated: Box::new(simulated),
            _served: served,
        }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.simulated.set_faults(faults);
    }

    pub(crate) fn state(&self) -> StateSnapshot {
        self.simulated.state()
    }

    /// Whether somebody can work there with the account.
    pub(crate) fn gives_access(&self, state: &StateSnapshot, account: &UserState) -> bool {
        let is_member = || state.groups.iter().any(|group| group.members.contains(&account.name));
        account.active && (self.deactivates || is_member())
    }
}
