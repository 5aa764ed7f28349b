//! Why an account is as it is: what each rule made of it, in words that an admin can act upon.

use scim_protocol::fold;
use serde::Serialize;
use uuid::Uuid;

use crate::account::{Claim, DesiredAccount, Existence, Management, Source};
use crate::group::{Mapping, site_groups_for};
use crate::plan::{AccountPlan, ObservedAccount, Skipped};
use crate::product::ProductRules;

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedValue {
    /// What is explained: `existence`, `username`, `display_name` or `email`.
    pub what: &'static str,
    /// The value; null where nothing says one.
    pub value: Option<String>,
    /// The rule that gives it, in words.
    pub rule: String,
    /// The link that it comes from.
    pub link_id: Option<Uuid>,
    /// Its connection.
    pub connection_id: Option<Uuid>,
}

/// A site group, and why the account is to be in it or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedGroup {
    /// The site group's name.
    pub name: String,
    /// Whether the account is to be in it.
    pub wanted: bool,
    /// Whether it is in it, as far as is known.
    pub member: bool,
    /// Every reason for it, or the first against it.
    pub reasons: Vec<String>,
    /// Links that ask for it.
    pub link_ids: Vec<Uuid>,
}

/// A directory group that holds the user and leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExcludedGroup {
    /// Its display name in the directory.
    pub directory_group: String,
    /// The link that keeps it out.
    pub link_id: Uuid,
    /// The first rule that did, in words.
    pub reason: String,
}

/// Everything that can be said of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// Whether it is to exist, and its attributes, each with its source.
    pub values: Vec<ExplainedValue>,
    /// Site groups that it is to be in, or that links have put it in.
    pub groups: Vec<ExplainedGroup>,
    /// Directory groups that hold the user and lead to no site group.
    pub excluded_groups: Vec<ExcludedGroup>,
    /// What a look at it now would do, as far as is known.
    pub pending: Vec<PendingChange>,
    /// What differs and stays so.
    pub not_done: Vec<Skipped>,
}

/// A step that is still to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingChange {
    /// Such as `add_member`.
    pub action: &'static str,
    /// The step in words, as a timeline tells it once it is done.
    pub summary: String,
    /// Why.
    pub reason: String,
}

/// What would come of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outlook {
    /// Steps that the work would make, as far as is known.
    pub pending: Vec<PendingChange>,
    /// What would stay as it is, and why.
    pub not_done: Vec<Skipped>,
}

impl Outlook {
    /// Of a plan.
    pub fn of(plan: &AccountPlan) -> Self {
        Self { pending: pending(plan), not_done: plan.not_done.clone() }
    }

    /// Nothing would be done.
    pub fn nothing(reason: impl Into<String>) -> Self {
        let skipped = Skipped { what: "account".to_owned(), reason: reason.into() };
        Self { pending: Vec::new(), not_done: vec![skipped] }
    }
}

fn pending(plan: &AccountPlan) -> Vec<PendingChange> {
    let steps = plan.changes.iter().map(|change| PendingChange {
        action: change.action.name(),
        summary: change.action.to_string(),
        reason: change.reason.clone(),
    });
    steps.collect()
}

/// Explains an account: `desired` is what `claims` were folded to, `observed` what is known of it.
pub fn explain(
    claims: &[Claim],
    desired: &DesiredAccount,
    observed: Option<&ObservedAccount>,
    plan: &AccountPlan,
) -> Explanation {
    Explanation {
        values: values(desired),
        groups: groups(desired, observed),
        excluded_groups: excluded_groups(claims, &desired.product),
        pending: pending(plan),
        not_done: plan.not_done.clone(),
    }
}

fn values(desired: &DesiredAccount) -> Vec<ExplainedValue> {
    let existence = match desired.existence {
        Existence::Active => "active",
        Existence::Inactive => "inactive",
        Existence::Deleted => "deleted",
        Existence::StripGroups => "strip_groups",
        Existence::Keep => "keep",
    };
    let nobody = || "no enabled link claims the account".to_owned();
    let value = |what, value: Option<String>, source: Option<&Source>| {
        // An attribute that an expression fails to make says so itself.
        let problem = desired.problems.iter().find(|problem| problem.attribute == what);
        ExplainedValue {
            what,
            value: value.filter(|value| !value.is_empty()),
            rule: problem
                .map(ToString::to_string)
                .or_else(|| source.map(|source| source.rule.clone()))
                .unwrap_or_else(nobody),
            link_id: source.map(|source| source.link).filter(|link| !link.is_nil()),
            connection_id: source.map(|source| source.connection).filter(|connection| !connection.is_nil()),
        }
    };
    let email = desired.email.as_ref();
    vec![
        value("existence", Some(existence.to_owned()), desired.decided_by.as_ref()),
        value("username", Some(desired.username.value.clone()), Some(&desired.username.source)),
        value("display_name", Some(desired.display_name.value.clone()), Some(&desired.display_name.source)),
        value("email", email.map(|email| email.value.clone()), email.map(|email| &email.source)),
    ]
}

