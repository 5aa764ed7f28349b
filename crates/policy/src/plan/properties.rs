//! Rules that hold for whatever links, directories and sites come along.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use scim_protocol::fold as fold_case;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::account::{AttributeProblem, Claim, DirectoryGroup, DirectoryUser, Feed, NamedBy, fold};
use crate::testing::{apply, claim, jira, settings};

/// Names that collide by case, by surrounding space and by folding, and one that the product protects.
const GROUPS: [&str; 8] =
    ["Devs", "devs ", "ops", "Straße", "STRASSE", "jira-administrators", "jira-users", "qa"];
/// Renames that merge names, that lead to a protected one, and that leave none.
const RENAMES: [(&str, &str); 4] =
    [("^(devs|qa)$", "ops"), ("^ops$", "jira-administrators"), ("^devs", ""), ("^(.)", "x-$1")];
const PATTERNS: [&str; 4] = ["^dev", "^jira-", "s$", "a"];

fn group_list() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(GROUPS.to_vec(), 0..=3)
}

/// Directory groups with their site groups.
fn any_mappings() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let name = || select(GROUPS.to_vec()).prop_map(str::to_owned);
    vec((name(), vec(name(), 1..=3)), 0..=3)
}

/// A link as a claim without a user, numbered later.
fn any_link() -> impl Strategy<Value = Claim> {
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let deprovision = select(vec!["deactivate", "delete", "strip_groups", "keep"]);
    let mode = select(vec!["on_the_fly", "on_the_fly", "on_the_fly", "manual", "manual", "off"]);
    let group_ways = (mode, any_mappings(), subsequence(RENAMES.to_vec(), 0..=1));
    let patterns = || subsequence(PATTERNS.to_vec(), 0..=1);
    let lists = (group_list(), group_list(), group_list(), patterns(), patterns());
    let enabled = prop::bool::weighted(0.8);
    (switches, deprovision, group_ways, lists, enabled, -1..=1_i32).prop_map(
        |(switches, on_deprovision, (mode, mut mappings, rename), lists, enabled, precedence)| {
            let (create, update, reactivate, create_missing, keep_existing) = switches;
            let (new_users, all_users, protected, include, exclude) = lists;
            // What a mapping names, the same link cannot protect.
            let is_protected = |name: &String| {
                protected.iter().any(|group| fold_case(group.trim()) == fold_case(name.trim()))
            };
            for (_, site_groups) in &mut mappings {
                site_groups.retain(|name| !is_protected(name));
            }
            let mappings: Vec<Value> = mappings
                .into_iter()
                .filter(|(_, site_groups)| !site_groups.is_empty())
                .map(|(idp_group, site_groups)| json!({"idp_group": idp_group, "site_groups": site_groups}))
                .collect();
            let rename: Vec<Value> = rename
                .into_iter()
                .map(|(pattern, replace)| json!({"pattern": pattern, "replace": replace}))
                .collect();
            let settings = settings(json!({
                "user_sync": {
                    "create": create, "update": update, "reactivate": reactivate,
                    "on_deprovision": on_deprovision,
                },
                "group_sync": {
                    "mode": mode, "default_groups_new_users": new_users,
                    "default_groups_all_users": all_users, "include": include, "exclude": exclude,
                    "create_missing": create_missing, "keep_existing": keep_existing,
                    "protected": protected, "mappings": mappings, "rename": rename,
                },
            }));
            Claim { settings, enabled, precedence, user: None, ..claim(0) }
        },
    )
}

fn any_user() -> impl Strategy<Value = DirectoryUser> {
    let names = select(vec!["ada", "Ada", "ada.l", ""]);
    (
        names,
        select(vec!["Ada", "Ada L"]),
        option::of(select(vec!["a@x.test", "A@x.test", "b@x.test"])),
        any::<bool>(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(user_name, display_name, email, active, in_scope, fails)| DirectoryUser {
            user_name: user_name.into(),
            display_name: display_name.into(),
            email: email.map(str::to_owned),
            active,
            in_scope,
            named_by: NamedBy::Directory,
            problems: fails
                .then(|| AttributeProblem { attribute: "email", problem: "it fails".into() })
                .into_iter()
                .collect(),
        })
}

/// Claims of up to three links; two users of one directory may claim the same account.
fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
    let links = vec(any_link(), 1..=3);
    let users = vec((any::<prop::sample::Index>(), option::weighted(0.8, any_user()), group_list()), 0..=4);
    (links, users).prop_map(|(links, users)| {
        let claims = users.into_iter().enumerate().map(|(number, (link, user, groups))| {
            let link = link.index(links.len());
            Claim {
                link: Uuid::from_u128(link as u128),
                connection: Uuid::from_u128(100 + link as u128),
                user_id: Uuid::from_u128(number as u128),
                user,
                groups: groups.into_iter().map(DirectoryGroup::from).collect(),
                ..links[link].clone()
            }
        });
        claims.collect()
    })
}

