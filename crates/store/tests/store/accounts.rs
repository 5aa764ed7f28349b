//! Accounts: one holder at a time, doubt after a lost one, and a threshold that two workers cannot pass
//! together.

use std::time::Duration;

use serde_json::json;
use store::Error;
use store::accounts::{Acquired, Conclusion, GivenName, HeldAccount, Intent, Observation, OtherRow, SameAs};
use store::deprovisions::{Limit, TakenAway};
use store::entity::words::{RunOutcome, TaskKind};
use store::id::{AccountId, UserId};
use store::tasks::TaskEnd;
use uuid::Uuid;

use crate::place::{LEASE, Place, create_user, on_both};

on_both!(
    an_account_is_held_by_one_worker_at_a_time,
    a_lost_lease_leaves_doubt_and_its_holder_writes_nothing,
    what_is_intended_is_written_down_before_the_first_call,
    a_conclusion_records_what_the_site_shows_and_ends_the_task,
    a_conclusion_that_comes_late_writes_nothing_at_all,
    users_of_two_directories_share_the_account_of_their_name,
    a_name_that_was_made_up_is_shared_with_nobody,
    a_row_that_is_the_same_account_is_joined,
    who_waits_for_a_name_is_due_when_it_is_free,
    the_last_free_deprovisioning_is_taken_once,
    the_threshold_counts_each_account_once_and_the_judged_one_always,
);

async fn acquire(place: &Place, user: UserId, name: &str, lease: Duration) -> Acquired {
    place.tenant.accounts(place.site).acquire(user, place.connection, Some(name), lease).await.unwrap()
}

#[track_caller]
fn held(acquired: Acquired) -> HeldAccount {
    match acquired {
        Acquired::Held(held) => *held,
        other => panic!("not held: {other:?}"),
    }
}

fn present(key: &str, username: &str) -> Observation {
    Observation::Present {
        key: key.into(),
        username: username.into(),
        display_name: "Ann".into(),
        email: Some("ann@acme.example".into()),
        active: true,
    }
}

fn conclusion(observation: Observation) -> Conclusion {
    Conclusion {
        observation,
        in_doubt: false,
        confirmed: vec![],
        dropped: vec![],
        doubts: Vec::new(),
        released_claims: vec![],
        entries: vec![],
        outcome: RunOutcome::Changed,
        detail: json!({}),
        end: TaskEnd::Finished,
    }
}

async fn task(place: &Place) -> store::entity::task::Model {
    place.tenant.tasks(place.site).claim(Uuid::now_v7(), LEASE, 1).await.unwrap().remove(0)
}

async fn an_account_is_held_by_one_worker_at_a_time(place: Place) {
    let ann = place.user("ann").await;
    let first = held(acquire(&place, ann, "Ann", LEASE).await);
    assert!(!first.account.in_doubt);
    assert_eq!(first.claims.iter().map(|claim| claim.user_id).collect::<Vec<_>>(), [ann]);
    assert!(matches!(acquire(&place, ann, "Ann", LEASE).await, Acquired::Busy { .. }));
    let accounts = place.tenant.accounts(place.site);
    let nobody = accounts.acquire(UserId::generate(), place.connection, None, LEASE).await.unwrap();
    assert!(matches!(nobody, Acquired::Nothing));
    let task = task(&place).await;
    accounts.conclude(&first, &task, conclusion(Observation::Unchanged)).await.unwrap();
    let again = held(acquire(&place, ann, "Ann", LEASE).await);
    assert!(!again.account.in_doubt, "a lease that was given back leaves no doubt");
    assert_eq!(again.account.id, first.account.id);
}

async fn a_lost_lease_leaves_doubt_and_its_holder_writes_nothing(place: Place) {
    let ann = place.user("ann").await;
    let lost = held(acquire(&place, ann, "ann", Duration::ZERO).await);
    let taken = held(acquire(&place, ann, "ann", LEASE).await);
    assert!(taken.account.in_doubt, "calls may have been made whose outcome nobody wrote down");
    let accounts = place.tenant.accounts(place.site);
    let intent = Intent { username: Some("other".into()), creates: true, adds: vec!["staff".into()] };
    assert!(matches!(accounts.intend(&lost, &intent, LEASE).await, Err(Error::Stale)));
    let row = accounts.find_by_user(ann).await.unwrap().unwrap();
    assert_eq!((row.username.as_str(), row.created_by_us), ("ann", false));
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM memberships").await, 0);
    accounts.abandon(&taken).await.unwrap();
    assert!(held(acquire(&place, ann, "ann", LEASE).await).account.in_doubt);
}

