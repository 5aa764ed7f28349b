//! Simulated identity providers: clients that speak SCIM to a base URL as the real ones do.
//!
//! Each provider has its own module, because each speaks its own dialect; what they share is how a request is
//! sent and what can go wrong ([`ConversationError`]).

mod conversation;
pub mod oracle_idcs;

pub use conversation::{ConversationError, Resource};