fn any_observed() -> impl Strategy<Value = Option<ObservedAccount>> {
    let folded = || btree_set(select(GROUPS.to_vec()).prop_map(|name| fold_case(name.trim())), 0..=4);
    let attributes = (
        select(vec!["ada", "ADA", "bob"]),
        select(vec!["Ada", "Bob"]),
        option::of(select(vec!["a@x.test", "c@x.test"])),
    );
    let facts = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.1), any::<bool>());
    option::weighted(0.85, (attributes, folded(), folded(), facts)).prop_map(|observed| {
        let ((username, display_name, email), groups, managed, facts) = observed?;
        let (active, groups_known, protected, created_by_us) = facts;
        Some(ObservedAccount {
            username: username.into(),
            display_name: display_name.into(),
            email: email.map(str::to_owned),
            active,
            groups,
            managed,
            groups_known,
            unproven: BTreeSet::new(),
            protected,
            created_by_us,
        })
    })
}

/// Folded names of the groups that a step adds to, removes from or creates.
fn touched(plan: &AccountPlan) -> BTreeSet<String> {
    let group = |change: &Change| match &change.action {
        Action::EnsureGroup { name: group }
        | Action::AddMember { group }
        | Action::RemoveMember { group } => Some(fold_case(group)),
        _ => None,
    };
    plan.changes.iter().filter_map(group).collect()
}

fn removed(plan: &AccountPlan) -> BTreeSet<String> {
    let group = |change: &Change| match &change.action {
        Action::RemoveMember { group } => Some(group.clone()),
        _ => None,
    };
    plan.changes.iter().filter_map(group).collect()
}