async fn what_is_intended_is_written_down_before_the_first_call(place: Place) {
    let (ann, bob) = (place.user("ann").await, place.user("bob").await);
    let accounts = place.tenant.accounts(place.site);
    let one = held(acquire(&place, ann, "ann", LEASE).await);
    let other = held(acquire(&place, bob, "bob", LEASE).await);
    let intent = Intent { username: None, creates: true, adds: vec!["Staff".into(), "Crew".into()] };
    accounts.intend(&one, &intent, Duration::ZERO).await.unwrap();
    let again = held(acquire(&place, ann, "ann", LEASE).await);
    assert!(again.account.created_by_us && again.account.in_doubt);
    let mut names: Vec<(&str, bool)> =
        again.memberships.iter().map(|row| (row.group_folded.as_str(), row.confirmed)).collect();
    names.sort_unstable();
    assert_eq!(names, [("crew", false), ("staff", false)]);
    let rename = Intent { username: Some("ANN".into()), ..Intent::default() };
    let taken = accounts.intend(&other, &rename, LEASE).await;
    assert!(matches!(taken, Err(Error::Conflict("accounts_username"))), "{taken:?}");
}

async fn a_conclusion_records_what_the_site_shows_and_ends_the_task(place: Place) {
    let ann = place.user("ann").await;
    let accounts = place.tenant.accounts(place.site);
    let holding = held(acquire(&place, ann, "ann", LEASE).await);
    let intent = Intent { username: None, creates: true, adds: vec!["Staff".into(), "Crew".into()] };
    accounts.intend(&holding, &intent, LEASE).await.unwrap();
    let mut done = conclusion(present("JIRA1", "Ann"));
    done.confirmed = vec!["Staff".into()];
    done.dropped = vec!["crew".into()];
    accounts.conclude(&holding, &task(&place).await, done).await.unwrap();
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM tasks").await, 0);
    let again = held(acquire(&place, ann, "ann", LEASE).await);
    let row = &again.account;
    assert_eq!((row.key.as_deref(), row.username.as_str(), row.active), (Some("JIRA1"), "Ann", Some(true)));
    let rows: Vec<_> = again.memberships.iter().map(|row| (row.group_name.as_str(), row.confirmed)).collect();
    assert_eq!(rows, [("Staff", true)]);
    // The user is gone and carried out: nobody claims the account, and it is forgotten.
    let users = place.tenant.users(place.connection);
    let context = crate::place::context();
    users.delete(ann, &context, |_| Ok::<_, std::convert::Infallible>(())).await.unwrap();
    let mut done = conclusion(Observation::Absent);
    done.released_claims = vec![ann];
    accounts.conclude(&again, &task(&place).await, done).await.unwrap();
    assert!(accounts.find_by_user(ann).await.unwrap().is_none());
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM accounts").await, 0);
}

async fn a_conclusion_that_comes_late_writes_nothing_at_all(place: Place) {
    let ann = place.user("ann").await;
    let accounts = place.tenant.accounts(place.site);
    let entry = store::timeline::NewEntry {
        object_kind: store::entity::words::ObjectKind::User,
        object_id: ann.0,
        connection_id: None,
        site_id: Some(place.site),
        kind: store::entity::words::TimelineKind::Site,
        request_id: None,
        summary: "Created at the site".into(),
        detail: None,
    };
    let full = || {
        let mut done = conclusion(present("JIRA1", "ann"));
        done.confirmed = vec!["Staff".into()];
        done.entries = vec![entry.clone()];
        done
    };
    // Either lease may be the one that was lost: that of the account …
    let lost = held(acquire(&place, ann, "ann", Duration::ZERO).await);
    let kept = held(acquire(&place, ann, "ann", LEASE).await);
    let ours = task(&place).await;
    assert!(matches!(accounts.conclude(&lost, &ours, full()).await, Err(Error::Stale)));
    // … or that of the task.
    place.tenant.tasks(place.site).give_back(ours.lease_owner.unwrap()).await.unwrap();
    assert!(matches!(accounts.conclude(&kept, &ours, full()).await, Err(Error::Stale)));
    let row = accounts.find_by_user(ann).await.unwrap().unwrap();
    assert_eq!((row.key, row.active), (None, None));
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM memberships").await, 0);
    assert_eq!(place.tenant.timeline().list(ann.0, None, 10).await.unwrap().len(), 1);
    let again = task(&place).await;
    accounts.conclude(&kept, &again, full()).await.unwrap();
    assert_eq!(place.tenant.timeline().list(ann.0, None, 10).await.unwrap().len(), 2);
}

