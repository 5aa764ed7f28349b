//! One connector per site, kept while the site's row stays the same.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use atlassian::Budget;
use atlassian::credentials::Credentials;
use atlassian::error::SiteError;
use atlassian::http::{Authorities, HttpSettings};
use atlassian::product::Product;
use atlassian::site::{Capabilities, Capability, Site};
use moka::future::Cache;
use policy::product::{Obstacles, ProductRules};
use store::entity::site;
use store::id::SiteId;
use store::tenant::TenantStore;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, Semaphore, SemaphorePermit};
use url::Url;

/// Calls at once with a password: should it cease to work in the middle of them, fewer log-ins fail than the
/// three after which products ask for a CAPTCHA.
const LOGINS_AT_ONCE: usize = 2;

/// How long a connector is kept that nobody asks for: what it knows of the site costs a call to learn again. A cell
/// has more sites than are worked at in a while.
const KEPT: Duration = Duration::from_mins(15);

/// How long the admin groups that a site tells are believed.
const RULES_LIFETIME: Duration = Duration::from_mins(5);

/// Why there is no connector for a site.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database or the vault failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The site's row cannot be used as it is; the admin must mend it.
    #[error("{0}")]
    Settings(String),
}

/// A connector and what is known of the site once and for all.
#[derive(Debug)]
pub struct ConnectedSite {
    /// The connector.
    pub connector: Arc<dyn Site>,
    /// What the site lets us ask.
    pub budget: Arc<Budget>,
    /// What the product can be asked for.
    pub capabilities: Capabilities,
    /// Calls that may be under way at the same time, where that is bounded.
    pub calls_at_once: usize,
    /// Set when the quick way of asking what an account leads has missed something.
    pub hides_leads: AtomicBool,
    own_key: OnceCell<String>,
    rules: Mutex<Rules>,
    version: i64,
    /// As many turns as calls may be under way.
    turns: Semaphore,
    /// What the site said when it refused our credentials.
    refusal: OnceLock<String>,
}

/// When an account is looked for by its e-mail address, where the match rule says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSearch {
    /// Before it is made.
    Always,
    /// When the site has just refused to make it, as somebody has its name or address: a search costs many calls.
    AfterRefusal,
    /// The site cannot be searched so.
    Never,
}

impl EmailSearch {
    fn of(capability: Capability) -> Self {
        match capability {
            Capability::Supported => Self::Always,
            Capability::Otherwise(_) => Self::AfterRefusal,
            Capability::NotPossible(_) => Self::Never,
        }
    }

    /// Whether it is looked for after that failure, if there was one.
    pub(crate) fn applies(self, last_error: Option<&str>) -> bool {
        match self {
            Self::Always => true,
            Self::AfterRefusal => last_error.is_some_and(SiteError::is_already_exists),
            Self::Never => false,
        }
    }
}

/// Rules that the product itself sets, and until when they are believed.
#[derive(Debug)]
struct Rules {
    known: Arc<ProductRules>,
    /// `None` for ever.
    until: Option<Instant>,
}

impl ConnectedSite {
    /// Waits for the turn of a call that is made beside others; it ends when the turn is dropped. `None` when the site has
    /// refused our credentials meanwhile: each further call would be a failed log-in more.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = self.turns.acquire().await.ok()?;
        self.refusal.get().is_none().then_some(turn)
    }

    /// Takes note of how a call failed.
    pub(crate) fn note(&self, error: &SiteError) {
        if matches!(error, SiteError::Unauthorized { .. }) {
            self.refusal.get_or_init(|| error.to_string());
        }
    }

    /// What the site said when it refused these credentials, if it did.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    /// The product's name.
    pub fn product(&self) -> &'static str {
        self.capabilities.product.as_str()
    }

    /// Whether an address that the site does not show may be there all the same. Then the ledger's is what was last
    /// written.
    pub fn hides_email(&self) -> bool {
        self.capabilities.see_email != Capability::Supported
    }

    /// When an account is looked for by its e-mail address.
    pub fn email_search(&self) -> EmailSearch {
        EmailSearch::of(self.capabilities.find_by_email)
    }

    /// Whether deactivating an account means taking its access away.
    pub fn withdraws_access(&self) -> bool {
        withdraws_access(self.capabilities)
    }

    /// Whether an account goes by its e-mail address.
    pub fn names_by_email(&self) -> bool {
        self.capabilities.product.names_accounts_by_email()
    }

    /// The key of the account whose credentials we use; asked once.
    pub async fn own_key(&self) -> Result<&str, SiteError> {
        let key = self
            .own_key
            .get_or_try_init(|| async { Ok::<_, SiteError>(self.connector.own_account().await?.key) })
            .await?;
        Ok(key)
    }

    /// Rules that the product itself sets, if nothing need be asked for them.
    pub fn known_rules(&self) -> Option<Arc<ProductRules>> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.until.is_none_or(|until| Instant::now() < until).then(|| Arc::clone(&rules.known))
    }

    /// The same, asked of the site.
    pub async fn read_rules(&self) -> Result<Arc<ProductRules>, SiteError> {
        let admin_groups = self.connector.admin_groups().await?;
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.known = Arc::new(ProductRules { admin_groups, ..ProductRules::clone(&rules.known) });
        rules.until = Some(Instant::now() + RULES_LIFETIME);
        Ok(Arc::clone(&rules.known))
    }

    /// Those that were believed last, even if they are to be asked for again.
    pub fn last_rules(&self) -> Arc<ProductRules> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner).known)
    }

    /// The key of the account whose credentials we use, if it was asked for before.
    pub fn known_own_key(&self) -> Option<String> {
        self.own_key.get().cloned()
    }
}

