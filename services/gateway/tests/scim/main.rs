//! The SCIM edge over its handlers over a real database, on SQLite and on PostgreSQL: what an identity
//! provider sees, one test a rule.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod bulk;
mod cells;
mod concurrency;
mod conversations;
mod edge;
mod extension_queries;
mod extensions;
mod groups;
mod guards;
mod harness;
mod life_cycle;
mod limits;
mod lists;
mod moving;
mod observation;
mod outage;
mod parked_members;
mod records;
mod remote;
mod requests;
mod tokens;
mod users;
mod wait;
mod wire;
