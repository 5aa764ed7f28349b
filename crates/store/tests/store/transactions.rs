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

on_both!(nothing_is_written_when_the_last_part_fails);

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
