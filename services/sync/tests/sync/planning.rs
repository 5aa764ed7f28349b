//! Plans: what is told beforehand is what is done afterwards.

use policy::plan::link::PlanSummary;
use serde_json::{Value, json};
use store::entity::link;
use sync::connectors::Connectors;
use sync::{Planned, Planner};

use crate::simulated::{Simulated, Write};
use crate::world::{World, add_connection, add_link, names, person};

mod products {
    use super::what_is_planned_is_what_is_done;
    at_every_product!(what_is_planned_is_what_is_done);
}

on_both_databases!(
    accounts_that_stand_there_are_taken_over,
    settings_can_be_tried_before_they_are_saved,
    digest_tells_what_moved,
    mass_deactivation_is_told_to_be_held,
    another_directory_that_claims_the_account_keeps_it,
    who_is_left_alone_is_told_with_the_reason,
    renamed_groups_are_planned_as_they_are_done,
    explanations_tell_what_the_work_did,
    a_paused_site_is_not_called_for_plans_and_explanations,
    a_user_is_previewed_with_its_groups,
    a_name_that_a_colleague_still_has_is_told,
    account_of_another_directory_is_shared_by_its_address,
);

impl World {
    async fn link_row(&self) -> link::Model {
        self.tenant.links().get(self.link).await.unwrap()
    }

    async fn plan_of(&self, link: &link::Model) -> Planned {
        let planner = Planner::new(Connectors::new(self.options.http.clone()));
        planner.plan(&self.tenant, link, 1_000).await.unwrap()
    }

    pub(crate) async fn plan(&self) -> Planned {
        self.plan_of(&self.link_row().await).await
    }

    /// The plan, were these the link's settings.
    async fn plan_with(&self, settings: Value) -> Planned {
        self.plan_of(&link::Model { settings, ..self.link_row().await }).await
    }
}

/// Steps as `action object values`, in order.
fn steps(planned: &Planned) -> Vec<String> {
    let said = planned.plan.changes.iter().map(|change| {
        let group = change.values.get("group").or(change.values.get("name"));
        let group = group.and_then(Value::as_str).map(|group| format!(" {group}")).unwrap_or_default();
        format!("{} {}{group}", change.action, change.object.name)
    });
    said.collect()
}

fn planned(summary: &PlanSummary, action: &str) -> u64 {
    summary.by_action.get(action).copied().unwrap_or_default()
}

/// Carries out what is marked and compares it with the plan made before.
async fn carried_out(world: &mut World, what: &str) {
    let before = world.plan().await.plan;
    let writes = [
        ("create_account", Write::CreateAccount),
        ("add_member", Write::AddMember),
        ("remove_member", Write::RemoveMember),
        ("ensure_group", Write::CreateGroup),
    ];
    let counted: Vec<u64> = writes.iter().map(|(_, write)| world.writes(*write)).collect();
    world.work().await;
    for ((action, write), counted) in writes.iter().zip(counted) {
        let done = world.writes(*write) - counted;
        // Its lists lag behind, and what they do not show yet is asked for again.
        if world.product == Simulated::Cloud && done > 0 {
            continue;
        }
        assert_eq!(done, planned(&before.summary, action), "{what}: {action} of {:?}", before.changes);
    }
    let after = world.plan().await.plan;
    assert!(after.changes.is_empty(), "{what}: {:?}", after.changes);
    assert_eq!(after.summary.unchanged, after.summary.users + after.summary.groups);
}

async fn what_is_planned_is_what_is_done(mut world: World) {
    world.settings(json!({"group_sync": {"default_groups_all_users": ["everybody"]}})).await;
    let (ada, bob, eve) = (world.user("ada").await, world.user("bob").await, world.user("eve").await);
    let red = world.group("red", &[ada, bob]).await;
    let blue = world.group("blue", &[bob]).await;
    world.group("empty", &[]).await;
    world.behind_our_back("groups", &json!({"name": "everybody"})).await;
    carried_out(&mut world, "at first").await;
    world.join(blue, &[eve]).await;
    world.leave(red, &[bob]).await;
    carried_out(&mut world, "after changes of members").await;
    world.active(ada, false).await;
    world.delete(eve).await;
    world.delete_group(blue).await;
    let before = world.plan().await.plan;
    assert_eq!(before.deprovisions(), 2, "{:?}", before.changes);
    world.work().await;
    assert!(!world.has_access("ada") && !world.has_access("eve"));
    assert!(world.plan().await.plan.changes.is_empty());
}

