//! One account at one site: from what every connection says of it to what it should be.
//!
//! [`fold`] is the rule for several identity providers on one site. Every value that it gives carries the
//! [`Source`] that it came from.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use scim_protocol::fold as fold_case;
use serde::Serialize;
use uuid::Uuid;

pub use crate::directory_user::{AttributeProblem, DirectoryUser, NamedBy};
pub use crate::group::DirectoryGroup;
pub use crate::managed_groups::{Feed, ManagedGroups, Management};
use crate::product::ProductRules;
use crate::settings::{CompiledSettings, MatchBy, OnDeprovision};

mod site_groups;

#[cfg(test)]
mod tests;

use site_groups::SiteGroups;

/// What one connection's directory says of one user, and the link that carries it to the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The link.
    pub link: Uuid,
    /// The connection that it starts from.
    pub connection: Uuid,
    /// The larger wins where links of one site disagree.
    pub precedence: i32,
    /// The link's settings.
    pub settings: Arc<CompiledSettings>,
    /// Whether the link is carried out. A disabled one neither gives nor takes, but what it would give is
    /// not taken away on behalf of another link.
    pub enabled: bool,
    /// The user's id in the directory.
    pub user_id: Uuid,
    /// What the directory says; `None` when it has deleted the user.
    pub user: Option<DirectoryUser>,
    /// The directory groups that hold the user, directly or nested.
    pub groups: Vec<DirectoryGroup>,
    /// What speaks against that the user is the account's person, if that is not settled: the claim has no say then.
    pub doubt: Option<String>,
}

impl Claim {
    /// Whether the directory has the user as an active one, and the link lets it through.
    pub(crate) fn is_active(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.active && user.in_scope)
    }

    /// Whether the link keeps a user out whom the directory has, active or not.
    pub fn is_out_of_scope(&self) -> bool {
        self.user.as_ref().is_some_and(|user| !user.in_scope)
    }

    /// Whether the claim says nothing for an account that was never seen: its user is out of scope, or it has no say.
    pub fn leaves_unknown_alone(&self) -> bool {
        self.doubt.is_some() || self.is_out_of_scope()
    }

    /// Whether the claim has a say, and wants the account to have the user name, which is folded for case.
    pub fn calls_it(&self, username_folded: &str) -> bool {
        let user = self.user.as_ref().filter(|_| self.doubt.is_none());
        user.is_some_and(|user| fold_case(user.user_name.trim()) == username_folded)
    }

    /// What stands against an account for the user, if anything does.
    fn gone(&self) -> &'static str {
        match &self.user {
            None => "deleted in the directory",
            Some(user) if user.active => "out of user_sync.scope",
            Some(_) => "inactive in the directory",
        }
    }

    fn source(&self, rule: impl Into<String>) -> Source {
        Source { link: self.link, connection: self.connection, rule: rule.into() }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The link.
    pub link: Uuid,
    /// Its connection.
    pub connection: Uuid,
    /// The rule, in words.
    pub rule: String,
}

/// A value with the source that it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

/// Whether the account is to exist, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Existence {
    /// It exists and may log in.
    Active,
    /// If it exists it may not log in; all else about it stays.
    Inactive,
    /// It does not exist.
    Deleted,
    /// It loses the groups that links manage; all else about it stays.
    StripGroups,
    /// It stays as it is.
    Keep,
}

/// A site group that an account belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredGroup {
    /// Its name, as it is to be created.
    pub name: String,
    /// Every rule that asks for it, the link with the highest precedence first.
    pub sources: Vec<Source>,
    /// Whether it is created if it is not there: when any link that asks for it says so.
    pub create_missing: bool,
    /// Whether it is only for accounts that we created: nothing but `default_groups_new_users` asks for it.
    pub new_accounts_only: bool,
}

/// A default group that is not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedGroup {
    /// Its name.
    pub name: String,
    /// Why, in words.
    pub reason: String,
}

/// What an account should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredAccount {
    /// Whether it is to exist, and how.
    pub existence: Existence,
    /// What decided `existence`; `None` when nothing claims the account.
    pub decided_by: Option<Source>,
    /// Its user name, or its e-mail address where there are no user names. Empty when every directory has deleted the
    /// user; it is then of no effect, as are the other attributes.
    pub username: Sourced<String>,
    /// Its display name.
    pub display_name: Sourced<String>,
    /// Its e-mail address; `None` leaves what the site has.
    pub email: Option<Sourced<String>>,
    /// What could not be said of the account; those attributes are empty.
    pub problems: Vec<AttributeProblem>,
    /// Its site groups, by folded name. Empty unless it is to be active.
    pub groups: BTreeMap<String, DesiredGroup>,
    /// Default groups that are protected, by folded name.
    pub refused_groups: BTreeMap<String, RefusedGroup>,
    /// Which site groups it may be taken out of.
    pub managed_groups: ManagedGroups,
    /// How an account that is already there is recognised. Empty when nothing is known to go by.
    pub match_by: Vec<MatchBy>,
    /// The link that lets it be created; `None` when none does.
    pub may_create: Option<Source>,
    /// The link that lets its attributes be updated: the one they come from, or `None`.
    pub may_update: Option<Source>,
    /// The link that lets it be activated again; `None` when none does.
    pub may_reactivate: Option<Source>,
    /// What the product demands.
    pub product: ProductRules,
}

