//! What the demo's identity provider asked for, kept apart from what Rollcall made of it.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::people::Person;
use sandbox::state::{GroupState, StateSnapshot, UserState};

use super::sites::{Manners, Naming};

/// Everything that one identity provider asked for so far, by the ids that SCIM gave out.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) users: BTreeMap<String, AskedUser>,
    pub(super) groups: BTreeMap<String, AskedGroup>,
}

#[derive(Clone, Debug)]
pub(super) struct AskedUser {
    pub(super) person: Person,
    /// As the person was made.
    pub(super) first: Person,
    pub(super) deleted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct AskedGroup {
    pub(super) name: String,
    pub(super) members: BTreeSet<String>,
    pub(super) deleted: bool,
}

/// How far a site is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Users, groups and memberships that were asked for, and that must not be.
    pub(super) total: usize,
    /// What was asked for and the product cannot do, in words.
    pub(super) not_possible: Vec<String>,
    /// What is not so at the site, in words.
    pub(super) differences: Vec<String>,
    pub(super) active: Pair,
    pub(super) inactive: Pair,
    pub(super) groups: Pair,
    pub(super) memberships: Pair,
}

/// A number asked for and the number at the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) asked: usize,
    pub(super) found: usize,
}

impl Asked {
    /// Users who are to be able to log in.
    fn is_active(&self, id: &str) -> bool {
        self.users.get(id).is_some_and(|user| user.person.active && !user.deleted)
    }

    /// Compares with a site. Accounts and groups that nobody asked for are the site's own business.
    pub(super) fn compare(&self, site: &StateSnapshot, manners: Manners) -> Comparison {
        let mut comparison = Comparison::default();
        for (id, user) in &self.users {
            self.compare_user(id, user, site, manners, &mut comparison);
        }
        for group in self.groups.values() {
            self.compare_group(group, site, manners, &mut comparison);
        }
        comparison
    }

    fn compare_user(
        &self,
        id: &str,
        user: &AskedUser,
        site: &StateSnapshot,
        manners: Manners,
        comparison: &mut Comparison,
    ) {
        let person = &user.person;
        let account = site.users.iter().find(|account| same(&account.name, user.name_at(manners)));
        let has_access = |account: &UserState| {
            let is_in = |group: &GroupState| group.members.iter().any(|member| same(member, &account.name));
            let is_member = || site.groups.iter().any(is_in);
            account.active && (manners.deactivates || is_member())
        };
        comparison.total += 1;
        let active = self.is_active(id);
        let kind = if active { &mut comparison.active } else { &mut comparison.inactive };
        kind.asked += 1;
        let difference = match account {
            // A user deleted before the site heard of it needs no account.
            None if user.deleted => None,
            None => Some("has no account"),
            Some(account) if has_access(account) && !active => Some("can still log in"),
            Some(account) if !account.active && active => Some("cannot log in"),
            Some(_) if !manners.changes_profiles => None,
            Some(account) if active && account.display_name != person.display_name() => {
                Some("has another display name")
            }
            Some(account) if active && account.email != person.email => Some("has another e-mail address"),
            Some(_) => None,
        };
        match difference {
            None => {
                kind.found += 1;
                comparison.not_possible.extend(user.not_possible(manners));
            }
            Some(text) => comparison.differences.push(format!("{} {text}", person.username)),
        }
    }

    fn compare_group(
        &self,
        group: &AskedGroup,
        site: &StateSnapshot,
        manners: Manners,
        comparison: &mut Comparison,
    ) {
        let found = site.groups.iter().find(|found| same(&found.name, &group.name));
        if !group.deleted {
            comparison.total += 1;
            comparison.groups.asked += 1;
            match found {
                Some(_) => comparison.groups.found += 1,
                None => comparison.differences.push(format!("group {} is not there", group.name)),
            }
        }
        for (id, user) in &self.users {
            let asked = !group.deleted && group.members.contains(id);
            // Someone who may not log in keeps the memberships of before.
            if !self.is_active(id) {
                continue;
            }
            let is_member = found
                .is_some_and(|found| found.members.iter().any(|member| same(member, user.name_at(manners))));
            comparison.total += 1;
            if asked {
                comparison.memberships.asked += 1;
            }
            if asked && is_member {
                comparison.memberships.found += 1;
            }
            if asked != is_member {
                let verb = if asked { "is not in" } else { "is still in" };
                comparison.differences.push(format!("{} {verb} {}", user.person.username, group.name));
            }
        }
    }
}

