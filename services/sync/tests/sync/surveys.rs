//! Runs read a site's lists before they ask for one account after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use sandbox::faults::{FaultKind, Faults, RateLimit};
use serde_json::json;
use store::entity::run;
use store::entity::words::{RunOutcome, RunStatus, SiteStatus};
use store::id::{RunId, UserId};
use store::sites::SiteEdit;

use crate::world::{World, eventually, names};

on_both_databases!(
    what_the_lists_show_otherwise_is_asked_for_and_put_right,
    an_account_whose_outcome_is_in_doubt_is_asked_for,
    strangers_in_a_group_that_is_kept_clean_are_found,
    lists_that_fail_leave_nothing_undone,
    a_site_that_shows_a_part_of_its_groups_is_read_all_the_same,
    lists_that_would_cost_more_than_they_spare_are_given_up,
    a_run_that_is_cancelled_reads_no_further,
    a_site_that_is_paused_is_read_no_further,
    nothing_is_read_for_a_disabled_link,
    lists_are_read_again_by_whoever_comes_after_a_kill,
    a_site_that_refuses_the_credentials_while_it_is_read_is_paused,
);

mod at_every_product_that_shows_the_present {
    at_product!(jira, Jira, nobody_is_asked_for_whom_the_lists_show_as_the_ledger_has_them);
    at_product!(confluence, Confluence, nobody_is_asked_for_whom_the_lists_show_as_the_ledger_has_them);
    at_product!(bitbucket, Bitbucket, nobody_is_asked_for_whom_the_lists_show_as_the_ledger_has_them);
    at_product!(crowd, Crowd, nobody_is_asked_for_whom_the_lists_show_as_the_ledger_has_them);

    use super::nobody_is_asked_for_whom_the_lists_show_as_the_ledger_has_them;
}

/// A team of some size, with one who has left.
async fn staff(world: &mut World, size: usize) -> Vec<UserId> {
    let mut staff = Vec::new();
    for number in 0..size {
        staff.push(world.user(&format!("user{number:02}")).await);
    }
    world.group("team", &staff).await;
    world.group("half", &staff[..size / 2]).await;
    world.work().await;
    world.active(staff[size - 1], false).await;
    world.work().await;
    staff
}

/// Calls of a run, by operation.
async fn calls_of_run(world: &mut World) -> (run::Model, BTreeMap<String, u64>) {
    let before = world.state().calls.by_operation;
    world.start();
    let run = world.full_run().await;
    world.stop().await;
    let mut calls = world.state().calls.by_operation;
    for (operation, times) in before {
        *calls.get_mut(&operation).unwrap() -= times;
    }
    calls.retain(|_, times| *times > 0);
    (run, calls)
}

async fn nobody_is_asked_for_whom_the_lists_show_as_the_ledger_has_them(mut world: World) {
    staff(&mut world, 30).await;
    let (run, calls) = calls_of_run(&mut world).await;
    let made: u64 = calls.values().sum();
    assert!(made <= 12, "30 people and 2 groups: {calls:?}");
    assert!(run.listed.unwrap() >= 30 + 2 + 30, "{:?}", run.listed);
    let outcomes = world.tenant.runs().outcomes(run.id).await.unwrap();
    let outcomes: Vec<(RunOutcome, i64)> = outcomes.iter().map(|count| (count.outcome, count.n)).collect();
    assert_eq!(outcomes, [(RunOutcome::Unchanged, 32)]);
}

async fn what_the_lists_show_otherwise_is_asked_for_and_put_right(mut world: World) {
    staff(&mut world, 20).await;
    let kept = world.state();
    let changes = [
        ("users", json!({"name": "user00", "display_name": "Wrong"})),
        ("users", json!({"name": "user01", "email": "wrong@example.com"})),
        ("users", json!({"name": "user02", "active": false})),
        ("users", json!({"name": "user19", "active": true})),
        ("users", json!({"delete": "user03"})),
        ("groups", json!({"name": "half", "members": ["user04", "user05", "user06", "user07", "user08"]})),
    ];
    for (what, change) in changes {
        world.behind_our_back(what, &change).await;
    }
    let (run, calls) = calls_of_run(&mut world).await;
    // Nobody else but 0 to 3, 9 and 19 differs.
    let outcomes = world.tenant.runs().outcomes(run.id).await.unwrap();
    let put_right = outcomes.iter().find(|count| count.outcome == RunOutcome::Changed).unwrap();
    assert_eq!(put_right.n, 6, "{outcomes:?}");
    assert!(
        calls["GET /user"] <= 20,
        "those who differ are asked for, and what was done is looked at: {calls:?}"
    );
    let shown = |state: &sandbox::state::StateSnapshot| {
        let users = state
            .users
            .iter()
            .map(|user| (user.name.clone(), (user.display_name.clone(), user.email.clone(), user.active)));
        let groups = state.groups.iter().map(|group| {
            let members: std::collections::BTreeSet<String> = group.members.iter().cloned().collect();
            (group.name.clone(), members)
        });
        (users.collect::<BTreeMap<_, _>>(), groups.collect::<BTreeMap<_, _>>())
    };
    assert_eq!(shown(&world.state()), shown(&kept));
}

