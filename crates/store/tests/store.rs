//! The store's promises, on SQLite and on PostgreSQL: one test a rule.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "store/accounts.rs"]
mod accounts;
#[path = "store/cost.rs"]
mod cost;
#[path = "store/ending.rs"]
mod ending;
#[path = "store/erasure.rs"]
mod erasure;
#[path = "store/isolation.rs"]
mod isolation;
#[path = "store/key_rotation.rs"]
mod key_rotation;
#[path = "store/moving.rs"]
mod moving;
#[path = "store/parked.rs"]
mod parked;
#[path = "store/place.rs"]
mod place;
#[path = "store/schema.rs"]
mod schema;
#[path = "store/schema_extensions.rs"]
mod schema_extensions;
#[path = "store/search/mod.rs"]
mod search;
#[path = "store/sessions.rs"]
mod sessions;
#[path = "store/tasks.rs"]
mod tasks;
#[path = "store/transactions.rs"]
mod transactions;
#[path = "store/turns.rs"]
mod turns;