async fn users_of_two_directories_share_the_account_of_their_name(place: Place) {
    let (other, _, _) = crate::place::furnish(&place.tenant).await;
    let (here, there) = (place.user("ann").await, create_user(&place.tenant, other, "ANN").await);
    let accounts = place.tenant.accounts(place.site);
    let first = held(acquire(&place, here, "ann", LEASE).await);
    let busy = accounts.acquire(there, other, Some("ANN"), LEASE).await.unwrap();
    assert!(matches!(busy, Acquired::Busy { .. }), "{busy:?}");
    accounts.conclude(&first, &task(&place).await, conclusion(present("K", "ann"))).await.unwrap();
    let second = held(accounts.acquire(there, other, Some("ANN"), LEASE).await.unwrap());
    assert_eq!(second.account.id, first.account.id);
    assert_eq!(second.claims.iter().map(|claim| claim.user_id).collect::<Vec<_>>(), [here, there]);
}

async fn a_name_that_was_made_up_is_shared_with_nobody(place: Place) {
    let (other, _, _) = crate::place::furnish(&place.tenant).await;
    let (here, there) = (place.user("ann").await, create_user(&place.tenant, other, "ann2").await);
    let accounts = place.tenant.accounts(place.site);
    // Another worker has taken the name for somebody of another directory meanwhile.
    held(accounts.acquire(there, other, Some("ann2"), LEASE).await.unwrap());
    let under = async |name| {
        let name = GivenName { name, instead_of: "ann" };
        accounts.acquire_under(here, place.connection, name, LEASE).await.unwrap()
    };
    assert!(matches!(under("Ann2").await, Acquired::Taken));
    let own = held(under("ann3").await);
    let claim = &own.claims[0];
    let given = (claim.given_name.as_deref(), claim.given_for.as_deref(), claim.doubt.as_deref());
    assert_eq!(given, (Some("ann3"), Some("ann"), None));
    let taken = accounts.give_name(&own, here, GivenName { name: "ANN2", instead_of: "ann" }).await;
    assert!(matches!(taken, Err(Error::Conflict("accounts_username"))), "{taken:?}");
}

async fn a_row_that_is_the_same_account_is_joined(place: Place) {
    let (other, _, _) = crate::place::furnish(&place.tenant).await;
    let (here, there) = (place.user("ann").await, create_user(&place.tenant, other, "a.smith").await);
    let accounts = place.tenant.accounts(place.site);
    let first = held(acquire(&place, here, "ann", LEASE).await);
    accounts.conclude(&first, &task(&place).await, conclusion(present("K", "ann"))).await.unwrap();
    let second = held(accounts.acquire(there, other, Some("a.smith"), LEASE).await.unwrap());
    assert_eq!(accounts.other_row(&second, &SameAs::Key("none".into())).await.unwrap(), OtherRow::None);
    let same = SameAs::Key("K".into());
    assert_eq!(accounts.other_row(&second, &same).await.unwrap(), OtherRow::SamePerson);
    assert_eq!(accounts.join(&second, &same).await.unwrap(), OtherRow::SamePerson);
    assert_eq!(accounts.find_by_user(there).await.unwrap().unwrap().id, first.account.id);
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM accounts").await, 1);
    // Two users of one directory are two people, whatever the site says.
    let bob = place.user("bob").await;
    let third = held(acquire(&place, bob, "bob", LEASE).await);
    assert_eq!(accounts.join(&third, &same).await.unwrap(), OtherRow::AnotherPerson);
    assert_eq!(accounts.find_by_user(bob).await.unwrap().unwrap().id, third.account.id);
}