async fn accounts_that_stand_there_are_taken_over(mut world: World) {
    for name in ["bob", "guest"] {
        world.behind_our_back("users", &json!({"name": name})).await;
    }
    world.behind_our_back("groups", &json!({"name": "team", "members": ["bob", "guest"]})).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let named = json!({"userName": "x", "displayName": "Guest", "emails": [{"value": "guest@x.test"}]});
    world.user_in(world.connection, named).await;
    world.group("team", &[ada, bob]).await;
    let calls = world.calls(None);
    let planned = world.plan().await;
    let summary = &planned.plan.summary;
    assert_eq!(summary.adopted, 1 + u64::from(world.account("guest").unwrap().email == "guest@x.test"));
    assert!(steps(&planned).contains(&"create_account ada".to_owned()), "{:?}", steps(&planned));
    assert!(!steps(&planned).contains(&"add_member bob team".to_owned()), "he is in it");
    let looked = world.calls(None) - calls;
    assert!(looked <= 6, "{looked} calls for a plan");
    world.work().await;
    assert!(world.plan().await.plan.changes.is_empty());
    assert_eq!(world.members("team"), names(&["ada", "bob", "guest"]));
}

async fn settings_can_be_tried_before_they_are_saved(mut world: World) {
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.group("idp-team", &[ada, bob]).await;
    world.work().await;
    let calls = world.calls(None);
    let narrowed = world.plan_with(json!({"user_sync": {"scope": "userName eq \"ada\""}})).await;
    assert_eq!(steps(&narrowed), ["deactivate bob"]);
    assert!(narrowed.plan.changes[0].reason.contains("out of user_sync.scope"));
    let renamed =
        world.plan_with(json!({"group_sync": {"rename": [{"pattern": "^idp-", "replace": ""}]}})).await;
    assert_eq!(steps(&renamed), ["ensure_group idp-team team", "add_member ada team", "add_member bob team"]);
    let mapped = world
        .plan_with(json!({"user_sync": {"attributes": {"display_name": "user.userName | upper"}}}))
        .await;
    assert_eq!(steps(&mapped), ["update_account ada", "update_account bob"]);
    assert_eq!(mapped.plan.changes[0].values, json!({"display_name": "ADA"}));
    assert!(world.plan().await.plan.changes.is_empty(), "nothing was saved");
    assert!(world.calls(None) - calls <= 8, "what the ledger knows is not asked");
}

async fn digest_tells_what_moved(mut world: World) {
    let ada = world.user("ada").await;
    world.work().await;
    let first = world.plan().await.digest;
    assert_eq!(world.plan().await.digest, first, "the same world gives the same digest");
    let tried = world.plan_with(json!({"user_sync": {"create": false}})).await.digest;
    assert_eq!(tried.moved_since(&first), ["the settings of the site's links"]);
    world.edit(ada, json!({"displayName": "Countess"})).await;
    let edited = world.plan().await.digest;
    assert_eq!(edited.moved_since(&first), ["the directory's users and groups"]);
    world.work().await;
    let worked = world.plan().await.digest;
    assert_eq!(worked.moved_since(&edited), ["what is known of the site"]);
    world.group("team", &[ada]).await;
    assert_ne!(world.plan().await.digest, worked);
}

