//! What IdPs look up is found by indexes: the databases say how they would run the statements.

use scim_protocol::Strictness::Strict;
use scim_protocol::filter::{self, Filter};
use scim_protocol::schema::{ResourceType, group, user};
use scim_protocol::sort::Sort;
use sea_orm::{ConnectionTrait as _, Statement};
use store::id::UserId;
use store::search::{Position, Query, SortKey, Start};
use store::users::Users;
use uuid::Uuid;

use super::directory::BASE;
use crate::place::{Place, on_both};

on_both!(look_ups_and_pages_read_by_indexes);

/// Users; there is a group for every twenty of them, and one that holds them all.
const USERS: usize = 20_000;

async fn look_ups_and_pages_read_by_indexes(place: Place) {
    let everyone = fill(&place).await;
    let member = Uuid::from_u128(77);
    for text in [
        "userName eq \"User-77\"".to_owned(),
        "USERNAME eq \"user-77\" and active eq true".to_owned(),
        "userName sw \"user-77\"".to_owned(),
        "externalId eq \"x-77\"".to_owned(),
        "displayName eq \"display 77\"".to_owned(),
        "emails.value eq \"user-77@acme.example\"".to_owned(),
        "emails eq \"user-77@acme.example\"".to_owned(),
        "emails[type eq \"work\" and value eq \"user-77@acme.example\"]".to_owned(),
        format!("id eq \"{member}\""),
        format!("meta.location eq \"{BASE}/Users/{member}\""),
        format!("groups.value eq \"{}\"", Uuid::from_u128(1_000_077)),
        format!("groups[value eq \"{}\"]", Uuid::from_u128(1_000_077)),
    ] {
        let filter = parsed(&text, user());
        let query = Query { filter: Some(&filter), sort: None, base_url: BASE };
        let users = place.tenant.users(place.connection);
        check(&place, users.search(&query, true).statement(&Start::Offset(0), 100), &text).await;
    }
    for text in [
        "displayName eq \"Group 77\"".to_owned(),
        "externalId eq \"g-77\"".to_owned(),
        format!("id eq \"{everyone}\""),
        format!("members.value eq \"{member}\""),
        format!("members eq \"{member}\""),
        format!("members[value eq \"{member}\"]"),
        format!("displayName eq \"everyone\" and members.value eq \"{member}\""),
    ] {
        let filter = parsed(&text, group());
        let query = Query { filter: Some(&filter), sort: None, base_url: BASE };
        let groups = place.tenant.groups(place.connection);
        check(&place, groups.search(&query).statement(&Start::Offset(0), 100), &text).await;
    }
    pages(&place, &place.tenant.users(place.connection)).await;
    holding_groups(&place).await;
}

fn parsed(text: &str, resource_type: &ResourceType) -> Filter {
    let filter = filter::parse(text).unwrap();
    filter.check(resource_type, Strict).unwrap();
    filter
}

/// A page after a row, in order of creation and by userName.
async fn pages(place: &Place, users: &Users) {
    let id = Uuid::from_u128(10_000);
    let query = Query { filter: None, sort: None, base_url: BASE };
    let start = Start::After(Position { key: None, id });
    check(place, users.search(&query, true).statement(&start, 100), "after an id").await;
    // What is selected is computed for the rows that an offset skips as well.
    let skipping = users.search(&query, true).statement(&Start::Offset(1_000), 100);
    assert!(!skipping.sql.contains("group_members"), "{}", skipping.sql);
    for order in ["ascending", "descending"] {
        let sort = Sort::parse(Some("userName"), Some(order), user()).unwrap().unwrap();
        let query = Query { filter: None, sort: Some(&sort), base_url: BASE };
        let start = Start::After(Position { key: Some(SortKey::Text("user-5".into())), id });
        check(place, users.search(&query, true).statement(&start, 100), order).await;
    }
}

async fn holding_groups(place: &Place) {
    let statements: std::sync::Arc<std::sync::Mutex<Vec<Statement>>> = std::sync::Arc::default();
    let seen = std::sync::Arc::clone(&statements);
    let mut store = (*place.store).clone();
    store.connection_mut().set_metric_callback(move |info| seen.lock().unwrap().push(info.statement.clone()));
    let ids: Vec<UserId> = (1..100).map(|n| UserId(Uuid::from_u128(n))).collect();
    let users = store.tenant(place.tenant.id()).users(place.connection);
    let held = users.holding_groups(&ids).await.unwrap();
    assert_eq!(held.len(), ids.len());
    let statements = statements.lock().unwrap().clone();
    assert_eq!(statements.len(), 1);
    for statement in statements {
        check(place, statement, "the groups of a page of users").await;
    }
}

