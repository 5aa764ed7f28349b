//! Work is per change, never per group or directory.

use std::sync::{Arc, Mutex};

use serde_json::json;
use uuid::Uuid;

use crate::place::{Place, change_members, on_both};

on_both!(adding_or_removing_a_member_costs_the_same_whatever_the_groups_size);

/// Tables that a change of a group can touch.
const TABLES: &[&str] = &["groups", "group_members", "users", "user_emails", "tasks", "timeline"];

/// Puts a group with `size` members into the directory by SQL.
async fn bulk(place: &Place, size: usize) -> Uuid {
    let group = place.group(&format!("Group of {size}"), &[]).await;
    let scope = format!("{}, {}", place.literal(place.tenant.id().0), place.literal(place.connection.0));
    let ids: Vec<Uuid> = (0..size).map(|_| Uuid::now_v7()).collect();
    for chunk in ids.chunks(1_000) {
        let users: Vec<String> = chunk
            .iter()
            .map(|id| {
                format!(
                    "({scope}, {}, '{id}', TRUE, '{document}', '{document}', 1, 0, 0)",
                    place.literal(*id),
                    document = json!({"userName": id}),
                )
            })
            .collect();
        let sql = "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, active, document, \
            search, version, created_at, last_modified_at) VALUES ";
        place.sql(&format!("{sql}{}", users.join(","))).await.unwrap();
        let group = place.literal(group.0);
        let members: Vec<String> =
            chunk.iter().map(|id| format!("({scope}, {group}, {}, 'user')", place.literal(*id))).collect();
        let sql = "INSERT INTO group_members (tenant_id, connection_id, group_id, member_id, kind) VALUES ";
        place.sql(&format!("{sql}{}", members.join(","))).await.unwrap();
    }
    group.0
}

/// Counts rows written in each table by triggers that the databases run themselves.
async fn count_writes(place: &Place) {
    let is_postgres = place.literal(Uuid::nil()).starts_with('\'');
    place.sql("CREATE TABLE writes (n bigint NOT NULL)").await.unwrap();
    if is_postgres {
        let body = "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
            'BEGIN INSERT INTO writes VALUES (1); RETURN NULL; END'";
        place.sql(body).await.unwrap();
    }
    for table in TABLES {
        for event in ["INSERT", "UPDATE", "DELETE"] {
            let act = if is_postgres {
                "EXECUTE FUNCTION note()"
            } else {
                "BEGIN INSERT INTO writes VALUES (1); END"
            };
            let sql =
                format!("CREATE TRIGGER note_{table}_{event} AFTER {event} ON {table} FOR EACH ROW {act}");
            place.sql(&sql).await.unwrap();
        }
    }
}

/// The statements that a change really sends, and the rows that it writes.
async fn cost(place: &Place, group: Uuid, add: &[Uuid], remove: &[Uuid]) -> (Vec<String>, i64) {
    place.sql("DELETE FROM writes").await.unwrap();
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut store = (*place.store).clone();
    let seen = Arc::clone(&statements);
    store.connection_mut().set_metric_callback(move |info| {
        seen.lock().unwrap().push(info.statement.sql.clone());
    });
    let tenant = store.tenant(place.tenant.id());
    change_members(&tenant, place.connection, group.into(), add, remove).await;
    let rows = place.number("SELECT COUNT(*) AS n FROM writes").await;
    let statements = statements.lock().unwrap().clone();
    (statements, rows)
}

async fn adding_or_removing_a_member_costs_the_same_whatever_the_groups_size(place: Place) {
    let small = bulk(&place, 10).await;
    let large = bulk(&place, 50_000).await;
    let ann = place.user("ann@acme.example").await.0;
    count_writes(&place).await;
    let mut costs = Vec::new();
    for group in [small, large] {
        let added = cost(&place, group, &[ann], &[]).await;
        let removed = cost(&place, group, &[], &[ann]).await;
        costs.push((added, removed));
    }
    assert_eq!(costs[0], costs[1], "a group of 10 against one of 50,000");
    let ((added, rows_added), (removed, rows_removed)) = &costs[1];
    // Lock, look up, insert, new version, task, timeline; and the membership, the group, one task, two entries.
    assert!((4..=8).contains(&added.len()), "{added:#?}");
    assert!((4..=8).contains(&removed.len()), "{removed:#?}");
    assert_eq!((*rows_added, *rows_removed), (5, 5));
    let members =
        format!("SELECT COUNT(*) AS n FROM group_members WHERE group_id = {}", place.literal(large));
    assert_eq!(place.number(&members).await, 50_000);
}
