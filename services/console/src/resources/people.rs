//! People and groups, what became of them, and whose accounts are whose.

use serde::Deserialize;
use serde_json::Value;

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
