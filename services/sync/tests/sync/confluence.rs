//! What is particular about Confluence: user names stay as they are, and addresses are not shown.

use serde_json::{Value, json};
use store::id::UserId;

use crate::simulated::Simulated;
use crate::world::{World, names};

async fn confluence() -> World {
    World::at(store::testing::sqlite_store().await, Simulated::Confluence).await
}

/// What the timeline tells of a user's account at the site, the oldest first.
async fn told(world: &World, user: UserId) -> Vec<String> {
    let mut entries = world.tenant.timeline().list(user.0, None, 50).await.unwrap();
    entries.reverse();
    entries.into_iter().filter(|entry| entry.site_id.is_some()).map(|entry| entry.summary).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn user_becomes_an_account_in_lower_case_and_follows_the_directory() {
    let mut world = confluence().await;
    let ada = world.user("Ada.Lovelace").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    let account = world.account("ada.lovelace").expect("an account");
    assert_eq!((account.active, account.email.as_str()), (true, "Ada.Lovelace@example.com"));
    assert_eq!(world.members("team"), names(&["ada.lovelace"]));

    world.edit(ada, json!({"displayName": "Ada L.", "emails": [{"value": "ada@example.org"}]})).await;
    world.leave(team, &[ada]).await;
    world.work().await;
    let account = world.account("ada.lovelace").expect("an account");
    assert_eq!((account.display_name.as_str(), account.email.as_str()), ("Ada L.", "ada@example.org"));
    assert_eq!(world.members("team"), names(&[]));

    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("ada.lovelace"));
    world.active(ada, true).await;
    world.work().await;
    assert!(world.is_active("ada.lovelace"));
    world.is_created_once("ada.lovelace");

    world.settings(json!({"user_sync": {"on_deprovision": "delete"}})).await;
    world.delete(ada).await;
    world.work().await;
    assert!(world.account("ada.lovelace").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_told_as_not_possible_and_the_rest_is_done() {
    let mut world = confluence().await;
    let ada = world.user("ada").await;
    world.work().await;
    world.edit(ada, json!({"userName": "countess", "displayName": "The countess"})).await;
    world.work().await;
    assert!(world.account("countess").is_none());
    assert_eq!(world.account("ada").expect("the account").display_name, "The countess");

    world.edit(ada, json!({"userName": "lovelace"})).await;
    world.work().await;
    let because = "not possible here, because Confluence's REST API cannot change a user name";
    let told = told(&world, ada).await;
    assert!(told.last().is_some_and(|said| said.contains(because)), "{told:?}");
    assert!(world.task(ada).await.is_none(), "it is not tried again and again");

    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("ada"), "the account is still known");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_written_once_although_the_site_does_not_show_it() {
    let mut world = confluence().await;
    world
        .behind_our_back("users", &json!({"name": "ada", "display_name": "The ada", "email": "x@y.example"}))
        .await;
    let ada = world.user("ada").await;
    world.work().await;
    assert_eq!(world.account("ada").expect("the account").email, "ada@example.com", "adopted by user name");
    let updates = || world.calls(Some("PUT /admin/user/{username}"));
    assert_eq!(updates(), 1);

    world.start();
    world.full_run().await;
    world.settle().await;
    world.stop().await;
    assert_eq!(world.calls(Some("PUT /admin/user/{username}")), 1, "the ledger knows");

    world.edit(ada, json!({"displayName": "Ada"})).await;
    world.active(ada, false).await;
    world.work().await;
    world.active(ada, true).await;
    world.work().await;
    let ledger = world.ledger(ada).await.expect("a row");
    assert_eq!(ledger.email.as_deref(), Some("ada@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_adopted_by_an_address_that_is_hidden() {
    let mut world = confluence().await;
    world.settings(json!({"user_sync": {"match": ["email", "username"]}})).await;
    let settings: Value = json!({"name": "lovelace", "email": "ada@example.com"});
    world.behind_our_back("users", &settings).await;
    world.user("ada").await;
    world.work().await;
    assert!(world.is_active("ada") && world.is_active("lovelace"));
    assert_eq!(world.state().users.len(), 3, "an account of her own");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_renamed_by_others_is_the_one_that_is_written_to() {
    let mut world = confluence().await;
    let ada = world.user("ada").await;
    world.work().await;
    let key = world.ledger(ada).await.and_then(|row| row.key).expect("a key");
    // Her account has another name now, and somebody else has hers.
    world.behind_our_back("users", &json!({"rename": "ada", "to": "countess"})).await;
    world.behind_our_back("users", &json!({"name": "ada", "display_name": "Another"})).await;
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"), "not hers any more");
    assert!(!world.is_active("countess"));
    assert_eq!(world.account("countess").map(|account| account.key), Some(key));
}
