use serde_json::{Value, json};

use super::*;
use crate::account::{Claim, DirectoryUser, fold};
use crate::product::{Obstacles, ProductRules};
use crate::testing::{account as observed_account, apply, claim, jira, link, names, settings, user};

/// What a plan says, in short: names of actions with the group they concern.
fn steps(plan: &AccountPlan) -> Vec<String> {
    let told = |change: &Change| {
        let name = change.action.name();
        match &change.action {
            Action::EnsureGroup { name: group }
            | Action::AddMember { group }
            | Action::RemoveMember { group } => format!("{name} {group}"),
            _ => name.to_owned(),
        }
    };
    plan.changes.iter().map(told).collect()
}

fn skipped(plan: &AccountPlan) -> Vec<(&str, &str)> {
    plan.not_done.iter().map(|skipped| (skipped.what.as_str(), skipped.reason.as_str())).collect()
}

fn plan(claims: &[Claim], observed: Option<&ObservedAccount>) -> AccountPlan {
    account(&fold(claims, &jira()), observed)
}

fn with_settings(claim: Claim, json: Value) -> Claim {
    Claim { settings: settings(json), ..claim }
}

fn member(groups: &[&str]) -> Claim {
    Claim { groups: groups.iter().map(|&group| group.into()).collect(), ..claim(1) }
}

fn inactive(groups: &[&str], on_deprovision: &str) -> Claim {
    let claim = Claim { user: Some(user("ada", false)), ..member(groups) };
    with_settings(claim, json!({"user_sync": {"on_deprovision": on_deprovision}}))
}

#[test]
fn account_that_is_as_desired_needs_nothing() {
    let plan = plan(&[member(&["devs"])], Some(&observed_account(&["devs"])));
    assert_eq!(plan, AccountPlan { in_place: vec!["devs".into()], ..AccountPlan::default() });
}

#[test]
fn missing_account_is_created_with_its_groups() {
    let plan = plan(&[member(&["Devs"])], None);
    assert_eq!(steps(&plan), ["create_account", "ensure_group Devs", "add_member Devs"]);
    assert_eq!(plan.changes[2].reason, "The group is asked for: member of the directory group Devs");
    assert!(plan.changes.iter().all(|change| change.link == Some(link(1))));
    assert!(!plan.removes_access);
}

#[test]
fn nothing_is_created_when_create_is_off() {
    let claim = with_settings(member(&["devs"]), json!({"user_sync": {"create": false}}));
    let plan = plan(&[claim], None);
    assert_eq!(steps(&plan), [""; 0]);
    assert_eq!(skipped(&plan), [("create", "user_sync.create is off")]);
}

#[test]
fn user_without_a_name_is_not_created() {
    let nameless = Claim { user: Some(DirectoryUser::from_scim(&json!({"active": true}))), ..claim(1) };
    let plan = plan(&[nameless], None);
    assert_eq!(skipped(&plan), [("create", "the directory gives the user no userName")]);
}

#[test]
fn deprovisioned_users_get_no_account() {
    for setting in ["deactivate", "delete", "strip_groups", "keep"] {
        assert_eq!(plan(&[inactive(&["devs"], setting)], None), AccountPlan::default(), "{setting}");
    }
}

#[test]
fn groups_are_not_ensured_when_create_missing_is_off() {
    let claim = with_settings(member(&["devs"]), json!({"group_sync": {"create_missing": false}}));
    assert_eq!(steps(&plan(&[claim], Some(&observed_account(&[])))), ["add_member devs"]);
}

#[test]
fn only_attributes_that_differ_are_updated() {
    let observed = ObservedAccount {
        username: "ADA".into(),
        display_name: "Ada before".into(),
        email: Some("ADA@x.test".into()),
        ..observed_account(&[])
    };
    let plan = plan(&[claim(1)], Some(&observed));
    let expected =
        Action::UpdateAccount { username: None, display_name: Some("Display ada".into()), email: None };
    assert_eq!(plan.changes[0].action, expected);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(expected.to_string(), "Updated the display name");
}

#[test]
fn case_of_a_user_name_is_updated_where_it_counts() {
    let product = ProductRules { username_case_sensitive: true, ..jira() };
    let observed = ObservedAccount { username: "ADA".into(), ..observed_account(&[]) };
    let plan = account(&fold(&[claim(1)], &product), Some(&observed));
    let expected = Action::UpdateAccount { username: Some("ada".into()), display_name: None, email: None };
    assert_eq!(plan.changes[0].action, expected);
}

