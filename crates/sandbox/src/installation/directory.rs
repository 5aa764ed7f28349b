//! The people and groups of a site, and the rules about them that all products share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{LOGIN_FAILURES_BEFORE_CAPTCHA, Options};
use crate::{
    people::Person,
    state::{CREATED_AT_START, GroupState, UserState},
};

/// Names are looked up without case.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// What a product decides about its accounts and groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conventions {
    /// The number of the first account; the product counts up from here.
    pub(crate) first_key: u64,
    /// Makes the key of an account of its number.
    pub(crate) key: fn(u64) -> String,
    /// Whether an account that is made anew under a deleted one's name gets that one's key.
    pub(crate) keeps_key_of_name: bool,
    /// Groups whose members administer the product, in lower case.
    pub(crate) administrators: &'static [&'static str],
    /// The group whose members may use the product; empty where there is none.
    pub(crate) users: &'static str,
    /// What logs in.
    pub(crate) login: Login,
}

/// What logs in at a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// Accounts, by a token or a password.
    Accounts,
    /// An application, by its name and password.
    Application,
    /// Accounts, by their address and an API token. Accounts are named by their addresses.
    ApiToken,
    /// Whoever has the key, which is no account's. Nobody is there from the start.
    Key,
}

/// One account. `key` never changes; the map that holds it is by folded name.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) email: String,
    pub(crate) active: bool,
    /// An account without one cannot log in: nobody knows its random password.
    pub(crate) password: Option<String>,
    pub(crate) created_by: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Counts the groups that were ever made: one that is made anew under a deleted one's name is another.
    pub(crate) number: u64,
    pub(crate) name: String,
    /// Folded account names.
    pub(crate) members: BTreeSet<String>,
}

/// The people and groups of a site.
#[derive(Debug)]
pub struct Directory {
    conventions: Conventions,
    pub(crate) base_url: String,
    /// By folded name.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Accounts that were deleted, by folded name.
    pub(crate) deleted: BTreeMap<String, Account>,
    /// By folded name.
    pub(crate) groups: BTreeMap<String, Group>,
    /// Account keys by personal access token.
    pub(crate) tokens: HashMap<String, String>,
    /// The name and password of the application that may log in, where no account may.
    pub(crate) application: Option<(String, String)>,
    /// The key that lets in, where no account may log in.
    pub(crate) key: Option<String>,
    /// Failed log-ins in a row, by folded name.
    login_failures: HashMap<String, u32>,
    /// Folded names by account key, of the accounts that are there.
    names_by_key: HashMap<String, String>,
    next_key: u64,
    next_group: u64,
}

impl Directory {
    /// The product's own groups, the administrator, and as many made-up people and groups as the options say.
    pub(crate) fn start<Quirks>(conventions: Conventions, options: &Options<Quirks>) -> Self {
        let mut directory = Self {
            conventions,
            base_url: "http://site.example.com".to_owned(),
            accounts: BTreeMap::new(),
            deleted: BTreeMap::new(),
            groups: BTreeMap::new(),
            tokens: HashMap::new(),
            application: (conventions.login == Login::Application)
                .then(|| (options.admin_username.clone(), options.admin_password.clone())),
            key: (conventions.login == Login::Key).then(|| options.admin_token.clone()),
            login_failures: HashMap::new(),
            names_by_key: HashMap::new(),
            next_key: conventions.first_key,
            next_group: 1,
        };
        if conventions.login == Login::Key {
            directory.add_people(options.users, options.groups);
            return directory;
        }
        let admin = fold(&options.admin_username);
        let own = conventions.administrators.iter().chain([&conventions.users]);
        for group in own.filter(|name| !name.is_empty()) {
            directory.insert_group(group).members.insert(admin.clone());
        }
        let email = if admin.contains('@') { admin.clone() } else { format!("{admin}@example.com") };
        let account =
            directory.insert_account(&options.admin_username, "Site Administrator", &email, CREATED_AT_START);
        account.password = Some(options.admin_password.clone());
        let key = account.key.clone();
        directory.tokens.insert(options.admin_token.clone(), key);
        directory.add_people(options.users, options.groups);
        directory
    }

