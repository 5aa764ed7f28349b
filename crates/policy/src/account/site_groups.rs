//! The site groups that claims give an account.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use scim_protocol::fold;

use super::{Claim, DesiredGroup, ManagedGroups, RefusedGroup};
use crate::group::{DirectoryGroup, Mapping, site_groups_for};
use crate::product::ProductRules;

/// Site groups gathered from claims, the highest precedence first.
#[derive(Default)]
pub(super) struct SiteGroups {
    /// What is given, by folded name.
    pub(super) given: BTreeMap<String, DesiredGroup>,
    /// Default groups that are protected, by folded name.
    pub(super) refused: BTreeMap<String, RefusedGroup>,
}

impl SiteGroups {
    /// Adds everything that one claim gives.
    pub(super) fn add_all(&mut self, claim: &Claim, product: &ProductRules, managed: &ManagedGroups) {
        let mut groups: Vec<&DirectoryGroup> = claim.groups.iter().collect();
        // The order in which the directory lists them must not show in the result.
        groups.sort_unstable_by_key(|group| (&group.name, group.id));
        for group in groups {
            if let Mapping::Mapped { site_groups } = site_groups_for(group, &claim.settings, product) {
                for site_group in site_groups {
                    let outright = claim.settings.maps_outright(&site_group);
                    if managed.protection(&site_group, outright).is_none() {
                        let rule = format!("member of the directory group {}", group.name.trim());
                        self.add(&site_group, claim, rule, false);
                    }
                }
            }
        }
        let settings = &claim.settings.group_sync;
        let lists = [
            ("group_sync.default_groups_all_users", &settings.default_groups_all_users, false),
            ("group_sync.default_groups_new_users", &settings.default_groups_new_users, true),
        ];
        for (rule, names, new_accounts_only) in lists {
            for name in names {
                match managed.protection(name, false) {
                    None => self.add(name.trim(), claim, rule.to_owned(), new_accounts_only),
                    Some(protection) => {
                        let reason = format!("{rule} names it, but {protection}");
                        let refused = RefusedGroup { name: name.trim().to_owned(), reason };
                        self.refused.entry(fold(name.trim())).or_insert(refused);
                    }
                }
            }
        }
    }

    fn add(&mut self, name: &str, claim: &Claim, rule: String, new_accounts_only: bool) {
        let source = claim.source(rule);
        let create_missing = claim.settings.group_sync.create_missing;
        match self.given.entry(fold(name)) {
            Entry::Vacant(vacant) => {
                let sources = vec![source];
                let name = name.to_owned();
                vacant.insert(DesiredGroup { name, sources, create_missing, new_accounts_only });
            }
            Entry::Occupied(mut occupied) => {
                let group = occupied.get_mut();
                if !group.sources.contains(&source) {
                    group.sources.push(source);
                }
                group.create_missing |= create_missing;
                group.new_accounts_only &= new_accounts_only;
            }
        }
    }
}
