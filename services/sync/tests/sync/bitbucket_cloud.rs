//! What is particular about Bitbucket in the Cloud: people come to a workspace by others' hands, and only its groups are
//! kept by us.

use sandbox::bitbucket_cloud::{BitbucketCloud, Options, Quirks};
use serde_json::json;

use crate::simulated::{Simulated, Write};
use crate::world::{World, names};

async fn with(quirks: Quirks) -> World {
    let bitbucket = BitbucketCloud::new(Options { quirks, ..Options::default() });
    let store = store::testing::sqlite_store().await;
    World::at_site(store, Simulated::BitbucketCloud, Box::new(bitbucket)).await
}

async fn granted(world: &World, name: &str) {
    let address = format!("{name}@example.com");
    let account = json!({ "name": address, "display_name": name, "email": address });
    world.behind_our_back("users", &account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_of_the_workspace_is_found_by_address_and_joins_and_leaves() {
    let mut world = with(Quirks::default()).await;
    granted(&world, "ada").await;
    let ada = world.user("ada").await;
    let team = world.group("Release Team", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("Release Team"), names(&["ada"]));
    assert_eq!((world.writes(Write::CreateGroup), world.writes(Write::AddMember)), (1, 1));
    world.leave(team, &[ada]).await;
    world.work().await;
    assert!(world.members("Release Team").is_empty());
    assert_eq!(world.state().calls.rejected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deactivated_loses_the_groups_and_gets_them_back() {
    let mut world = with(Quirks::default()).await;
    granted(&world, "ada").await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"), "the account is the person's");
    assert!(world.members("team").is_empty());
    world.active(ada, true).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deleted_keeps_no_group_although_the_account_stays() {
    let mut world = with(Quirks::default()).await;
    world.settings(json!({ "user_sync": { "on_deprovision": "delete" } })).await;
    granted(&world, "ada").await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    world.delete(ada).await;
    world.work().await;
    assert!(world.members("team").is_empty());
    assert_eq!(world.writes(Write::RemoveMember), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn group_that_another_deleted_is_made_anew_with_its_members() {
    let mut world = with(Quirks::default()).await;
    granted(&world, "ada").await;
    granted(&world, "bob").await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let team = world.group("team", &[ada]).await;
    world.work().await;
    world.behind_our_back("groups", &json!({ "delete": "team" })).await;
    world.join(team, &[bob]).await;
    world.work().await;
    world.start();
    world.full_run().await;
    world.settle().await;
    world.stop().await;
    assert_eq!(world.members("team"), names(&["ada", "bob"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_access_is_told_to_need_it_and_the_others_go_on() {
    let mut world = with(Quirks::default()).await;
    granted(&world, "ada").await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.group("team", &[ada, bob]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    let said = world.timeline(bob).await.join("\n");
    assert!(said.contains("Atlassian Administration"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_too_large_for_one_answer_is_read_group_by_group() {
    let mut world = with(Quirks { most_groups_with_members: 1, ..Quirks::default() }).await;
    granted(&world, "ada").await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.group("others", &[ada]).await;
    world.work().await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.members("team").is_empty() && world.members("others").is_empty());
}
