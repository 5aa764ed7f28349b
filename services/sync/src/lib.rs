//! The sync engine: from tasks to calls at Atlassian sites.
//!
//! A task says that a user or group may differ at a site, never what happened. So the engine reads what
//! is desired now, compares it with what is known of the site, acts on the difference, and writes down
//! the result together with the task's end. A crash at any point leaves the task marked and the account
//! in doubt, and the next worker looks before it acts.
//!
//! Reading order: [`engine`] (who works where), [`site`] (one site's queue), [`workplace`] (the gate that every
//! call passes), [`account`] (one user), [`group`] (one group), [`failure`] (what a site's no means for the
//! task and for the site). `marking` and `survey` are about runs.

pub mod account;
pub mod backoff;
mod conflicts;
pub mod connectors;
pub mod engine;
pub mod execution;
mod explaining;
pub mod failure;
mod feeds;
pub mod group;
mod hold;
mod leads;
pub mod links;
mod lookup;
mod marking;
mod naming;
pub mod planning;
mod progress;
pub mod site;
mod survey;
pub mod workplace;

pub use conflicts::ConflictOutlook;
pub use engine::{Engine, EngineOptions};
pub use planning::{PlanError, Planned, Planner};
