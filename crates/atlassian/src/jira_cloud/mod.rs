//! Jira in Atlassian Cloud, for organizations whose accounts no SCIM directory keeps: people are invited, groups go by
//! identifiers, and what else can be done depends on whether the organization's key was given.
//!
//! Facts come from the vendor's descriptions of Jira's REST API and of the organization's. What is marked "unverified"
//! below they leave open, and the careful way was taken. `wire` has the shapes of bodies; `accounts`, `groups` and
//! `leads` the site's calls; the organization's are in `crate::organization`.
//!
//! An account is its person's own. It has no user name: here, what it goes by is its e-mail address, which the person may
//! hide from the site. Its name and address are changed by the person, or by whoever manages the account.

mod accounts;
mod groups;
mod leads;
mod wire;

use async_trait::async_trait;
use url::Url;

use self::leads::Leads;
use crate::connection::{Connection, Dialect};
use crate::credentials::Credentials;
use crate::error::SiteError;
use crate::group_ids::GroupIds;
use crate::http::{HttpClient, HttpSettings};
use crate::organization::{self, Organization};
use crate::product::Product;
use crate::site::{
    Account, AccountQuery, AccountRef, AccountUpdate, Capabilities, Capability, Led, NewAccount, Page,
    PageStart, ServerInfo, Site, SiteDirectory, SiteGroup,
};

static JIRA: Dialect = Dialect {
    product: Product::JiraCloud,
    api: "rest/api/3",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// What administers people.
const ADMINISTER: &str = "ADMINISTER";

/// The connector of Jira in the Cloud.
#[derive(Debug)]
pub struct JiraCloud {
    connection: Connection,
    organization: Option<Organization>,
    /// The address of the account whose credentials we use.
    own_email: String,
    group_ids: GroupIds,
    leads: Leads,
}

impl JiraCloud {
    /// A connector for the site at `base_url`, which has been checked.
    pub(crate) fn new(
        client: HttpClient,
        base_url: &Url,
        credentials: Credentials,
        http: &HttpSettings,
    ) -> Result<Self, SiteError> {
        let organization = credentials.organization().map(|key| Organization::new(key, http)).transpose()?;
        let own_email = credentials.username().unwrap_or_default().to_owned();
        let connection = Connection::new(&JIRA, client, base_url, credentials);
        Ok(Self {
            connection,
            organization,
            own_email,
            group_ids: GroupIds::default(),
            leads: Leads::default(),
        })
    }
}

#[async_trait]
impl Site for JiraCloud {
    fn capabilities(&self) -> Capabilities {
        let has_key = self.organization.is_some();
        Capabilities {
            product: Product::JiraCloud,
            has_leads: true,
            shows_the_past: true,
            inactive_keep_groups: true,
            see_email: Capability::Otherwise(
                "a person may hide theirs, which is then what was last known, and found only with the organization's key",
            ),
            find_by_email: Capability::Supported,
            create_account: Capability::Otherwise(
                "the person is invited, without a mail where the organization's \
                 key is given, and has no access but what groups give",
            ),
            rename_account: Capability::NotPossible(organization::NO_USER_NAME),
            change_profile: Capability::NotPossible(organization::PROFILE),
            deactivate_account: if has_key {
                Capability::Supported
            } else {
                Capability::Otherwise(
                    "the account leaves its groups, since suspending it needs the organization's key",
                )
            },
            delete_account: Capability::Otherwise("the account leaves the site, and stays the person's"),
            create_group: Capability::Supported,
            rename_group: Capability::NotPossible("Jira's REST API cannot rename a group"),
            delete_group: Capability::Supported,
        }
    }

    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let request = self.connection.get(&["serverInfo"]);
        let info: wire::ServerInfo = self.connection.read("server_info", request).await?;
        if info.deployment_type.as_deref() != Some("Cloud") {
            return Err(SiteError::Protocol {
                detail: "this is no Jira in the Cloud; register it as jira-data-center".to_owned(),
            });
        }
        Ok(ServerInfo {
            product: Product::JiraCloud,
            version: None,
            title: info.server_title,
            base_url: info.base_url,
        })
    }

    async fn own_account(&self) -> Result<Account, SiteError> {
        let request = self.connection.get(&["myself"]);
        let user: wire::User = self.connection.read("own_account", request).await?;
        Ok(user.account("our own account"))
    }

    async fn may_administer(&self) -> Result<bool, SiteError> {
        let request = self.connection.get(&["mypermissions"]).query(&[("permissions", ADMINISTER)]);
        let answer: wire::Permissions = self.connection.read("may_administer", request).await?;
        if let Some(organization) = &self.organization {
            organization.member_by_email(&self.own_email).await?;
        }
        Ok(answer.permissions.get(ADMINISTER).is_some_and(|permission| permission.have_permission))
    }

    async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        match &self.organization {
            Some(organization) => organization.directories().await,
            None => Err(SiteError::NotPossible(
                "only the organization's key shows its directories; people are invited to the site"
                    .to_owned(),
            )),
        }
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.account_by_id(&account.key, &account.username).await,
            AccountQuery::Username(address) | AccountQuery::Email(address) => {
                self.account_by_email(address).await
            }
        }
    }

    async fn admin_groups(&self) -> Result<Vec<String>, SiteError> {
        self.administering().await
    }

    async fn account_groups(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        self.groups_of(account).await
    }

    async fn create_account(&self, new: &NewAccount) -> Result<Account, SiteError> {
        self.invite(new).await
    }

    async fn update_account(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        self.update(account, update).await
    }

    async fn delete_account(&self, account: &AccountRef) -> Result<(), SiteError> {
        self.remove(account).await
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
        self.set_member(group, account, true).await
    }

    async fn remove_member(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        self.set_member(group, account, false).await
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
