//! What the acknowledged writes ask for, computed without any of the program's code.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::state::{StateSnapshot, UserState};
use serde_json::Value;

use super::site::Site;
use crate::tenant::Tenant;

/// A user as it was last acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) email: String,
    pub(crate) active: bool,
}

/// A group as it was last acknowledged, with ids of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) display_name: String,
    pub(crate) members: BTreeSet<String>,
}

/// The directory that the writes add up to, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// Names that users had who are deleted or renamed.
    pub(crate) former_users: BTreeSet<String>,
    /// Names under which somebody came back after another user of that name had left, and how often.
    pub(crate) returned: BTreeMap<String, u64>,
    /// Names that users had before they were renamed, by id; also of those who are deleted.
    pub(crate) former_names: BTreeMap<String, Vec<String>>,
    /// Addresses that users had before they got others, by id; of those who are deleted, all of them.
    pub(crate) former_addresses: BTreeMap<String, Vec<String>>,
    /// Names that groups had that are deleted or renamed.
    pub(crate) former_groups: BTreeSet<String>,
}

impl Oracle {
    /// Takes in what another writer did; no two writers share an object.
    pub(crate) fn join(&mut self, other: Self) {
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        self.former_users.extend(other.former_users);
        self.returned.extend(other.returned);
        self.former_names.extend(other.former_names);
        self.former_addresses.extend(other.former_addresses);
        self.former_groups.extend(other.former_groups);
    }

    /// Whether somebody had this name before being renamed.
    pub(crate) fn is_of_renamed(&self, name: &str) -> bool {
        self.former_names.values().flatten().any(|former| former == name)
    }

    /// How often somebody of this name was renamed, and somebody else came back under it.
    pub(crate) fn times_free_and_taken(&self, name: &str) -> u64 {
        let left: u64 =
            self.former_names.values().flatten().filter(|former| *former == name).map(|_| 1).sum();
        self.returned.get(name).map_or(0, |taken| left.min(*taken))
    }

    /// Reads the whole directory back over SCIM and compares it.
    pub(crate) async fn assert_directory(&self, tenant: &Tenant) {
        let mut found = Self::default();
        for user in read_all(tenant, "Users").await {
            let user_of = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
            let row = User {
                login: user_of("userName"),
                display_name: user_of("displayName"),
                email: user["emails"][0]["value"].as_str().unwrap_or_default().to_owned(),
                active: user["active"].as_bool().unwrap(),
            };
            found.users.insert(user_of("id"), row);
        }
        for group in read_all(tenant, "Groups").await {
            let members = group["members"].as_array().into_iter().flatten();
            let row = Group {
                display_name: group["displayName"].as_str().unwrap().to_owned(),
                members: members.map(|member| member["value"].as_str().unwrap().to_owned()).collect(),
            };
            found.groups.insert(group["id"].as_str().unwrap().to_owned(), row);
        }
        assert_eq!(found.users, self.users);
        assert_eq!(found.groups, self.groups);
    }

    /// What is not at the site as it should be.
    pub(crate) fn differences(&self, site: &Site) -> Vec<String> {
        let state = site.state();
        let mut differences = Vec::new();
        let mut live = BTreeSet::new();
        // Under which name each user's account stands there.
        let mut accounts = BTreeMap::new();
        for (id, user) in &self.users {
            let names = self.names_at(site, id, user);
            let mut found: Vec<_> = names.iter().filter_map(|name| account(&state, name)).collect();
            // Who came back under the name of somebody deleted, and was renamed before the site heard of it, has an
            // account under the new name, and the one of the other stays as it is.
            if found.len() > 1 {
                let is_others = |account: &&UserState| {
                    self.returned.contains_key(&account.name) && !site.gives_access(&state, account)
                };
                found.retain(|account| !is_others(account));
            }
            if found.len() > 1 {
                differences.push(format!("{} has {} accounts", user.login, found.len()));
            }
            let account = found.into_iter().next();
            live.extend(names);
            if let Some(account) = account {
                accounts.insert(id, account.name.as_str());
            }
            match account {
                // Who was never able to log in needs no account.
                None if !user.active => {}
                None => differences.push(format!("{} has no account", user.login)),
                Some(found) if user.active && !found.active => {
                    differences.push(format!("{} cannot log in", user.login));
                }
                Some(found) if !user.active && site.gives_access(&state, found) => {
                    differences.push(format!("{} has access", user.login));
                }
                Some(found)
                    if user.active
                        && !site.names_by_email
                        && (found.display_name != user.display_name || found.email != user.email) =>
                {
                    differences.push(format!("{found:?} instead of {user:?}"));
                }
                Some(_) => {}
            }
        }
        for name in self.former_names_at(site).filter(|name| !live.contains(name.as_str())) {
            if account(&state, name).is_some_and(|account| site.gives_access(&state, account)) {
                differences.push(format!("{name} is gone and can log in"));
            }
        }
        self.compare_groups(&state, &accounts, &mut differences);
        differences.iter().map(|difference| format!("{}: {difference}", site.product)).collect()
    }

