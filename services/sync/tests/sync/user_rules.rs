//! Who is in scope, and what accounts are made of.

use serde_json::json;

use crate::world::{World, names};

on_both_databases!(
    who_is_out_of_scope_is_left_alone,
    who_leaves_the_scope_is_deprovisioned_and_comes_back,
    scope_can_ask_for_groups,
    scope_that_is_narrowed_deprovisions_within_the_threshold,
    expressions_make_attributes_and_a_change_of_them_renames,
    expression_that_fails_makes_no_account_and_keeps_no_leaver,
);

async fn run(world: &mut World) {
    world.start();
    world.full_run().await;
    world.stop().await;
}

async fn who_is_out_of_scope_is_left_alone(mut world: World) {
    world.settings(json!({"user_sync": {"scope": "title eq \"staff\"", "on_deprovision": "delete"}})).await;
    world.behind_our_back("users", &json!({"name": "bob"})).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.group("team", &[ada, bob]).await;
    world.edit(ada, json!({"title": "staff"})).await;
    world.work().await;
    assert!(world.is_active("ada") && world.is_active("bob"));
    assert_eq!(world.members("team"), names(&["ada"]));
    let said = world.timeline(bob).await;
    assert!(said.iter().any(|entry| entry.contains("out of the link's user_sync.scope")), "{said:?}");
    // Nor does its being deactivated or deleted in the directory reach an account that is nobody's business.
    world.active(bob, false).await;
    world.work().await;
    world.delete(bob).await;
    run(&mut world).await;
    assert!(world.is_active("bob"));
}

async fn who_leaves_the_scope_is_deprovisioned_and_comes_back(mut world: World) {
    world.settings(json!({"user_sync": {"scope": "title eq \"staff\""}})).await;
    let ada = world.user("ada").await;
    world.edit(ada, json!({"title": "staff"})).await;
    world.group("team", &[ada]).await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.edit(ada, json!({"title": "guest"})).await;
    world.work().await;
    assert!(!world.is_active("ada"));
    world.edit(ada, json!({"title": "staff"})).await;
    world.work().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.members("team"), names(&["ada"]));
}

async fn scope_can_ask_for_groups(mut world: World) {
    world.settings(json!({"user_sync": {"scope": "groups.display eq \"licensed\""}})).await;
    let ada = world.user("ada").await;
    let licensed = world.group("licensed", &[]).await;
    world.work().await;
    assert!(world.account("ada").is_none());
    world.join(licensed, &[ada]).await;
    world.work().await;
    assert!(world.is_active("ada"));
    world.leave(licensed, &[ada]).await;
    world.work().await;
    assert!(!world.is_active("ada"));
}

async fn scope_that_is_narrowed_deprovisions_within_the_threshold(mut world: World) {
    let mut users = Vec::new();
    for number in 0..8 {
        users.push(world.user(&format!("user{number}")).await);
    }
    world.work().await;
    world
        .settings(json!({
            "user_sync": {"scope": "userName eq \"user0\""},
            "safety": {"max_deactivations": 3, "max_deactivations_percent": 10},
        }))
        .await;
    run(&mut world).await;
    let active =
        world.state().users.iter().filter(|user| user.active && user.name.starts_with("user")).count();
    assert_eq!(active, 5, "three of eight were let through");
}

async fn expressions_make_attributes_and_a_change_of_them_renames(mut world: World) {
    world
        .settings(json!({"user_sync": {"attributes": {
            "username": "user.userName | upper",
            "display_name": "user.userName ~ ' (' ~ user.title ~ ')'",
            "email": "user.userName ~ '@corp.test'",
        }}}))
        .await;
    let ada = world.user("ada").await;
    world.edit(ada, json!({"title": "Countess"})).await;
    world.work().await;
    let made = world.state().users.into_iter().find(|user| user.display_name == "ada (Countess)").unwrap();
    assert_eq!(made.email, "ada@corp.test");
    world.settings(json!({"user_sync": {"attributes": {"username": "'x-' ~ user.userName"}}})).await;
    run(&mut world).await;
    let renamed = world.account("x-ada").unwrap();
    assert_eq!(renamed.key, made.key, "the same account under another name");
}

async fn expression_that_fails_makes_no_account_and_keeps_no_leaver(mut world: World) {
    world.settings(json!({"user_sync": {"attributes": {"display_name": "user.nickName ~ '!'"}}})).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    world.edit(ada, json!({"nickName": "Countess"})).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess!");
    assert!(world.account("bob").is_none());
    let said = world.timeline(bob).await;
    let reason =
        "user_sync.attributes.display_name: the expression uses something that the user does not have";
    assert!(said.iter().any(|entry| entry.contains(reason)), "{said:?}");
    // The account keeps what it has, and goes when its user goes.
    world.edit(ada, json!({"nickName": null})).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess!");
    world.active(ada, false).await;
    world.work().await;
    assert!(!world.is_active("ada"));
}
