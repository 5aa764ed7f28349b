//! Calls about who leads what: `/project`, `/component`.
//!
//! Jira's list of components shows no leads, so that each project is asked for its own. What a project said is believed
//! for a while: people who leave together do not make a call for each project each, and whoever is interrupted on a site
//! with many projects goes on where the work ended. A lead of a component that somebody was given meanwhile stays theirs,
//! which the Cloud allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;

use super::{JiraCloud, wire};
use crate::connection::{addressable, all_pages};
use crate::error::SiteError;
use crate::site::{AccountRef, Led, PageStart};

/// How many projects are asked for: the most that Jira gives.
const PAGE: usize = 100;
/// How long the components of a project are believed.
const LIFETIME: Duration = Duration::from_mins(15);

/// The components of a project that somebody leads.
type Components = Arc<Vec<wire::Component>>;

/// The components of each project, and when they were read.
#[derive(Debug, Default)]
pub(super) struct Leads(Mutex<HashMap<String, (Instant, Components)>>);

impl Leads {
    fn projects(&self) -> MutexGuard<'_, HashMap<String, (Instant, Components)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, project: &str) -> Option<Components> {
        let projects = self.projects();
        let known = projects.get(project).filter(|(at, _)| at.elapsed() < LIFETIME);
        known.map(|(_, components)| Arc::clone(components))
    }

    fn learn(&self, project: &str, components: &Components) {
        self.projects().insert(project.to_owned(), (Instant::now(), Arc::clone(components)));
    }

    /// Forgets the components of a project; of all, where it is not known which.
    fn forget(&self, project: Option<&str>) {
        let mut projects = self.projects();
        match project {
            Some(project) => drop(projects.remove(project)),
            None => projects.clear(),
        }
    }
}

impl JiraCloud {
    pub(super) async fn leads_of(&self, account: &AccountRef, thorough: bool) -> Result<Vec<Led>, SiteError> {
        let is_theirs =
            |lead: &Option<wire::Lead>| lead.as_ref().is_some_and(|lead| lead.account_id == account.key);
        let mut led = Vec::new();
        for wire::Project { key, lead } in self.projects().await? {
            let known = self.leads.known(&key).filter(|_| !thorough);
            let components = match known {
                Some(components) => components,
                None => self.led_components(&key).await?,
            };
            led.extend(components.iter().filter(|component| is_theirs(&component.lead)).map(|component| {
                let (id, name) = (component.id.clone(), component.name.clone());
                Led::Component { id, name, project: Some(key.clone()) }
            }));
            if is_theirs(&lead) {
                led.push(Led::Project { key });
            }
        }
        Ok(led)
    }

    async fn projects(&self) -> Result<Vec<wire::Project>, SiteError> {
        let read = async |start: PageStart| {
            let offset = start.offset()?;
            let request = self.connection.get(&["project", "search"]).query(&[
                ("expand", "lead"),
                ("startAt", &offset.to_string()),
                ("maxResults", &PAGE.to_string()),
            ]);
            let found: wire::Listed<wire::Project> = self.connection.read("list_projects", request).await?;
            Ok(found.page(offset))
        };
        all_pages(read).await
    }

    async fn led_components(&self, project: &str) -> Result<Components, SiteError> {
        let mut components = self.components(project).await?;
        components.retain(|component| component.lead.is_some());
        let components = Arc::new(components);
        self.leads.learn(project, &components);
        Ok(components)
    }

    async fn components(&self, project: &str) -> Result<Vec<wire::Component>, SiteError> {
        let request = self.connection.get(&["project", addressable(project)?, "components"]);
        match self.connection.read_whole_list("list_project_components", request).await {
            // Deleted meanwhile.
            Err(SiteError::NotFound { .. }) => Ok(Vec::new()),
            read => read,
        }
    }

    /// Leads are named by address, as accounts are here.
    pub(super) async fn put_lead(&self, led: &Led, address: &str) -> Result<(), SiteError> {
        let Some(account) = self.account_by_email(address).await? else {
            return Err(SiteError::Rejected {
                status: 400,
                detail: format!("there is no account {address} that could take the lead"),
            });
        };
        let body = wire::NewLead { lead_account_id: &account.key };
        let (operation, path) = match led {
            Led::Project { key } => ("set_project_lead", ["project", addressable(key)?]),
            Led::Component { id, .. } => ("set_component_lead", ["component", addressable(id)?]),
        };
        let request = self.connection.request(Method::PUT, &path).json(&body);
        let done = self.connection.send(operation, request).await.map(drop);
        if let Led::Component { project, .. } = led {
            self.leads.forget(project.as_deref());
        }
        done
    }
}