async fn mass_deactivation_is_told_to_be_held(mut world: World) {
    world.settings(json!({"safety": {"max_deactivations": 2, "max_deactivations_percent": 10}})).await;
    let mut users = Vec::new();
    for number in 0..6 {
        users.push(world.user(&format!("user{number}")).await);
    }
    world.work().await;
    for user in &users[..2] {
        world.active(*user, false).await;
    }
    let few = world.plan().await.plan;
    assert_eq!((few.summary.held, few.deprovisions()), (0, 2));
    for user in &users[2..5] {
        world.active(*user, false).await;
    }
    let many = world.plan().await.plan;
    assert_eq!((many.summary.held, many.deprovisions()), (5, 5));
    assert!(many.changes.iter().all(|change| change.held && change.reason.contains("5 of 6 active")));
    world.work().await;
    let active =
        world.state().users.iter().filter(|user| user.active && user.name.starts_with("user")).count();
    assert_eq!(active, 6, "as the plan said");
}

async fn another_directory_that_claims_the_account_keeps_it(mut world: World) {
    let second = add_connection(&world.tenant, "second").await;
    add_link(&world.tenant, second, world.site, 5, json!({})).await;
    let ours = world.user("ada").await;
    world.group("red", &[ours]).await;
    let theirs = world.user_in(second, person("Ada")).await;
    world.group_in(second, "blue", &[theirs]).await;
    world.work().await;
    world.delete(ours).await;
    let planned = world.plan().await;
    assert_eq!(steps(&planned).len(), 1, "{:?}", steps(&planned));
    assert_eq!(planned.plan.changes[0].action, "remove_member");
    assert_eq!(planned.plan.changes[0].values, json!({"group": "red"}));
}

async fn who_is_left_alone_is_told_with_the_reason(mut world: World) {
    world
        .settings(json!({
            "user_sync": {"create": false, "scope": "not (userName eq \"eve\")"},
            "group_sync": {"exclude": ["^secret"], "create_missing": false},
        }))
        .await;
    for name in ["ada", "eve"] {
        world.user(name).await;
    }
    for name in ["secret-1", "open"] {
        world.group(name, &[]).await;
    }
    world.work().await;
    let plan = world.plan().await.plan;
    assert!(plan.changes.is_empty(), "{:?}", plan.changes);
    let said: Vec<String> =
        plan.not_done.iter().map(|left| format!("{}: {}", left.object.name, left.reason)).collect();
    let expected = [
        "secret-1: group_sync.exclude has the pattern ^secret",
        "open: the site has no group open, and group_sync.create_missing is off",
        "eve: the user is out of user_sync.scope",
        "ada: user_sync.create is off",
    ];
    assert_eq!(said, expected);
}

async fn renamed_groups_are_planned_as_they_are_done(mut world: World) {
    world.settings(json!({"group_sync": {"rename": [{"pattern": "^idp-", "replace": "jira-"}]}})).await;
    let ada = world.user("ada").await;
    let team = world.group("idp-team", &[ada]).await;
    carried_out(&mut world, "at first").await;
    world.leave(team, &[ada]).await;
    assert_eq!(steps(&world.plan().await), ["remove_member ada jira-team"]);
    carried_out(&mut world, "after leaving").await;
    world.join(team, &[ada]).await;
    carried_out(&mut world, "after coming back").await;
    world.delete_group(team).await;
    assert_eq!(steps(&world.plan().await), ["remove_member ada jira-team"]);
    carried_out(&mut world, "after deletion").await;
}

