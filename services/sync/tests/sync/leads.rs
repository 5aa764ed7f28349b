//! Projects and components whose lead is deactivated or deleted.

use std::time::Duration;

use sandbox::faults::{FaultKind, Faults};
use sandbox::jira_data_center::{ComponentList, JiraDataCenter, Options, Quirks};
use serde_json::{Value, json};
use store::entity::words::TaskState;
use store::id::UserId;

use crate::simulated::Simulated;
use crate::world::World;

on_both_databases!(
    what_a_lead_leads_is_handed_over_before_the_account_goes,
    without_a_default_lead_the_deactivation_is_held_until_there_is_one,
    kill_between_two_hand_overs_leaves_nothing_half_way,
);

fn settings(more: &Value) -> Value {
    let mut settings = json!({"user_sync": {}});
    for (name, value) in more.as_object().unwrap() {
        settings["user_sync"][name] = value.clone();
    }
    settings
}

fn both_defaults() -> Value {
    settings(&json!({"default_project_lead": "grace", "default_component_lead": "linus"}))
}

/// Ada leads a project, a component of it, and one of another's project.
async fn leading(world: &mut World) -> UserId {
    let ada = world.user("ada").await;
    world.user("grace").await;
    world.user("linus").await;
    world.work().await;
    let components = json!([{"name": "Core", "lead": "ada"}, {"name": "Edge", "lead": "grace"}]);
    world.behind_our_back("projects", &json!({"key": "HERS", "lead": "ada", "components": components})).await;
    let components = json!([{"name": "Part", "lead": "ada"}, {"name": "Rest"}]);
    world
        .behind_our_back("projects", &json!({"key": "THEIRS", "lead": "linus", "components": components}))
        .await;
    ada
}

/// Who leads what: the project, and its components in order.
fn leads(world: &World, key: &str) -> (String, Vec<Option<String>>) {
    let project = world.state().projects.into_iter().find(|project| project.key == key).unwrap();
    (project.lead, project.components.into_iter().map(|component| component.lead).collect())
}

fn all_handed_over(world: &World) {
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(leads(world, "HERS"), ("grace".into(), vec![name("linus"), name("grace")]));
    assert_eq!(leads(world, "THEIRS"), ("linus".into(), vec![name("linus"), None]));
}

async fn what_a_lead_leads_is_handed_over_before_the_account_goes(mut world: World) {
    world.settings(both_defaults()).await;
    let ada = leading(&mut world).await;
    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    all_handed_over(&world);
    assert_eq!(world.calls(Some("PUT /user")), 1, "no deactivation was tried in vain");
    let timeline = world.tenant.timeline().list(ada.0, None, 50).await.unwrap();
    let told: Vec<String> = timeline.into_iter().map(|entry| entry.summary).collect();
    let expected = "Made linus the lead of the component Part of the project THEIRS";
    assert!(told.iter().any(|said| said.contains(expected)), "{told:?}");
}

async fn without_a_default_lead_the_deactivation_is_held_until_there_is_one(mut world: World) {
    world.settings(settings(&json!({"default_component_lead": "linus"}))).await;
    let ada = leading(&mut world).await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert_eq!(leads(&world, "HERS").0, "ada");
    let task = world.task(ada).await.expect("it waits");
    assert_eq!(task.state, TaskState::Held);
    let reason = task.last_error.expect("a reason");
    assert!(
        reason.contains("ada leads the project HERS, and user_sync.default_project_lead is not set"),
        "{reason}"
    );

    world.settings(both_defaults()).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    all_handed_over(&world);
}

async fn kill_between_two_hand_overs_leaves_nothing_half_way(mut world: World) {
    for operation in ["PUT /project/{key}", "PUT /component/{id}", "PUT /user"] {
        world.settings(both_defaults()).await;
        world.options.account_lease = Duration::from_secs(30);
        let ada = leading(&mut world).await;
        let asked = world.calls(Some(operation));
        world.faults(Faults {
            probabilities: [(FaultKind::TimeoutAfter, 1.0)].into(),
            only: vec![operation.to_owned()],
            hang_seconds: 60,
            ..Faults::default()
        });
        world.options.account_lease = Duration::from_secs(1);
        world.active(ada, false).await;
        world.start();
        world.called(operation, asked + 1).await;
        world.kill().await;
        world.faults(Faults::default());
        world.options.account_lease = Duration::from_secs(30);
        world.work().await;
        assert!(!world.is_active("ada"), "{operation}");
        all_handed_over(&world);
        for user in world.tenant.users(world.connection).after(None, 10).await.unwrap() {
            world.delete(user.id).await;
        }
        for key in ["HERS", "THEIRS"] {
            world.behind_our_back("projects", &json!({"key": key, "lead": "rollcall"})).await;
        }
        world.work().await;
    }
}

async fn at_jira(quirks: Quirks) -> World {
    let jira = JiraDataCenter::new(Options { quirks, ..Options::default() });
    World::at_site(store::testing::sqlite_store().await, Simulated::Jira, Box::new(jira)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_found_whatever_the_list_of_components_shows() {
    for component_list in [ComponentList::WithoutLeads, ComponentList::Absent] {
        let mut world = at_jira(Quirks { component_list, ..Quirks::default() }).await;
        world.settings(both_defaults()).await;
        let ada = leading(&mut world).await;
        world.active(ada, false).await;
        world.work().await;
        assert!(!world.is_active("ada"), "{component_list:?}");
        all_handed_over(&world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_handed_over_where_jira_would_let_them_go_and_before_a_deletion_too() {
    let mut world = at_jira(Quirks { keeps_leads: false, ..Quirks::default() }).await;
    let mut both = both_defaults();
    both["user_sync"]["on_deprovision"] = json!("delete");
    world.settings(both).await;
    let ada = leading(&mut world).await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.account("ada").is_none());
    all_handed_over(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_who_is_not_there_is_told_and_nothing_is_taken_away() {
    let mut world = at_jira(Quirks::default()).await;
    let nobody = json!({"default_project_lead": "nobody", "default_component_lead": "linus"});
    world.settings(settings(&nobody)).await;
    let ada = leading(&mut world).await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"));
    let error = world.task(ada).await.expect("it is tried again").last_error.expect("an error");
    assert!(error.contains("'nobody' does not exist or is not active"), "{error}");
}
