//! What the API answers, as far as pages show it.

use serde::Deserialize;
use serde_json::Value;

mod people;
mod work;

pub use people::*;
pub use work::*;

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

/// A time in which the operator may see people.
#[derive(Clone, Debug, Deserialize)]
pub struct BreakGlass {
    /// Its id.
    pub id: String,
    /// Who needed it, and what for.
    pub reason: String,
    /// When it began.
    pub opened_at: String,
    /// When it ends by itself.
    pub expires_at: String,
    /// When somebody ended it.
    pub closed_at: Option<String>,
    /// Whether it stands now.
    pub open: bool,
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
    /// From where.
    pub last_used_from: Option<String>,
    /// Whether another one is needed before long.
    #[serde(default)]
    pub ends_soon: bool,
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
    /// The certificate authorities that alone are trusted there, in PEM form.
    pub certificate_authorities: Option<String>,
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