/// A product that can do nothing but update an account.
fn hindered() -> ProductRules {
    let obstacle = |what: &str| Some(format!("it cannot {what}"));
    let obstacles = Obstacles {
        create_account: obstacle("create"),
        rename_account: obstacle("rename"),
        change_profile: None,
        deactivate_account: obstacle("deactivate"),
        delete_account: obstacle("delete"),
    };
    ProductRules { obstacles, ..jira() }
}

#[test]
fn what_the_product_cannot_do_is_left_with_its_reason() {
    let off = || ObservedAccount { active: false, ..observed_account(&[]) };
    let cases = [
        (claim(1), None, "create"),
        (claim(1), Some(ObservedAccount { username: "lovelace".into(), ..observed_account(&[]) }), "rename"),
        (inactive(&[], "deactivate"), Some(observed_account(&[])), "deactivate"),
        (inactive(&[], "delete"), Some(observed_account(&[])), "delete_account"),
        (claim(1), Some(off()), "reactivate"),
    ];
    for (claim, observed, what) in cases {
        let plan = account(&fold(&[claim], &hindered()), observed.as_ref());
        assert_eq!(steps(&plan), [""; 0], "{what}");
        assert_eq!(plan.not_done[0].what, what);
        let verb = what.trim_end_matches("_account").replace("reactivate", "deactivate");
        assert_eq!(plan.not_done[0].reason, format!("not possible here, because it cannot {verb}"));
    }
}

#[test]
fn profile_that_is_its_persons_is_left_and_each_difference_told() {
    let obstacles = Obstacles { change_profile: Some("it is theirs".into()), ..Obstacles::default() };
    let product = ProductRules { obstacles, username_is_email: true, ..jira() };
    let observed = ObservedAccount {
        username: "ada@example.com".into(),
        display_name: "Countess".into(),
        email: Some("countess@example.com".into()),
        ..observed_account(&[])
    };
    let plan = account(&fold(&[claim(1)], &product), Some(&observed));
    assert_eq!(steps(&plan), [""; 0]);
    let told: Vec<&str> = plan.not_done.iter().map(|skipped| skipped.what.as_str()).collect();
    assert_eq!(told, ["display name", "email"]);
    assert_eq!(plan.not_done[0].reason, "not possible here, because it is theirs");
}

#[test]
fn account_without_user_names_goes_by_its_address() {
    let product = ProductRules { username_is_email: true, ..jira() };
    let desired = fold(&[claim(1)], &product);
    assert_eq!(desired.username.value, desired.email.as_ref().unwrap().value);
    let mut nameless = claim(1);
    nameless.user.as_mut().unwrap().email = None;
    let plan = account(&fold(&[nameless], &product), None);
    assert_eq!(steps(&plan), [""; 0]);
    assert!(plan.not_done[0].reason.contains("no e-mail address"), "{:?}", plan.not_done);
}

fn led() -> [Led; 2] {
    let component = Led::Component { id: "7".into(), name: "Core".into(), project: Some("DEMO".into()) };
    [Led::Project { key: "DEMO".into() }, component]
}

/// The plan of an account that is to go and leads something, or why it must wait.
fn handed_over(user_sync: Value) -> Result<Vec<String>, String> {
    let mut user_sync = user_sync;
    user_sync["on_deprovision"] = json!("deactivate");
    let claim = with_settings(inactive(&[], "deactivate"), json!({ "user_sync": user_sync }));
    let user_sync = claim.settings.user_sync.clone();
    let desired = fold(&[claim], &jira());
    let mut plan = account(&desired, Some(&observed_account(&[])));
    hand_over(&mut plan, &desired, "ada", &led(), &user_sync)?;
    Ok(plan.changes.iter().map(|change| change.action.to_string()).collect())
}

#[test]
fn what_an_account_leads_is_handed_over_before_it_goes() {
    let both = json!({"default_project_lead": "grace", "default_component_lead": " linus "});
    let expected = [
        "Made grace the lead of the project DEMO",
        "Made linus the lead of the component Core of the project DEMO",
        "Deactivated the account",
    ];
    assert_eq!(handed_over(both).unwrap(), expected);
}