async fn check(place: &Place, statement: Statement, what: &str) {
    let mut store = (*place.store).clone();
    let database = store.connection_mut();
    let words = if place.is_postgres() { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    let explain = Statement { sql: format!("{words} {}", statement.sql), ..statement };
    let column = if place.is_postgres() { "QUERY PLAN" } else { "detail" };
    let rows = database.query_all_raw(explain.clone()).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.try_get("", column).unwrap()).collect();
    // PostgreSQL reads a table from end to end by a `Seq Scan`, SQLite by a `SCAN` of it or of its alias.
    let is_table =
        |name: &str| ["users", "groups", "group_members", "user_emails"].contains(&name) || name.len() == 1;
    let whole = plan.iter().find(|line| {
        let mut words = line.split_whitespace();
        line.contains("Seq Scan") || (words.next() == Some("SCAN") && words.next().is_some_and(is_table))
    });
    assert!(whole.is_none(), "{what}\n{}\n{}", explain.sql, plan.join("\n"));
}

/// A directory by SQL, with statistics.
async fn fill(place: &Place) -> Uuid {
    let scope = format!("{}, {}", place.literal(place.tenant.id().0), place.literal(place.connection.0));
    let everyone = Uuid::from_u128(2_000_000);
    // Rows as wide as real ones, so that reading all of them costs what it does.
    let document = serde_json::json!({"title": "x".repeat(1_000)});
    for chunk in (1..=USERS).collect::<Vec<_>>().chunks(1_000) {
        let literal = |n: usize| place.literal(Uuid::from_u128(n as u128));
        let users = chunk.iter().map(|n| {
            let search = format!(
                "{{\"userName\":\"user-{n}\",\"active\":\"true\",\"emails\":[{{\"value\":\"user-{n}@acme.example\",\"type\":\"work\"}}]}}"
            );
            format!(
                "({scope}, {}, 'user-{n}', 'x-{n}', 'display {n}', 'user-{n}@acme.example', TRUE, '{document}', '{search}', 1, {n}, {n})",
                literal(*n)
            )
        });
        let sql = "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, external_id, \
            display_name_folded, email_folded, active, document, search, version, created_at, last_modified_at) VALUES ";
        place.sql(&format!("{sql}{}", users.collect::<Vec<_>>().join(","))).await.unwrap();
        let emails = chunk.iter().map(|n| format!("({scope}, 'other-{n}@acme.example', {})", literal(*n)));
        let sql = "INSERT INTO user_emails (tenant_id, connection_id, email_folded, user_id) VALUES ";
        place.sql(&format!("{sql}{}", emails.collect::<Vec<_>>().join(","))).await.unwrap();
        let numbers = chunk.iter().map(|n| n / 20).collect::<std::collections::BTreeSet<_>>();
        let numbers: Vec<usize> = numbers.into_iter().filter(|n| n * 20 >= chunk[0]).collect();
        let group = |n: &usize, id: String| {
            format!(
                "({scope}, {id}, 'Group {n}', 'group {n}', 'g-{n}', '{{}}', '{{\"displayName\":\"group {n}\"}}', 1, 0, 0)"
            )
        };
        let groups = numbers.iter().map(|n| group(n, literal(1_000_000 + n)));
        let groups = groups.chain((chunk[0] == 1).then(|| group(&0, place.literal(everyone))));
        let sql = "INSERT INTO groups (tenant_id, connection_id, id, display_name, display_name_folded, external_id, \
            document, search, version, created_at, last_modified_at) VALUES ";
        place.sql(&format!("{sql}{}", groups.collect::<Vec<_>>().join(","))).await.unwrap();
        let everyone = place.literal(everyone);
        let members = chunk.iter().map(|n| format!("({scope}, {everyone}, {}, 'user')", literal(*n)));
        let sql = "INSERT INTO group_members (tenant_id, connection_id, group_id, member_id, kind) VALUES ";
        place.sql(&format!("{sql}{}", members.collect::<Vec<_>>().join(","))).await.unwrap();
        let members = chunk
            .iter()
            .filter(|n| **n >= 20)
            .map(|n| format!("({scope}, {}, {}, 'user')", literal(1_000_000 + n / 20), literal(*n)));
        let members: Vec<String> = members.collect();
        place.sql(&format!("{sql}{}", members.join(","))).await.unwrap();
    }
    place.sql("ANALYZE").await.unwrap();
    everyone
}