fn names_folded(names: &[String]) -> impl Iterator<Item = String> {
    names.iter().map(|name| fold_case(name.trim()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn fold_gives_the_same_for_any_order_of_claims_and_groups(
        (claims, shuffled) in any_claims().prop_flat_map(|claims| {
            let mut reversed = claims.clone();
            for claim in &mut reversed {
                claim.groups.reverse();
            }
            (Just(claims), Just(reversed).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(fold(&claims, &jira()), fold(&shuffled, &jira()));
    }

    #[test]
    fn plan_then_apply_leaves_an_empty_plan(claims in any_claims(), observed in any_observed()) {
        let desired = fold(&claims, &jira());
        let plan = account(&desired, observed.as_ref());
        let after = apply(&plan, observed.as_ref(), &desired);
        let again = account(&desired, after.as_ref());
        prop_assert!(again.changes.is_empty(), "first {:?}\nthen {:?}", plan.changes, again.changes);
        prop_assert!(again.forgotten.is_empty(), "{:?}", again.forgotten);
        prop_assert!(!again.removes_access);
    }

    #[test]
    fn steps_done_in_part_and_planned_anew_end_the_same(
        claims in any_claims(),
        observed in any_observed(),
        cut in any::<prop::sample::Index>(),
    ) {
        let desired = fold(&claims, &jira());
        let whole = account(&desired, observed.as_ref());
        let mut part = whole.clone();
        part.changes.truncate(cut.index(whole.changes.len() + 1));
        let at_once = apply(&whole, observed.as_ref(), &desired);
        let halfway = apply(&part, observed.as_ref(), &desired);
        let later = apply(&account(&desired, halfway.as_ref()), halfway.as_ref(), &desired);
        prop_assert_eq!(at_once, later);
    }

    #[test]
    fn protected_groups_and_accounts_never_change(claims in any_claims(), observed in any_observed()) {
        let plan = account(&fold(&claims, &jira()), observed.as_ref());
        let mut protected = BTreeSet::new();
        if claims.iter().all(|claim| !claim.settings.maps_outright("jira-administrators")) {
            protected.insert("jira-administrators".to_owned());
        }
        for claim in &claims {
            protected.extend(names_folded(&claim.settings.group_sync.protected));
        }
        prop_assert!(touched(&plan).is_disjoint(&protected), "{:?}", plan.changes);
        if observed.is_some_and(|account| account.protected) {
            prop_assert!(plan.changes.is_empty(), "{:?}", plan.changes);
        }
    }

    #[test]
    fn unmanaged_memberships_stay_unless_a_link_says_otherwise(
        claims in any_claims(),
        observed in any_observed(),
    ) {
        let plan = account(&fold(&claims, &jira()), observed.as_ref());
        let keeping = claims.iter().filter(|claim| claim.enabled);
        if keeping.clone().all(|claim| claim.settings.group_sync.keep_existing) {
            let managed = observed.map(|account| account.managed).unwrap_or_default();
            prop_assert!(removed(&plan).is_subset(&managed), "{:?}", plan.changes);
        }
    }

    #[test]
    fn an_administrator_whom_no_link_made_one_stays_one(claims in any_claims(), observed in any_observed()) {
        let plan = account(&fold(&claims, &jira()), observed.as_ref());
        let managed = observed.map(|account| account.managed).unwrap_or_default();
        if removed(&plan).contains("jira-administrators") {
            prop_assert!(managed.contains("jira-administrators"), "{:?}", plan.changes);
        }
    }

    #[test]
    fn what_has_led_to_a_group_changes_nothing_about_groups_that_are_asked_for(
        claims in any_claims(),
        observed in any_observed(),
        fed in vec((0..3_u128, select(GROUPS.to_vec()), select(GROUPS.to_vec())), 0..=4),
    ) {
        let mut desired = fold(&claims, &jira());
        desired.managed_groups.learn(fed.into_iter().map(|(link, site_group, directory_group)| Feed {
            connection: Uuid::from_u128(100 + link),
            site_group: site_group.to_owned(),
            directory_group: directory_group.to_owned(),
        }));
        let plan = account(&desired, observed.as_ref());
        let after = apply(&plan, observed.as_ref(), &desired);
        prop_assert!(account(&desired, after.as_ref()).changes.is_empty());
        let created_by_us = after.as_ref().is_some_and(|account| account.created_by_us);
        for (folded, _) in desired.groups.iter().filter(|(_, group)| created_by_us || !group.new_accounts_only) {
            prop_assert!(!removed(&plan).contains(folded), "{:?}", plan.changes);
        }
    }

    #[test]
    fn user_active_in_one_directory_is_never_locked_out(claims in any_claims(), observed in any_observed()) {
        let plan = account(&fold(&claims, &jira()), observed.as_ref());
        let claimed = claims.iter().any(Claim::is_active);
        let locks = |change: &Change| matches!(change.action, Action::Deactivate | Action::DeleteAccount);
        prop_assert!(!(claimed && plan.changes.iter().any(locks)), "{:?}", plan.changes);
    }

    #[test]
    fn memberships_that_an_active_claim_gives_are_never_taken(
        claims in any_claims(),
        observed in any_observed(),
    ) {
        let plan = account(&fold(&claims, &jira()), observed.as_ref());
        for claim in claims.iter().filter(|claim| claim.is_active()) {
            for group in &claim.groups {
                let mapping = crate::group::site_groups_for(group, &claim.settings, &jira());
                if let crate::group::Mapping::Mapped { site_groups } = mapping {
                    for folded in names_folded(&site_groups) {
                        prop_assert!(!removed(&plan).contains(&folded), "{:?}", plan.changes);
                    }
                }
            }
        }
    }

    #[test]
    fn taking_access_away_comes_before_everything_else(claims in any_claims(), observed in any_observed()) {
        let plan = account(&fold(&claims, &jira()), observed.as_ref());
        let removing: Vec<bool> =
            plan.changes.iter().map(|change| change.action.removes_access()).collect();
        prop_assert!(removing.is_sorted_by(|one, next| one >= next), "{:?}", plan.changes);
        prop_assert_eq!(plan.removes_access, removing.contains(&true));
    }
}
