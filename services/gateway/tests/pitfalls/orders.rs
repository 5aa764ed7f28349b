//! Sorting and cursors (RFC 7644 §3.4.2.3, RFC 9865).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{ENTERPRISE, Edge, Idp, USER};
use crate::rules;

rules!(
    s23_absent_values_are_last_ascending_and_lists_go_by_their_primary,
    s23_what_there_is_no_order_by_is_refused,
    s23_a_sorted_search_at_the_root_merges_users_and_groups,
    s28_a_walk_by_cursor_meets_everyone_who_stays_once,
    s28_a_walk_at_the_root_goes_on_from_users_to_groups,
    s28_cursors_of_other_lists_or_too_old_are_refused_by_name,
);

/// Creates a user with these attributes besides the required ones.
async fn create(idp: &Idp, name: &str, more: Value) -> String {
    let mut body = json!({"schemas": [USER], "userName": name});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    idp.post("/Users", body).await.created()
}

async fn s23_absent_values_are_last_ascending_and_lists_go_by_their_primary(edge: Edge) {
    let idp = edge.idp("acme").await;
    let a = create(
        &idp,
        "Zoe@acme.example",
        json!({"title": "b", "emails": [{"value": "z@x"}, {"value": "M@x", "primary": true}],
               "name": {"familyName": "émile"}, ENTERPRISE: {"department": "10"}}),
    );
    let a = a.await;
    let b = create(
        &idp,
        "adam@acme.example",
        json!({"title": "A", "emails": [{"value": "a@x"}, {"value": "y@x"}], "active": false,
               "name": {"familyName": "Zorn"}, ENTERPRISE: {"department": "9"}}),
    );
    let b = b.await;
    let c = create(&idp, "Berta@acme.example", json!({"active": true})).await;
    let of = |ids: [&String; 3]| ids.map(String::clone).to_vec();
    for (sort_by, expected) in [
        ("title", of([&b, &a, &c])),
        ("TITLE", of([&b, &a, &c])),
        ("userName", of([&b, &c, &a])),
        ("emails", of([&b, &a, &c])),
        ("emails.value", of([&b, &a, &c])),
        ("name.familyName", of([&b, &a, &c])),
        ("active", of([&b, &c, &a])),
        ("id", of([&a, &b, &c])),
        ("meta.created", of([&a, &b, &c])),
        ("nickName", of([&a, &b, &c])),
        (&format!("{ENTERPRISE}:department"), of([&a, &b, &c])),
    ] {
        let query = |order: &str| format!("/Users?sortBy={sort_by}{order}");
        assert_eq!(idp.get(&query("")).await.ids(), expected, "{sort_by}");
        assert_eq!(idp.get(&query("&sortOrder=ascending")).await.ids(), expected, "{sort_by}");
        // Equal values, absent ones among them, keep the order of creation.
        let descending = idp.get(&query("&sortOrder=DESCENDING")).await.ids();
        match sort_by {
            "nickName" | "meta.created" => assert_eq!(descending, expected, "{sort_by}"),
            _ => {
                let reversed: Vec<String> = expected.iter().rev().cloned().collect();
                assert_eq!(descending, reversed, "{sort_by}");
            }
        }
        let parameters = json!({"sortBy": sort_by, "sortOrder": "ascending", "startIndex": 2, "count": 1});
        assert_eq!(idp.search("/Users/.search", parameters).await.ids(), expected[1..2], "{sort_by}");
        let filtered = format!("/Users?sortBy={sort_by}&filter=title%20pr");
        let expected: Vec<String> = expected.into_iter().filter(|id| *id != c).collect();
        assert_eq!(idp.get(&filtered).await.ids(), expected, "{sort_by}");
    }
    let groups = [idp.group("beta", &[]).await, idp.group("Alpha", &[&a]).await];
    let sorted = idp.get("/Groups?sortBy=displayName").await.ids();
    assert_eq!(sorted, [groups[1].as_str(), &groups[0]]);
}

async fn s23_what_there_is_no_order_by_is_refused(edge: Edge) {
    let idp = edge.idp("acme").await;
    for name in ["shoeSize", "name", "password", "groups", "groups.value", "meta.version", "emails.shoeSize"]
    {
        idp.get(&format!("/Users?sortBy={name}")).await.refused(400, "invalidPath");
    }
    idp.get("/Groups?sortBy=members.value").await.refused(400, "invalidPath");
    idp.get("/Users?sortBy=title&sortOrder=sideways").await.refused(400, "invalidValue");
    idp.search("/.search", json!({"sortBy": "shoeSize"})).await.refused(400, "invalidPath");
    assert_eq!(idp.get("/Users?sortOrder=descending").await.ok()["totalResults"], 0);
}