impl AskedUser {
    /// As it is asked for first.
    pub(super) fn new(person: Person) -> Self {
        Self { first: person.clone(), person, deleted: false }
    }

    /// What the account goes by at such a product.
    fn name_at(&self, manners: Manners) -> &str {
        match manners.naming {
            Naming::UserName => &self.person.username,
            Naming::FirstUserName => &self.first.username,
            Naming::FirstAddress => &self.first.email,
        }
    }

    /// What was asked for since the account was made and such a product cannot do.
    fn not_possible(&self, manners: Manners) -> Vec<String> {
        let (first, now) = (&self.first, &self.person);
        let mut told = Vec::new();
        if manners.naming == Naming::FirstUserName && first.username != now.username {
            told.push(format!("{} keeps this user name", first.username));
        }
        if !manners.changes_profiles && first.email != now.email {
            told.push(format!("{} keeps this address", first.email));
        }
        if !manners.changes_profiles && first.display_name() != now.display_name() {
            told.push(format!("{} keeps the name", first.email));
        }
        if !manners.deactivates && (self.deleted || !now.active) {
            told.push(format!("{} stays active, without access", now.username));
        }
        told
    }
}

/// The products compare names without case.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::sites::JIRA;
    use super::*;

    fn asked() -> Asked {
        let user = |index| AskedUser::new(Person::sample(index));
        let group = AskedGroup { name: "Team".into(), members: ["0".to_owned()].into(), deleted: false };
        Asked {
            users: [("0".to_owned(), user(0)), ("1".to_owned(), user(1))].into(),
            groups: [("g".to_owned(), group)].into(),
        }
    }

    fn site() -> StateSnapshot {
        let account = |index| {
            let person = Person::sample(index);
            UserState {
                key: index.to_string(),
                name: person.username.to_uppercase(),
                display_name: person.display_name(),
                email: person.email,
                active: true,
                created_by: "rollcall".into(),
            }
        };
        let members = vec![Person::sample(0).username, "somebody.else".to_owned()];
        StateSnapshot {
            users: vec![account(0), account(1), account(2)],
            groups: vec![GroupState { name: "team".into(), members }],
            ..StateSnapshot::default()
        }
    }

    #[test]
    fn a_site_that_is_as_asked_differs_in_nothing() {
        let comparison = asked().compare(&site(), JIRA);
        assert_eq!(comparison.differences, Vec::<String>::new());
        assert_eq!(
            (comparison.active, comparison.memberships),
            (Pair { asked: 2, found: 2 }, Pair { asked: 1, found: 1 })
        );
    }

    #[test]
    fn what_a_product_cannot_do_is_told_and_is_no_difference() {
        let mut asked = asked();
        let person = &mut asked.users.get_mut("0").unwrap().person;
        person.username = "renamed".into();
        person.email = "new@example.com".into();
        let keeps_names = Manners { naming: Naming::FirstUserName, changes_profiles: false, ..JIRA };
        let comparison = asked.compare(&site(), keeps_names);
        assert_eq!((comparison.differences.len(), comparison.not_possible.len()), (0, 2));
        asked.users.get_mut("0").unwrap().deleted = true;
        let cannot_deactivate = Manners { deactivates: false, ..keeps_names };
        let still_member = asked.compare(&site(), cannot_deactivate);
        assert!(still_member.differences[0].contains("can still log in"), "{still_member:?}");
    }

    #[test]
    fn each_difference_is_seen() {
        let differs = |change: fn(&mut Asked, &mut StateSnapshot), text: &str| {
            let (mut asked, mut site) = (asked(), site());
            change(&mut asked, &mut site);
            let found = asked.compare(&site, JIRA).differences;
            assert!(found.iter().any(|difference| difference.contains(text)), "{text}: {found:?}");
        };
        differs(|_, site| drop(site.users.remove(0)), "has no account");
        differs(|_, site| site.users[0].active = false, "cannot log in");
        differs(|_, site| site.users[0].email = "other".into(), "e-mail");
        differs(|_, site| site.users[0].display_name = "Other".into(), "display name");
        differs(|_, site| site.groups[0].members.clear(), "is not in");
        differs(|_, site| site.groups.clear(), "is not there");
        differs(|_, site| site.groups[0].members.push(Person::sample(1).username), "is still in");
        differs(|asked, _| asked.groups.values_mut().for_each(|group| group.deleted = true), "is still in");
        differs(|asked, _| asked.users.values_mut().for_each(|user| user.deleted = true), "can still log in");
    }
}
