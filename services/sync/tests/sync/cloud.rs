//! What is particular about a SCIM directory in the Cloud: it shows for a while what was, cannot be searched for an
//! address, and may empty what it deactivates.

use std::time::Duration;

use sandbox::atlassian_cloud::{AtlassianCloud, Options, Quirks};
use sandbox::faults::{FaultKind, Faults};
use serde_json::json;

use crate::simulated::Simulated;
use crate::world::{World, names};

async fn with(quirks: Quirks) -> World {
    let directory = AtlassianCloud::new(Options { quirks, ..Options::default() });
    let store = store::testing::sqlite_store().await;
    World::at_site(store, Simulated::Cloud, Box::new(directory)).await
}

async fn cloud() -> World {
    with(Quirks::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_reactivated_gets_back_what_deactivation_took() {
    let mut world = cloud().await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.start();
    world.settle().await;
    world.active(ada, false).await;
    world.settle().await;
    assert!(!world.is_active("ada"));
    assert!(world.members("team").is_empty(), "the directory empties what it deactivates");
    world.active(ada, true).await;
    world.settle().await;
    world.stop().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.members("team"), names(&["ada"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn member_who_comes_and_goes_faster_than_the_directory_shows_it_ends_as_is_wanted() {
    let mut world = with(Quirks { lag: Duration::from_mins(1), ..Quirks::default() }).await;
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.start();
    world.settle().await;
    world.leave(team, &[ada]).await;
    world.settle().await;
    assert!(world.members("team").is_empty(), "removed although the directory does not show it yet");
    world.join(team, &[ada]).await;
    world.full_run().await;
    world.settle().await;
    world.stop().await;
    assert_eq!(world.members("team"), names(&["ada"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn account_whose_address_is_taken_is_found_by_it_after_the_refusal() {
    let mut world = cloud().await;
    world.behind_our_back("users", &json!({ "name": "old.ada", "email": "ada@example.com" })).await;
    world.settings(json!({"user_sync": {"match": ["id", "username", "email"]}})).await;
    let ada = world.user("ada").await;
    world.work().await;
    let before = world.calls(Some("GET /Users"));
    let account = world.account("ada").expect("adopted and renamed");
    assert_eq!(account.email, "ada@example.com");
    assert_eq!(world.state().users.len(), 1);
    world.edit(ada, json!({"displayName": "Ada L."})).await;
    world.work().await;
    assert_eq!(world.calls(Some("GET /Users")), before, "searched once");
    assert_eq!(world.account("ada").unwrap().display_name, "Ada L.");
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_that_is_no_refusal_leads_to_no_search_of_the_whole_directory() {
    let large = AtlassianCloud::new(Options { users: 2_000, ..Options::default() });
    let store = store::testing::sqlite_store().await;
    let mut world = World::at_site(store, Simulated::Cloud, Box::new(large)).await;
    world.faults(Faults {
        probabilities: [(FaultKind::InternalError, 1.0)].into(),
        only: vec!["POST /Users".to_owned()],
        ..Faults::default()
    });
    world.user("ada").await;
    world.start();
    world.called("POST /Users", 1).await;
    world.faults(Faults::default());
    world.settle().await;
    world.stop().await;
    assert!(world.is_active("ada"));
    let calls = world.calls(Some("GET /Users"));
    assert!(calls < 20, "a search takes 20 calls: {calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_address_keeps_the_account_and_one_that_is_taken_is_told() {
    let mut world = cloud().await;
    let ada = world.user("ada").await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    world.edit(ada, json!({"emails": [{"value": "lovelace@example.com", "primary": true}]})).await;
    world.work().await;
    let account = world.account("ada").unwrap();
    assert_eq!((account.key, account.email.as_str()), (key, "lovelace@example.com"));

    world.behind_our_back("organization", &json!({ "foreign_emails": ["taken@example.com"] })).await;
    world.edit(ada, json!({"emails": [{"value": "taken@example.com", "primary": true}]})).await;
    world.work().await;
    let error = world.task(ada).await.expect("it is tried again").last_error.expect("an error");
    assert!(error.contains("email[taken@example.com] already exists"), "{error}");
    assert!(world.is_active("ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn group_that_was_made_by_hand_is_named_with_what_to_do() {
    let mut world = cloud().await;
    world.behind_our_back("organization", &json!({ "local_groups": ["team"] })).await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    assert!(world.account("ada").is_some(), "the account does not wait for the group");
    let error = world.task(ada).await.expect("it is tried again").last_error.expect("an error");
    assert!(error.contains("not this directory's") && error.contains("Review groups"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_without_an_address_is_told_why_there_is_no_account() {
    let mut world = cloud().await;
    let ada = world.user("ada").await;
    world.edit(ada, json!({"emails": []})).await;
    world.work().await;
    assert_eq!(world.account("ada"), None);
    let error = world.task(ada).await.expect("it is tried again").last_error.expect("an error");
    assert!(error.contains("needs an e-mail address"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_that_keeps_user_names_says_so_and_the_rest_goes_on() {
    let mut world = with(Quirks { renames: false, ..Quirks::default() }).await;
    let ada = world.user("ada").await;
    world.work().await;
    world.edit(ada, json!({"userName": "countess"})).await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    let error = world.task(ada).await.expect("it is tried again").last_error.expect("an error");
    assert!(error.contains("kept ada"), "{error}");
    assert_eq!(world.members("team"), names(&["ada"]), "{team:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn member_of_a_group_that_is_known_costs_one_call() {
    let mut world = cloud().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let team = world.group("team", &[ada]).await;
    world.start();
    world.settle().await;
    let before = world.calls(None);
    world.join(team, &[bob]).await;
    world.settle().await;
    world.stop().await;
    assert_eq!(world.members("team"), names(&["ada", "bob"]));
    assert_eq!(world.calls(None) - before, 1, "{:?}", world.state().calls.by_operation);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_a_group_that_is_not_shown_yet_is_taken_out_of_it() {
    let mut world = cloud().await;
    let (ada, bob, eve) = (world.user("ada").await, world.user("bob").await, world.user("eve").await);
    let team = world.group("team", &[ada, bob, eve]).await;
    world.work().await;
    // Another process knows no identifier of the group, and the directory does not list it yet.
    world.leave(team, &[ada, bob, eve]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_gone_for_good_is_let_go_of() {
    let mut world = cloud().await;
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    world.behind_our_back("groups", &json!({"delete": "team"})).await;
    world.leave(team, &[ada]).await;
    world.work().await;
    assert!(world.task(ada).await.is_none(), "nothing is left to do");
    assert!(!world.state().groups.iter().any(|group| group.name == "team"));
}