async fn who_waits_for_a_name_is_due_when_it_is_free(place: Place) {
    let accounts = place.tenant.accounts(place.site);
    let tasks = place.tenant.tasks(place.site);
    let ann = place.user("ann").await;
    let first = held(acquire(&place, ann, "old", LEASE).await);
    let work = task(&place).await;
    // Two who are refused: one for the name that the account has, one for another reason.
    let old = place.user("old").await;
    let other = place.user("other").await;
    assert!(matches!(acquire(&place, old, "old", LEASE).await, Acquired::Taken));
    let hour = place.tenant.now().plus(Duration::from_hours(1));
    for task in tasks.claim(Uuid::now_v7(), LEASE, 5).await.unwrap() {
        let end = TaskEnd::Refused { due_at: hour, error: "x".to_owned() };
        tasks.end(&task, end, vec![], RunOutcome::Failed).await.unwrap();
    }
    let due = async |user: UserId| tasks.find(TaskKind::User, user.0).await.unwrap().unwrap().due_at;
    assert_eq!([due(old).await, due(other).await], [hour, hour]);
    accounts.conclude(&first, &work, conclusion(present("k", "ann"))).await.unwrap();
    assert!(due(old).await < hour);
    assert_eq!(due(other).await, hour);
}

async fn the_threshold_counts_each_account_once_and_the_judged_one_always(place: Place) {
    let accounts = place.tenant.accounts(place.site);
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cid", "dee"] {
        let user = place.user(name).await;
        ids.push(held(acquire(&place, user, name, LEASE).await).account.id);
    }
    // Everyone left. Of Dee's account the ledger does not know yet whether it is active.
    place.sql("UPDATE accounts SET active = TRUE WHERE username <> 'dee'").await.unwrap();
    place.sql("UPDATE users SET active = FALSE").await.unwrap();
    place.sql("UPDATE tasks SET rank = 0").await.unwrap();
    let judge = async |account: AccountId| {
        let mut seen = None;
        let decide = |_, judged| {
            seen = Some(judged);
            None
        };
        let window = Duration::from_hours(1);
        let verdict = accounts
            .reserve(
                TakenAway::Account,
                place.link,
                place.connection,
                account,
                &[Limit { window, free: 0 }],
                decide,
            )
            .await;
        assert_eq!(verdict.unwrap(), None);
        let judged: store::deprovisions::DeprovisionWindow = seen.unwrap();
        (judged.executed, judged.pending, judged.active)
    };
    assert_eq!(judge(ids[0]).await, (0, 3, 3));
    // Ann's account is let through and not yet deactivated: executed, and no longer pending.
    assert_eq!(judge(ids[1]).await, (1, 2, 3));
    assert_eq!(judge(ids[3]).await, (2, 2, 4));
    assert_eq!(judge(ids[3]).await, (2, 2, 4), "judged again it counts once");
}

async fn the_last_free_deprovisioning_is_taken_once(place: Place) {
    let window = Duration::from_hours(24);
    let (near, far) = (place.tenant.clone(), place.replica().await);
    let mut judged = Vec::new();
    for n in 0..20 {
        let tenant = [&near, &far][n % 2].clone();
        let (site, link, connection) = (place.site, place.link, place.connection);
        judged.push(tokio::spawn(async move {
            let decide = |_, judged: store::deprovisions::DeprovisionWindow| {
                (judged.executed >= 5).then(|| format!("{} already", judged.executed))
            };
            let accounts = tenant.accounts(site);
            accounts
                .reserve(
                    TakenAway::Account,
                    link,
                    connection,
                    AccountId::generate(),
                    &[Limit { window, free: 0 }],
                    decide,
                )
                .await
                .unwrap()
        }));
    }
    let mut passed = 0;
    for one in judged {
        passed += usize::from(one.await.unwrap().is_none());
    }
    assert_eq!(passed, 5, "two workers took the same place");
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM deprovisions").await, 5);
    // A day later the window is empty again.
    place.clock.advance(window);
    let decide = |_, judged: store::deprovisions::DeprovisionWindow| {
        (judged.executed > 0).then(|| "not empty".to_owned())
    };
    let accounts = place.tenant.accounts(place.site);
    let account = AccountId::generate();
    let verdict = accounts
        .reserve(
            TakenAway::Account,
            place.link,
            place.connection,
            account,
            &[Limit { window, free: 0 }],
            decide,
        )
        .await;
    assert_eq!(verdict.unwrap(), None);
}
