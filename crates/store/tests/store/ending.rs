//! Which credentials operators are warned of.

use std::time::Duration;

use store::backlog::Ending;
use store::entity::words::Role;

use crate::place::{Place, on_both};

on_both!(credentials_are_counted_that_are_in_use_and_end_soon);

async fn credentials_are_counted_that_are_in_use_and_end_soon(place: Place) {
    let tenant = &place.tenant;
    let tokens = tenant.tokens(place.connection);
    let day = Duration::from_hours(24);
    let at = |days: u32| Some(tenant.now().plus(day * days));
    assert_eq!(place.store.ending_credentials().await.unwrap(), Ending::default());
    let mut made = Vec::new();
    for (name, days) in [("soon", 13), ("unused", 13), ("revoked", 13), ("later", 20)] {
        made.push(tokens.insert(name, at(days)).await.unwrap().0);
    }
    for used in [0, 2, 3] {
        tokens.touch(&made[used], "198.51.100.7").await.unwrap();
    }
    tokens.revoke(made[2].id).await.unwrap();
    let (key, _) = tenant.api_keys().insert("CI", Role::Admin, at(1)).await.unwrap();
    assert_eq!(place.store.ending_credentials().await.unwrap(), Ending { tokens: 1, keys: 0 });
    tenant.api_keys().touch(&key, "").await.unwrap();
    assert_eq!(place.store.ending_credentials().await.unwrap(), Ending { tokens: 1, keys: 1 });
    let listed = tokens.list().await.unwrap();
    assert_eq!(listed[0].last_used_from.as_deref(), Some("198.51.100.7"));
    assert_eq!(tenant.api_keys().get(key.id).await.unwrap().last_used_from, None);
}
