//! The simulated sites that fail at random, and what each of them can do.

use sandbox::confluence_data_center::{self, ConfluenceDataCenter};
use sandbox::faults::Faults;
use sandbox::jira_data_center::{self, JiraDataCenter};
use sandbox::state::StateSnapshot;
use sandbox::{RunningSandbox, SimulatedSite};
use tokio::net::TcpListener;

/// A site that is served.
pub(crate) struct Site {
    pub(crate) product: &'static str,
    pub(crate) base_url: String,
    /// Whether it can change a user name.
    pub(crate) renames: bool,
    simulated: Box<dyn SimulatedSite>,
    _served: RunningSandbox,
}

impl Site {
    pub(crate) async fn jira() -> Self {
        let jira = JiraDataCenter::new(jira_data_center::Options::default());
        Self::serve("jira-data-center", true, jira).await
    }

    /// One of each product besides Jira.
    pub(crate) async fn others() -> Vec<Self> {
        let confluence = ConfluenceDataCenter::new(confluence_data_center::Options::default());
        vec![Self::serve("confluence-data-center", false, confluence).await]
    }

    async fn serve(product: &'static str, renames: bool, simulated: impl SimulatedSite + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = sandbox::serve(&simulated, listener).unwrap();
        let base_url = served.base_url.clone();
        Self { product, base_url, renames, simulated: Box::new(simulated), _served: served }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.simulated.set_faults(faults);
    }

    pub(crate) fn state(&self) -> StateSnapshot {
        self.simulated.state()
    }
}
