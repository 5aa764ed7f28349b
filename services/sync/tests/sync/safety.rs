//! What must not be done, or not before something else.

use std::time::Duration;

use sandbox::faults::{FaultKind, Faults};
use serde_json::json;
use store::entity::words::TaskState;
use store::held::Chosen;
use store::id::UserId;

use crate::world::{ADMIN, World, eventually, names};

on_both_databases!(
    eleventh_deactivation_of_twenty_is_held_until_approved,
    what_each_day_lets_pass_is_held_by_the_week,
    mass_deactivation_is_held_while_others_go_on,
    emptied_group_keeps_its_members_until_approved,
    held_deactivation_is_dropped_when_the_user_comes_back,
    our_own_account_is_never_touched,
    taking_access_away_goes_before_giving_it,
);

async fn twenty(world: &World) -> Vec<UserId> {
    let mut users = Vec::new();
    for number in 0..20 {
        users.push(world.user(&format!("user{number}")).await);
    }
    users
}

fn count_active(world: &World) -> usize {
    world.state().users.iter().filter(|user| user.active && user.name != ADMIN).count()
}

async fn eleventh_deactivation_of_twenty_is_held_until_approved(mut world: World) {
    let users = twenty(&world).await;
    world.start();
    world.settle().await;
    for user in &users {
        world.active(*user, false).await;
        world.settle().await;
    }
    assert_eq!(count_active(&world), 10);
    let tasks = world.tenant.tasks(world.site);
    assert_eq!(tasks.held(world.connection, 100).await.unwrap().len(), 10);
    assert_eq!(world.task(users[10]).await.unwrap().state, TaskState::Held);
    assert_eq!(tasks.approve_held(world.connection, Chosen::All).await.unwrap(), 10);
    world.settle().await;
    world.stop().await;
    assert_eq!(count_active(&world), 0);
    assert_eq!(tasks.held(world.connection, 100).await.unwrap().len(), 0);
}

async fn what_each_day_lets_pass_is_held_by_the_week(mut world: World) {
    let week = json!({
        "hours": 168, "max_deactivations": 3, "max_deactivations_percent": 10,
        "max_withdrawals": 100, "max_withdrawals_percent": 100,
    });
    world.settings(json!({"safety": {"max_deactivations": 15, "more_windows": [week]}})).await;
    let users = twenty(&world).await;
    world.start();
    world.settle().await;
    for user in &users[..4] {
        world.active(*user, false).await;
        world.settle().await;
    }
    world.stop().await;
    assert_eq!(count_active(&world), 17);
    let reason = world.task(users[3]).await.unwrap().last_error.unwrap();
    assert!(reason.contains("within 168 hours; the link allows 3 or 10 %"), "{reason}");
    let planned = world.plan().await.plan;
    assert_eq!(planned.summary.held, 1, "and the plan says so: {:?}", planned.summary);
}

async fn mass_deactivation_is_held_while_others_go_on(mut world: World) {
    let users = twenty(&world).await;
    world.work().await;
    for user in &users[..15] {
        world.delete(*user).await;
    }
    world.user("newcomer").await;
    world.edit(users[19], json!({"displayName": "Renamed"})).await;
    world.group("team", &[users[18]]).await;
    world.work().await;
    assert_eq!(count_active(&world), 21);
    assert_eq!(world.account("user19").unwrap().display_name, "Renamed");
    assert_eq!(world.members("team"), names(&["user18"]));
    world.tenant.tasks(world.site).approve_held(world.connection, Chosen::All).await.unwrap();
    world.work().await;
    assert_eq!(count_active(&world), 6);
}

async fn held_deactivation_is_dropped_when_the_user_comes_back(mut world: World) {
    let users = twenty(&world).await;
    world.work().await;
    for user in &users {
        world.active(*user, false).await;
    }
    world.work().await;
    for user in &users {
        world.active(*user, true).await;
    }
    world.work().await;
    assert_eq!(count_active(&world), 20);
    assert!(world.task(users[0]).await.is_none());
    assert_eq!(world.calls(Some("PUT /user")), 0);
}

async fn our_own_account_is_never_touched(mut world: World) {
    let us = world.user(ADMIN).await;
    world.group("team", &[us]).await;
    world.work().await;
    let before = world.account(ADMIN).unwrap();
    assert_ne!(before.display_name, format!("The {ADMIN}"));
    world.active(us, false).await;
    world.work().await;
    world.delete(us).await;
    world.work().await;
    assert_eq!(world.account(ADMIN).unwrap(), before);
    assert_eq!(world.members("team"), names(&[]));
    assert_eq!(world.calls(Some("PUT /user")), 0);
}

async fn taking_access_away_goes_before_giving_it(mut world: World) {
    world.options.concurrency = 1;
    let (leaver, mover) = (world.user("leaver").await, world.user("mover").await);
    let team = world.group("team", &[mover]).await;
    world.work().await;
    for number in 0..5 {
        world.user(&format!("newcomer{number}")).await;
    }
    world.leave(team, &[mover]).await;
    world.active(leaver, false).await;
    // The first account that is given waits for its answer, and everything behind it.
    world.options.http.request_timeout = Duration::from_mins(1);
    world.faults(Faults {
        probabilities: [(FaultKind::TimeoutBefore, 1.0)].into(),
        only: vec!["POST /user".to_owned()],
        hang_seconds: 60,
        ..Faults::default()
    });
    let creations = world.calls(Some("POST /user"));
    world.start();
    eventually("the first is being created", async || world.calls(Some("POST /user")) > creations).await;
    assert!(!world.is_active("leaver"));
    assert_eq!(world.members("team"), names(&[]));
    world.kill().await;
}

async fn emptied_group_keeps_its_members_until_approved(mut world: World) {
    world.settings(json!({"safety": {"max_withdrawals": 5, "max_withdrawals_percent": 20}})).await;
    let users = twenty(&world).await;
    let team = world.group("team", &users).await;
    world.work().await;
    world.leave(team, &users[..5]).await;
    world.work().await;
    assert_eq!(world.members("team").len(), 15, "daily work goes on");
    world.leave(team, &users[5..]).await;
    let planned = world.plan().await.plan;
    assert_eq!((planned.withdrawals(), planned.summary.held), (15, 15));
    world.group("other", &users[10..]).await;
    world.edit(users[19], json!({"displayName": "Renamed"})).await;
    world.work().await;
    assert_eq!(world.members("team").len(), 15, "whoever emptied the group, its members keep their access");
    assert_eq!(world.members("other").len(), 10, "what gives access goes on");
    assert_eq!(world.account("user19").unwrap().display_name, "Renamed");
    let tasks = world.tenant.tasks(world.site);
    let held = tasks.held(world.connection, 100).await.unwrap();
    assert_eq!(held.len(), 15);
    let reason = held[0].last_error.as_deref().unwrap();
    assert!(reason.contains("of 20 active accounts would lose memberships within 24 hours"), "{reason}");
    // One of them comes back into the group: nothing is left to hold.
    world.join(team, &users[5..6]).await;
    world.work().await;
    assert_eq!(tasks.held(world.connection, 100).await.unwrap().len(), 14);
    tasks.approve_held(world.connection, Chosen::All).await.unwrap();
    world.work().await;
    assert_eq!(world.members("team"), names(&["user5"]));
}
