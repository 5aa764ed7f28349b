//! Filters in SQL against filters in memory.

use std::fmt::Write as _;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use scim_protocol::filter::Filter;
use scim_protocol::schema::ResourceType;
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};
use serde_json::Value;
use store::Store;
use store::search::{Query, Search};
use uuid::Uuid;

use super::directory::{BASE, Sample, seed};
use super::filters::Filters;
use crate::place::{Place, on_both};

on_both!(a_filter_in_sql_finds_what_it_matches_in_memory);

const DIRECTORIES: u64 = 10;
const USERS: usize = 10;
const GROUPS: usize = 6;
/// Filters for the users of a directory, and as many for its groups.
const FILTERS: usize = 5_000;
/// Filters in one statement.
const BATCH: usize = 100;

async fn a_filter_in_sql_finds_what_it_matches_in_memory(place: Place) {
    let seed = seed();
    if place.is_postgres() {
        // Compiling these statements would take longer than running them.
        let sql = "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET jit = off'; END $$";
        place.sql(sql).await.unwrap();
    }
    let store = place.store.connect_again().await;
    for seed in (0..DIRECTORIES).map(|number| seed.wrapping_add(number)) {
        let sample = Sample::new(&place, seed, USERS, GROUPS).await;
        let (user, group) = (&sample.types.user, &sample.types.group);
        let mut random = StdRng::seed_from_u64(seed);
        let users: Vec<(Uuid, &Value)> =
            sample.shown_users.iter().map(|(row, shown)| (row.id.0, shown)).collect();
        let groups: Vec<(Uuid, &Value)> =
            sample.shown_groups.iter().map(|(row, shown)| (row.id.0, shown)).collect();
        let of_users = Filters::new(user, users.iter().map(|(_, shown)| *shown));
        let of_groups = Filters::new(group, groups.iter().map(|(_, shown)| *shown));
        for _ in 0..FILTERS / BATCH {
            let filters = (0..BATCH).map(|_| of_users.next(&mut random));
            let asked: Vec<Asked> = filters
                .map(|(text, filter)| {
                    Asked::new(&sample.users.search(&query(&filter), true), text, filter.clone())
                })
                .collect();
            check(&store, "users", &asked, &users, user, seed).await;
            let filters = (0..BATCH).map(|_| of_groups.next(&mut random));
            let asked: Vec<Asked> = filters
                .map(|(text, filter)| {
                    Asked::new(&sample.groups.search(&query(&filter)), text, filter.clone())
                })
                .collect();
            check(&store, "groups", &asked, &groups, group, seed).await;
        }
    }
}

fn query(filter: &Filter) -> Query<'_> {
    Query { filter: Some(filter), sort: None, base_url: BASE }
}

/// A filter and what became of it.
struct Asked {
    text: String,
    filter: Filter,
    condition: String,
    values: Vec<sea_orm::Value>,
    exact: bool,
}

impl Asked {
    fn new<M: FromQueryResult>(search: &Search<'_, M>, text: String, filter: Filter) -> Self {
        let (condition, values) = search.condition();
        // Whether a membership is direct, and the tag of a user that is in groups.
        let known = ["version", "type"];
        let inexact = search.inexact();
        assert!(inexact.iter().all(|name| known.contains(&name.as_str())), "{text}: {inexact:?}");
        let (condition, values, exact) = (condition.to_owned(), values.to_vec(), inexact.is_empty());
        Self { text, filter, condition, values, exact }
    }
}

/// Asks all filters of all rows in one statement.
async fn check(
    store: &Store,
    table: &str,
    asked: &[Asked],
    shown: &[(Uuid, &Value)],
    resource_type: &ResourceType,
    seed: u64,
) {
    let mut values = asked[0].values[..2].to_vec();
    let mut answers = Vec::new();
    for asked in asked {
        // The scope stands once for all.
        let condition = moved(&asked.condition, values.len() - 2);
        values.extend_from_slice(&asked.values[2..]);
        answers.push(format!("CASE WHEN {condition} THEN '1' ELSE '0' END"));
    }
    let sql = format!(
        "SELECT r.id AS id, {} AS answers FROM {table} r \
         WHERE r.tenant_id = $1 AND r.connection_id = $2 ORDER BY r.id",
        answers.join(" || ")
    );
    let mut store = store.clone();
    let database = store.connection_mut();
    let statement = Statement::from_sql_and_values(database.get_database_backend(), sql, values);
    let rows = match database.query_all_raw(statement).await {
        Ok(rows) => rows,
        Err(error) => {
            let filters: Vec<_> = asked.iter().map(|asked| (&asked.text, &asked.condition)).collect();
            panic!("ROLLCALL_TEST_SEED={seed}: {error} in one of {filters:#?}");
        }
    };
    assert_eq!(rows.len(), shown.len());
    for (row, (id, resource)) in rows.iter().zip(shown) {
        assert_eq!(row.try_get::<Uuid>("", "id").unwrap(), *id);
        let answers: String = row.try_get("", "answers").unwrap();
        for (Asked { text, filter, condition, exact, .. }, answer) in asked.iter().zip(answers.chars()) {
            let matches = filter.matches(resource, resource_type);
            let found = answer == '1';
            assert!(
                found == matches || (found && !exact),
                "ROLLCALL_TEST_SEED={seed}: {text}\nin SQL {found}, in memory {matches}: {resource:#}\n{condition}",
            );
        }
    }
}

/// The condition with its placeholders behind those of others; those of the scope stay.
fn moved(condition: &str, by: usize) -> String {
    let mut text = String::with_capacity(condition.len() + 16);
    let mut rest = condition;
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        text.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if let Ok(number) = rest[..digits].parse::<usize>() {
            write!(text, "{}", if number > 2 { number + by } else { number }).unwrap();
            rest = &rest[digits..];
        }
    }
    text.push_str(rest);
    text
}
