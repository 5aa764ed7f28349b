//! The site's data and the rules that several resources share.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use super::{Options, answers::Refusal};
use crate::{
    installation::directory::{Account, Conventions, Directory, Group, Login, fold},
    people::Person,
    state::{ComponentState, ProjectState},
};

/// Members administer Jira.
pub(super) const ADMINISTRATORS: &str = "jira-administrators";
/// Members administer the system beneath Jira, and Jira.
pub(super) const SYSTEM_ADMINISTRATORS: &str = "jira-system-administrators";
/// Members may use Jira Software; new users join it unless the request says otherwise.
pub(super) const SOFTWARE_USERS: &str = "jira-software-users";

/// The product keeps a name's key after a deletion, for the references to it.
const CONVENTIONS: Conventions = Conventions {
    first_key: 10_100,
    key: |number| format!("JIRAUSER{number}"),
    keeps_key_of_name: true,
    administrators: &[ADMINISTRATORS, SYSTEM_ADMINISTRATORS],
    users: SOFTWARE_USERS,
    login: Login::Accounts,
};

#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) description: String,
    /// The lead's account key.
    pub(super) lead: String,
    pub(super) components: Vec<Component>,
}

#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) description: String,
    /// The lead's account key.
    pub(super) lead: Option<String>,
    pub(super) assignee_type: String,
}

/// Everything at the site.
#[derive(Debug)]
pub struct Site {
    pub(super) directory: Directory,
    /// By key.
    pub(super) projects: BTreeMap<String, Project>,
    next_id: u64,
}

impl Site {
    /// With a project `DEMO` that the administrator leads. With people, `ada.abbott.0` leads a project `LEGACY`
    /// and its only component.
    pub(super) fn start(options: &Options) -> Self {
        let directory = Directory::start(CONVENTIONS, options);
        let key_of = |name: &str| directory.accounts[&fold(name)].key.clone();
        let admin = key_of(&options.admin_username);
        let first_person = (options.users > 0).then(|| key_of(&Person::sample(0).username));
        let mut site = Self { directory, projects: BTreeMap::new(), next_id: 10_000 };
        site.insert_project("DEMO", "Demonstration", &admin);
        if let Some(lead) = first_person {
            site.insert_project("LEGACY", "Legacy system", &lead);
            site.insert_component("LEGACY", "Billing", Some(lead));
        }
        site
    }

    pub(super) fn insert_project(&mut self, key: &str, name: &str, lead: &str) {
        let project = Project {
            id: self.take_id(),
            key: key.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            lead: lead.to_owned(),
            components: Vec::new(),
        };
        self.projects.insert(key.to_owned(), project);
    }

    pub(super) fn insert_component(&mut self, project_key: &str, name: &str, lead: Option<String>) {
        let component = Component {
            id: self.take_id(),
            name: name.to_owned(),
            description: String::new(),
            lead,
            assignee_type: "PROJECT_DEFAULT".to_owned(),
        };
        if let Some(project) = self.projects.get_mut(project_key) {
            project.components.push(component);
        }
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Returns the keys of the projects that the account leads, and the names of such components.
    pub(super) fn led_by(&self, account_key: &str) -> Vec<String> {
        let projects = self.projects.values();
        projects
            .flat_map(|project| {
                let itself = (project.lead == account_key).then(|| project.key.clone());
                let components = project
                    .components
                    .iter()
                    .filter(|component| component.lead.as_deref() == Some(account_key))
                    .map(|component| format!("{}: {}", project.key, component.name));
                itself.into_iter().chain(components)
            })
            .collect()
    }

    /// Returns the account, by name without case.
    pub(super) fn account(&self, folded: &str) -> Result<&Account, Refusal> {
        self.directory
            .accounts
            .get(folded)
            .ok_or_else(|| Refusal::not_found(format!("The user named '{folded}' does not exist")))
    }

    /// Returns the group, by name without case.
    pub(super) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        self.directory.groups.get(&fold(name)).ok_or_else(|| {
            Refusal::message(StatusCode::NOT_FOUND, format!("The group named '{name}' does not exist."))
        })
    }

    pub(super) fn project_states(&self) -> Vec<ProjectState> {
        let lead_name = |key: &String| {
            self.directory.account_of_key(key).map_or(key.clone(), |account| account.name.clone())
        };
        let shown = |component: &Component| ComponentState {
            name: component.name.clone(),
            lead: component.lead.as_ref().map(lead_name),
        };
        self.projects
            .values()
            .map(|project| ProjectState {
                key: project.key.clone(),
                lead: lead_name(&project.lead),
                components: project.components.iter().map(shown).collect(),
            })
            .collect()
    }
}