fn withdraws_access(capabilities: Capabilities) -> bool {
    matches!(capabilities.deactivate_account, Capability::Otherwise(_))
}

/// The connectors of this process.
#[derive(Clone, Debug)]
pub struct Connectors {
    http: HttpSettings,
    /// One is made at a time: two for one site would each keep to a budget of their own.
    sites: Arc<AsyncMutex<Cache<SiteId, Arc<ConnectedSite>>>>,
}

impl Connectors {
    /// None yet.
    pub fn new(http: HttpSettings) -> Self {
        let sites = Cache::builder().time_to_idle(KEPT).build();
        Self { http, sites: Arc::new(AsyncMutex::new(sites)) }
    }

    /// The connector of a site, made anew when the site's row was edited.
    pub async fn of(
        &self,
        tenant: &TenantStore,
        row: &site::Model,
    ) -> Result<Arc<ConnectedSite>, ConnectError> {
        let sites = self.sites.lock().await;
        let known = sites.get(&row.id).await;
        if let Some(connected) = known.filter(|connected| connected.version == row.version) {
            return Ok(connected);
        }
        let secret = tenant.sites().open_credentials(row).await?;
        let credentials: Credentials = serde_json::from_slice(&secret)
            .map_err(|_| ConnectError::Settings("The stored credentials cannot be read".into()))?;
        let product: Product = row
            .product
            .parse()
            .map_err(|_| ConnectError::Settings(format!("Unknown product {}", row.product)))?;
        let base_url = Url::parse(&row.base_url)
            .map_err(|_| ConnectError::Settings(format!("{} is no address", row.base_url)))?;
        let calls_at_once = match credentials {
            Credentials::Basic { .. } if product.asks_for_captcha() => LOGINS_AT_ONCE,
            _ => usize::MAX,
        };
        let budget = Arc::default();
        let http = match &row.certificate_authorities {
            Some(pem) => self.http.trusting_only(
                Authorities::from_pem(pem.as_bytes())
                    .map_err(|error| ConnectError::Settings(error.to_string()))?,
            ),
            None => self.http.clone(),
        };
        let connector = atlassian::connect_within(&budget, product, &base_url, credentials, &http)
            .map_err(|error| ConnectError::Settings(error.to_string()))?;
        let capabilities = connector.capabilities();
        let obstacle = |capability: Capability| capability.obstacle().map(str::to_owned);
        let admin_groups = product.admin_groups();
        let rules = ProductRules {
            admin_groups: admin_groups.unwrap_or_default().iter().map(|&name| name.to_owned()).collect(),
            username_case_sensitive: false,
            username_is_email: product.names_accounts_by_email(),
            withdraws_access: withdraws_access(capabilities),
            obstacles: Obstacles {
                create_account: obstacle(capabilities.create_account),
                rename_account: obstacle(capabilities.rename_account),
                change_profile: obstacle(capabilities.change_profile),
                deactivate_account: obstacle(capabilities.deactivate_account),
                delete_account: obstacle(capabilities.delete_account),
            },
        };
        let connected = Arc::new(ConnectedSite {
            connector,
            budget,
            capabilities,
            calls_at_once,
            hides_leads: AtomicBool::new(false),
            own_key: OnceCell::new(),
            rules: Mutex::new(Rules {
                known: Arc::new(rules),
                until: admin_groups.is_none().then(Instant::now),
            }),
            version: row.version,
            turns: Semaphore::new(calls_at_once.min(Semaphore::MAX_PERMITS)),
            refusal: OnceLock::new(),
        });
        sites.insert(row.id, Arc::clone(&connected)).await;
        Ok(connected)
    }
}
