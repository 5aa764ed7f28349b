//! What is particular about Crowd: a user is written whole, and an application logs in.

use sandbox::crowd::{Crowd, Options, Quirks};
use serde_json::json;

use crate::simulated::Simulated;
use crate::world::{World, names};

async fn crowd() -> World {
    World::at(store::testing::sqlite_store().await, Simulated::Crowd).await
}

#[tokio::test(flavor = "multi_thread")]
async fn user_becomes_an_account_and_follows_the_directory() {
    let mut world = crowd().await;
    let ada = world.user("Ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    let account = world.account("Ada").expect("an account");
    assert_eq!((account.active, account.display_name.as_str()), (true, "The Ada"));
    assert_eq!(world.members("team"), names(&["Ada"]));

    world.edit(ada, json!({"userName": "countess", "displayName": "Ada L."})).await;
    world.leave(team, &[ada]).await;
    world.work().await;
    let renamed = world.account("countess").expect("the account");
    assert_eq!((renamed.key, renamed.display_name.as_str()), (account.key, "Ada L."));
    assert_eq!(renamed.email, "Ada@example.com", "an update empties nothing");

    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("countess"));
    assert_eq!(world.account("countess").unwrap().email, "Ada@example.com");
    world.active(ada, true).await;
    world.work().await;
    assert!(world.is_active("countess"));
    world.is_created_once("ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_tells_no_keys_is_worked_at_by_name() {
    let quirks = Quirks { tells_keys: false, ..Quirks::default() };
    let server = Crowd::new(Options { quirks, ..Options::default() });
    let store = store::testing::sqlite_store().await;
    let mut world = World::at_site(store, Simulated::Crowd, Box::new(server)).await;
    let ada = world.user("Ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.edit(ada, json!({"userName": "countess"})).await;
    world.work().await;
    world.edit(ada, json!({"displayName": "Ada L."})).await;
    world.work().await;
    assert_eq!(world.account("countess").expect("the account").display_name, "Ada L.");
    assert_eq!(world.members("team"), names(&["countess"]));
    world.start();
    world.full_run().await;
    world.settle().await;
    world.stop().await;
    assert_eq!(world.state().users.len(), 2, "still one account");
    assert_eq!(world.ledger(ada).await.unwrap().key.as_deref(), Some("countess"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_may_not_write_is_told_by_the_first_change() {
    let quirks = Quirks { may_write: false, ..Quirks::default() };
    let server = Crowd::new(Options { quirks, ..Options::default() });
    let store = store::testing::sqlite_store().await;
    let mut world = World::at_site(store, Simulated::Crowd, Box::new(server)).await;
    let ada = world.user("ada").await;
    world.work().await;
    let task = world.task(ada).await.expect("it is tried again");
    let error = task.last_error.expect("an error");
    assert!(error.contains("Application does not have permission"), "{error}");
}