#[test]
fn a_lead_without_a_successor_waits_and_the_reason_names_what_and_which_setting() {
    let reason = handed_over(json!({"default_project_lead": "grace"})).unwrap_err();
    let expected = "ada leads the component Core of the project DEMO, and user_sync.default_component_lead is not \
        set: set it, or give the component Core of the project DEMO another lead at the site";
    assert_eq!(reason, expected);
    let itself = json!({"default_project_lead": "ADA", "default_component_lead": "ADA"});
    assert!(handed_over(itself).unwrap_err().contains("is itself the user_sync.default_project_lead"));
}

#[test]
fn who_stays_hands_nothing_over() {
    let claim = member(&["devs"]);
    let user_sync = claim.settings.user_sync.clone();
    let desired = fold(&[claim], &jira());
    let mut plan = account(&desired, Some(&observed_account(&[])));
    let before = plan.clone();
    hand_over(&mut plan, &desired, "ada", &led(), &user_sync).unwrap();
    assert_eq!(plan, before);
}

#[test]
fn deactivation_by_withdrawal_takes_every_group_but_the_protected_ones() {
    let product = ProductRules { withdraws_access: true, ..jira() };
    let observed = ObservedAccount {
        managed: names(&["devs", "gone"]),
        ..observed_account(&["devs", "by-hand", "jira-administrators"])
    };
    let plan = account(&fold(&[inactive(&["devs"], "deactivate")], &product), Some(&observed));
    assert_eq!(steps(&plan), ["remove_member by-hand", "remove_member devs", "deactivate"]);
    assert_eq!(skipped(&plan)[0].0, "group jira-administrators");
    assert!(plan.removes_access);
    let off = ObservedAccount {
        active: false,
        groups: names(&["jira-administrators"]),
        managed: names(&[]),
        ..observed.clone()
    };
    let given_back = ObservedAccount { active: false, managed: names(&[]), ..observed };
    let plan = account(&fold(&[inactive(&["devs"], "deactivate")], &product), Some(&given_back));
    assert_eq!(steps(&plan), ["remove_member by-hand", "remove_member devs", "deactivate"]);
    let again = account(&fold(&[inactive(&["devs"], "deactivate")], &product), Some(&off));
    assert_eq!(again, AccountPlan::default());
}

#[test]
fn what_else_differs_is_done_where_a_rename_is_not_possible() {
    let observed = ObservedAccount {
        username: "lovelace".into(),
        email: Some("old@x.test".into()),
        ..observed_account(&[])
    };
    let plan = account(&fold(&[member(&["devs"])], &hindered()), Some(&observed));
    assert_eq!(steps(&plan), ["update_account", "ensure_group devs", "add_member devs"]);
    let expected =
        Action::UpdateAccount { username: None, display_name: None, email: Some("ada@x.test".into()) };
    assert_eq!(plan.changes[0].action, expected);
    assert_eq!(skipped(&plan)[0].0, "rename");
}

#[test]
fn address_that_the_directory_does_not_know_stays() {
    let without = Claim { user: Some(DirectoryUser { email: None, ..user("ada", true) }), ..claim(1) };
    assert_eq!(steps(&plan(&[without], Some(&observed_account(&[])))), [""; 0]);
}

#[test]
fn attributes_stay_when_update_is_off() {
    let claim = with_settings(member(&["devs"]), json!({"user_sync": {"update": false}}));
    let observed = ObservedAccount { display_name: "Other".into(), ..observed_account(&[]) };
    let plan = plan(&[claim], Some(&observed));
    assert_eq!(steps(&plan), ["ensure_group devs", "add_member devs"]);
    assert_eq!(skipped(&plan), [("update", "user_sync.update is off")]);
}

#[test]
fn taking_away_comes_first_then_update_reactivation_and_groups() {
    let observed =
        ObservedAccount { display_name: "Other".into(), active: false, ..observed_account(&["ops"]) };
    let plan = plan(&[member(&["devs"])], Some(&observed));
    let expected =
        ["remove_member ops", "update_account", "reactivate", "ensure_group devs", "add_member devs"];
    assert_eq!(steps(&plan), expected);
    assert!(plan.removes_access);
}