/// Folds all claims on one account into what it should be. Any order of the claims gives the same answer.
///
/// - A claim that is in doubt has no say.
/// - It is active if any enabled link's user is. Its groups are the union over those; each attribute comes
///   from the one with the highest precedence (ties: the smaller link id, then user id) that has it.
/// - When none is active, `on_deprovision` of the enabled link with the highest precedence decides. A
///   user that was deactivated in the directory counts like one that was deleted. An account that is to be deleted where
///   the product can only deactivate it is deactivated: whoever left keeps no access for want of the stronger step.
/// - A disabled link whose user is active keeps the account as it is: pausing locks nobody out.
pub fn fold(claims: &[Claim], product: &ProductRules) -> DesiredAccount {
    let mut ranked: Vec<&Claim> = claims.iter().filter(|claim| claim.doubt.is_none()).collect();
    ranked.sort_by_key(|claim| (Reverse(claim.precedence), claim.link, claim.user_id));
    let enabled: Vec<&Claim> = ranked.iter().copied().filter(|claim| claim.enabled).collect();
    let active: Vec<&Claim> = enabled.iter().copied().filter(|claim| claim.is_active()).collect();

    let (existence, decided_by) = existence(&ranked, &enabled, &active, product);
    let speaking =
        [&active, &enabled, &ranked].into_iter().find(|claims| claims.iter().any(|c| c.user.is_some()));
    let mut attributes = Attributes::read(speaking.map_or(&[][..], Vec::as_slice));
    if product.username_is_email {
        attributes.go_by_email();
    }
    let managed_groups = ManagedGroups::of(&ranked, product);
    let mut groups = SiteGroups::default();
    for claim in &active {
        groups.add_all(claim, product, &managed_groups);
    }
    let allowing = |allows: fn(&CompiledSettings) -> bool, rule: &str| {
        active.iter().find(|claim| allows(&claim.settings)).map(|claim| claim.source(rule))
    };
    DesiredAccount {
        existence,
        decided_by,
        username: attributes.username,
        display_name: attributes.display_name,
        email: attributes.email,
        problems: attributes.problems,
        groups: groups.given,
        refused_groups: groups.refused,
        managed_groups,
        match_by: attributes.match_by,
        may_create: allowing(|settings| settings.user_sync.create, "user_sync.create"),
        may_update: attributes.may_update,
        may_reactivate: allowing(|settings| settings.user_sync.reactivate, "user_sync.reactivate"),
        product: product.clone(),
    }
}

fn existence(
    ranked: &[&Claim],
    enabled: &[&Claim],
    active: &[&Claim],
    product: &ProductRules,
) -> (Existence, Option<Source>) {
    if let Some(claim) = active.first() {
        return (Existence::Active, Some(claim.source("the user is active")));
    }
    if let Some(claim) = ranked.iter().find(|claim| !claim.enabled && claim.is_active()) {
        return (Existence::Keep, Some(claim.source("the link is disabled and its user is active")));
    }
    let Some(claim) = enabled.first() else { return (Existence::Keep, None) };
    let setting = claim.settings.user_sync.on_deprovision;
    let mut rule =
        format!("the user is {} and user_sync.on_deprovision is {}", claim.gone(), setting.as_str());
    let existence = match (setting, product.obstacle_to_delete_alone()) {
        (OnDeprovision::Delete, Some(obstacle)) => {
            rule.push_str(", which is not possible here, because ");
            rule.push_str(obstacle);
            Existence::Inactive
        }
        (OnDeprovision::Delete, None) => Existence::Deleted,
        (OnDeprovision::Deactivate, _) => Existence::Inactive,
        (OnDeprovision::StripGroups, _) => Existence::StripGroups,
        (OnDeprovision::Keep, _) => Existence::Keep,
    };
    (existence, Some(claim.source(rule)))
}

/// How an account is recognised: one of a name that was only found to be free is nobody's to take over.
fn match_by(claim: &Claim, user: &DirectoryUser) -> Vec<MatchBy> {
    let rules = claim.settings.user_sync.match_by.iter().copied();
    rules.filter(|rule| user.named_by != NamedBy::Rule || *rule != MatchBy::Username).collect()
}

/// What the directories say of the person.
struct Attributes {
    username: Sourced<String>,
    display_name: Sourced<String>,
    email: Option<Sourced<String>>,
    problems: Vec<AttributeProblem>,
    match_by: Vec<MatchBy>,
    may_update: Option<Source>,
}

impl Attributes {
    /// From claims with the highest precedence first.
    fn read(claims: &[&Claim]) -> Self {
        let mut speaking = claims.iter().filter_map(|claim| Some((*claim, claim.user.as_ref()?)));
        let Some((first, user)) = speaking.clone().next() else { return Self::unknown() };
        let email = speaking.find_map(|(claim, user)| {
            let value = user.email.clone()?;
            Some(Sourced { value, source: claim.source("e-mail address of the user") })
        });
        Self {
            username: Sourced {
                value: user.user_name.clone(),
                source: first.source(match user.named_by {
                    NamedBy::Directory => "userName of the user",
                    NamedBy::Rule => "user_sync.username_if_taken, since the user's own name was taken",
                    NamedBy::Hand => "given by an admin",
                }),
            },
            display_name: Sourced {
                value: user.display_name.clone(),
                source: first.source("display name of the user"),
            },
            email,
            problems: user.problems.clone(),
            match_by: match_by(first, user),
            may_update: first.settings.user_sync.update.then(|| first.source("user_sync.update")),
        }
    }

    /// Where there are no user names. Without an address there is nothing to go by.
    fn go_by_email(&mut self) {
        match &self.email {
            Some(email) => self.username = email.clone(),
            None => self.username.value.clear(),
        }
    }

    fn unknown() -> Self {
        let rule = "no directory has the user any more".to_owned();
        let source = Source { link: Uuid::nil(), connection: Uuid::nil(), rule };
        let nothing = Sourced { value: String::new(), source };
        Self {
            username: nothing.clone(),
            display_name: nothing,
            email: None,
            problems: Vec::new(),
            match_by: Vec::new(),
            may_update: None,
        }
    }
}