    fn add_people(&mut self, n_people: usize, n_groups: usize) {
        for index in 0..n_groups {
            self.insert_group(&format!("team-{index}"));
        }
        for index in 0..n_people {
            let Person { username, email, .. } = Person::sample(index);
            let username = if self.logs_in(Login::ApiToken) { email.clone() } else { username };
            let display_name = Person::sample(index).display_name();
            self.insert_account(&username, &display_name, &email, CREATED_AT_START);
            if !self.conventions.users.is_empty() {
                self.insert_group(self.conventions.users).members.insert(fold(&username));
            }
            if n_groups > 0 {
                let team = format!("team-{}", index % n_groups);
                self.insert_group(&team).members.insert(fold(&username));
            }
        }
    }

    /// Tells whether this is what logs in here.
    pub(crate) fn logs_in(&self, login: Login) -> bool {
        self.conventions.login == login
    }

    /// Adds an account under a name that is free, and gives it a key.
    pub(crate) fn insert_account(
        &mut self,
        name: &str,
        display_name: &str,
        email: &str,
        created_by: &str,
    ) -> &mut Account {
        let folded = fold(name);
        let former = self.deleted.remove(&folded).filter(|_| self.conventions.keeps_key_of_name);
        let key = if let Some(former) = former {
            former.key
        } else {
            self.next_key += 1;
            (self.conventions.key)(self.next_key - 1)
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

    /// Takes the account and its memberships away.
    pub(crate) fn remove_account(&mut self, folded: &str) {
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
    pub(crate) fn rename_account(&mut self, folded: &str, new_name: &str) {
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
    pub(crate) fn name_of_key(&self, key: &str) -> Option<&str> {
        self.names_by_key.get(key).map(String::as_str)
    }

    /// Returns the account with this key.
    pub(crate) fn account_of_key(&self, key: &str) -> Option<&Account> {
        self.name_of_key(key).and_then(|name| self.accounts.get(name))
    }

    /// Returns the group of this name, made if it is not there.
    pub(crate) fn insert_group(&mut self, name: &str) -> &mut Group {
        let next = &mut self.next_group;
        self.groups.entry(fold(name)).or_insert_with(|| {
            *next += 1;
            Group { number: *next - 1, name: name.to_owned(), members: BTreeSet::new() }
        })
    }

    /// Returns the names of the groups that the account is a member of.
    pub(crate) fn groups_of(&self, folded: &str) -> Vec<&str> {
        self.groups
            .values()
            .filter(|group| group.members.contains(folded))
            .map(|group| group.name.as_str())
            .collect()
    }

    /// Returns the members of a group, inactive ones too, by name.
    pub(crate) fn members_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Account> {
        group.members.iter().filter_map(|member| self.accounts.get(member))
    }

    /// Tells whether the account may administer the product.
    pub(crate) fn is_administrator(&self, folded: &str) -> bool {
        self.administers_without(folded, "")
    }

    /// Tells whether the account may administer the product if the group `losing` (folded) is left out of
    /// account.
    pub(crate) fn administers_without(&self, folded: &str, losing: &str) -> bool {
        self.conventions
            .administrators
            .iter()
            .filter(|name| **name != losing)
            .any(|name| self.groups.get(*name).is_some_and(|group| group.members.contains(folded)))
    }

    /// Counts a failed log-in of an account that exists.
    pub(crate) fn login_failed(&mut self, folded: &str) {
        if self.accounts.contains_key(folded) {
            *self.login_failures.entry(folded.to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn login_succeeded(&mut self, folded: &str) {
        self.login_failures.remove(folded);
    }

    /// Tells whether the account must solve a CAPTCHA in a browser before its password is looked at again.
    pub(crate) fn needs_captcha(&self, folded: &str) -> bool {
        self.login_failures.get(folded).is_some_and(|failures| *failures >= LOGIN_FAILURES_BEFORE_CAPTCHA)
    }

    /// Does what solving the CAPTCHA does, for every account.
    pub(crate) fn clear_captcha(&mut self) {
        self.login_failures.clear();
    }

    /// What stands here, for a test to read.
    pub(crate) fn snapshot(&self) -> (Vec<UserState>, Vec<GroupState>) {
        let users = self.accounts.values().map(UserState::from).collect();
        let shown = |group: &Group| GroupState {
            name: group.name.clone(),
            members: self.members_of(group).map(|account| account.name.clone()).collect(),
        };
        (users, self.groups.values().map(shown).collect())
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

/// Tells whether text has the form of an e-mail address.
pub(crate) fn is_email(email: &str) -> bool {
    let halves = email.split_once('@');
    halves.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !email.contains(char::is_whitespace)
}
