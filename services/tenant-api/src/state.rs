//! What every handler can reach.

use std::sync::Arc;

use atlassian::http::HttpSettings;
use futures::future::BoxFuture;
use policy::account::DirectoryUser;
use policy::explanation::{ExplainedGroup, Explanation, Outlook};
use policy::group::{DirectoryGroup, Mapping};
use policy::plan::digest::PlanDigest;
use policy::plan::link::LinkPlan;
use store::accounts::correction::SeenAccount;
use store::entity::link;
use store::id::{ConnectionId, SiteId, UserId};
use store::{Store, TenantStore};
use url::Url;

use crate::authentication::JwtKeys;
use crate::caller::Looks;
use crate::oidc::CALLBACK;
use crate::oidc::provider::Providers;

/// Called with the digest of a SCIM token that must no longer be served from any cache.
pub type Revocations = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// A plan, and what it follows from.
#[derive(Clone, Debug)]
pub struct PlannedLink {
    /// The plan.
    pub plan: LinkPlan,
    /// What it follows from.
    pub digest: PlanDigest,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanFailure {
    /// The database failed.
    Store(store::Error),
    /// The site did not answer; why, in words.
    Site(String),
    /// The site or a link cannot be used as it is; why, in words.
    Settings(String),
}

/// The answer to a question, some time later.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, PlanFailure>>;

/// The sync service's rules, asked without carrying anything out.
pub trait SyncRules: Send + Sync {
    /// The plan of a link as it is given, with so many changes told one by one.
    fn plan(&self, tenant: TenantStore, link: link::Model, limit: usize) -> Answer<'_, PlannedLink>;

    /// Why the account that a user claims at a site is as it is, and one site group of it if that is asked.
    fn explain(
        &self,
        tenant: TenantStore,
        site: SiteId,
        connection: ConnectionId,
        user: UserId,
        group: Option<String>,
    ) -> Answer<'_, (Explanation, Option<ExplainedGroup>)>;

    /// A user of a link's directory as the link as it is given sees it; `None` when there is none of that id.
    fn read_user(
        &self,
        tenant: TenantStore,
        link: link::Model,
        user: UserId,
    ) -> Answer<'_, Option<DirectoryUser>>;

    /// What would come of each answer to whether a user is the person of the account that it claims at a site: first of
    /// "yes", then of "no"; `None` when it claims none.
    fn conflict_outlook(
        &self,
        tenant: TenantStore,
        site: SiteId,
        user: UserId,
    ) -> Answer<'_, Option<(Outlook, Outlook)>>;

    /// The account of that user name at a site, asked there.
    fn find_account(
        &self,
        tenant: TenantStore,
        site: SiteId,
        username: String,
    ) -> Answer<'_, Option<SeenAccount>>;

    /// What a link as it is given makes of directory groups, in their order.
    fn map_groups(
        &self,
        tenant: TenantStore,
        link: link::Model,
        groups: Vec<DirectoryGroup>,
    ) -> Answer<'_, Vec<Mapping>>;
}

/// The state of the API, cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    /// The database of this cell.
    pub store: Store,
    /// Where identity providers and admins reach us, such as `https://scim.example.com`.
    pub public_url: Url,
    /// SHA-256 of the operator's key; without one, nobody is operator.
    pub operator_key_digest: Option<Vec<u8>>,
    /// Keys that sign and check access tokens.
    pub signing: JwtKeys,
    /// How sites are reached, for their test.
    pub http: HttpSettings,
    /// By which tenants' people sign in.
    pub providers: Providers,
    /// What operators looked at behind broken glass, in this process.
    pub looks: Looks,
    /// Plans and explains.
    pub rules: Arc<dyn SyncRules>,
    /// Tells the gateway's cache of tokens whose validity or connection changed.
    pub revocations: Revocations,
}

impl ApiState {
    /// The public URL without a trailing slash: every address that we hand out starts with it.
    pub fn public_base(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// Where tenants' identity providers send people back to.
    pub fn sign_in_callback(&self) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}{CALLBACK}", self.public_base()))
    }
}
