//! Calls about who leads what: `/project`, `/component`. Jira refuses to deactivate or delete a lead.

use reqwest::Method;

use super::{JiraDataCenter, wire};
use crate::connection::{addressable, same_name};
use crate::error::SiteError;
use crate::site::{AccountRef, Led};

/// How many components are asked for; Jira gives fewer where it has a cap.
const COMPONENT_PAGE: usize = 1000;
/// Components that one account may lead; a list without end must not fill our memory.
const MOST_LED: usize = 10_000;

impl JiraDataCenter {
    /// Projects come in one list with their leads. Components come page by page; whether that list shows leads is not
    /// in the vendor's document, and older versions have none. Then each project is asked for its own.
    pub(super) async fn leads_of(&self, account: &AccountRef, thorough: bool) -> Result<Vec<Led>, SiteError> {
        let request = self.connection.get(&["project"]).query(&[("expand", "lead")]);
        let projects: Vec<wire::Project> = self.connection.read_whole_list("list_projects", request).await?;
        let listed = if thorough { None } else { self.listed_components(account).await? };
        let components = match listed {
            Some(components) => components,
            None => self.components_of(&projects, account).await?,
        };
        let is_theirs = |lead: &wire::Lead| lead.is(account);
        let led_projects =
            projects.into_iter().filter(|project| project.lead.as_ref().is_some_and(is_theirs));
        Ok(led_projects
            .map(|project| Led::Project { key: project.key })
            .chain(components.into_iter().map(|component| Led::Component {
                id: component.id,
                name: component.name,
                project: component.project,
            }))
            .collect())
    }

    /// Those components of the list of all that the account leads; `None` when there is no such list.
    async fn listed_components(
        &self,
        account: &AccountRef,
    ) -> Result<Option<Vec<wire::Component>>, SiteError> {
        let (mut theirs, mut seen) = (Vec::new(), 0);
        loop {
            let request = self
                .connection
                .get(&["component", "page"])
                .query(&[("startAt", seen), ("maxResults", COMPONENT_PAGE)]);
            let page: wire::ComponentPage = match self.connection.read("list_components", request).await {
                Ok(page) => page,
                Err(SiteError::NotFound { .. } | SiteError::Rejected { status: 405, .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let shown = page.values.len();
            seen += shown;
            theirs.extend(page.values.into_iter().filter(|component| component.is_led_by(account)));
            if theirs.len() > MOST_LED {
                let detail = format!("the account leads more than {MOST_LED} components");
                return Err(SiteError::NotPossible(detail));
            }
            let told = page.is_last.or_else(|| page.total.map(|total| seen >= total));
            if shown == 0 || told == Some(true) {
                return Ok(Some(theirs));
            }
        }
    }

    async fn components_of(
        &self,
        projects: &[wire::Project],
        account: &AccountRef,
    ) -> Result<Vec<wire::Component>, SiteError> {
        let mut theirs = Vec::new();
        for project in projects {
            let request = self.connection.get(&["project", addressable(&project.key)?, "components"]);
            match self.connection.read::<Vec<wire::Component>>("list_project_components", request).await {
                Ok(components) => {
                    theirs.extend(components.into_iter().filter(|component| component.is_led_by(account)));
                }
                // Deleted meanwhile.
                Err(SiteError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(theirs)
    }

    /// What is left out stays as it is.
    pub(super) async fn put_lead(&self, led: &Led, username: &str) -> Result<(), SiteError> {
        let (operation, request) = match led {
            Led::Project { key } => {
                let request = self.connection.request(Method::PUT, &["project", addressable(key)?]);
                ("set_project_lead", request.json(&wire::ProjectLead { lead: username }))
            }
            Led::Component { id, .. } => {
                let request = self.connection.request(Method::PUT, &["component", addressable(id)?]);
                ("set_component_lead", request.json(&wire::ComponentLead { lead_user_name: username }))
            }
        };
        self.connection.send(operation, request).await.map(drop)
    }
}

impl wire::Lead {
    /// The key is the identity; a version that shows none names the account.
    fn is(&self, account: &AccountRef) -> bool {
        match (&self.key, &self.name) {
            (Some(key), _) => *key == account.key,
            (None, Some(name)) => same_name(name, &account.username),
            (None, None) => false,
        }
    }
}

impl wire::Component {
    fn is_led_by(&self, account: &AccountRef) -> bool {
        match (&self.lead, &self.lead_user_name) {
            (Some(lead), _) => lead.is(account),
            (None, Some(name)) => same_name(name, &account.username),
            (None, None) => false,
        }
    }
}
