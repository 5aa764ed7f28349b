//! What the settings ask of a site: pure rules from directory and observed state to a plan.
//!
//! The way through: an admin's [`settings::LinkSettings`] are checked and compiled once. For one account
//! at one site, every connection's [`account::Claim`] on it is folded into what the account should be
//! ([`account::fold`]); [`plan::account`] compares that with what was observed and says what to change and
//! why; [`breaker::check`] says whether taking access away must wait for an admin.
//!
//! No clock, no database, no network: the same input gives the same answer, in any order of the claims.

pub mod account;
pub mod breaker;
mod directory_user;
pub mod explanation;
pub mod group;
pub mod identity;
mod managed_groups;
pub mod plan;
pub mod product;
pub mod settings;

#[cfg(test)]
mod testing;
