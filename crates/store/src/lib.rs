//! Storage of the control plane on PostgreSQL and SQLite.
//!
//! Start at [`Store`]: it is opened once per process and cloned freely. Everything that belongs to a
//! tenant is reached through [`Store::tenant`], whose repositories carry the tenant's id themselves, so
//! that no call can forget it. Few look-ups stand outside any tenant, because they are what finds the
//! tenant in the first place: a digest of a credential ([`Store::find_scim_token`],
//! [`Store::find_api_key`], [`Store::find_setup_link`]) and the registry of tenants ([`Store::tenants`]); the sync workers add
//! [`Store::sites_with_due_tasks`], and [`Store::note_requests`] writes for many tenants at once.
//!
//! A change of a directory row, the tasks it causes and its timeline entry are one transaction: the
//! repositories offer no way to write one without the others.

pub mod accounts;
mod arrivals;
pub mod audit;
pub mod backlog;
pub mod break_glass;
pub mod caller;
pub mod clock;
pub mod connections;
mod database;
pub mod deprovisions;
pub mod directory;
pub mod entity;
pub mod erasure;
pub mod error;
mod group_feeds;
pub mod groups;
pub mod held;
pub mod id;
pub mod idempotency;
pub mod key_rotation;
pub mod keys;
pub mod links;
mod lookup;
mod marking;
pub mod members;
pub mod migration;
pub mod moving;
pub mod naming;
mod parked;
pub mod requests;
pub mod routes;
pub mod runs;
mod schedules;
pub mod schema_extensions;
mod sealed;
pub mod search;
pub mod secret;
pub mod sessions;
pub mod setup_links;
pub mod sign_in;
mod site_groups;
pub mod sites;
pub mod statement;
pub mod tasks;
pub mod tenant;
pub mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timeline;
pub mod together;
pub mod tokens;
mod turns;
pub mod users;
pub mod vault;

pub use clock::{Clock, Timestamp};
pub use database::{SchemaDifference, Store, StoreOptions, WriteTransaction};
pub use error::{Error, Result};
pub use tenant::TenantStore;
