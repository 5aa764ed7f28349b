//! What stands at a site, and who leads what.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Instant,
};

use axum::http::StatusCode;

use super::{Options, Quirks, answers::Refusal};
use crate::{
    installation::directory::{Account, Conventions, Directory, Group, Login, fold},
    organization::{InOrganization, ORGANIZATION_KEY},
    people::Person,
    state::{ComponentState, ProjectState},
};

/// An account that is invited anew is the person's same account.
const CONVENTIONS: Conventions = Conventions {
    first_key: 1,
    key: |number| format!("712020:{number:08x}-2b6d-4f0e-8c1a-3e5f7a9b0c2d"),
    keeps_key_of_name: true,
    administrators: &["site-admins", "jira-admins"],
    users: "jira-users",
    login: Login::ApiToken,
};

#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) name: String,
    /// The lead's account.
    pub(super) lead: String,
    pub(super) components: Vec<Component>,
}

#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) id: u64,
    pub(super) name: String,
    /// The lead's account.
    pub(super) lead: Option<String>,
}

/// Everything at the site.
#[derive(Debug)]
pub struct Site {
    pub(super) directory: Directory,
    pub(super) quirks: Quirks,
    /// By key.
    pub(super) projects: BTreeMap<String, Project>,
    /// Accounts whose access is suspended.
    pub(super) suspended: HashSet<String>,
    made: HashMap<String, Instant>,
    next_id: u64,
}

impl Site {
    /// With a project `DEMO` that the administrator leads. With people, the first one leads a project `LEGACY` and its
    /// only component.
    pub(super) fn start(options: &Options) -> Self {
        let mut directory = Directory::start(CONVENTIONS, options);
        directory.key = Some(ORGANIZATION_KEY.to_owned());
        let admin = directory.accounts[&fold(&options.admin_username)].key.clone();
        let first = Person::sample(0).email;
        let first_person = directory.accounts.get(&fold(&first)).map(|account| account.key.clone());
        let mut site = Self {
            directory,
            quirks: options.quirks,
            projects: BTreeMap::new(),
            suspended: HashSet::new(),
            made: HashMap::new(),
            next_id: 10_000,
        };
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
            lead: lead.to_owned(),
            components: Vec::new(),
        };
        self.projects.insert(key.to_owned(), project);
    }

    pub(super) fn insert_component(&mut self, project_key: &str, name: &str, lead: Option<String>) {
        let component = Component { id: self.take_id(), name: name.to_owned(), lead };
        if let Some(project) = self.projects.get_mut(project_key) {
            project.components.push(component);
        }
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Makes an account for an address, or finds the one that it has.
    pub(super) fn invite(&mut self, email: &str, by: &str) -> String {
        if let Some(account) = self.directory.accounts.get(&fold(email)) {
            return account.key.clone();
        }
        let shown = email.split('@').next().unwrap_or(email);
        let key = self.directory.insert_account(email, shown, email, by).key.clone();
        self.made.insert(key.clone(), Instant::now());
        key
    }

    /// The account with this identifier.
    pub(super) fn account(&self, id: &str) -> Result<&Account, Refusal> {
        self.directory.account_of_key(id).ok_or_else(|| {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "Specified user does not exist or you do not have required permissions",
            )
        })
    }

    /// Takes an account from the site. The person keeps it.
    pub(super) fn remove(&mut self, id: &str) -> Result<(), Refusal> {
        let folded = fold(&self.account(id)?.name);
        self.suspended.remove(id);
        self.directory.remove_account(&folded);
        Ok(())
    }

    pub(super) fn suspend(&mut self, id: &str, suspended: bool) -> Result<(), Refusal> {
        let folded = fold(&self.account(id)?.name);
        if let Some(account) = self.directory.accounts.get_mut(&folded) {
            account.active = !suspended;
        }
        if suspended {
            self.suspended.insert(id.to_owned());
        } else {
            self.suspended.remove(id);
        }
        Ok(())
    }

    /// The group with this identifier.
    pub(super) fn group(&self, id: &str) -> Result<&Group, Refusal> {
        let mut groups = self.directory.groups.values();
        groups.find(|group| group_id(group) == id).ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, &format!("Group with id '{id}' does not exist."))
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
        let projects = self.projects.values().map(|project| ProjectState {
            key: project.key.clone(),
            lead: lead_name(&project.lead),
            components: project.components.iter().map(shown).collect(),
        });
        projects.collect()
    }
}

impl InOrganization for Site {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn is_suspended(&self, key: &str) -> bool {
        self.suspended.contains(key)
    }

    fn is_found(&self, key: &str) -> bool {
        self.made.get(key).is_none_or(|at| at.elapsed() >= self.quirks.lag)
    }
}

/// A group's identifier.
pub(super) fn group_id(group: &Group) -> String {
    format!("{:08x}-9e4f-4b1a-a6d2-c8b7a6958473", group.number)
}
