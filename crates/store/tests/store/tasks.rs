//! Tasks: unique, durable, and never finished for an edit that came during the work.

use std::collections::BTreeSet;
use std::time::Duration;

use store::entity::words::{RunOutcome, TaskKind, TaskRank, TaskState};
use store::held::Chosen;
use store::tasks::TaskEnd;
use store::users::UserWrite;
use store::{Error, TenantStore};
use uuid::Uuid;

use crate::place::{LEASE, Place, context, on_both};

on_both!(
    marking_again_bumps_the_generation_of_one_task,
    a_task_finishes_only_at_the_generation_that_was_claimed,
    a_lease_that_ran_out_is_claimed_by_another_and_lost_by_the_first,
    a_renewed_lease_is_kept,
    what_is_given_back_is_claimed_at_once,
    taking_access_away_goes_first,
    a_retry_waits_until_it_is_due_and_a_mark_does_not_hurry_it,
    a_refused_object_is_tried_at_once_when_it_changes,
    a_held_task_waits_for_approval,
    a_failure_quoted_with_nul_is_noted,
    a_disabled_link_marks_nothing,
    workers_of_two_processes_never_share_a_task,
);

async fn edit(place: &Place, user: store::id::UserId, title: &str) {
    let users = place.tenant.users(place.connection);
    let modified = users
        .modify(user, &context(), |row| {
            let mut document = row.document.clone();
            document["title"] = title.into();
            Ok::<_, std::convert::Infallible>(UserWrite { document, summary: "Edited".into(), detail: None })
        })
        .await
        .unwrap();
    assert!(modified.changed);
}

async fn claim(tenant: &TenantStore, place: &Place, lease: Duration) -> Vec<store::entity::task::Model> {
    tenant.tasks(place.site).claim(Uuid::now_v7(), lease, 100).await.unwrap()
}

async fn marking_again_bumps_the_generation_of_one_task(place: Place) {
    let user = place.user("ann").await;
    for n in 0..100 {
        edit(&place, user, &n.to_string()).await;
    }
    let claimed = claim(&place.tenant, &place, LEASE).await;
    assert_eq!(claimed.len(), 1, "100 edits are one task");
    assert_eq!((claimed[0].generation, claimed[0].object_id), (101, user.0));
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM tasks").await, 1);
}

async fn a_task_finishes_only_at_the_generation_that_was_claimed(place: Place) {
    let user = place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let first = claim(&place.tenant, &place, LEASE).await.remove(0);
    edit(&place, user, "during the work").await;
    tasks.end(&first, TaskEnd::Finished, vec![], RunOutcome::Changed).await.unwrap();
    let second = claim(&place.tenant, &place, LEASE).await.remove(0);
    assert_eq!(second.generation, first.generation + 1);
    tasks.end(&second, TaskEnd::Finished, vec![], RunOutcome::Changed).await.unwrap();
    assert!(tasks.find(TaskKind::User, user.0).await.unwrap().is_none());
    assert!(claim(&place.tenant, &place, LEASE).await.is_empty());
}

async fn a_lease_that_ran_out_is_claimed_by_another_and_lost_by_the_first(place: Place) {
    place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let lost = claim(&place.tenant, &place, Duration::ZERO).await.remove(0);
    let taken = claim(&place.tenant, &place, LEASE).await.remove(0);
    assert_ne!(lost.lease_owner, taken.lease_owner);
    for end in [
        TaskEnd::Finished,
        TaskEnd::Retry { due_at: place.clock.now(), error: "late".into(), counts: true },
        TaskEnd::Refused { due_at: place.clock.now(), error: "late".into() },
        TaskEnd::Held { reason: "late".into() },
    ] {
        let ended = tasks.end(&lost, end, vec![], RunOutcome::Changed).await;
        assert!(matches!(ended, Err(Error::Stale)), "{ended:?}");
    }
    assert!(claim(&place.tenant, &place, LEASE).await.is_empty());
    tasks.end(&taken, TaskEnd::Finished, vec![], RunOutcome::Changed).await.unwrap();
}

async fn a_renewed_lease_is_kept(place: Place) {
    place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let worker = Uuid::now_v7();
    let before = tasks.claim(worker, LEASE, 1).await.unwrap().remove(0);
    assert_eq!(tasks.renew(worker, LEASE * 10).await.unwrap(), 1);
    let after = tasks.find(TaskKind::User, before.object_id).await.unwrap().unwrap();
    assert!(after.lease_until > before.lease_until);
    assert_eq!(tasks.renew(Uuid::now_v7(), LEASE).await.unwrap(), 0, "another worker's is not renewed");
}

async fn what_is_given_back_is_claimed_at_once(place: Place) {
    for name in ["ann", "bob"] {
        place.user(name).await;
    }
    let tasks = place.tenant.tasks(place.site);
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(tasks.claim(one, LEASE, 1).await.unwrap().len(), 1);
    assert_eq!(tasks.claim(two, LEASE, 1).await.unwrap().len(), 1);
    tasks.give_back(one).await.unwrap();
    let again = claim(&place.tenant, &place, LEASE).await;
    assert_eq!(again.len(), 1, "only one's own");
    assert_eq!((again[0].generation, again[0].attempts), (1, 0));
}

