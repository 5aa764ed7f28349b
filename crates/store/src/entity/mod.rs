//! Rows as sea-orm sees them, one file a table. Only this crate queries through them.

pub mod account;
pub mod api_key;
pub mod audit_entry;
pub mod claim;
pub mod connection;
pub mod denied_claim;
pub mod deprovision;
pub mod group;
pub mod group_feed;
pub mod group_member;
pub mod idempotency_key;
pub mod link;
pub mod membership;
pub mod parked_member;
pub mod run;
pub mod run_result;
pub mod schema_extension;
pub mod scim_token;
pub mod site;
pub mod site_group;
pub mod task;
pub mod tenant;
pub mod timeline_entry;
pub mod user;
pub mod words;
