//! Which site groups the links of an account manage: the only ones that a plan takes anybody out of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scim_protocol::fold;
use uuid::Uuid;

use crate::account::{Claim, Source};
use crate::group::{Mapping, on_the_fly, protection, site_groups_for};
use crate::product::ProductRules;
use crate::settings::{CompiledSettings, GroupMode};

/// Whose business the memberships of a site group are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Management {
    /// Nobody's: it is never touched.
    Protected {
        /// The rule that protects it, in words.
        reason: String,
    },
    /// A disabled link's, which neither gives nor takes.
    Paused,
    /// No rule of an enabled link leads to it.
    Unmanaged,
    /// An enabled link's.
    Managed {
        /// The link, and the rule that leads to the group.
        source: Source,
        /// Whether members whom no link put there are taken out as well: only when every enabled link
        /// that maps directory groups to it has `keep_existing` off.
        removes_unmanaged: bool,
    },
}

/// That a directory group has led to a site group before. Which one it would be now is not to be seen from the
/// site group's name where links rename groups, and the directory group may be gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feed {
    /// The directory group's connection.
    pub connection: Uuid,
    /// The site group's name.
    pub site_group: String,
    /// The directory group's name as it was then.
    pub directory_group: String,
}

/// The site groups that the links of one account manage, as a question to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedGroups {
    /// Enabled links, the highest precedence first.
    enabled: Vec<Link>,
    /// Disabled links, the highest precedence first.
    disabled: Vec<Link>,
    /// Folded names of the groups that disabled links would give.
    paused: BTreeSet<String>,
    /// Names of directory groups by connection and folded site group.
    feeds: BTreeMap<(Uuid, String), Vec<String>>,
    product: ProductRules,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    id: Uuid,
    connection: Uuid,
    settings: Arc<CompiledSettings>,
}

impl ManagedGroups {
    /// The links behind `ranked`, claims with the highest precedence first.
    pub(crate) fn of(ranked: &[&Claim], product: &ProductRules) -> Self {
        let mut managed = Self { product: product.clone(), ..Self::default() };
        for claim in ranked {
            let side = if claim.enabled { &mut managed.enabled } else { &mut managed.disabled };
            if side.iter().all(|link| link.id != claim.link) {
                let settings = Arc::clone(&claim.settings);
                side.push(Link { id: claim.link, connection: claim.connection, settings });
            }
            if !claim.enabled && claim.is_active() {
                managed.paused.extend(groups_given_by(claim, product));
            }
        }
        managed
    }

    /// Whose business the memberships of the group `name` are, in any spelling.
    pub fn management(&self, name: &str) -> Management {
        if let Some(reason) = self.protection(name, self.is_mapped_outright(name)) {
            return Management::Protected { reason };
        }
        if self.paused.contains(&fold(name.trim())) {
            return Management::Paused;
        }
        let mapping: Vec<&Link> = self.enabled.iter().filter(|link| self.maps(link, name)).collect();
        let listing = || self.enabled.iter().find(|link| lists(&link.settings, name));
        let Some(manager) = mapping.first().copied().or_else(listing) else { return Management::Unmanaged };
        let rule = match manager.settings.group_sync.mode {
            _ if mapping.is_empty() => "default groups",
            GroupMode::Manual => "group_sync.mappings",
            _ => "groups on the fly",
        };
        // Whom people made an administrator by hand, no rule takes out.
        let removes_unmanaged = !mapping.is_empty()
            && !self.product.is_admin_group(name)
            && mapping.iter().all(|link| !link.settings.group_sync.keep_existing);
        let source = Source { link: manager.id, connection: manager.connection, rule: rule.to_owned() };
        Management::Managed { source, removes_unmanaged }
    }

    /// Takes note of what has led to site groups before.
    pub fn learn(&mut self, feeds: impl IntoIterator<Item = Feed>) {
        for Feed { connection, site_group, directory_group } in feeds {
            self.feeds.entry((connection, fold(site_group.trim()))).or_default().push(directory_group);
        }
    }

    /// Why nobody is put into the group `name` or taken out of it, if it is protected. What one link
    /// protects, no other link touches; a disabled link protects too. An admin group of the product is protected
    /// unless a mapping names it `outright`.
    pub(crate) fn protection(&self, name: &str, outright: bool) -> Option<String> {
        if !outright && self.product.is_admin_group(name) {
            return Some("it is an admin group of the product".to_owned());
        }
        let mut links = self.enabled.iter().chain(&self.disabled);
        links.find_map(|link| protection(name, &link.settings, &ProductRules::default()))
    }

    /// Whether a link's mappings name the group.
    pub(crate) fn is_mapped_outright(&self, name: &str) -> bool {
        self.enabled.iter().chain(&self.disabled).any(|link| link.settings.maps_outright(name))
    }

    /// Whether a directory group of the link becomes the site group `name`, or did while it was there.
    fn maps(&self, link: &Link, name: &str) -> bool {
        let settings = &link.settings;
        match settings.group_sync.mode {
            GroupMode::Off => false,
            GroupMode::Manual => settings.maps_outright(name),
            GroupMode::OnTheFly => {
                let leads_here = |group: &str| on_the_fly(group, settings, &self.product).leads_to(name);
                let known = self.feeds.get(&(link.connection, fold(name.trim())));
                leads_here(name) || known.is_some_and(|groups| groups.iter().any(|group| leads_here(group)))
            }
        }
    }
}

/// Whether a link's default groups name the group.
fn lists(settings: &CompiledSettings, name: &str) -> bool {
    let folded = fold(name.trim());
    let groups = &settings.group_sync;
    let mut names = groups.default_groups_all_users.iter().chain(&groups.default_groups_new_users);
    names.any(|listed| fold(listed.trim()) == folded)
}

/// Folded names of all groups that a claim's link gives or would give.
fn groups_given_by(claim: &Claim, product: &ProductRules) -> Vec<String> {
    let groups = &claim.settings.group_sync;
    let defaults = groups.default_groups_all_users.iter().chain(&groups.default_groups_new_users);
    let mut names: Vec<String> = defaults.map(|name| fold(name.trim())).collect();
    for group in &claim.groups {
        if let Mapping::Mapped { site_groups } = site_groups_for(group, &claim.settings, product) {
            names.extend(site_groups.iter().map(|group| fold(group)));
        }
    }
    names
}