#[test]
fn account_that_may_not_be_reactivated_is_given_nothing_and_loses_what_it_must() {
    let claim = with_settings(member(&["devs"]), json!({"user_sync": {"reactivate": false}}));
    let observed = ObservedAccount { active: false, ..observed_account(&["ops"]) };
    let plan = plan(&[claim], Some(&observed));
    assert_eq!(steps(&plan), ["remove_member ops"]);
    let reason = "the account is deactivated at the site and user_sync.reactivate is off";
    assert_eq!(skipped(&plan), [("reactivate", reason)]);
}

#[test]
fn whoever_cannot_be_deleted_is_deactivated_and_told_why() {
    let obstacles = Obstacles { delete_account: Some("accounts stay".into()), ..Obstacles::default() };
    for (withdraws_access, expected) in
        [(false, vec!["deactivate"]), (true, vec!["remove_member devs", "deactivate"])]
    {
        let product = ProductRules { withdraws_access, obstacles: obstacles.clone(), ..jira() };
        let desired = fold(&[inactive(&["devs"], "delete")], &product);
        let plan = account(&desired, Some(&observed_account(&["devs"])));
        assert_eq!(steps(&plan), expected);
        let reason = &plan.changes.last().unwrap().reason;
        assert!(reason.ends_with("is delete, which is not possible here, because accounts stay"), "{reason}");
        assert!(plan.removes_access);
    }
}

#[test]
fn each_way_of_deprovisioning_does_what_it_says() {
    let cases = [
        ("deactivate", vec!["deactivate"]),
        ("delete", vec!["delete_account"]),
        ("strip_groups", vec!["remove_member devs"]),
        ("keep", vec![]),
    ];
    for (setting, expected) in cases {
        let plan = plan(&[inactive(&["devs"], setting)], Some(&observed_account(&["devs"])));
        assert_eq!(steps(&plan), expected, "{setting}");
        assert_eq!(plan.removes_access, setting != "keep");
        assert!(plan.forgotten.is_empty() && plan.in_place.is_empty());
    }
}

#[test]
fn reason_of_a_deactivation_names_the_rule() {
    let plan = plan(&[inactive(&[], "deactivate")], Some(&observed_account(&[])));
    let reason = "The account is deactivated, because the user is inactive in the directory and \
                  user_sync.on_deprovision is deactivate";
    assert_eq!((plan.changes[0].reason.as_str(), plan.changes[0].link), (reason, Some(link(1))));
}

#[test]
fn reactivated_users_have_their_groups_again() {
    let deactivated = ObservedAccount { active: false, ..observed_account(&["devs"]) };
    assert_eq!(steps(&plan(&[member(&["devs"])], Some(&deactivated))), ["reactivate"]);
    let stripped = observed_account(&[]);
    assert_eq!(steps(&plan(&[member(&["devs"])], Some(&stripped))), ["ensure_group devs", "add_member devs"]);
}

#[test]
fn unmanaged_memberships_stay_by_default() {
    let observed = ObservedAccount { managed: names(&[]), ..observed_account(&["by-hand"]) };
    assert_eq!(plan(&[claim(1)], Some(&observed)), AccountPlan::default());
}

#[test]
fn unmanaged_memberships_go_when_keep_existing_is_off_and_the_link_maps_the_group() {
    let group_sync = json!({"keep_existing": false, "include": ["^jira-"], "protected": ["jira-ops"]});
    let claim = with_settings(claim(1), json!({ "group_sync": group_sync }));
    let groups = &["jira-by-hand", "wiki-by-hand", "jira-ops", "jira-administrators"];
    let observed = ObservedAccount { managed: names(&[]), ..observed_account(groups) };
    assert_eq!(steps(&plan(&[claim], Some(&observed))), ["remove_member jira-by-hand"]);
}

#[test]
fn membership_that_is_there_already_is_adopted() {
    let observed = ObservedAccount { managed: names(&[]), ..observed_account(&["devs"]) };
    let adopting = plan(&[member(&["Devs"])], Some(&observed));
    assert_eq!(adopting.in_place, ["Devs"]);
    let desired = fold(&[member(&["Devs"])], &jira());
    let adopted = apply(&adopting, Some(&observed), &desired).unwrap();
    assert_eq!(steps(&plan(&[claim(1)], Some(&adopted))), ["remove_member devs"]);
}

