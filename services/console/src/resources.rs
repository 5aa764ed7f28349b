//! What the API answers, as far as pages show it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// An identity provider.
#[derive(Clone, Debug, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which product it is.
    pub provider: String,
    /// Whether it is served.
    pub status: String,
    /// Whether dialects are refused.
    pub strict: bool,
    /// Its addresses.
    pub scim: ScimAddress,
}

/// Where a provider sends its requests.
#[derive(Clone, Debug, Deserialize)]
pub struct ScimAddress {
    /// Whole.
    pub base_url: String,
    /// Its first part, as Oracle asks for it.
    pub host_name: String,
    /// Its second part.
    pub base_uri: String,
}

/// A token, a key or a set-up link.
#[derive(Clone, Debug, Deserialize)]
pub struct Credential {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What a key may do.
    pub role: Option<String>,
    /// Who made a set-up link.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// When it was ended.
    pub revoked_at: Option<String>,
    /// When it was used last.
    pub last_used_at: Option<String>,
}

/// A request of a provider.
#[derive(Clone, Debug, Deserialize)]
pub struct ScimRequest {
    /// Its place in the list.
    pub id: String,
    /// When it came.
    pub at: String,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// How it was answered.
    pub status: u16,
    /// How fast.
    pub duration_ms: f64,
    /// Its id in timelines.
    pub request_id: Option<String>,
    /// Who sent it.
    pub user_agent: Option<String>,
    /// What it said.
    pub sent: Option<String>,
    /// Why it was refused.
    pub problem: Option<String>,
}

/// An Atlassian instance.
#[derive(Clone, Debug, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which product it is.
    pub product: String,
    /// Where it is.
    pub base_url: String,
    /// Whether work goes on there.
    pub status: String,
    /// Why not.
    pub status_reason: Option<String>,
    /// When it goes on.
    pub resume_at: Option<String>,
    /// What waits there; only where one site is asked for.
    pub backlog: Option<Backlog>,
}

/// What waits at a site.
#[derive(Clone, Debug, Deserialize)]
pub struct Backlog {
    /// What will be worked off.
    pub waiting: i64,
    /// What the site refused.
    pub failed: i64,
    /// What waits for an approval.
    pub held: i64,
    /// Since when the oldest has been waiting.
    pub oldest: Option<String>,
}

/// Connection to site.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: String,
    /// Where people come from.
    pub connection_id: String,
    /// Where they go.
    pub site_id: String,
    /// Which link wins.
    pub precedence: i64,
    /// Whether it is carried out.
    pub enabled: bool,
    /// Its settings, by section.
    pub user_sync: Value,
    /// Groups.
    pub group_sync: Value,
    /// Thresholds.
    pub safety: Value,
    /// Runs by themselves.
    pub schedule: Value,
    /// When the next one begins.
    pub next_run_at: Option<String>,
}

/// A user of a directory.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub connection_id: String,
    /// Its name.
    pub user_name: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Whether the directory has it as an active one.
    pub active: bool,
    /// When it was changed last.
    pub last_modified_at: String,
}

/// A group of a directory.
#[derive(Clone, Debug, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub connection_id: String,
    /// Its name.
    pub display_name: String,
    /// The provider's id.
    pub external_id: Option<String>,
    /// When it was changed last.
    pub last_modified_at: String,
    /// How many members are not there yet; only where one group is asked for.
    #[serde(default)]
    pub parked_members: u64,
}

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

/// Something that happened.
#[derive(Clone, Debug, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: String,
    /// A request, or something at a site.
    pub kind: String,
    /// The site.
    pub site_id: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// In one sentence.
    pub summary: String,
    /// More.
    pub detail: Option<Value>,
}

/// Why a user's accounts are as they are.
#[derive(Clone, Debug, Deserialize)]
pub struct UserExplanation {
    /// One for each site.
    pub sites: Vec<SiteExplanation>,
}

/// Why an account is as it is.
#[derive(Clone, Debug, Deserialize)]
pub struct SiteExplanation {
    /// The site.
    pub site_id: String,
    /// Its name.
    pub site_name: String,
    /// Whether work goes on there.
    pub site_status: String,
    /// The link.
    pub link_id: String,
    /// Whether it is carried out.
    pub link_enabled: bool,
    /// The account.
    pub account: Option<LedgerAccount>,
    /// What is marked.
    pub task: Option<PendingTask>,
    /// Its attributes.
    pub values: Vec<ExplainedValue>,
    /// Its groups.
    pub groups: Vec<ExplainedGroup>,
    /// Directory groups that lead nowhere.
    pub excluded_groups: Vec<ExcludedGroup>,
    /// What would be done now.
    pub pending: Vec<PendingChange>,
    /// What differs and stays so.
    pub not_done: Vec<Skipped>,
    /// The group that was asked for.
    pub group: Option<ExplainedGroup>,
}

