//! The site's data and the rules that several resources share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::StatusCode;

use super::{LOGIN_FAILURES_BEFORE_CAPTCHA, Options, answers::Refusal};
use crate::{
    people::Person,
    state::{
        CREATED_AT_START, CallsState, ComponentState, GroupState, ProjectState, StateSnapshot, UserState,
    },
};

/// Members administer Jira.
pub(super) const ADMINISTRATORS: &str = "jira-administrators";
/// Members administer the system beneath Jira, and Jira.
pub(super) const SYSTEM_ADMINISTRATORS: &str = "jira-system-administrators";
/// Members may use Jira Software; new users join it unless the request says otherwise.
pub(super) const SOFTWARE_USERS: &str = "jira-software-users";

/// The key of the first account; the product counts up from here.
const FIRST_KEY: u64 = 10_100;

/// Names are looked up without case, and shown as they were sent.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// One account. `key` never changes; the map that holds it is by folded name.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) email: String,
    pub(super) active: bool,
    /// An account without one cannot log in: nobody knows its random password.
    pub(super) password: Option<String>,
    pub(super) created_by: String,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: String,
    /// Folded account names.
    pub(super) members: BTreeSet<String>,
}

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
pub(super) struct Site {
    pub(super) base_url: String,
    /// By folded name.
    pub(super) accounts: BTreeMap<String, Account>,
    /// Accounts that were deleted: the product keeps a name's key, for the references to it.
    pub(super) deleted: BTreeMap<String, Account>,
    /// By folded name.
    pub(super) groups: BTreeMap<String, Group>,
    /// By key.
    pub(super) projects: BTreeMap<String, Project>,
    /// Account keys by personal access token.
    pub(super) tokens: HashMap<String, String>,
    /// Failed log-ins in a row, by folded name.
    login_failures: HashMap<String, u32>,
    /// Folded names by account key, of the accounts that are there.
    names_by_key: HashMap<String, String>,
    next_key: u64,
    next_id: u64,
}

impl Site {
    pub(super) fn start(options: &Options) -> Self {
        let mut site = Self {
            base_url: "http://jira.example.com".to_owned(),
            accounts: BTreeMap::new(),
            deleted: BTreeMap::new(),
            groups: BTreeMap::new(),
            projects: BTreeMap::new(),
            tokens: HashMap::new(),
            login_failures: HashMap::new(),
            names_by_key: HashMap::new(),
            next_key: FIRST_KEY,
            next_id: 10_000,
        };
        let admin = fold(&options.admin_username);
        for group in [ADMINISTRATORS, SYSTEM_ADMINISTRATORS, SOFTWARE_USERS] {
            site.insert_group(group).members.insert(admin.clone());
        }
        let email = format!("{admin}@example.com");
        let admin_account =
            site.insert_account(&options.admin_username, "Site Administrator", &email, CREATED_AT_START);
        admin_account.password = Some(options.admin_password.clone());
        let admin_key = admin_account.key.clone();
        site.tokens.insert(options.admin_token.clone(), admin_key.clone());
        site.insert_project("DEMO", "Demonstration", &admin_key);
        site.add_people(options);
        site
    }

    fn add_people(&mut self, options: &Options) {
        for index in 0..options.groups {
            self.insert_group(&format!("team-{index}"));
        }
        for index in 0..options.users {
            let person = Person::sample(index);
            let account = self.insert_account(
                &person.username,
                &person.display_name(),
                &person.email,
                CREATED_AT_START,
            );
            let key = account.key.clone();
            self.insert_group(SOFTWARE_USERS).members.insert(fold(&person.username));
            if options.groups > 0 {
                let team = format!("team-{}", index % options.groups);
                self.insert_group(&team).members.insert(fold(&person.username));
            }
            if index == 0 {
                self.insert_project("LEGACY", "Legacy system", &key);
                self.insert_component("LEGACY", "Billing", Some(key));
            }
        }
    }

    /// Adds an account under a name that is free, and gives it a key: the one that the name had before it was
    /// deleted, or a new one.
    pub(super) fn insert_account(
        &mut self,
        name: &str,
        display_name: &str,
        email: &str,
        created_by: &str,
    ) -> &mut Account {
        let folded = fold(name);
        let key = if let Some(former) = self.deleted.remove(&folded) {
            former.key
        } else {
            self.next_key += 1;
            format!("JIRAUSER{}", self.next_key - 1)
        };
        self.names_by_key.insert(key.clone(), folded.clone());
        let account = Account {
            key,
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            email: email.to_owned(),
            active: true,
            password: None,
            created_by: created_by.to_owned(),
        };
        self.accounts.entry(folded).insert_entry(account).into_mut()
    }