fn groups(desired: &DesiredAccount, observed: Option<&ObservedAccount>) -> Vec<ExplainedGroup> {
    let created_by_us = observed.is_none_or(|account| account.created_by_us);
    let is_member = |folded: &String| observed.is_some_and(|account| account.groups.contains(folded));
    let mut explained: Vec<ExplainedGroup> = desired
        .groups
        .iter()
        .map(|(folded, group)| {
            let wanted = created_by_us || !group.new_accounts_only;
            let mut reasons: Vec<String> = group.sources.iter().map(|source| source.rule.clone()).collect();
            if !wanted {
                reasons =
                    vec!["it is only for accounts that we made, and this one stood there before".to_owned()];
            }
            ExplainedGroup {
                name: group.name.clone(),
                wanted,
                member: is_member(folded),
                reasons,
                link_ids: group.sources.iter().map(|source| source.link).collect(),
            }
        })
        .collect();
    let standing = observed.map(|account| account.groups.union(&account.managed)).into_iter().flatten();
    for folded in standing.filter(|folded| !desired.groups.contains_key(*folded)) {
        explained.push(ExplainedGroup {
            name: folded.clone(),
            wanted: false,
            member: is_member(folded),
            reasons: vec![against(desired, folded)],
            link_ids: Vec::new(),
        });
    }
    explained
}

/// The first thing that stands against a group that nothing asks for.
fn against(desired: &DesiredAccount, folded: &str) -> String {
    if let Some(refused) = desired.refused_groups.get(folded) {
        return refused.reason.clone();
    }
    if desired.existence != Existence::Active {
        let rule = desired.decided_by.as_ref().map(|source| source.rule.as_str());
        return rule.unwrap_or("no enabled link claims the account").to_owned();
    }
    match desired.managed_groups.management(folded) {
        Management::Protected { reason } => reason,
        Management::Paused => {
            "a disabled link gives it, and neither gives nor takes while it is disabled".to_owned()
        }
        Management::Unmanaged => {
            "no rule of any link leads to this group, so its members are left alone".to_owned()
        }
        Management::Managed { source, .. } => {
            format!(
                "a link manages this group by its {}, and none of its rules asks for this account",
                source.rule
            )
        }
    }
}

fn excluded_groups(claims: &[Claim], product: &ProductRules) -> Vec<ExcludedGroup> {
    let mut excluded = Vec::new();
    for claim in claims.iter().filter(|claim| claim.enabled) {
        for group in &claim.groups {
            if let Mapping::Excluded { reason } = site_groups_for(group, &claim.settings, product) {
                excluded.push(ExcludedGroup {
                    directory_group: group.name.clone(),
                    link_id: claim.link,
                    reason,
                });
            }
        }
    }
    excluded
}

