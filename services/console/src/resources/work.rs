//! Plans, runs, and what is held.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What a run would do.
#[derive(Clone, Debug, Deserialize)]
pub struct Plan {
    /// What it follows from.
    pub digest: String,
    /// Steps.
    pub changes: Vec<PlannedChange>,
    /// What would stay as it is.
    pub not_done: Vec<Omission>,
    /// Whether there is more than is told.
    pub truncated: bool,
    /// All in numbers.
    pub summary: PlanSummary,
}

/// One step of a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct PlannedChange {
    /// What is done.
    pub action: String,
    /// For whom.
    pub object: PlannedObject,
    /// With what.
    pub values: Value,
    /// Why.
    pub reason: String,
    /// Whether it would wait for an approval.
    pub held: bool,
}

/// Whom a step is about.
#[derive(Clone, Debug, Deserialize)]
pub struct PlannedObject {
    /// User or group.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What differs and stays so.
#[derive(Clone, Debug, Deserialize)]
pub struct Omission {
    /// For whom.
    pub object: PlannedObject,
    /// What is not done.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// A plan in numbers.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanSummary {
    /// Users looked at.
    pub users: u64,
    /// Groups looked at.
    pub groups: u64,
    /// About which nothing changes.
    pub unchanged: u64,
    /// Accounts that are taken over.
    pub adopted: u64,
    /// Steps.
    pub by_action: BTreeMap<String, u64>,
    /// What differs and stays so.
    pub not_done: u64,
    /// Steps that would wait.
    pub held: u64,
    /// Calls.
    pub calls: u64,
    /// Seconds.
    pub seconds: Option<u64>,
}

/// A full synchronization.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// Its link.
    pub link_id: String,
    /// How far it is.
    pub status: String,
    /// What is being marked.
    pub phase: String,
    /// What was read of the site's lists.
    pub listed: Option<i64>,
    /// What was marked.
    pub marked: i64,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub created_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How objects ended; only where one run is asked for.
    #[serde(default)]
    pub counts: Counts,
    /// What is left.
    #[serde(default)]
    pub remaining: i64,
    /// Seconds that it takes.
    pub eta_seconds: Option<u64>,
}

/// How many objects ended in each way.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Counts {
    /// Put right.
    pub changed: i64,
    /// As they should be.
    pub unchanged: i64,
    /// Waiting for an approval.
    pub held: i64,
    /// Left alone.
    pub skipped: i64,
    /// Refused by the site.
    pub failed: i64,
}

impl Counts {
    /// All.
    pub fn total(&self) -> i64 {
        self.changed + self.unchanged + self.held + self.skipped + self.failed
    }
}

/// How a run ended for one object.
#[derive(Clone, Debug, Deserialize)]
pub struct RunResult {
    /// User or group.
    pub object_kind: String,
    /// Its id.
    pub object_id: String,
    /// Its name, if the directory still has it.
    pub name: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// Changes and reasons.
    pub detail: Value,
    /// When.
    pub at: String,
}

/// What waits for an approval.
#[derive(Clone, Debug, Deserialize)]
pub struct HeldTask {
    /// User or group.
    pub kind: String,
    /// Its id.
    pub object_id: String,
    /// Its name, if the directory still has it.
    pub name: Option<String>,
    /// Why it waits.
    pub reason: Option<String>,
    /// Since when.
    pub marked_at: String,
}
