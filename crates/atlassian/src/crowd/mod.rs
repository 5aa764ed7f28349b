//! Crowd, and the user server that Jira has within itself, by the REST API for applications.
//!
//! Facts come from the vendor's documentation of the resource and of how users are activated through it. What that does
//! not say is marked "unverified" where the code depends on it, with the careful way that was taken. `wire` has the
//! shapes of bodies, `accounts` and `groups` the calls.
//!
//! The credentials are an application's: no account is ours. What the application sees is one directory or several in
//! order, and which of them it may write is set in Crowd; so one application is one directory for us.

mod accounts;
mod groups;
mod wire;

use async_trait::async_trait;
use url::Url;

use crate::connection::{Connection, Dialect};
use crate::credentials::Credentials;
use crate::error::SiteError;
use crate::http::HttpClient;
use crate::membership;
use crate::product::Product;
use crate::site::{
    Account, AccountQuery, AccountRef, AccountUpdate, Capabilities, Capability, NewAccount, Page, PageStart,
    ServerInfo, Site, SiteDirectory, SiteGroup,
};

static CROWD: Dialect = Dialect {
    product: Product::Crowd,
    api: "rest/usermanagement/1",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// Tells the version, in every answer (unverified).
const VERSION_HEADER: &str = "x-embedded-crowd-version";

/// The connector of Crowd.
#[derive(Debug)]
pub struct Crowd {
    connection: Connection,
    /// The application's name.
    application: String,
}

impl Crowd {
    /// A connector for the server at `base_url`, which has been checked.
    pub(crate) fn new(client: HttpClient, base_url: &Url, credentials: Credentials) -> Self {
        let application = credentials.username().unwrap_or_default().to_owned();
        Self { connection: Connection::new(&CROWD, client, base_url, credentials), application }
    }
}

#[async_trait]
impl Site for Crowd {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: Product::Crowd,
            has_leads: false,
            shows_the_past: false,
            inactive_keep_groups: true,
            see_email: Capability::Supported,
            find_by_email: Capability::Supported,
            create_account: Capability::Supported,
            rename_account: Capability::Supported,
            change_profile: Capability::Supported,
            deactivate_account: Capability::Supported,
            delete_account: Capability::Supported,
            create_group: Capability::Supported,
            rename_group: Capability::NotPossible("Crowd's REST API cannot rename a group"),
            delete_group: Capability::Supported,
        }
    }

    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let request = self.connection.get(&["config", "cookie"]);
        let answer = self.connection.send("server_info", request).await?;
        let _: serde_json::Map<String, serde_json::Value> = self.connection.parse(&answer)?;
        let version = answer.headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok());
        let version = version.map(|text| text.rsplit_once('/').map_or(text, |(_, number)| number).to_owned());
        Ok(ServerInfo { product: Product::Crowd, version, title: None, base_url: None })
    }

    /// The application, which is no user: its key is nobody's.
    async fn own_account(&self) -> Result<Account, SiteError> {
        self.connection.send("own_account", self.connection.get(&["config", "cookie"])).await?;
        Ok(Account {
            key: format!("application {}", self.application),
            username: self.application.clone(),
            display_name: self.application.clone(),
            email: None,
            active: true,
            groups: None,
        })
    }

    /// Crowd tells what an application may change only when it changes something.
    async fn may_administer(&self) -> Result<bool, SiteError> {
        Err(SiteError::NotPossible(
            "Crowd tells what an application may change only when it does; see to it that the application may add, \
             modify and remove users and groups in its directory"
                .to_owned(),
        ))
    }

    /// An application sees its directories as one; which of them takes accounts is set in Crowd.
    async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        let name = format!("what the application {} sees", self.application);
        Ok(vec![SiteDirectory { name, takes_accounts: Some(true) }])
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.known(account).await,
            AccountQuery::Username(username) => self.account_by_username(username).await,
            AccountQuery::Email(email) => self.account_by_email(email).await,
        }
    }

    async fn account_groups(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        self.groups_of(account).await
    }

    async fn create_account(&self, new: &NewAccount) -> Result<Account, SiteError> {
        self.create(new).await
    }

    async fn update_account(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        self.update(account, update).await
    }

    async fn delete_account(&self, account: &AccountRef) -> Result<(), SiteError> {
        self.delete(account).await
    }

    async fn find_group(&self, name: &str) -> Result<Option<SiteGroup>, SiteError> {
        self.group_by_name(name).await
    }

    async fn create_group(&self, name: &str) -> Result<(), SiteError> {
        self.make_group(name).await
    }

    async fn delete_group(&self, name: &str) -> Result<(), SiteError> {
        self.remove_group(name).await
    }

    async fn add_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        let post = async |name: String| self.post_member(group, &name).await;
        membership::join(self, group, account, post).await
    }

    async fn remove_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        let delete = async |name: String| self.delete_member(group, &name).await;
        membership::leave(self, group, account, delete).await
    }

    async fn list_members(&self, group: &str, page: PageStart) -> Result<Page<Account>, SiteError> {
        self.members(group, &page).await
    }

    async fn list_groups(&self, page: PageStart) -> Result<Page<SiteGroup>, SiteError> {
        self.groups(&page).await
    }

    async fn list_accounts(&self, page: PageStart) -> Result<Page<Account>, SiteError> {
        self.accounts(&page).await
    }
}
