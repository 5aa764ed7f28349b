//! Accounts: created once, adopted, kept up to date, taken away.

use serde_json::json;

use crate::world::{World, names, person};

on_both_databases!(
    user_becomes_an_account_and_follows_the_directory,
    nothing_is_called_when_nothing_differs,
    account_is_adopted_by_user_name_in_any_case,
    account_is_adopted_by_email_and_renamed,
    match_by_id_alone_adopts_nothing,
    rename_and_email_change_keep_the_account,
    chain_of_renames_comes_out_right,
    user_deleted_and_created_again_has_the_same_account_without_the_old_groups,
    new_user_never_gets_the_account_of_one_that_is_being_renamed,
    whoever_is_renamed_to_the_name_of_somebody_who_left_keeps_their_own_account,
    people_who_share_an_address_have_an_account_each,
    deleted_setting_deletes_the_account,
    strip_groups_setting_leaves_the_account_active,
    keep_setting_leaves_everything,
    update_and_create_switches_are_obeyed,
    hundred_edits_while_the_site_is_down_cost_two_calls,
);

async fn user_becomes_an_account_and_follows_the_directory(mut world: World) {
    let ada = world.user("ada").await;
    world.work().await;
    let account = world.account("ada").unwrap();
    assert_eq!((account.display_name.as_str(), account.email.as_str()), ("The ada", "ada@example.com"));
    assert!(account.active);
    world.edit(ada, json!({"displayName": "Countess"})).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess");
    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    world.active(ada, true).await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.delete(ada).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    world.is_created_once("ada");
}

async fn nothing_is_called_when_nothing_differs(mut world: World) {
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    let before = world.calls(None);
    world.edit(ada, json!({"title": "Countess"})).await;
    world.leave(team, &[ada]).await;
    world.join(team, &[ada]).await;
    world.work().await;
    assert_eq!(world.calls(None), before + 1, "a new process asks who it is, and no more");
}

async fn account_is_adopted_by_user_name_in_any_case(mut world: World) {
    world.behind_our_back("users", &json!({"name": "Ada", "email": "old@example.com"})).await;
    world.behind_our_back("groups", &json!({"name": "theirs", "members": ["Ada"]})).await;
    world.user("ada").await;
    world.work().await;
    let state = world.state();
    let adopted = state.users.iter().find(|user| user.name == "Ada").unwrap();
    assert_eq!(adopted.email, "ada@example.com");
    assert!(state.creates_by_name.is_empty());
    assert_eq!(world.members("theirs"), names(&["Ada"]), "what no link manages stays");
}

async fn account_is_adopted_by_email_and_renamed(mut world: World) {
    world.behind_our_back("users", &json!({"name": "alovelace", "email": "ADA@example.com"})).await;
    world.user("ada").await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert!(world.account("alovelace").is_none());
    assert!(world.state().creates_by_name.is_empty());
}

async fn match_by_id_alone_adopts_nothing(mut world: World) {
    world.settings(json!({"user_sync": {"match": ["id"]}})).await;
    world.behind_our_back("users", &json!({"name": "ada", "email": "theirs@example.com"})).await;
    let ada = world.user("ada").await;
    world.user("grace").await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().email, "theirs@example.com");
    assert!(world.task(ada).await.unwrap().last_error.unwrap().contains("already exists"));
    assert!(world.is_active("grace"), "a refusal of one object must not hold up others");
}

async fn rename_and_email_change_keep_the_account(mut world: World) {
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    let emails = json!([{"value": "countess@example.com"}]);
    world.edit(ada, json!({"userName": "ada.lovelace", "emails": emails})).await;
    world.work().await;
    let renamed = world.account("ada.lovelace").unwrap();
    assert_eq!((renamed.key, renamed.email.as_str()), (key, "countess@example.com"));
    assert_eq!(world.members("team"), names(&["ada.lovelace"]));
    assert_eq!(world.state().users.len(), 2);
}

async fn chain_of_renames_comes_out_right(mut world: World) {
    let (one, two) = (world.user("one").await, world.user("two").await);
    world.work().await;
    let key_of_one = world.account("one").unwrap().key;
    // The order of the directory, and then whatever order the workers find.
    world.edit(two, json!({"userName": "three"})).await;
    world.edit(one, json!({"userName": "two"})).await;
    world.user_in(world.connection, person("one")).await;
    world.start();
    crate::world::eventually("all three have their names", async || {
        world.is_active("one")
            && world.account("three").is_some()
            && world.account("two").is_some_and(|account| account.key == key_of_one)
    })
    .await;
    world.stop().await;
    assert_eq!(world.state().users.len(), 4);
}

async fn user_deleted_and_created_again_has_the_same_account_without_the_old_groups(mut world: World) {
    let ada = world.user("ada").await;
    world.group("secret", &[ada]).await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    world.delete(ada).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    world.user("ada").await;
    world.work().await;
    let again = world.account("ada").unwrap();
    assert_eq!((again.key, again.active), (key, true));
    assert_eq!(world.members("secret"), names(&[]), "the new user is in no group");
    // The same between two looks of the engine.
    let ada = world.tenant.users(world.connection).after(None, 1).await.unwrap()[0].id;
    world.delete(ada).await;
    world.user("ada").await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.is_created_once("ada");
}