/// Explains one site group of an account: why it is in it, or the first rule that keeps it out.
pub fn explain_group(
    claims: &[Claim],
    desired: &DesiredAccount,
    observed: Option<&ObservedAccount>,
    name: &str,
) -> ExplainedGroup {
    let folded = fold(name.trim());
    let known = groups(desired, observed).into_iter().find(|group| fold(group.name.trim()) == folded);
    if let Some(group) = known {
        return group;
    }
    // Directory groups of that name say best why it is not given.
    let named = claims.iter().filter(|claim| claim.enabled).find_map(|claim| {
        let group = claim.groups.iter().find(|group| fold(group.name.trim()) == folded)?;
        match site_groups_for(group, &claim.settings, &desired.product) {
            Mapping::Excluded { reason } => {
                Some(format!("the directory group {} does not reach the site: {reason}", group.name))
            }
            Mapping::Mapped { site_groups } => Some(format!(
                "the directory group {} leads to {} instead",
                group.name,
                site_groups.join(", ")
            )),
        }
    });
    let holds = claims.iter().map(|claim| claim.groups.len()).sum::<usize>();
    let reason = if desired.existence == Existence::Active {
        named.unwrap_or_else(|| match desired.managed_groups.management(&folded) {
            Management::Managed { .. } => {
                format!("none of the {holds} directory groups that hold the user leads to it")
            }
            _ => against(desired, &folded),
        })
    } else {
        against(desired, &folded)
    };
    ExplainedGroup {
        name: name.trim().to_owned(),
        wanted: false,
        member: false,
        reasons: vec![reason],
        link_ids: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::account::{DirectoryUser, fold as fold_claims};
    use crate::plan::account as plan_account;
    use crate::testing::{account, claim, jira, link, settings, user};

    fn explained(claims: &[Claim], observed: Option<&ObservedAccount>) -> Explanation {
        let desired = fold_claims(claims, &jira());
        explain(claims, &desired, observed, &plan_account(&desired, observed))
    }

    fn why(claims: &[Claim], observed: Option<&ObservedAccount>, group: &str) -> ExplainedGroup {
        explain_group(claims, &fold_claims(claims, &jira()), observed, group)
    }

    #[test]
    fn every_value_names_its_rule_and_link() {
        let one = Claim { groups: vec!["devs".into(), "secret".into()], ..claim(1) };
        let excluding = settings(json!({"group_sync": {"exclude": ["^secret"]}}));
        let explanation =
            explained(&[Claim { settings: excluding, ..one }], Some(&account(&["devs", "old"])));
        let [existence, username, display_name, email] = explanation.values.as_slice() else { panic!() };
        assert_eq!(
            (existence.value.as_deref(), existence.rule.as_str()),
            (Some("active"), "the user is active")
        );
        assert_eq!((username.value.as_deref(), username.link_id), (Some("ada"), Some(link(1))));
        assert_eq!(display_name.rule, "display name of the user");
        assert_eq!(email.value.as_deref(), Some("ada@x.test"));
        let said: Vec<(&str, bool, bool)> = explanation
            .groups
            .iter()
            .map(|group| (group.name.as_str(), group.wanted, group.member))
            .collect();
        assert_eq!(said, [("devs", true, true), ("old", false, true)]);
        assert_eq!(explanation.excluded_groups[0].reason, "group_sync.exclude has the pattern ^secret");
        assert_eq!(explanation.pending[0].summary, "Removed from the group old");
    }

    #[test]
    fn a_group_is_explained_by_the_first_rule_that_keeps_it_out() {
        let excluding = settings(json!({"group_sync": {
            "exclude": ["^secret"], "protected": ["vault"], "rename": [{"pattern": "^idp-", "replace": ""}],
            "default_groups_new_users": ["newcomers"],
        }}));
        let groups = vec!["devs".into(), "secret".into(), "vault".into(), "idp-ops".into()];
        let claims = [Claim { settings: excluding, groups, ..claim(1) }];
        let stood_there = ObservedAccount { created_by_us: false, ..account(&["devs"]) };
        let cases = [
            ("DEVS", true, "member of the directory group devs"),
            ("ops", true, "member of the directory group idp-ops"),
            (
                "secret",
                false,
                "the directory group secret does not reach the site: group_sync.exclude has the pattern ^secret",
            ),
            (
                "vault",
                false,
                "the directory group vault does not reach the site: group_sync.protected names it",
            ),
            ("idp-ops", false, "the directory group idp-ops leads to ops instead"),
            ("jira-administrators", false, "it is an admin group of the product"),
            ("qa", false, "none of the 4 directory groups that hold the user leads to it"),
            ("newcomers", false, "it is only for accounts that we made, and this one stood there before"),
        ];
        for (group, wanted, reason) in cases {
            let explained = why(&claims, Some(&stood_there), group);
            assert_eq!(
                (explained.wanted, explained.reasons.as_slice()),
                (wanted, &[reason.to_owned()][..]),
                "{group}"
            );
        }
    }

    #[test]
    fn who_left_is_in_no_group_for_that_reason() {
        let gone = Claim { user: Some(user("ada", false)), groups: vec!["devs".into()], ..claim(1) };
        let reason = "the user is inactive in the directory and user_sync.on_deprovision is deactivate";
        assert_eq!(why(&[gone], Some(&account(&["devs"])), "devs").reasons, [reason]);
        let out = DirectoryUser { in_scope: false, ..user("ada", true) };
        let explained = explained(&[Claim { user: Some(out), ..claim(1) }], None);
        assert_eq!(explained.values[0].value.as_deref(), Some("inactive"));
        assert!(explained.values[0].rule.contains("out of user_sync.scope"));
    }
}
