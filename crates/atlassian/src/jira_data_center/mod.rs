//! Jira Data Center 8.14 to 10.x, by its REST API version 2.
//!
//! Facts come from the vendor's OpenAPI document of 10.x. What that document does not say is marked
//! "unverified" where the code depends on it, with the careful way that was taken. `wire` has the shapes
//! of bodies, `accounts`, `groups` and `leads` the calls.

mod accounts;
mod groups;
mod leads;
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
    Account, AccountQuery, AccountRef, AccountUpdate, Capabilities, Capability, Led, NewAccount, Page,
    PageStart, ServerInfo, Site, SiteGroup,
};

static JIRA: Dialect = Dialect {
    product: Product::JiraDataCenter,
    api: "rest/api/2",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// The connector of Jira Data Center.
#[derive(Debug)]
pub struct JiraDataCenter {
    connection: Connection,
}

impl JiraDataCenter {
    /// A connector for the instance at `base_url`, which has been checked.
    pub(crate) fn new(client: HttpClient, base_url: &Url, credentials: Credentials) -> Self {
        Self { connection: Connection::new(&JIRA, client, base_url, credentials) }
    }
}

#[async_trait]
impl Site for JiraDataCenter {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: Product::JiraDataCenter,
            has_leads: true,
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
            rename_group: Capability::NotPossible("Jira's REST API cannot rename a group"),
            delete_group: Capability::Supported,
        }
    }

    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let info: wire::ServerInfo =
            self.connection.read("server_info", self.connection.get(&["serverInfo"])).await?;
        // Cloud answers the same call, but has no user names and another way to manage people.
        if info.deployment_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("cloud")) {
            return Err(SiteError::Protocol {
                detail: "this is Jira Cloud, not Jira Data Center".to_owned(),
            });
        }
        Ok(ServerInfo {
            product: Product::JiraDataCenter,
            version: Some(info.version),
            title: info.server_title.filter(|title| !title.is_empty()),
            base_url: info.base_url,
        })
    }

    async fn own_account(&self) -> Result<Account, SiteError> {
        let user: wire::User = self.connection.read("own_account", self.connection.get(&["myself"])).await?;
        Ok(user.into())
    }

    async fn may_administer(&self) -> Result<bool, SiteError> {
        let request = self.connection.get(&["mypermissions"]);
        let answer: wire::MyPermissions = self.connection.read("may_administer", request).await?;
        // That the keys are these two is unverified: an answer with neither is no "no".
        let held: Vec<bool> = ["ADMINISTER", "SYSTEM_ADMIN"]
            .iter()
            .filter_map(|&key| answer.permissions.get(key))
            .map(|permission| permission.have_permission)
            .collect();
        if held.is_empty() {
            let detail = "the list of permissions does not name the administrators' one".to_owned();
            return Err(SiteError::Protocol { detail });
        }
        Ok(held.contains(&true))
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.account_by_key(&account.key).await,
            AccountQuery::Username(username) => self.account_by_username(username).await,
            AccountQuery::Email(email) => self.account_by_email(email).await,
        }
    }

    async fn account_groups(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        let Some(found) = self.account_by_key(&account.key).await? else { return Ok(None) };
        match found.groups {
            Some(groups) => Ok(Some(groups)),
            None => {
                Err(SiteError::NotPossible("the site does not show an account's whole groups".to_owned()))
            }
        }
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

    async fn led_by(&self, account: &AccountRef, thorough: bool) -> Result<Vec<Led>, SiteError> {
        self.leads_of(account, thorough).await
    }

    async fn set_lead(&self, led: &Led, username: &str) -> Result<(), SiteError> {
        self.put_lead(led, username).await
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
