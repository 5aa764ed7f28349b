//! The SCIM directory of an organization in Atlassian Cloud, which keeps the organization's accounts.
//!
//! Facts come from the vendor's pages on user provisioning and from clients made of its description. What is marked
//! "unverified" below is known from one source only or from none, and the careful way was taken. `wire` has the shapes of
//! bodies, `accounts` and `groups` the calls.
//!
//! The credentials are the directory's API key, so no account is ours. The directory shows for a while what was before a
//! write (unverified how long): only what is asked for by its identifier is believed, and groups are remembered by
//! theirs. An account that was deleted is gone for the directory alone: the Atlassian account is deactivated.

mod accounts;
mod groups;
mod wire;

use async_trait::async_trait;
use url::Url;

use crate::connection::{Connection, Dialect};
use crate::credentials::Credentials;
use crate::error::SiteError;
use crate::group_ids::GroupIds;
use crate::http::HttpClient;
use crate::product::Product;
use crate::site::{
    Account, AccountQuery, AccountRef, AccountUpdate, Capabilities, Capability, NewAccount, Page, PageStart,
    ServerInfo, Site, SiteDirectory, SiteGroup,
};

static CLOUD: Dialect = Dialect {
    product: Product::AtlassianCloud,
    api: "",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// The connector of a SCIM directory.
#[derive(Debug)]
pub struct AtlassianCloud {
    connection: Connection,
    /// What tells this directory from others.
    name: String,
    /// A group's name never changes, so one that is there is the right one.
    group_ids: GroupIds,
}

impl AtlassianCloud {
    /// A connector for the directory at `base_url`, which has been checked.
    pub(crate) fn new(client: HttpClient, base_url: &Url, credentials: Credentials) -> Self {
        let name = base_url.path_segments().and_then(|mut segments| segments.rfind(|part| !part.is_empty()));
        let name = name.unwrap_or("SCIM").to_owned();
        let connection = Connection::new(&CLOUD, client, base_url, credentials);
        Self { connection, name, group_ids: GroupIds::default() }
    }
}

#[async_trait]
impl Site for AtlassianCloud {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: Product::AtlassianCloud,
            has_leads: false,
            shows_the_past: true,
            inactive_keep_groups: false,
            see_email: Capability::Supported,
            find_by_email: Capability::Otherwise(
                "a SCIM directory cannot be searched for an address, so all of it is read, and only after the \
                 directory refused to make an account",
            ),
            create_account: Capability::Supported,
            rename_account: Capability::Supported,
            change_profile: Capability::Supported,
            deactivate_account: Capability::Supported,
            delete_account: Capability::Otherwise(
                "the directory's entry is deleted and the Atlassian account deactivated, as only \
                 Atlassian Administration deletes accounts",
            ),
            create_group: Capability::Supported,
            rename_group: Capability::NotPossible("a group of a SCIM directory keeps its name for ever"),
            delete_group: Capability::Supported,
        }
    }

    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let request = self.connection.get(&["ServiceProviderConfig"]);
        let config: wire::ServiceProviderConfig = self.connection.read("server_info", request).await?;
        if !config.patch.supported {
            return Err(SiteError::NotPossible(
                "the directory says that it cannot be changed in parts".to_owned(),
            ));
        }
        Ok(ServerInfo { product: Product::AtlassianCloud, version: None, title: None, base_url: None })
    }

    /// The directory's key, which is no account's: it is nobody's.
    async fn own_account(&self) -> Result<Account, SiteError> {
        self.connection.send("own_account", self.connection.get(&["ServiceProviderConfig"])).await?;
        let name = format!("the key of directory {}", self.name);
        Ok(Account {
            key: name.clone(),
            username: name.clone(),
            display_name: name,
            email: None,
            active: true,
            groups: None,
        })
    }

    /// A directory's key may do everything in its directory, so to be let in is enough.
    async fn may_administer(&self) -> Result<bool, SiteError> {
        let request = self.connection.get(&["Users"]).query(&[("count", 1)]);
        self.connection.send("may_administer", request).await.map(|_| true)
    }

    async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        Ok(vec![SiteDirectory { name: self.name.clone(), takes_accounts: Some(true) }])
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.account_by_id(&account.key).await,
            AccountQuery::Username(username) => self.account_by_username(username).await,
            AccountQuery::Email(email) => self.account_by_email(email).await,
        }
    }

    async fn account_groups(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        let Some(found) = self.account_by_id(&account.key).await? else { return Ok(None) };
        match found.groups {
            Some(groups) => Ok(Some(groups)),
            None => Err(SiteError::NotPossible("the directory does not show a user's groups".to_owned())),
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
        Ok(self.group_by_name(name).await?.map(SiteGroup::from))
    }

    async fn create_group(&self, name: &str) -> Result<(), SiteError> {
        self.make_group(name).await
    }

    async fn delete_group(&self, name: &str) -> Result<(), SiteError> {
        self.remove_group(name).await
    }

    async fn add_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        self.change_members("add_member", group, account, &wire::add_member(&account.key)).await
    }

    async fn remove_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        let body = wire::remove_member(&account.key);
        match self.change_members("remove_member", group, account, &body).await {
            // Whoever is gone is in no group; that there is none is the caller's to know.
            Err(SiteError::NotFound { detail }) => match self.group_id(group).await? {
                Some(_) => Ok(()),
                None => Err(SiteError::NotFound { detail }),
            },
            done => done,
        }
    }

    async fn list_members(&self, group: &str, _: PageStart) -> Result<Page<Account>, SiteError> {
        self.members(group).await
    }

    async fn list_groups(&self, page: PageStart) -> Result<Page<SiteGroup>, SiteError> {
        self.groups(&page).await
    }

    async fn list_accounts(&self, page: PageStart) -> Result<Page<Account>, SiteError> {
        self.accounts(&page).await
    }
}
