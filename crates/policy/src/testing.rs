//! Claims and observations for tests, said in few words.

use std::collections::BTreeSet;
use std::sync::Arc;

use scim_protocol::fold;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::account::{Claim, DirectoryGroup, DirectoryUser, NamedBy};
use crate::plan::{AccountPlan, Action, ObservedAccount};
use crate::product::ProductRules;
use crate::settings::{CompiledSettings, LinkSettings};

/// Compiles settings given as JSON.
pub(crate) fn settings(settings: Value) -> Arc<CompiledSettings> {
    let settings: LinkSettings = serde_json::from_value(settings).unwrap();
    Arc::new(settings.compile().unwrap())
}

/// A directory group, whose id follows from its name.
impl From<&str> for DirectoryGroup {
    fn from(name: &str) -> Self {
        let id = name.bytes().fold(7_u128, |sum, byte| sum.wrapping_mul(257).wrapping_add(byte.into()));
        Self { id: Uuid::from_u128(id), name: name.to_owned() }
    }
}

/// Jira's rules, as far as they are known here.
pub(crate) fn jira() -> ProductRules {
    ProductRules { admin_groups: vec!["jira-administrators".into()], ..ProductRules::default() }
}

/// An active user "ada" on link number `number`, with default settings, precedence 0 and no groups.
pub(crate) fn claim(number: u128) -> Claim {
    Claim {
        link: link(number),
        connection: Uuid::from_u128(100 + number),
        precedence: 0,
        settings: settings(json!({})),
        enabled: true,
        user_id: Uuid::from_u128(1_000 + number),
        user: Some(user("ada", true)),
        groups: Vec::new(),
        doubt: None,
    }
}

/// The id of link number `number`.
pub(crate) fn link(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A user whose display name and address follow from the user name.
pub(crate) fn user(user_name: &str, active: bool) -> DirectoryUser {
    DirectoryUser {
        user_name: user_name.into(),
        display_name: format!("Display {user_name}"),
        email: Some(format!("{user_name}@x.test")),
        active,
        in_scope: true,
        named_by: NamedBy::Directory,
        problems: Vec::new(),
    }
}

/// Folded names.
pub(crate) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| fold(name)).collect()
}

/// Ada's account as her directory wants it, seen in full, all groups managed.
pub(crate) fn account(groups: &[&str]) -> ObservedAccount {
    ObservedAccount {
        username: "ada".into(),
        display_name: "Display ada".into(),
        email: Some("ada@x.test".into()),
        active: true,
        groups: names(groups),
        managed: names(groups),
        groups_known: true,
        unproven: BTreeSet::new(),
        protected: false,
        created_by_us: true,
    }
}

/// What stands at the site and in our records once a plan was carried out.
pub(crate) fn apply(
    plan: &AccountPlan,
    observed: Option<&ObservedAccount>,
    desired: &crate::account::DesiredAccount,
) -> Option<ObservedAccount> {
    let mut account = observed.cloned();
    for change in &plan.changes {
        if change.action == Action::CreateAccount {
            assert!(account.is_none(), "an account is created where one stands");
            account = Some(ObservedAccount {
                username: desired.username.value.clone(),
                display_name: desired.display_name.value.clone(),
                email: desired.email.as_ref().map(|email| email.value.clone()),
                active: true,
                groups_known: true,
                unproven: BTreeSet::new(),
                created_by_us: true,
                ..ObservedAccount::default()
            });
            continue;
        }
        let standing = account.as_mut().expect("a step needs an account to stand there");
        match &change.action {
            Action::UpdateAccount { username, display_name, email } => {
                standing.username = username.clone().unwrap_or_else(|| standing.username.clone());
                standing.display_name = display_name.clone().unwrap_or_else(|| standing.display_name.clone());
                standing.email = email.clone().or_else(|| standing.email.clone());
            }
            Action::Reactivate => standing.active = true,
            Action::Deactivate => standing.active = false,
            Action::DeleteAccount => account = None,
            Action::AddMember { group } => {
                standing.groups.insert(fold(group));
                standing.managed.insert(fold(group));
            }
            Action::RemoveMember { group } => {
                standing.groups.remove(&fold(group));
                standing.managed.remove(&fold(group));
            }
            Action::EnsureGroup { .. } | Action::HandOver { .. } | Action::CreateAccount => {}
        }
    }
    if let Some(standing) = &mut account {
        standing.managed.extend(plan.in_place.iter().map(|group| fold(group)));
        for group in &plan.forgotten {
            standing.managed.remove(group);
        }
    }
    account
}
