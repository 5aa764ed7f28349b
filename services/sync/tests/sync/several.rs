//! Several directories at one site, and several workers at one database.

use serde_json::json;
use store::id::ConnectionId;

use crate::world::{RunningEngine, World, add_connection, add_link, eventually, names, person};

on_both_databases!(
    account_is_active_as_long_as_any_directory_says_so,
    attributes_come_from_the_link_of_the_highest_precedence,
    directories_meet_at_an_account_by_email,
    deletion_while_the_link_was_disabled_is_carried_out_later,
    disabled_link_does_nothing_and_locks_nobody_out,
    replicas_share_the_work_and_double_nothing,
    replicas_at_the_same_accounts_agree,
);

async fn second_directory(world: &World, precedence: i32) -> ConnectionId {
    let connection = add_connection(&world.tenant, "second").await;
    add_link(&world.tenant, connection, world.site, precedence, json!({})).await;
    connection
}

async fn account_is_active_as_long_as_any_directory_says_so(mut world: World) {
    let second = second_directory(&world, 0).await;
    let ours = world.user("ada").await;
    world.group("red", &[ours]).await;
    let theirs = world.user_in(second, person("Ada")).await;
    world.group_in(second, "blue", &[theirs]).await;
    world.work().await;
    assert_eq!(world.state().users.len(), 2);
    let ada = world.state().users.iter().find(|user| user.key != "JIRAUSER10100").unwrap().name.clone();
    assert_eq!((world.members("red"), world.members("blue")), (names(&[&ada]), names(&[&ada])));
    world.delete(ours).await;
    world.work().await;
    assert!(world.is_active(&ada));
    assert_eq!((world.members("red"), world.members("blue")), (names(&[]), names(&[&ada])));
    world.edit_in(second, theirs, json!({"active": false})).await;
    world.work().await;
    assert!(!world.is_active(&ada));
    assert_eq!(world.state().creates_by_name.get("ada"), Some(&1));
}

async fn attributes_come_from_the_link_of_the_highest_precedence(mut world: World) {
    let second = second_directory(&world, 10).await;
    let ours = world.user("ada").await;
    world.work().await;
    let mut theirs = person("ada");
    theirs["displayName"] = json!("Countess");
    let theirs = world.user_in(second, theirs).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess");
    world.edit(ours, json!({"displayName": "Overruled"})).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess");
    world.delete_in(second, theirs).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Overruled");
    assert!(world.is_active("ada"));
}

async fn directories_meet_at_an_account_by_email(mut world: World) {
    let ours = world.user("ada").await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    let second = second_directory(&world, -1).await;
    let mut same = person("alovelace");
    same["emails"] = json!([{"value": "ada@example.com"}]);
    let theirs = world.user_in(second, same).await;
    world.group_in(second, "blue", &[theirs]).await;
    world.work().await;
    assert_eq!(world.state().users.len(), 2, "one person, one account");
    assert_eq!(world.members("blue"), names(&["ada"]));
    world.delete(ours).await;
    world.work().await;
    let account = world.account("alovelace").expect("renamed to what the remaining directory says");
    assert_eq!((account.key, account.active), (key, true));
}

async fn deletion_while_the_link_was_disabled_is_carried_out_later(mut world: World) {
    let ada = world.user("ada").await;
    world.work().await;
    world.enabled(false).await;
    world.delete(ada).await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.enabled(true).await;
    world.work().await;
    assert!(!world.is_active("ada"));
}

async fn disabled_link_does_nothing_and_locks_nobody_out(mut world: World) {
    let second = second_directory(&world, 10).await;
    let ours = world.user("ada").await;
    world.group("red", &[ours]).await;
    let theirs = world.user_in(second, person("ada")).await;
    world.work().await;
    world.enabled(false).await;
    world.edit(ours, json!({"displayName": "Unheard"})).await;
    world.user("unheard").await;
    world.delete_in(second, theirs).await;
    world.work().await;
    assert!(world.is_active("ada"), "the paused directory still has her");
    assert_eq!(world.members("red"), names(&["ada"]));
    assert!(world.account("unheard").is_none());
    world.enabled(true).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Unheard");
    assert!(world.is_active("unheard"));
}

async fn replicas_share_the_work_and_double_nothing(mut world: World) {
    let mut users = Vec::new();
    for number in 0..40 {
        users.push(world.user(&format!("user{number}")).await);
    }
    world.group("team", &users).await;
    let other = RunningEngine::start(world.store.connect_again().await, world.options.clone());
    world.start();
    world.settle().await;
    world.stop().await;
    other.stop().await;
    assert_eq!(world.members("team").len(), 40);
    assert!(world.state().creates_by_name.values().all(|&n| n == 1));
    assert_eq!(world.calls(Some("POST /user")), 40);
    assert_eq!(world.calls(Some("POST /group/user")), 40);
}

async fn replicas_at_the_same_accounts_agree(mut world: World) {
    let second = second_directory(&world, 0).await;
    let other = RunningEngine::start(world.store.connect_again().await, world.options.clone());
    world.start();
    for number in 0..20 {
        let name = format!("user{number}");
        let ours = world.user(&name).await;
        let theirs = world.user_in(second, person(&name)).await;
        world.group(&format!("red{number}"), &[ours]).await;
        world.group_in(second, &format!("blue{number}"), &[theirs]).await;
    }
    world.settle().await;
    eventually("everybody is in both groups", async || {
        (0..20).all(|number| {
            let user = names(&[&format!("user{number}")]);
            world.members(&format!("red{number}")) == user && world.members(&format!("blue{number}")) == user
        })
    })
    .await;
    world.stop().await;
    other.stop().await;
    assert_eq!(world.calls(Some("POST /user")), 20);
}