async fn an_account_whose_outcome_is_in_doubt_is_asked_for(mut world: World) {
    let staff = staff(&mut world, 10).await;
    // Its holder vanishes: what it did is not known.
    let lease = Duration::from_millis(1);
    let accounts = world.tenant.accounts(world.site);
    accounts.acquire(staff[0], world.connection, None, lease).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let held = accounts.acquire(staff[0], world.connection, None, lease).await.unwrap();
    let store::accounts::Acquired::Held(held) = held else { panic!("{held:?}") };
    accounts.abandon(&held).await.unwrap();
    assert!(world.ledger(staff[0]).await.unwrap().in_doubt);
    let (_, calls) = calls_of_run(&mut world).await;
    assert_eq!(calls["GET /user"], 1, "{calls:?}");
    assert!(!world.ledger(staff[0]).await.unwrap().in_doubt);
}

async fn strangers_in_a_group_that_is_kept_clean_are_found(mut world: World) {
    world.settings(json!({"group_sync": {"keep_existing": false}})).await;
    staff(&mut world, 10).await;
    let mut members: Vec<String> = (0..10).map(|number| format!("user{number:02}")).collect();
    world.behind_our_back("groups", &json!({"name": "half", "members": members})).await;
    let (_, calls) = calls_of_run(&mut world).await;
    // The last of them is inactive, and stays as it is.
    members.drain(5..9);
    assert_eq!(world.members("half"), members.into_iter().collect());
    assert_eq!(calls["DELETE /group/user"], 4, "{calls:?}");
}

async fn lists_that_fail_leave_nothing_undone(mut world: World) {
    staff(&mut world, 10).await;
    world.behind_our_back("groups", &json!({"name": "team", "members": []})).await;
    world.faults(Faults {
        probabilities: [(FaultKind::InternalError, 1.0)].into(),
        only: vec!["GET /group/member".to_owned()],
        ..Faults::default()
    });
    let (run, calls) = calls_of_run(&mut world).await;
    assert_eq!(run.status, RunStatus::Done);
    assert!(calls["GET /user"] >= 10, "each is asked for: {calls:?}");
    assert_eq!(world.members("team").len(), 9, "who is inactive stays as is");
}

async fn a_site_that_shows_a_part_of_its_groups_is_read_all_the_same(mut world: World) {
    staff(&mut world, 30).await;
    // Jira's picker shows 1,000 groups at the most, however many it is asked for.
    for number in 0..1_000 {
        world.behind_our_back("groups", &json!({"name": format!("other{number}")})).await;
    }
    world.behind_our_back("users", &json!({"name": "user03", "display_name": "Wrong"})).await;
    let (_, calls) = calls_of_run(&mut world).await;
    assert!(calls["GET /user"] <= 3, "only who differs is asked for: {calls:?}");
    assert!(calls.values().sum::<u64>() <= 15, "{calls:?}");
    assert_eq!(world.account("user03").unwrap().display_name, "The user03");
}

async fn lists_that_would_cost_more_than_they_spare_are_given_up(mut world: World) {
    staff(&mut world, 10).await;
    world.options.survey_calls = 2;
    world.behind_our_back("groups", &json!({"name": "team", "members": []})).await;
    let (_, calls) = calls_of_run(&mut world).await;
    // Half of ten accounts: five calls.
    world.options.survey_from = 11;
    let listed = |calls: &BTreeMap<String, u64>| calls.get("GET /group/member").copied().unwrap_or_default();
    assert!(listed(&calls) <= 5, "{calls:?}");
    assert_eq!(world.members("team").len(), 9, "who is inactive stays as is");
    let (run, calls) = calls_of_run(&mut world).await;
    assert_eq!((listed(&calls), run.listed), (0, None), "too few to read lists for: {calls:?}");
}

