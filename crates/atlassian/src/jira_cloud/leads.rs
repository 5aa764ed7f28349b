//! Calls about who leads what: `/project`, `/component`.
//!
//! Jira's list of components shows no leads, so that each project is asked for its own. What was read is believed for a
//! while: a hundred people who leave together do not make a call for each project each. A lead that somebody was given
//! meanwhile stays theirs, which the Cloud allows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;

use super::{JiraCloud, wire};
use crate::connection::{addressable, all_pages};
use crate::error::SiteError;
use crate::site::{AccountRef, Led, PageStart};

/// How many projects are asked for: the most that Jira gives.
const PAGE: usize = 100;
/// How long what was read is believed.
const LIFETIME: Duration = Duration::from_mins(5);

/// Everything that somebody leads, with the account that does.
type AllLed = Arc<Vec<(Led, String)>>;

/// What was read, and when.
#[derive(Debug, Default)]
pub(super) struct Leads(Mutex<Option<(Instant, AllLed)>>);

impl Leads {
    fn known(&self) -> Option<AllLed> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(at, _)| at.elapsed() < LIFETIME).map(|(_, all)| Arc::clone(all))
    }

    fn learn(&self, all: &AllLed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(all)));
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl JiraCloud {
    pub(super) async fn leads_of(&self, account: &AccountRef, thorough: bool) -> Result<Vec<Led>, SiteError> {
        let all = if let Some(all) = self.leads.known().filter(|_| !thorough) {
            all
        } else {
            let all = Arc::new(self.all_led().await?);
            self.leads.learn(&all);
            all
        };
        Ok(all.iter().filter(|(_, lead)| *lead == account.key).map(|(led, _)| led.clone()).collect())
    }

    async fn all_led(&self) -> Result<Vec<(Led, String)>, SiteError> {
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
        let projects = all_pages(read).await?;
        let mut all = Vec::new();
        for project in projects {
            for component in self.components(&project.key).await? {
                if let Some(lead) = component.lead {
                    let (id, name) = (component.id, component.name);
                    all.push((
                        Led::Component { id, name, project: Some(project.key.clone()) },
                        lead.account_id,
                    ));
                }
            }
            if let Some(lead) = project.lead {
                all.push((Led::Project { key: project.key }, lead.account_id));
            }
        }
        Ok(all)
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
        self.leads.forget();
        done
    }
}
