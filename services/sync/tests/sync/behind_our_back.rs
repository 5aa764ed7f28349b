//! The site is changed by others; a full synchronization, or the next edit, finds out.

use serde_json::json;
use store::clock::Timestamp;
use store::entity::words::RunOutcome;
use store::id::UserId;
use store::links::LinkEdit;

use crate::world::{World, eventually, names};

on_both_databases!(
    run_repairs_what_others_changed,
    deleted_account_is_made_again_by_the_next_edit,
    run_makes_a_deleted_account_again_with_its_groups,
    account_renamed_by_others_is_still_known,
    run_has_a_result_for_each_object,
    what_stays_as_it_is_is_told_once,
    scheduled_run_finds_what_was_changed,
);

async fn run_repairs_what_others_changed(mut world: World) {
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    let change =
        json!({"name": "ada", "display_name": "Wrong", "email": "wrong@example.com", "active": false});
    world.behind_our_back("users", &change).await;
    world.behind_our_back("groups", &json!({"name": "team", "members": []})).await;
    world.start();
    world.full_run().await;
    world.stop().await;
    let ada = world.account("ada").unwrap();
    assert_eq!((ada.display_name.as_str(), ada.email.as_str()), ("The ada", "ada@example.com"));
    assert!(ada.active);
    assert_eq!(world.members("team"), names(&["ada"]));
}

async fn deleted_account_is_made_again_by_the_next_edit(mut world: World) {
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.behind_our_back("users", &json!({"delete": "ada"})).await;
    world.edit(ada, json!({"displayName": "Countess"})).await;
    world.work().await;
    assert_eq!(world.account("ada").unwrap().display_name, "Countess");
    assert_eq!(world.members("team"), names(&["ada"]));
}

async fn run_makes_a_deleted_account_again_with_its_groups(mut world: World) {
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.behind_our_back("users", &json!({"delete": "ada"})).await;
    world.start();
    world.full_run().await;
    world.stop().await;
    assert!(world.is_active("ada"));
    assert_eq!(world.members("team"), names(&["ada"]));
}

async fn account_renamed_by_others_is_still_known(mut world: World) {
    let ada = world.user("ada").await;
    let team = world.group("team", &[ada]).await;
    world.work().await;
    let key = world.account("ada").unwrap().key;
    let request = axum::http::Request::put(format!("/rest/api/2/user?key={key}"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer sandbox-token")
        .body(axum::body::Body::from(r#"{"name": "countess"}"#))
        .unwrap();
    let answer = tower::ServiceExt::oneshot(world.sandbox.router(), request).await.unwrap();
    assert_eq!(answer.status(), axum::http::StatusCode::OK);
    world.leave(team, &[ada]).await;
    world.work().await;
    assert_eq!(world.members("team"), names(&[]));
    world.start();
    world.full_run().await;
    world.stop().await;
    assert_eq!(world.account("ada").unwrap().key, key);
    assert_eq!(world.state().users.len(), 2);
}

async fn run_has_a_result_for_each_object(mut world: World) {
    let ada = world.user("ada").await;
    world.user("grace").await;
    world.group("team", &[ada]).await;
    world.group("jira-administrators", &[]).await;
    world.start();
    world.settle().await;
    world.behind_our_back("users", &json!({"name": "ada", "active": false})).await;
    let run = world.full_run().await;
    world.stop().await;
    assert_eq!(run.marked, 4);
    let mut outcomes = world.tenant.runs().outcomes(run.id).await.unwrap();
    outcomes.sort_by_key(|count| count.outcome as u8);
    let outcomes: Vec<_> = outcomes.iter().map(|count| (count.outcome, count.n)).collect();
    let expected = [(RunOutcome::Changed, 1), (RunOutcome::Unchanged, 2), (RunOutcome::Skipped, 1)].to_vec();
    assert_eq!(outcomes, expected);
}

async fn what_stays_as_it_is_is_told_once(mut world: World) {
    let settings = json!({
        "user_sync": {"update": false, "scope": "userName ne \"grace\""}, "group_sync": {"exclude": ["^team$"]},
    });
    world.settings(settings).await;
    let (ada, grace) = (world.user("ada").await, world.user("grace").await);
    let team = world.group("team", &[]).await;
    world.work().await;
    world.edit(ada, json!({"displayName": "Countess"})).await;
    world.start();
    for _ in 0..3 {
        world.full_run().await;
    }
    world.stop().await;
    for (object, sentence) in
        [(ada, "Left as it is"), (grace, "No account is made"), (UserId(team.0), "Not synchronized")]
    {
        let told = world.timeline(object).await;
        assert_eq!(told.iter().filter(|entry| entry.contains(sentence)).count(), 1, "{told:?}");
    }
    // Something else came between.
    world.active(ada, false).await;
    world.work().await;
    world.active(ada, true).await;
    world.work().await;
    let told = world.timeline(ada).await;
    assert!(told.iter().filter(|entry| entry.contains("Left as it is")).count() > 1, "{told:?}");
}

/// Gives the link a schedule whose next run is due then.
async fn schedule(world: &World, due: Timestamp) {
    let settings = json!({"schedule": {"cron": "0 3 * * *"}});
    let edit = LinkEdit { settings: Some(settings), next_run_at: Some(Some(due)), ..LinkEdit::default() };
    world.tenant.links().update(world.link, None, edit).await.unwrap();
}

async fn scheduled_run_finds_what_was_changed(mut world: World) {
    let ada = world.user("ada").await;
    world.group("team", &[ada]).await;
    world.work().await;
    world.behind_our_back("groups", &json!({"name": "team", "members": []})).await;
    let runs = async |world: &World| world.tenant.runs().list(world.link, None, 100).await.unwrap();
    let before = runs(&world).await.len();
    let due = world.tenant.now().minus(std::time::Duration::from_secs(1));
    schedule(&world, due).await;
    world.start();
    eventually("a run by schedule", async || runs(&world).await.len() > before).await;
    eventually("the repair", async || world.members("team") == names(&["ada"])).await;
    world.stop().await;
    let all = runs(&world).await;
    assert_eq!((all.len(), all[0].requested_by.as_str()), (before + 1, "schedule"));
    let next = world.tenant.links().get(world.link).await.unwrap().next_run_at.unwrap();
    assert!(next > world.tenant.now(), "it is due again at the next time");
}