/// Work that is marked.
#[derive(Clone, Debug, Deserialize)]
pub struct PendingTask {
    /// Waiting, held, failed.
    pub state: String,
    /// Not before.
    pub due_at: String,
    /// What went wrong.
    pub reason: Option<String>,
    /// Failures in a row.
    pub attempts: i32,
}

/// A value and its rule.
#[derive(Clone, Debug, Deserialize)]
pub struct ExplainedValue {
    /// Which.
    pub what: String,
    /// The value.
    pub value: Option<String>,
    /// The rule.
    pub rule: String,
}

/// A site group and why.
#[derive(Clone, Debug, Deserialize)]
pub struct ExplainedGroup {
    /// Its name.
    pub name: String,
    /// Whether the account is to be in it.
    pub wanted: bool,
    /// Whether it is.
    pub member: bool,
    /// Why.
    pub reasons: Vec<String>,
}

/// A directory group that leads nowhere.
#[derive(Clone, Debug, Deserialize)]
pub struct ExcludedGroup {
    /// Its name.
    pub directory_group: String,
    /// Why.
    pub reason: String,
}

/// A step to be made.
#[derive(Clone, Debug, Deserialize)]
pub struct PendingChange {
    /// In words.
    pub summary: String,
    /// Why.
    pub reason: String,
}

/// What stays as it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Skipped {
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// An account of the ledger.
#[derive(Clone, Debug, Deserialize)]
pub struct LedgerAccount {
    /// Its id in the ledger.
    pub id: String,
    /// What identifies it at the site.
    pub key: Option<String>,
    /// Its name.
    pub username: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// Whether it is active.
    pub active: Option<bool>,
    /// Whether we made it.
    pub created_by_us: bool,
    /// Whether the site is asked first.
    pub in_doubt: bool,
    /// When the site showed it last.
    pub observed_at: Option<String>,
    /// Who claims it.
    pub claimed_by: Vec<Claim>,
    /// Groups that links gave it.
    pub groups: Vec<String>,
}

/// A user that claims an account.
#[derive(Clone, Debug, Deserialize)]
pub struct Claim {
    /// The user.
    pub user_id: String,
    /// Its directory.
    pub connection_id: String,
    /// What speaks against it.
    pub doubt: Option<String>,
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

/// A user who may not be the person of an account.
#[derive(Clone, Debug, Deserialize)]
pub struct Conflict {
    /// The user.
    pub user_id: String,
    /// Its directory.
    pub connection_id: String,
    /// Its name.
    pub user_name: Option<String>,
    /// Its name for people.
    pub display_name: Option<String>,
    /// What speaks against it.
    pub reason: String,
    /// Since when.
    pub since: String,
    /// The account.
    pub account: LedgerAccount,
    /// What would come of "yes"; only where one conflict is asked for.
    pub same_person: Option<Outlook>,
    /// What would come of "no".
    pub another_person: Option<Outlook>,
}

/// What would come of an answer.
#[derive(Clone, Debug, Deserialize)]
pub struct Outlook {
    /// Steps.
    pub pending: Vec<PendingChange>,
    /// What would stay.
    pub not_done: Vec<Skipped>,
}

/// A change of configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// Of what.
    pub object_id: String,
    /// More.
    pub detail: Option<Value>,
}

/// What a test of a site found.
#[derive(Clone, Debug, Deserialize)]
pub struct SiteTest {
    /// Whether all is well.
    pub ok: bool,
    /// Each thing looked at.
    pub checks: Vec<SiteCheck>,
}

/// One thing looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct SiteCheck {
    /// Its name.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// A directory group as a link sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct PreviewedGroup {
    /// Its name.
    pub display_name: String,
    /// What it becomes.
    pub site_groups: Vec<String>,
    /// Why it does not reach the site.
    pub excluded: Option<String>,
}

/// A user as a link sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct PreviewedUser {
    /// Whether it is in scope.
    pub in_scope: bool,
    /// Whether it is active.
    pub active: bool,
    /// What its account is called.
    pub username: Option<String>,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// What cannot be made.
    pub problems: Vec<String>,
}

/// A thing that was made.
#[derive(Clone, Debug, Deserialize)]
pub struct Created {
    /// Its id.
    pub id: String,
    /// A token's secret.
    pub token: Option<String>,
    /// A key's secret.
    pub key: Option<String>,
    /// A set-up link's address.
    pub url: Option<String>,
}
