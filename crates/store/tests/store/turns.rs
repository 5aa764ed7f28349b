//! Newcomers and those they depend on, at one moment on PostgreSQL: neither overlooks the other.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};
use serde_json::json;
use store::groups::GroupWrite;
use store::links::NewLink;
use store::members::MemberDelta;
use store::naming::{MemberName, UnknownMembers};
use store::sites::NewSite;

use crate::place::{Place, context, user_write};

/// Keeps `table` from being written to until the transaction ends.
async fn freeze(place: &Place, table: &str) -> DatabaseTransaction {
    let mut other = place.store.connect_again().await;
    let transaction = other.connection_mut().begin().await.unwrap();
    transaction.execute_unprepared(&format!("LOCK TABLE {table} IN SHARE MODE")).await.unwrap();
    transaction
}

/// Waits until someone waits for a lock of this kind.
async fn until_waiting(place: &Place, lock: &str) {
    let sql = format!(
        "SELECT COUNT(*) AS n FROM pg_locks WHERE locktype = '{lock}' AND NOT granted \
         AND (database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    );
    for _ in 0..1_000 {
        if place.number(&sql).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits for a {lock} lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_is_marked_for_a_site_that_is_linked_meanwhile() {
    let place = Place::postgres().await;
    let new = NewSite {
        certificate_authorities: None,
        name: "Confluence".into(),
        product: "confluence-data-center".into(),
        base_url: "https://confluence.example".into(),
        credentials: b"secret".to_vec().into(),
    };
    let site_id = place.tenant.sites().insert(new).await.unwrap().id;
    let frozen = freeze(&place, "links").await;
    let links = place.tenant.links();
    let connection_id = place.connection;
    let new = NewLink {
        connection_id,
        site_id,
        precedence: 1,
        enabled: true,
        settings: json!({}),
        next_run_at: None,
    };
    let linking = tokio::spawn(async move { links.insert(new).await });
    until_waiting(&place, "relation").await;
    let users = place.tenant.users(connection_id);
    let creating = tokio::spawn(async move { users.insert(user_write("ann"), &context()).await });
    until_waiting(&place, "advisory").await;
    frozen.rollback().await.unwrap();
    linking.await.unwrap().unwrap();
    creating.await.unwrap().unwrap();
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM tasks WHERE kind = 'user'").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_joins_a_group_that_begins_to_wait_meanwhile() {
    let place = Place::postgres().await;
    let frozen = freeze(&place, "parked_members").await;
    let groups = place.tenant.groups(place.connection);
    let members =
        MemberDelta { add: vec![MemberName { text: "00uA".into(), kind: None }], ..MemberDelta::default() };
    let write = GroupWrite {
        document: json!({"displayName": "Staff"}),
        members,
        summary: "Created".into(),
        detail: None,
    };
    let parking = tokio::spawn(async move { groups.insert(write, UnknownMembers::Parked, &context()).await });
    until_waiting(&place, "relation").await;
    let users = place.tenant.users(place.connection);
    let mut ann = user_write("ann");
    ann.document = json!({"userName": "ann", "externalId": "00uA"});
    let creating = tokio::spawn(async move { users.insert(ann, &context()).await });
    until_waiting(&place, "advisory").await;
    frozen.rollback().await.unwrap();
    parking.await.unwrap().unwrap();
    creating.await.unwrap().unwrap();
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM group_members").await, 1);
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM parked_members").await, 0);
}