async fn explanations_tell_what_the_work_did(mut world: World) {
    world
        .settings(json!({"group_sync": {
            "exclude": ["^secret"], "rename": [{"pattern": "^idp-", "replace": ""}],
        }}))
        .await;
    let ada = world.user("ada").await;
    let team = world.group("idp-team", &[ada]).await;
    world.group("secret", &[ada]).await;
    let planner = Planner::new(Connectors::new(world.options.http.clone()));
    let explain = async |world: &World, group: &str| {
        let explained = planner.explain(&world.tenant, world.site, world.connection, ada, Some(group));
        let (explanation, group) = explained.await.unwrap();
        (explanation, group.unwrap())
    };
    let (before, group) = explain(&world, "team").await;
    let pending: Vec<&str> = before.pending.iter().map(|change| change.action).collect();
    assert_eq!(pending, ["create_account", "ensure_group", "add_member"]);
    assert!(group.wanted && !group.member);
    world.work().await;
    let calls = world.calls(None);
    let (after, group) = explain(&world, "Team").await;
    assert!(after.pending.is_empty(), "{:?}", after.pending);
    assert_eq!((group.member, group.reasons), (true, vec!["member of the directory group idp-team".into()]));
    let (_, secret) = explain(&world, "secret").await;
    assert!(
        secret.reasons[0].ends_with("group_sync.exclude has the pattern ^secret"),
        "{:?}",
        secret.reasons
    );
    world.leave(team, &[ada]).await;
    let (left, group) = explain(&world, "team").await;
    assert_eq!(left.pending[0].action, "remove_member");
    assert!(group.member && !group.wanted);
    assert_eq!(world.calls(None), calls, "the site is not asked");
}

async fn account_of_another_directory_is_shared_by_its_address(mut world: World) {
    world.user("ada").await;
    world.work().await;
    let second = add_connection(&world.tenant, "second").await;
    add_link(&world.tenant, second, world.site, -1, json!({})).await;
    let link = world.tenant.links().of_connection(second).await.unwrap().remove(0);
    let user = json!({"userName": "lovelace", "emails": [{"value": "ada@example.com", "primary": true}]});
    let theirs = world.user_in(second, user).await;
    world.group_in(second, "blue", &[theirs]).await;
    let planned = world.plan_of(&link).await;
    assert_eq!(steps(&planned), ["ensure_group blue blue", "add_member lovelace blue"]);
    assert_eq!(planned.plan.summary.adopted, 1);
    let before = world.state().users.len();
    world.work().await;
    assert_eq!((world.state().users.len(), world.members("blue")), (before, names(&["ada"])));
    assert!(world.plan_of(&link).await.plan.changes.is_empty());
}

async fn a_paused_site_is_not_called_for_plans_and_explanations(mut world: World) {
    let ada = world.user("ada").await;
    world.work().await;
    let site = world.site_row().await;
    world.tenant.sites().pause(site.id, site.version, "it refuses our credentials").await.unwrap();
    let calls = world.calls(None);
    let planner = Planner::new(Connectors::new(world.options.http.clone()));
    let refused = planner.plan(&world.tenant, &world.link_row().await, 10).await.unwrap_err();
    assert!(refused.to_string().contains("it refuses our credentials"), "{refused}");
    planner.explain(&world.tenant, world.site, world.connection, ada, None).await.unwrap();
    assert_eq!(world.calls(None), calls);
}

async fn a_user_is_previewed_with_its_groups(world: World) {
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.group("staff", &[ada]).await;
    let settings = json!({"user_sync": {
        "scope": "groups[display eq \"staff\" and type eq \"direct\"]",
        "attributes": {"display_name": "(user.groups | first).display"},
    }});
    let link = link::Model { settings, ..world.link_row().await };
    let planner = Planner::new(Connectors::new(world.options.http.clone()));
    let read = async |user| planner.read_user(&world.tenant, &link, user).await.unwrap().unwrap();
    let (ada, bob) = (read(ada).await, read(bob).await);
    assert_eq!((ada.in_scope, ada.display_name.as_str()), (true, "staff"));
    assert_eq!((bob.in_scope, bob.problems.len()), (false, 1));
}

async fn a_name_that_a_colleague_still_has_is_told(mut world: World) {
    let ada = world.user("ada").await;
    world.work().await;
    world.edit(ada, json!({"userName": "countess"})).await;
    world.user("ada").await;
    let planned = world.plan().await;
    assert_eq!(steps(&planned), ["update_account countess"], "the account is not planned for two people");
    let left: Vec<&str> = planned.plan.not_done.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(left, ["the user name is that of another user's account at this site"]);
    world.work().await;
    assert!(world.account("ada").is_some() && world.account("countess").is_some());
    assert!(world.plan().await.plan.changes.is_empty());
}