async fn taking_access_away_goes_first(place: Place) {
    let (changed, removed, gone) =
        (place.user("changed").await, place.user("removed").await, place.user("gone").await);
    let group = place.group("Staff", &[removed.0]).await;
    for task in claim(&place.tenant, &place, LEASE).await {
        place
            .tenant
            .tasks(place.site)
            .end(&task, TaskEnd::Finished, vec![], RunOutcome::Changed)
            .await
            .unwrap();
    }
    edit(&place, changed, "x").await;
    let other = place.group("Crew", &[]).await;
    place.change_members(group, &[], &[removed.0]).await;
    let users = place.tenant.users(place.connection);
    users.delete(gone, &context(), |_| Ok::<_, std::convert::Infallible>(())).await.unwrap();
    let order: Vec<(TaskRank, Uuid)> =
        claim(&place.tenant, &place, LEASE).await.iter().map(|task| (task.rank, task.object_id)).collect();
    assert_eq!(
        order,
        [
            (TaskRank::Deprovision, gone.0),
            (TaskRank::Withdraw, removed.0),
            (TaskRank::Group, other.0),
            (TaskRank::Change, changed.0),
        ]
    );
}

async fn a_retry_waits_until_it_is_due_and_a_mark_does_not_hurry_it(place: Place) {
    let user = place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    let due_at = place.clock.now().plus(LEASE);
    let retry = TaskEnd::Retry { due_at, error: "503".into(), counts: true };
    tasks.end(&task, retry, vec![], RunOutcome::Changed).await.unwrap();
    edit(&place, user, "x").await;
    assert!(claim(&place.tenant, &place, LEASE).await.is_empty(), "the site is not asked before its time");
    place.clock.advance(LEASE);
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    assert_eq!((task.attempts, task.last_error.as_deref(), task.generation), (1, Some("503"), 2));
}

async fn a_refused_object_is_tried_at_once_when_it_changes(place: Place) {
    let user = place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let refused = || TaskEnd::Refused { due_at: place.clock.now().plus(LEASE), error: "400".into() };
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    tasks.end(&task, refused(), vec![], RunOutcome::Changed).await.unwrap();
    assert_eq!(tasks.backlog().await.unwrap().failed, 1);
    assert!(claim(&place.tenant, &place, LEASE).await.is_empty());
    edit(&place, user, "mended").await;
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    // An edit during the work that was refused may have mended it as well.
    edit(&place, user, "mended again").await;
    tasks.end(&task, refused(), vec![], RunOutcome::Changed).await.unwrap();
    assert_eq!(claim(&place.tenant, &place, LEASE).await.len(), 1);
}

async fn a_held_task_waits_for_approval(place: Place) {
    let user = place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    tasks.end(&task, TaskEnd::Held { reason: "too many".into() }, vec![], RunOutcome::Changed).await.unwrap();
    assert!(claim(&place.tenant, &place, LEASE).await.is_empty());
    let held = tasks.held(place.connection, 10).await.unwrap();
    assert_eq!((held.len(), held[0].object_id, held[0].state), (1, user.0, TaskState::Held));
    assert_eq!(tasks.approve_held(place.connection, Chosen::All).await.unwrap(), 1);
    assert_eq!(tasks.approve_held(place.connection, Chosen::All).await.unwrap(), 0);
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    assert!(task.approved);
}

async fn a_failure_quoted_with_nul_is_noted(place: Place) {
    place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    let error = TaskEnd::Retry { due_at: place.clock.now(), error: "a\0b".into(), counts: true };
    tasks.end(&task, error, vec![], RunOutcome::Changed).await.unwrap();
    let task = claim(&place.tenant, &place, LEASE).await.remove(0);
    assert_eq!(task.last_error.as_deref(), Some("a\u{fffd}b"));
}

async fn a_disabled_link_marks_nothing(place: Place) {
    let edit = store::links::LinkEdit { enabled: Some(false), ..Default::default() };
    place.tenant.links().update(place.link, None, edit).await.unwrap();
    place.user("ann").await;
    place.group("Staff", &[]).await;
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM tasks").await, 0);
}

async fn workers_of_two_processes_never_share_a_task(place: Place) {
    for n in 0..60 {
        place.user(&format!("user-{n}")).await;
    }
    let mut workers = Vec::new();
    for tenant in [place.tenant.clone(), place.replica().await] {
        for _ in 0..2 {
            let tasks = tenant.tasks(place.site);
            workers.push(tokio::spawn(async move {
                let (worker, mut mine) = (Uuid::now_v7(), Vec::new());
                loop {
                    let claimed = tasks.claim(worker, LEASE, 7).await.unwrap();
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.iter().map(|task| task.object_id));
                }
            }));
        }
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    // A worker that passes over rows which another holds at that moment may end early; nothing is lost.
    all.extend(claim(&place.tenant, &place, LEASE).await.iter().map(|task| task.object_id));
    assert_eq!(all.len(), 60);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 60);
}

/// PostgreSQL only: SQLite has no row locks, its writers take turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_another_process_holds_is_passed_over_and_not_waited_for() {
    use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
    let place = Place::postgres().await;
    let (held, free) = (place.user("held").await, place.user("free").await);
    let mut elsewhere = place.store.connect_again().await;
    let transaction = elsewhere.connection_mut().begin().await.unwrap();
    let sql = format!("SELECT 1 FROM tasks WHERE object_id = '{held}' FOR UPDATE");
    transaction.execute_unprepared(&sql).await.unwrap();
    let claimed = tokio::time::timeout(Duration::from_secs(5), claim(&place.tenant, &place, LEASE)).await;
    let claimed = claimed.expect("the claim waits for the lock");
    assert_eq!(claimed.iter().map(|task| task.object_id).collect::<Vec<_>>(), [free.0]);
    transaction.rollback().await.unwrap();
    assert_eq!(claim(&place.tenant, &place, LEASE).await[0].object_id, held.0);
}
