//! Simulated Atlassian sites and identity providers for the demo and for every test.
//!
//! A simulated site is written from the vendor's description of the product, not from our connector, so that
//! the two can disagree. It keeps everything in memory, speaks HTTP, and misbehaves on request.
//!
//! [`installation`] is what they share; [`jira_data_center`] and its siblings are the products.
//! [`serve`] puts a site on a port. [`state`] is what a test reads back, [`faults`] what it can make go wrong.
//! [`idp`] holds the other end: clients that speak SCIM as the identity providers do; [`openid`] is where people sign in.

pub mod atlassian_cloud;
pub mod bitbucket_cloud;
pub mod bitbucket_data_center;
pub mod confluence_data_center;
pub mod crowd;
pub mod faults;
pub mod idp;
pub mod installation;
pub mod jira_cloud;
pub mod jira_data_center;
pub mod openid;
pub mod organization;
pub mod people;
pub mod state;
#[cfg(test)]
mod testing;

pub use installation::{RunningSandbox, SimulatedSite, serve};