    /// Takes the account and its memberships away; its key stays with its name.
    pub(super) fn remove_account(&mut self, folded: &str) {
        if let Some(account) = self.accounts.remove(folded) {
            self.names_by_key.remove(&account.key);
            self.tokens.retain(|_, key| *key != account.key);
            self.deleted.insert(folded.to_owned(), Account { active: false, ..account });
        }
        for group in self.groups.values_mut() {
            group.members.remove(folded);
        }
    }

    /// Gives the account another name, which must be free or its own in another case.
    pub(super) fn rename_account(&mut self, folded: &str, new_name: &str) {
        let Some(mut account) = self.accounts.remove(folded) else { return };
        new_name.clone_into(&mut account.name);
        let new_folded = fold(new_name);
        self.names_by_key.insert(account.key.clone(), new_folded.clone());
        self.accounts.insert(new_folded.clone(), account);
        for group in self.groups.values_mut() {
            if group.members.remove(folded) {
                group.members.insert(new_folded.clone());
            }
        }
    }

    /// Returns the account's folded name.
    pub(super) fn name_of_key(&self, key: &str) -> Option<&str> {
        self.names_by_key.get(key).map(String::as_str)
    }

    /// Returns the account with this key.
    pub(super) fn account_of_key(&self, key: &str) -> Option<&Account> {
        self.name_of_key(key).and_then(|name| self.accounts.get(name))
    }

    /// Returns the group of this name, made if it is not there.
    pub(super) fn insert_group(&mut self, name: &str) -> &mut Group {
        let group = Group { name: name.to_owned(), members: BTreeSet::new() };
        self.groups.entry(fold(name)).or_insert(group)
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

    /// Returns the names of the groups that the account is a member of.
    pub(super) fn groups_of(&self, folded: &str) -> Vec<&str> {
        self.groups
            .values()
            .filter(|group| group.members.contains(folded))
            .map(|group| group.name.as_str())
            .collect()
    }

    /// Tells whether the account may administer Jira.
    pub(super) fn is_administrator(&self, folded: &str) -> bool {
        [ADMINISTRATORS, SYSTEM_ADMINISTRATORS]
            .iter()
            .any(|name| self.groups.get(*name).is_some_and(|group| group.members.contains(folded)))
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
        self.accounts
            .get(folded)
            .ok_or_else(|| Refusal::not_found(format!("The user named '{folded}' does not exist")))
    }

    /// Returns the group, by name without case.
    pub(super) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        self.groups.get(&fold(name)).ok_or_else(|| {
            Refusal::message(StatusCode::NOT_FOUND, format!("The group named '{name}' does not exist."))
        })
    }

    /// Counts a failed log-in of an account that exists.
    pub(super) fn login_failed(&mut self, folded: &str) {
        if self.accounts.contains_key(folded) {
            *self.login_failures.entry(folded.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn login_succeeded(&mut self, folded: &str) {
        self.login_failures.remove(folded);
    }

    /// Tells whether the account must solve a CAPTCHA in a browser before its password is looked at again.
    pub(super) fn needs_captcha(&self, folded: &str) -> bool {
        self.login_failures.get(folded).is_some_and(|failures| *failures >= LOGIN_FAILURES_BEFORE_CAPTCHA)
    }

    /// Does what solving the CAPTCHA does, for every account.
    pub(super) fn clear_captcha(&mut self) {
        self.login_failures.clear();
    }

    pub(super) fn snapshot(
        &self,
        calls: CallsState,
        creates_by_name: BTreeMap<String, u64>,
    ) -> StateSnapshot {
        let shown_name =
            |folded: &String| self.accounts.get(folded).map_or(folded.clone(), |user| user.name.clone());
        let lead_name = |key: &String| self.account_of_key(key).map_or(key.clone(), |user| user.name.clone());
        let users = self.accounts.values().map(UserState::from).collect();
        let groups = self
            .groups
            .values()
            .map(|group| GroupState {
                name: group.name.clone(),
                members: group.members.iter().map(shown_name).collect(),
            })
            .collect();
        let projects = self
            .projects
            .values()
            .map(|project| ProjectState {
                key: project.key.clone(),
                lead: lead_name(&project.lead),
                components: project
                    .components
                    .iter()
                    .map(|component| ComponentState {
                        name: component.name.clone(),
                        lead: component.lead.as_ref().map(lead_name),
                    })
                    .collect(),
            })
            .collect();
        StateSnapshot { users, groups, projects, calls, creates_by_name }
    }
}

impl From<&Account> for UserState {
    fn from(account: &Account) -> Self {
        Self {
            key: account.key.clone(),
            name: account.name.clone(),
            display_name: account.display_name.clone(),
            email: account.email.clone(),
            active: account.active,
            created_by: account.created_by.clone(),
        }
    }
}