async fn s23_a_sorted_search_at_the_root_merges_users_and_groups(edge: Edge) {
    let idp = edge.idp("acme").await;
    let delta = create(&idp, "1@acme.example", json!({"displayName": "delta"})).await;
    let nobody = create(&idp, "2@acme.example", json!({})).await;
    let bravo = create(&idp, "3@acme.example", json!({"displayName": "Bravo"})).await;
    let charlie = idp.group("charlie", &[]).await;
    let alpha = idp.group("Alpha", &[]).await;
    let search = async |parameters: Value| idp.search("/.search", parameters).await.ids();
    let ascending = [&alpha, &bravo, &charlie, &delta, &nobody].map(String::clone);
    assert_eq!(search(json!({"sortBy": "displayName"})).await, ascending);
    let descending = [&nobody, &delta, &charlie, &bravo, &alpha].map(String::clone);
    assert_eq!(search(json!({"sortBy": "displayName", "sortOrder": "descending"})).await, descending);
    let middle = json!({"sortBy": "displayName", "startIndex": 2, "count": 2});
    assert_eq!(search(middle).await, ascending[1..3]);
    // Groups have no userName: they are last, or first.
    let by_name = search(json!({"sortBy": "userName"})).await;
    assert_eq!(by_name, [&delta, &nobody, &bravo, &charlie, &alpha].map(String::clone));
    let by_name = search(json!({"sortBy": "userName", "sortOrder": "descending"})).await;
    assert_eq!(by_name, [&charlie, &alpha, &bravo, &nobody, &delta].map(String::clone));
    for order in ["ascending", "descending"] {
        for sort_by in ["displayName", "userName", "id", "meta.created", "meta.resourceType"] {
            let parameters = json!({"sortBy": sort_by, "sortOrder": order});
            let whole = search(parameters.clone()).await;
            assert_eq!(whole.len(), 5);
            let walked = walk(&idp, "/.search", parameters, 2, async |_| {}).await;
            assert_eq!(walked, whole, "{sort_by} {order}");
        }
    }
}

/// The ids of all pages of a list, which is asked for by POST; `between` is run after each page.
async fn walk(
    idp: &Idp,
    path: &str,
    parameters: Value,
    count: usize,
    between: impl AsyncFn(usize),
) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        assert!(page < 100, "the walk never ends");
        let mut asked = parameters.clone();
        asked["cursor"] = json!(cursor);
        asked["count"] = json!(count);
        let answer = idp.search(path, asked).await;
        let body = answer.body.clone();
        let found = answer.ids();
        assert!(found.len() <= count);
        assert!(body.get("startIndex").is_none(), "{body}");
        ids.extend(found);
        let Some(next) = body["nextCursor"].as_str() else { return ids };
        assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{next}");
        cursor = next.to_owned();
        between(page).await;
    }
    ids
}