#[test]
fn unconfirmed_membership_that_is_not_wanted_is_removed_to_be_sure() {
    let observed = ObservedAccount { groups: names(&[]), groups_known: false, ..observed_account(&["devs"]) };
    assert_eq!(steps(&plan(&[claim(1)], Some(&observed))), ["remove_member devs"]);
}

#[test]
fn managed_membership_that_the_site_no_longer_shows_is_forgotten() {
    let observed = ObservedAccount { groups: names(&[]), ..observed_account(&["devs"]) };
    let plan = plan(&[claim(1)], Some(&observed));
    assert_eq!((steps(&plan).len(), plan.forgotten), (0, vec!["devs".to_owned()]));
}

#[test]
fn groups_that_rules_let_go_of_keep_their_members() {
    let cases = [
        json!({"mode": "off"}),
        json!({"exclude": ["^devs$"]}),
        json!({"include": ["^ops$"]}),
        json!({"protected": ["Devs"]}),
    ];
    for group_sync in cases {
        let claim = with_settings(member(&["devs"]), json!({ "group_sync": group_sync }));
        let plan = plan(&[claim], Some(&observed_account(&["devs"])));
        assert_eq!(steps(&plan), [""; 0], "{group_sync}");
        assert_eq!(plan.forgotten, ["devs"], "{group_sync}");
    }
}

#[test]
fn groups_of_a_disabled_link_are_neither_given_nor_taken() {
    let paused = Claim { enabled: false, ..member(&["devs", "ops"]) };
    let plan = plan(&[paused, claim(2)], Some(&observed_account(&["devs"])));
    assert_eq!(plan, AccountPlan::default());
}

#[test]
fn groups_for_new_users_go_to_accounts_that_we_created() {
    let listed = json!({"group_sync": {"default_groups_new_users": ["newcomers"]}});
    let claim = with_settings(claim(1), listed);
    let ours = observed_account(&[]);
    let adopted = ObservedAccount { created_by_us: false, ..observed_account(&[]) };
    let claims = &[claim];
    assert_eq!(
        steps(&plan(claims, None)),
        ["create_account", "ensure_group newcomers", "add_member newcomers"]
    );
    assert_eq!(steps(&plan(claims, Some(&ours))), ["ensure_group newcomers", "add_member newcomers"]);
    assert_eq!(steps(&plan(claims, Some(&adopted))), [""; 0]);
}

#[test]
fn protected_account_is_left_alone_and_the_plan_says_so() {
    let protected = ObservedAccount { protected: true, ..observed_account(&["devs"]) };
    for claim in [inactive(&[], "delete"), member(&["ops"])] {
        let plan = plan(&[claim], Some(&protected));
        assert_eq!(steps(&plan), [""; 0]);
        assert_eq!(skipped(&plan), [("account", "the account is protected and never changed")]);
        assert!(!plan.removes_access);
    }
}

#[test]
fn protected_default_group_is_named_as_not_given() {
    let listed = json!({"group_sync": {"default_groups_all_users": ["jira-administrators"]}});
    let plan = plan(&[with_settings(claim(1), listed)], Some(&observed_account(&[])));
    assert_eq!(steps(&plan), [""; 0]);
    assert_eq!(plan.not_done[0].what, "group jira-administrators");
}

#[test]
fn renamed_directory_group_moves_its_members() {
    let plan = plan(&[member(&["engineers"])], Some(&observed_account(&["devs"])));
    assert_eq!(steps(&plan), ["remove_member devs", "ensure_group engineers", "add_member engineers"]);
}

#[test]
fn actions_have_one_flat_form_in_json() {
    let cases = [
        (Action::CreateAccount, json!({"name": "create_account"})),
        (Action::EnsureGroup { name: "devs".into() }, json!({"name": "ensure_group", "group": "devs"})),
        (Action::AddMember { group: "devs".into() }, json!({"name": "add_member", "group": "devs"})),
        (
            Action::UpdateAccount { username: None, display_name: None, email: Some("a@b".into()) },
            json!({"name": "update_account", "email": "a@b"}),
        ),
    ];
    for (action, expected) in cases {
        assert_eq!(expected["name"], action.name());
        assert_eq!(serde_json::to_value(&action).unwrap(), expected);
    }
}