/// A run at a site whose lists take their time, as they are being read.
async fn slow_run(world: &mut World) -> RunId {
    let rate_limit = Some(RateLimit { burst: 1, per_second: 0.2 });
    world.faults(Faults { rate_limit, ..Faults::default() });
    let link = world.tenant.links().get(world.link).await.unwrap();
    world.start();
    let runs = world.tenant.runs();
    let run = runs.insert(&link, "test").await.unwrap().id;
    eventually("lists are read", async || runs.get(run).await.unwrap().listed.is_some()).await;
    run
}

async fn a_site_that_is_paused_is_read_no_further(mut world: World) {
    staff(&mut world, 10).await;
    let run = slow_run(&mut world).await;
    let status = |status| SiteEdit { status: Some(status), ..SiteEdit::default() };
    let sites = world.tenant.sites();
    sites.update(world.site, None, status(SiteStatus::Paused)).await.unwrap();
    world.faults(Faults::default());
    let runs = world.tenant.runs();
    eventually("it marks without lists", async || runs.get(run).await.unwrap().status == RunStatus::Working)
        .await;
    let calls = world.calls(None);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.calls(None), calls);
    sites.update(world.site, None, status(SiteStatus::Active)).await.unwrap();
    world.settle().await;
    world.stop().await;
    assert_eq!(runs.get(run).await.unwrap().status, RunStatus::Done);
}

async fn nothing_is_read_for_a_disabled_link(mut world: World) {
    staff(&mut world, 10).await;
    world.enabled(false).await;
    let (run, calls) = calls_of_run(&mut world).await;
    // The queue asks once whether our log-in still works.
    assert_eq!((run.listed, calls), (None, [("GET /myself".to_owned(), 1)].into()));
}

async fn a_run_that_is_cancelled_reads_no_further(mut world: World) {
    staff(&mut world, 10).await;
    let run = slow_run(&mut world).await;
    let runs = world.tenant.runs();
    runs.cancel(run).await.unwrap();
    world.faults(Faults::default());
    tokio::time::sleep(world.options.lease).await;
    let calls = world.calls(None);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.calls(None), calls, "nothing more is read");
    world.stop().await;
    let row = runs.get(run).await.unwrap();
    assert_eq!((row.status, row.marked), (RunStatus::Cancelled, 0));
}

async fn lists_are_read_again_by_whoever_comes_after_a_kill(mut world: World) {
    staff(&mut world, 10).await;
    let run = slow_run(&mut world).await;
    let runs = world.tenant.runs();
    world.kill().await;
    world.faults(Faults::default());
    world.behind_our_back("groups", &json!({"name": "team", "members": []})).await;
    world.work().await;
    assert_eq!(runs.get(run).await.unwrap().status, RunStatus::Done);
    assert_eq!(world.members("team").len(), 9, "who is inactive stays as is");
    assert_eq!(world.members("half"), names(&["user00", "user01", "user02", "user03", "user04"]));
}

async fn a_site_that_refuses_the_credentials_while_it_is_read_is_paused(mut world: World) {
    let basic = |password: &str| json!({"type": "basic", "username": "rollcall", "password": password});
    world.credentials(&basic("sandbox-password")).await;
    let staff = staff(&mut world, 10).await;
    let link = world.tenant.links().get(world.link).await.unwrap();
    world.behind_our_back("users", &json!({"name": "rollcall", "password": "another"})).await;
    world.tenant.runs().insert(&link, "test").await.unwrap();
    world.start();
    eventually("the site is paused", async || world.site_row().await.status == SiteStatus::Paused).await;
    world.stop().await;
    // Fewer failed log-ins than lead to a CAPTCHA: the new password works at once.
    let secret = zeroize::Zeroizing::new(basic("another").to_string().into_bytes());
    let edit =
        SiteEdit { credentials: Some(secret), status: Some(SiteStatus::Active), ..SiteEdit::default() };
    world.tenant.sites().update(world.site, None, edit).await.unwrap();
    world.work().await;
    world.edit(staff[0], json!({"displayName": "Countess"})).await;
    world.work().await;
    assert_eq!(world.account("user00").unwrap().display_name, "Countess");
}