async fn s28_a_walk_by_cursor_meets_everyone_who_stays_once(edge: Edge) {
    let idp = edge.idp("acme").await;
    for (number, sort) in [
        json!({}),
        json!({"sortBy": "userName"}),
        json!({"sortBy": "title", "sortOrder": "descending"}),
        json!({"sortBy": "meta.lastModified", "filter": "userName ew \"acme.example\""}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut staying = BTreeSet::new();
        let mut leaving = Vec::new();
        for n in 0..24 {
            let name = format!("{}-{n}-{number}@acme.example", ["m", "A", "z"][n % 3]);
            let title = if n % 4 == 0 { json!({}) } else { json!({"title": format!("t{}", n % 5)}) };
            let id = create(&idp, &name, title).await;
            if n % 6 == 1 {
                leaving.push(id);
            } else {
                staying.insert(id);
            }
        }
        let idp_of = &idp;
        let leaving_of = &leaving;
        let walked = walk(&idp, "/Users/.search", sort.clone(), 3, async |page| {
            // Before, at and after the place of the cursor, whatever the order.
            for letter in ["0", "n", "zz"].iter().filter(|_| page < 8) {
                let title = json!({"title": format!("t{}", page % 6)});
                create(idp_of, &format!("{letter}{page}-{number}@acme.example"), title).await;
            }
            if let Some(id) = leaving_of.get(page) {
                idp_of.delete(&format!("/Users/{id}")).await;
            }
        })
        .await;
        let met: BTreeSet<String> = walked.iter().cloned().collect();
        assert_eq!(met.len(), walked.len(), "{sort}: someone was met twice");
        assert!(staying.is_subset(&met), "{sort}: someone was passed over");
        for user in idp.search("/Users/.search", json!({"count": 1000})).await.ids() {
            idp.delete(&format!("/Users/{user}")).await;
        }
    }
}

async fn s28_a_walk_at_the_root_goes_on_from_users_to_groups(edge: Edge) {
    let idp = edge.idp("acme").await;
    let mut all = Vec::new();
    for n in 0..5 {
        all.push(idp.user(&format!("user-{n}@acme.example")).await);
    }
    for n in 0..4 {
        all.push(idp.group(&format!("Group {n}"), &[&all[0]]).await);
    }
    for count in [1, 2, 3, 5, 8, 9, 10] {
        assert_eq!(walk(&idp, "/.search", json!({}), count, async |_| {}).await, all, "{count} a page");
    }
    let some = walk(&idp, "/.search", json!({"filter": "displayName pr"}), 3, async |_| {}).await;
    assert_eq!(some, all[5..]);
    // By GET, whose first page has an empty cursor.
    let first = idp.get("/Users?cursor&count=2").await.ok();
    assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(5), &json!(2)));
    let next = first["nextCursor"].as_str().unwrap();
    let second = idp.get(&format!("/Users?cursor={next}&count=3")).await;
    assert_eq!(second.body["totalResults"], 5);
    assert!(second.body.get("nextCursor").is_none());
    assert_eq!(second.ids(), all[2..5]);
    assert!(idp.get("/Users?count=2").await.ok().get("nextCursor").is_none(), "the default is the index");
    let groups = idp.get("/Groups?cursor=&count=4&excludedAttributes=members").await;
    assert!(groups.body.get("nextCursor").is_none());
    assert_eq!(groups.ids(), all[5..]);
}

async fn s28_cursors_of_other_lists_or_too_old_are_refused_by_name(edge: Edge) {
    let idp = edge.idp("acme").await;
    for n in 0..3 {
        idp.user(&format!("user-{n}@acme.example")).await;
    }
    let first = idp.get("/Users?cursor=&count=1&sortBy=userName").await.ok();
    let next = first["nextCursor"].as_str().unwrap().to_owned();
    let again = format!("/Users?count=2&sortBy=userName&cursor={next}");
    idp.get(&again).await.ok();
    for path in [
        "/Users?cursor=nonsense".to_owned(),
        "/Users?cursor=%00".to_owned(),
        format!("/Users?cursor={}", "A".repeat(9_000)),
        format!("/Users?cursor={next}"),
        format!("/Users?sortBy=title&cursor={next}"),
        format!("/Users?sortBy=userName&sortOrder=descending&cursor={next}"),
        format!("/Users?sortBy=userName&filter=title%20pr&cursor={next}"),
        format!("/Groups?sortBy=displayName&cursor={next}"),
    ] {
        idp.get(&path).await.refused(400, "invalidCursor");
    }
    let globex = edge.idp("globex").await;
    globex.get(&again).await.refused(400, "invalidCursor");
    for count in ["0", "-1", "many", ""] {
        idp.get(&format!("/Users?cursor=&count={count}")).await.refused(400, "invalidCount");
    }
    idp.get("/Users?cursor=&startIndex=1").await.refused(400, "invalidValue");
    idp.search("/.search", json!({"cursor": "", "startIndex": 1})).await.refused(400, "invalidValue");
    let config = idp.get("/ServiceProviderConfig").await.ok();
    let timeout = config["pagination"]["cursorTimeout"].as_u64().unwrap();
    edge.clock.advance(Duration::from_secs(timeout));
    idp.get(&again).await.ok();
    edge.clock.advance(Duration::from_secs(1));
    idp.get(&again).await.refused(400, "expiredCursor");
    let pagination = json!({
        "cursor": true, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": 100, "maxPageSize": 1_000, "cursorTimeout": 86_400,
    });
    assert_eq!(config["pagination"], pagination);
}
