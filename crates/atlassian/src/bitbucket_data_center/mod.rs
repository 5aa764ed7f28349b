//! Bitbucket Data Center 8.x and 9.x, by its REST API.
//!
//! Facts come from the vendor's OpenAPI document of 9.x, which leaves the fields of users and groups open. What it does
//! not say is marked "unverified" where the code depends on it, with the careful way that was taken. `wire` has the
//! shapes of bodies, `accounts` and `groups` the calls.
//!
//! No call deactivates an account. Who is in no group and has no global permission has no licence and no access, so that
//! is what a deactivation comes to: the caller takes the groups away, the connector the permission.

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

static BITBUCKET: Dialect = Dialect {
    product: Product::BitbucketDataCenter,
    api: "rest/api/latest",
    answers_401_to_the_barred: true,
    errors: wire::errors,
};

/// The connector of Bitbucket Data Center.
#[derive(Debug)]
pub struct BitbucketDataCenter {
    connection: Connection,
}

impl BitbucketDataCenter {
    /// A connector for the instance at `base_url`, which has been checked.
    pub(crate) fn new(client: HttpClient, base_url: &Url, credentials: Credentials) -> Self {
        Self { connection: Connection::new(&BITBUCKET, client, base_url, credentials) }
    }
}

#[async_trait]
impl Site for BitbucketDataCenter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: Product::BitbucketDataCenter,
            has_leads: false,
            shows_the_past: false,
            inactive_keep_groups: true,
            see_email: Capability::Supported,
            find_by_email: Capability::Supported,
            create_account: Capability::Supported,
            rename_account: Capability::Supported,
            change_profile: Capability::Supported,
            deactivate_account: Capability::Otherwise(
                "Bitbucket's REST API cannot, so the account is taken out of all its groups but the protected ones, \
                 and its own global permission is taken away",
            ),
            delete_account: Capability::Supported,
            create_group: Capability::Supported,
            rename_group: Capability::NotPossible("Bitbucket's REST API cannot rename a group"),
            delete_group: Capability::Supported,
        }
    }

    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let request = self.connection.get(&["application-properties"]);
        let info: wire::ApplicationProperties = self.connection.read("server_info", request).await?;
        Ok(ServerInfo {
            product: Product::BitbucketDataCenter,
            version: Some(info.version),
            title: info.display_name,
            base_url: None,
        })
    }

    async fn own_account(&self) -> Result<Account, SiteError> {
        self.own().await
    }

    /// The lists of who may do what are shown to administrators alone.
    async fn may_administer(&self) -> Result<bool, SiteError> {
        match self.administering_groups().await {
            Ok(_) => Ok(true),
            Err(SiteError::Forbidden { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        self.user_directories().await
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.known(account).await,
            AccountQuery::Username(username) => self.account_by_username(username).await,
            AccountQuery::Email(email) => self.account_by_email(email).await,
        }
    }

    async fn admin_groups(&self) -> Result<Vec<String>, SiteError> {
        self.administering_groups().await
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
        let put = async |name: String| self.put_member(group, &name).await;
        membership::join(self, group, account, put).await
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