async fn whoever_is_renamed_to_the_name_of_somebody_who_left_keeps_their_own_account(mut world: World) {
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.group("team", &[bob]).await;
    world.work().await;
    let (keys_of_ada, keys_of_bob) = (world.account("ada").unwrap().key, world.account("bob").unwrap().key);
    world.delete(ada).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    world.edit(bob, json!({"userName": "ada"})).await;
    world.work().await;
    // The name is taken at the site: the account of whoever left is theirs, and does not come to life for another.
    let ledger = world.ledger(bob).await.unwrap();
    assert_eq!(ledger.key.as_deref(), Some(keys_of_bob.as_str()), "the account is the one that it was");
    assert_eq!(world.account("ada").unwrap().key, keys_of_ada);
    assert!(!world.is_active("ada"));
    assert!(world.is_active("bob"), "it waits for its new name");
    assert_eq!(world.members("team"), names(&["bob"]));
    world.delete(bob).await;
    world.work().await;
    assert!(!world.is_active("bob"), "nobody who left can log in");
}

async fn new_user_never_gets_the_account_of_one_that_is_being_renamed(mut world: World) {
    let old = world.user("ada").await;
    world.group("secret", &[old]).await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    // The rename waits at the site when the new user comes.
    world.settings(json!({"user_sync": {"update": false}})).await;
    world.edit(old, json!({"userName": "ada.lovelace"})).await;
    let new = world.user_in(world.connection, person("ada")).await;
    world.work().await;
    assert_eq!(world.ledger(old).await.unwrap().key.as_deref(), Some(key.as_str()));
    assert!(world.ledger(new).await.is_none());
    assert_eq!(world.members("secret"), names(&["ada"]));
    world.settings(json!({})).await;
    world.edit(old, json!({"title": "Countess"})).await;
    world.start();
    crate::world::eventually("both have their accounts", async || {
        let (ada, renamed) = (world.account("ada"), world.account("ada.lovelace"));
        renamed.is_some_and(|account| account.key == key) && ada.is_some_and(|account| account.key != key)
    })
    .await;
    world.stop().await;
    assert_eq!(world.members("secret"), names(&["ada.lovelace"]));
}

async fn people_who_share_an_address_have_an_account_each(mut world: World) {
    let shared = json!([{"value": "desk@example.com"}]);
    let mut first = person("first");
    let mut second = person("second");
    first["emails"] = shared.clone();
    second["emails"] = shared;
    // Here before us, and named for the second; the first must not take it by its address.
    world.behind_our_back("users", &json!({"name": "second", "email": "desk@example.com"})).await;
    let key = world.account("second").unwrap().key;
    world.user_in(world.connection, first).await;
    world.user_in(world.connection, second).await;
    world.work().await;
    assert!(world.is_active("first") && world.is_active("second"));
    assert_eq!(world.account("second").unwrap().key, key);
}

async fn deleted_setting_deletes_the_account(mut world: World) {
    world.settings(json!({"user_sync": {"on_deprovision": "delete"}})).await;
    let ada = world.user("ada").await;
    world.work().await;
    world.delete(ada).await;
    world.work().await;
    assert!(world.account("ada").is_none());
    world.user("ada").await;
    world.work().await;
    assert!(world.is_active("ada"));
}

async fn strip_groups_setting_leaves_the_account_active(mut world: World) {
    world.settings(json!({"user_sync": {"on_deprovision": "strip_groups"}})).await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    world.active(ada, false).await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.members("team"), names(&[]));
}

async fn keep_setting_leaves_everything(mut world: World) {
    world.settings(json!({"user_sync": {"on_deprovision": "keep"}})).await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    let before = world.calls(None);
    world.delete(ada).await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.members("team"), names(&["ada"]));
    assert!(world.calls(None) <= before + 1, "at most a look at who we are");
}

async fn update_and_create_switches_are_obeyed(mut world: World) {
    world.settings(json!({"user_sync": {"create": false, "update": false, "reactivate": false}})).await;
    world.behind_our_back("users", &json!({"name": "ada", "display_name": "Theirs", "active": false})).await;
    world.user("ada").await;
    world.user("grace").await;
    world.work().await;
    let ada = world.account("ada").unwrap();
    assert_eq!((ada.display_name.as_str(), ada.active), ("Theirs", false));
    assert!(world.account("grace").is_none());
    assert_eq!(world.calls(Some("PUT /user")), 0);
}

async fn hundred_edits_while_the_site_is_down_cost_two_calls(mut world: World) {
    let ada = world.user("ada").await;
    world.start();
    world.settle().await;
    world.faults(sandbox::faults::Faults { down: true, ..Default::default() });
    for number in 0..100 {
        world.edit(ada, json!({"displayName": format!("Ada {number}")})).await;
    }
    crate::world::eventually("the site was tried", async || world.site_row().await.failures > 0).await;
    let before = world.calls(None);
    let failures_before = world.site_row().await.failures;
    crate::world::eventually("it was tried again", async || {
        world.site_row().await.failures > failures_before + 1
    })
    .await;
    assert!(world.calls(None) - before <= 6, "a site that is down is tried seldom");
    world.stop().await;
    let before = world.calls(None);
    world.faults(sandbox::faults::Faults::default());
    world.start();
    world.settle().await;
    world.stop().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Ada 99");
    // This process has not asked yet who we are.
    let greeting = world.calls(Some("GET /myself")) - 1;
    assert_eq!(greeting, 1);
    assert!(world.calls(None) - before - greeting <= 2, "{} calls", world.calls(None) - before - greeting);
}
