//! Confluence Data Center 8.2 to 10.x, by its REST API.
//!
//! Facts come from the vendor's OpenAPI document and the developer pages of 9.x and 10.x. What those do not say is
//! marked "unverified" where the code depends on it, with the careful way that was taken. `wire` has the shapes of
//! bodies, `accounts` and `groups` the calls.
//!
//! Unlike Jira, Confluence writes by user name and shows no e-mail addresses: before an account is changed or deleted,
//! the key tells what it is called now, and an address is what was last written.

mod accounts;
mod groups;
mod wire;

use async_trait::async_trait;
use reqwest::Method;
use url::Url;

use crate::connection::{Connection, Dialect, same_name};
use crate::credentials::Credentials;
use crate::error::SiteError;
use crate::http::HttpClient;
use crate::membership;
use crate::product::Product;
use crate::site::{
    Account, AccountQuery, AccountRef, AccountUpdate, Capabilities, Capability, NewAccount, Page, PageStart,
    ServerInfo, Site, SiteGroup,
};

/// The group whose members administer everything, whatever else is set.
const SUPER_GROUP: &str = "confluence-administrators";
const NO_RENAME: &str = "Confluence's REST API cannot change a user name";
const NO_EMAIL: &str = "Confluence's REST API does not show e-mail addresses";

static CONFLUENCE: Dialect = Dialect {
    product: Product::ConfluenceDataCenter,
    api: "rest/api",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// The connector of Confluence Data Center.
#[derive(Debug)]
pub struct ConfluenceDataCenter {
    connection: Connection,
}

impl ConfluenceDataCenter {
    /// A connector for the instance at `base_url`, which has been checked.
    pub(crate) fn new(client: HttpClient, base_url: &Url, credentials: Credentials) -> Self {
        Self { connection: Connection::new(&CONFLUENCE, client, base_url, credentials) }
    }
}

#[async_trait]
impl Site for ConfluenceDataCenter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: Product::ConfluenceDataCenter,
            has_leads: false,
            shows_the_past: false,
            inactive_keep_groups: true,
            see_email: Capability::NotPossible(NO_EMAIL),
            find_by_email: Capability::NotPossible(NO_EMAIL),
            create_account: Capability::Supported,
            rename_account: Capability::NotPossible(NO_RENAME),
            change_profile: Capability::Supported,
            deactivate_account: Capability::Supported,
            delete_account: Capability::Supported,
            create_group: Capability::Supported,
            rename_group: Capability::NotPossible("Confluence's REST API cannot rename a group"),
            delete_group: Capability::Supported,
        }
    }

    /// Versions before 9.1 have no call that tells the version.
    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let request = self.connection.get(&["server-information"]);
        let info = match self.connection.read::<wire::ServerInformation>("server_info", request).await {
            Ok(info) => Some(info),
            Err(SiteError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        let (version, base_url) = info.map_or((None, None), |info| (Some(info.version), info.base_url));
        Ok(ServerInfo { product: Product::ConfluenceDataCenter, version, title: None, base_url })
    }

    async fn own_account(&self) -> Result<Account, SiteError> {
        self.own().await
    }

    /// No call tells permissions. Members of the super group have them all; others may have them all the same.
    async fn may_administer(&self) -> Result<bool, SiteError> {
        let own = AccountRef::of(&self.own().await?);
        let groups = self.groups_of(&own).await?.unwrap_or_default();
        if groups.iter().any(|group| same_name(group, SUPER_GROUP)) {
            return Ok(true);
        }
        Err(SiteError::NotPossible(format!(
            "Confluence does not tell what an account may do, and {} is not in {SUPER_GROUP}; see to it that it \
             may administer users and groups",
            own.username
        )))
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.account_by_key(&account.key).await,
            AccountQuery::Username(username) => self.account_by_username(username).await,
            AccountQuery::Email(_) => Err(SiteError::NotPossible(NO_EMAIL.to_owned())),
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
        let put = async |name: String| self.member(Method::PUT, "add_member", group, &name).await;
        membership::join(self, group, account, put).await
    }

    async fn remove_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        let delete = async |name: String| self.member(Method::DELETE, "remove_member", group, &name).await;
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
