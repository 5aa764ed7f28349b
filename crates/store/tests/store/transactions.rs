//! A row, its tasks and its timeline entry are one transaction, and none holds others up for ever.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use serde_json::json;
use store::groups::{Before, GroupWrite, MemberRequest, Refusal};
use store::members::MemberDelta;
use store::naming::UnknownMembers;
use store::testing::MASTER_KEY;
use store::users::UserWrite;
use store::vault::Vault;
use store::{Store, StoreOptions};

use crate::place::{Place, context, on_both, user_write};

on_both!(nothing_is_written_when_the_last_part_fails, what_is_answered_after_dropped_work_is_committed);

/// Counts of everything that a directory write writes.
async fn counts(place: &Place) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for table in ["users", "user_emails", "groups", "group_members", "tasks", "timeline"] {
        counts.push((table, place.number(&format!("SELECT COUNT(*) AS n FROM {table}")).await));
    }
    counts
        .push(("generations", place.number("SELECT CAST(SUM(generation) AS bigint) AS n FROM tasks").await));
    counts.push(("versions", place.number("SELECT CAST(SUM(version) AS bigint) AS n FROM users").await));
    counts.push(("versions", place.number("SELECT CAST(SUM(version) AS bigint) AS n FROM groups").await));
    counts
}

async fn nothing_is_written_when_the_last_part_fails(place: Place) {
    let (ann, bob) = (place.user("ann").await, place.user("bob").await);
    let group = place.group("Staff", &[ann.0]).await;
    let before = counts(&place).await;
    // The timeline is written last; from now on it refuses every row.
    let is_postgres = place.literal(ann.0).starts_with('\'');
    if is_postgres {
        place.sql("ALTER TABLE timeline ADD CONSTRAINT full_up CHECK (at < 0) NOT VALID").await.unwrap();
    } else {
        let refuse =
            "CREATE TRIGGER full_up BEFORE INSERT ON timeline BEGIN SELECT RAISE(ABORT, 'full'); END";
        place.sql(refuse).await.unwrap();
    }
    let (users, groups) = (place.tenant.users(place.connection), place.tenant.groups(place.connection));
    let never = |_: &_| Ok::<_, std::convert::Infallible>(());
    assert!(users.insert(user_write("carl"), &context()).await.is_err());
    let edit = |_: &store::entity::user::Model| {
        let document = json!({"userName": "anna", "emails": [{"value": "a@b"}, {"value": "c@d"}]});
        Ok::<_, std::convert::Infallible>(UserWrite { document, summary: "Edited".into(), detail: None })
    };
    assert!(users.modify(ann, &context(), edit).await.is_err());
    assert!(users.delete(ann, &context(), never).await.is_err());
    let write = |name: &str| GroupWrite {
        document: json!({"displayName": name}),
        members: MemberDelta { replaces_all: true, add: vec![bob.0.into()], ..MemberDelta::default() },
        summary: "Written".into(),
        detail: None,
    };
    assert!(groups.insert(write("Crew"), UnknownMembers::Refused, &context()).await.is_err());
    let change = |_: Before<'_>| Ok::<_, Refusal<std::convert::Infallible>>(write("Renamed"));
    let request = MemberRequest { named: vec![bob.0.into()], ..MemberRequest::default() };
    assert!(groups.modify(group, &context(), &request, change).await.is_err());
    assert!(groups.delete(group, &context(), |_| Ok::<_, std::convert::Infallible>(())).await.is_err());
    assert_eq!(counts(&place).await, before);
    assert_eq!(groups.members(group).await.unwrap()[0].member_id, ann.0);
    assert_eq!(users.find(ann).await.unwrap().unwrap().document, json!({"userName": "ann"}));
}

/// A lock that is never given up, or a scan without end, must not keep the connections of a server.
#[tokio::test]
async fn a_statement_past_its_time_is_unavailable_and_harms_nothing() {
    let place = Place::postgres().await;
    let ann = place.user("ann").await;
    let mut options = StoreOptions::new(place.store.url());
    options.max_connections = 1;
    options.statement_timeout = Some(Duration::from_millis(200));
    let impatient = Store::connect(options, Vault::new(&MASTER_KEY).unwrap()).await.unwrap();
    let users = impatient.tenant(place.tenant.id()).users(place.connection);
    assert!(users.find(ann).await.unwrap().is_some());

    let mut other = place.store.connect_again().await;
    let holder = other.connection_mut().begin().await.unwrap();
    holder.execute_unprepared("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let refused = users.find(ann).await.unwrap_err();
    assert!(refused.is_unavailable(), "{refused:?}");
    holder.rollback().await.unwrap();
    assert!(users.find(ann).await.unwrap().is_some(), "the one connection serves again");
}

/// A client that goes away drops its request wherever it is. Connections that it used are used again, and what is
/// written by them must not become part of what it began.
async fn what_is_answered_after_dropped_work_is_committed(place: Place) {
    let ann = place.user("ann").await;
    let users = place.tenant.users(place.connection);
    let elsewhere = place.replica().await;
    let asked = context();
    for step in 0..60_usize {
        let edit = |_: &store::entity::user::Model| {
            let document = json!({"userName": "ann", "title": format!("{step}")});
            Ok::<_, std::convert::Infallible>(UserWrite { document, summary: "Edited".into(), detail: None })
        };
        drop_after(step % 20, users.modify(ann, &context(), edit)).await;
        // The connection goes back by itself.
        tokio::time::sleep(Duration::from_millis(5)).await;
        // As many as there are connections, so that each of them writes.
        let names: Vec<String> = (0..5).map(|number| format!("user-{step}-{number}")).collect();
        let created = names.iter().map(|name| users.insert(user_write(name), &asked));
        for created in futures::future::join_all(created).await {
            let id = created.unwrap().id;
            let seen = elsewhere.users(place.connection).find(id).await.unwrap();
            assert!(seen.is_some(), "answered and not committed, after {step} steps");
        }
    }
}

/// Goes on with work that many times and drops it, wherever it is then.
async fn drop_after<F: Future>(steps: usize, work: F) {
    let mut work = std::pin::pin!(work);
    let mut left = steps;
    std::future::poll_fn(|context| {
        if left == 0 || work.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        std::task::Poll::Pending
    })
    .await;
}