    /// The users whom a text calls by a name that they have or had.
    pub(crate) fn named_in(&self, text: &str) -> impl Iterator<Item = (&String, &User)> {
        let words: BTreeSet<&str> = text.split([' ', '"', ',']).collect();
        self.users.iter().filter(move |(id, user)| {
            let former = self.former_names.get(*id).into_iter().flatten();
            former.chain([&user.login]).any(|name| words.contains(name.as_str()))
        })
    }

    /// The names that a user's account may have: where it cannot be renamed it has one that the user once had.
    fn names_at<'a>(&'a self, site: &Site, id: &str, user: &'a User) -> Vec<&'a str> {
        let (former, now) = if site.names_by_email {
            (self.former_addresses.get(id), &user.email)
        } else {
            (self.former_names.get(id).filter(|_| !site.renames), &user.login)
        };
        former.into_iter().flatten().chain([now]).map(String::as_str).collect()
    }

    /// The names under which there may be accounts of people who left or are called otherwise by now.
    fn former_names_at(&self, site: &Site) -> Box<dyn Iterator<Item = &String> + '_> {
        if site.names_by_email {
            Box::new(self.former_addresses.values().flatten())
        } else {
            Box::new(self.former_users.iter())
        }
    }

    fn compare_groups(
        &self,
        state: &StateSnapshot,
        accounts: &BTreeMap<&String, &str>,
        differences: &mut Vec<String>,
    ) {
        let active = |id: &String| {
            accounts.get(id).copied().filter(|_| self.users.get(id).is_some_and(|user| user.active))
        };
        let everyone: BTreeSet<&str> = self.users.keys().filter_map(active).collect();
        let mut asked: BTreeMap<&str, BTreeSet<&str>> =
            self.former_groups.iter().map(|name| (name.as_str(), BTreeSet::new())).collect();
        for group in self.groups.values() {
            asked.insert(&group.display_name, group.members.iter().filter_map(active).collect());
        }
        for (name, members) in asked {
            let group = state.groups.iter().find(|group| group.name.eq_ignore_ascii_case(name));
            let lives = self.groups.values().any(|group| group.display_name == name);
            if group.is_none() && lives {
                differences.push(format!("group {name} is not there"));
            }
            // Those who may not log in keep the memberships of before.
            let found: BTreeSet<&str> = group
                .into_iter()
                .flat_map(|group| &group.members)
                .map(String::as_str)
                .filter(|member| everyone.contains(member))
                .collect();
            if found != members {
                let missing: Vec<_> = members.difference(&found).collect();
                let extra: Vec<_> = found.difference(&members).collect();
                differences.push(format!("group {name}: missing {missing:?}, too many {extra:?}"));
            }
        }
    }

    /// Accounts at the site that no write ever named.
    pub(crate) fn assert_no_stranger(&self, site: &StateSnapshot) {
        let is_address = |name: &String| {
            self.users.values().any(|user| user.email == *name)
                || self.former_addresses.values().flatten().any(|address| address == name)
        };
        for account in &site.users {
            let known = account.created_by == sandbox::state::CREATED_AT_START
                || self.former_users.contains(&account.name)
                || self.users.values().any(|user| user.login == account.name)
                || is_address(&account.name);
            assert!(known, "nobody asked for {account:?}");
        }
    }
}

fn account<'a>(state: &'a StateSnapshot, name: &str) -> Option<&'a UserState> {
    state.users.iter().find(|account| account.name.eq_ignore_ascii_case(name))
}

async fn read_all(tenant: &Tenant, path: &str) -> Vec<Value> {
    let mut resources: Vec<Value> = Vec::new();
    loop {
        let url = format!("{}/{path}?startIndex={}&count=200", tenant.scim, resources.len() + 1);
        let answer = tenant.client.get(url).bearer_auth(&tenant.token).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        resources.extend(page["Resources"].as_array().cloned().unwrap_or_default());
        if resources.len() as u64 >= page["totalResults"].as_u64().unwrap() {
            return resources;
        }
    }
}
