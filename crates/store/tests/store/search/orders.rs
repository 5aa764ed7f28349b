//! Orders in SQL against orders in memory, and pages that go on after a row.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use scim_protocol::schema::ResourceType;
use scim_protocol::sort::Sort;
use sea_orm::FromQueryResult;
use serde_json::Value;
use store::search::{Position, Query, Search, SortKey, Start};
use uuid::Uuid;

use super::directory::{BASE, Sample, seed};
use crate::place::{Place, on_both};

on_both!(an_order_in_sql_is_that_in_memory_and_a_page_goes_on_after_any_row);

/// A resource as it is shown, its id, and the rest of the key of an attribute that has a column.
type Shown<'a> = (Uuid, &'a Value, Option<&'a str>);

async fn an_order_in_sql_is_that_in_memory_and_a_page_goes_on_after_any_row(place: Place) {
    let seed = seed();
    let sample = Sample::new(&place, seed, 30, 12).await;
    let mut random = StdRng::seed_from_u64(seed);
    for name in sortable(&sample.types.user) {
        for order in ["ascending", "descending"] {
            let sort = Sort::parse(Some(&name), Some(order), &sample.types.user).unwrap().unwrap();
            let shown = sample.shown_users.iter().map(|(row, shown)| {
                let column = match name.as_str() {
                    "userName" => Some(row.user_name_folded.as_str()),
                    "displayName" => row.display_name_folded.as_deref(),
                    "externalId" => row.external_id.as_deref(),
                    _ => None,
                };
                (row.id.0, shown, column)
            });
            let query = Query { filter: None, sort: Some(&sort), base_url: BASE };
            let search = sample.users.search(&query, true);
            let at = format!("ROLLCALL_TEST_SEED={seed}: users by {name} {order}");
            check(&search, |found| found.row.id.0, expected(&sort, shown), &mut random, &at).await;
        }
    }
    for name in sortable(&sample.types.group) {
        for order in ["ascending", "descending"] {
            let sort = Sort::parse(Some(&name), Some(order), &sample.types.group).unwrap().unwrap();
            let shown = sample.shown_groups.iter().map(|(row, shown)| {
                let column = match name.as_str() {
                    "displayName" => Some(row.display_name_folded.as_str()),
                    "externalId" => row.external_id.as_deref(),
                    _ => None,
                };
                (row.id.0, shown, column)
            });
            let query = Query { filter: None, sort: Some(&sort), base_url: BASE };
            let search = sample.groups.search(&query);
            let at = format!("ROLLCALL_TEST_SEED={seed}: groups by {name} {order}");
            check(&search, |row| row.id.0, expected(&sort, shown), &mut random, &at).await;
        }
    }
}

/// Every name that `sortBy` takes.
fn sortable(resource_type: &ResourceType) -> Vec<String> {
    let core = resource_type.common.iter().chain(&resource_type.schema.attributes);
    let core = core.map(|attribute| (String::new(), attribute));
    let extensions = resource_type.extensions.iter().flat_map(|extension| {
        let urn = format!("{}:", extension.schema.id);
        extension.schema.attributes.iter().map(move |attribute| (urn.clone(), attribute))
    });
    let names = core.chain(extensions).flat_map(|(urn, attribute)| {
        let name = format!("{urn}{}", attribute.name);
        let subs = attribute.sub_attributes.iter().map(|sub| format!("{name}.{}", sub.name));
        subs.chain([name.clone()]).collect::<Vec<_>>()
    });
    names.filter(|name| Sort::parse(Some(name), None, resource_type).is_ok()).collect()
}

/// In order of creation where keys are equal; keys that have a column are compared beyond their start.
fn expected<'a>(sort: &Sort<'_>, shown: impl Iterator<Item = Shown<'a>>) -> Vec<Uuid> {
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by(|(left_id, left, left_column), (right_id, right, right_column)| {
        let columns = left_column.cmp(right_column);
        let columns = if sort.is_descending() { columns.reverse() } else { columns };
        sort.compare(left, right).then(columns).then(left_id.cmp(right_id))
    });
    shown.into_iter().map(|(id, ..)| id).collect()
}

async fn check<M: FromQueryResult>(
    search: &Search<'_, M>,
    id: impl Fn(&M) -> Uuid,
    expected: Vec<Uuid>,
    random: &mut StdRng,
    at: &str,
) {
    use rand::RngExt as _;
    let all = search.page(&Start::Offset(0), 1_000).await.unwrap();
    let found: Vec<Uuid> = all.iter().map(|found| id(&found.row)).collect();
    assert_eq!(found, expected, "{at}");
    // The index of a page, and the place after any of its rows.
    for _ in 0..3 {
        let from = random.random_range(0..all.len());
        let page = search.page(&Start::Offset(from as u64), 4).await.unwrap();
        let page: Vec<Uuid> = page.iter().map(|found| id(&found.row)).collect();
        assert_eq!(page, expected[from..expected.len().min(from + 4)], "{at}, from {from}");
        let key: Option<SortKey> = all[from].key.clone();
        let position = Position { key, id: expected[from] };
        assert!(search.has(&position), "{at}");
        let rest = search.page(&Start::After(position), 1_000).await.unwrap();
        let rest: Vec<Uuid> = rest.iter().map(|found| id(&found.row)).collect();
        assert_eq!(rest, expected[from + 1..], "{at}, after {from}");
    }
}
