//! What is particular about Bitbucket: nobody is deactivated, and the site tells which groups administer it.

use serde_json::json;

use crate::simulated::{Simulated, Write};
use crate::world::{World, names};

async fn bitbucket() -> World {
    World::at(store::testing::sqlite_store().await, Simulated::Bitbucket).await
}

/// Makes a call that an administrator makes.
async fn by_hand(world: &World, method: &str, path: &str) {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(format!("/rest/api/latest{path}"))
        .header("authorization", "Bearer sandbox-token")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(world.sandbox.router(), request).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn user_becomes_an_account_without_a_licence_and_follows_the_directory() {
    let mut world = bitbucket().await;
    let ada = world.user("Ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    assert!(world.is_active("Ada"));
    assert_eq!(world.members("stash-users"), names(&["rollcall"]), "settings give the licence");
    assert_eq!(world.members("team"), names(&["Ada"]));

    world.edit(ada, json!({"userName": "countess", "displayName": "Ada L."})).await;
    world.leave(team, &[ada]).await;
    world.work().await;
    assert_eq!(world.account("countess").expect("the account").display_name, "Ada L.");
    assert_eq!(world.members("team"), names(&[]));
    world.is_created_once("ada");

    world.settings(json!({"user_sync": {"on_deprovision": "delete"}})).await;
    world.delete(ada).await;
    world.work().await;
    assert!(world.account("countess").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivation_takes_groups_and_permission_away_and_is_undone_by_the_rules() {
    let mut world = bitbucket().await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    // Access that no link gave.
    world.behind_our_back("groups", &json!({"name": "by-hand", "members": ["ada"]})).await;
    by_hand(&world, "PUT", "/admin/permissions/users?name=ada&permission=PROJECT_CREATE").await;

    world.active(ada, false).await;
    world.work().await;
    assert!(!world.has_access("ada"));
    assert_eq!(world.calls(Some("DELETE /admin/permissions/users")), 1);
    assert_eq!(world.ledger(ada).await.expect("a row").active, Some(false));

    let removals = world.writes(Write::RemoveMember);
    world.edit(ada, json!({"displayName": "Ada"})).await;
    world.work().await;
    assert_eq!(world.writes(Write::RemoveMember), removals, "the account has lost its access already");
    assert_eq!(world.calls(Some("GET /admin/permissions/users")), 1);

    world.active(ada, true).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&["ada"]));
    assert_eq!(world.members("by-hand"), names(&[]), "no rule gives this");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_given_again_by_hand_is_taken_away_by_the_next_run() {
    let mut world = bitbucket().await;
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.active(ada, false).await;
    world.work().await;
    world.behind_our_back("groups", &json!({"name": "team", "members": ["ada"]})).await;
    world.start();
    world.full_run().await;
    world.settle().await;
    world.stop().await;
    assert!(!world.has_access("ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_nothing_from_those_who_have_lost_it_and_holds_nobody() {
    let mut world = bitbucket().await;
    let mut people = Vec::new();
    for number in 0..15 {
        people.push(world.user(&format!("person{number}")).await);
    }
    world.group("team", &people).await;
    world.settings(json!({"safety": {"max_deactivations": 100}})).await;
    world.work().await;
    for &person in &people {
        world.active(person, false).await;
    }
    world.work().await;
    assert!((0..15).all(|number| !world.has_access(&format!("person{number}"))));
    // Were they deactivated again, the threshold would hold them.
    world.settings(json!({"safety": {"max_deactivations": 2, "max_deactivations_percent": 10}})).await;
    let count = |world: &World| {
        (world.writes(Write::RemoveMember), world.calls(Some("GET /admin/permissions/users")))
    };
    let before = count(&world);
    world.start();
    world.full_run().await;
    world.settle().await;
    world.stop().await;
    assert_eq!(count(&world), before);
    for &person in &people {
        assert!(world.task(person).await.is_none(), "nothing is held");
        assert_eq!(world.ledger(person).await.unwrap().active, Some(false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_administer_the_site_are_never_touched_whatever_they_are_called() {
    let mut world = bitbucket().await;
    by_hand(&world, "POST", "/admin/groups?name=chiefs").await;
    by_hand(&world, "PUT", "/admin/permissions/groups?name=chiefs&permission=ADMIN").await;
    let ada = world.user("ada").await;
    world.group("chiefs", &[ada]).await;
    world.group("team", &[ada]).await;
    world.work().await;
    assert_eq!(world.members("chiefs"), names(&[]));
    assert_eq!(world.members("team"), names(&["ada"]));

    world.behind_our_back("groups", &json!({"name": "chiefs", "members": ["ada"]})).await;
    world.active(ada, false).await;
    world.work().await;
    assert_eq!(world.members("chiefs"), names(&["ada"]));
    assert_eq!(world.members("team"), names(&[]));
    let told = world.timeline(ada).await;
    let kept = "group chiefs: it is an admin group of the product; take the account out by hand";
    assert!(told.iter().any(|said| said.contains(kept)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_deactivation_is_held_here_too() {
    let mut world = bitbucket().await;
    world.settings(json!({"safety": {"max_deactivations": 2, "max_deactivations_percent": 10}})).await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(world.user(&format!("person{number}")).await);
    }
    world.group("team", &people).await;
    world.work().await;
    for &person in &people {
        world.active(person, false).await;
    }
    world.work().await;
    assert_eq!(world.writes(Write::RemoveMember), 0, "all of them wait for an admin");
    assert_eq!(world.members("team").len(), 8);
}
