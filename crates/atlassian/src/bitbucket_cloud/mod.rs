//! A workspace of Bitbucket in Atlassian Cloud. Only its groups can be kept by us: Bitbucket's REST API shows people, and
//! makes, changes and removes none.
//!
//! People and the workspace are read by API 2.0, which the vendor describes. Groups have no calls there; they are kept
//! by what is left of API 1.0, of which there is a page of documentation and no description. What that leaves open is
//! marked "unverified" below, and the careful way was taken. A workspace whose groups the organization keeps may refuse
//! those calls (unverified).
//!
//! Bitbucket shows no addresses. Who has which one the organization tells, so its key is needed. An account goes by its
//! UUID, which both APIs take. `wire` has the shapes of bodies, `accounts` and `groups` the calls.

mod accounts;
mod groups;
mod wire;

use async_trait::async_trait;
use url::Url;

use crate::connection::{Connection, Dialect, addressable};
use crate::credentials::Credentials;
use crate::error::SiteError;
use crate::group_ids::GroupIds;
use crate::http::{HttpClient, HttpSettings};
use crate::organization::{self, Organization};
use crate::product::Product;
use crate::site::{
    Account, AccountQuery, AccountRef, AccountUpdate, Capabilities, Capability, NewAccount, Page, PageStart,
    ServerInfo, Site, SiteDirectory, SiteGroup,
};

static PEOPLE: Dialect = Dialect {
    product: Product::BitbucketCloud,
    api: "2.0",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};
static GROUPS: Dialect = Dialect {
    product: Product::BitbucketCloud,
    api: "1.0/groups",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// Where people look at a workspace, and where its API is.
const ADDRESSES: (&str, &str) = ("bitbucket.org", "api.bitbucket.org");
/// Why nobody comes to a workspace by us.
const GRANT: &str = "Bitbucket's REST API lets nobody into a workspace; give the person access to it in Atlassian \
                     Administration, and the account is found by its address";
/// Why nobody leaves it by us.
const REVOKE: &str =
    "Bitbucket's REST API takes nobody from a workspace; take the access away in Atlassian Administration";

/// The connector of Bitbucket in the Cloud.
#[derive(Debug)]
pub struct BitbucketCloud {
    people: Connection,
    groups: Connection,
    organization: Organization,
    /// The workspace's slug or UUID.
    workspace: String,
    /// The address of the account whose credentials we use.
    own_email: String,
    slugs: GroupIds,
}

impl BitbucketCloud {
    /// A connector for the workspace at `base_url`, which has been checked: `https://bitbucket.org/acme`.
    pub(crate) fn new(
        client: HttpClient,
        base_url: &Url,
        credentials: Credentials,
        http: &HttpSettings,
    ) -> Result<Self, SiteError> {
        let (api, workspace) = api_and_workspace(base_url)?;
        let Some(key) = credentials.organization() else {
            return Err(SiteError::NotPossible("the organization's key is needed".to_owned()));
        };
        let organization = Organization::new(key, http)?;
        let own_email = credentials.username().unwrap_or_default().to_owned();
        Ok(Self {
            people: Connection::new(&PEOPLE, client.clone(), &api, credentials.clone()),
            groups: Connection::new(&GROUPS, client, &api, credentials),
            organization,
            workspace,
            own_email,
            slugs: GroupIds::default(),
        })
    }
}

/// The root of the API, and the workspace that the address names.
fn api_and_workspace(base_url: &Url) -> Result<(Url, String), SiteError> {
    let refused = || SiteError::TargetRefused {
        detail: format!("{base_url} names no workspace; its address is like https://bitbucket.org/acme"),
    };
    let mut segments = base_url.path_segments().ok_or_else(refused)?.filter(|segment| !segment.is_empty());
    let (Some(workspace), None) = (segments.next(), segments.next()) else { return Err(refused()) };
    let workspace = percent_encoding::percent_decode_str(workspace).decode_utf8().map_err(|_| refused())?;
    let workspace = addressable(&workspace)?.to_owned();
    let mut api = base_url.clone();
    api.set_path("");
    if base_url.host_str() == Some(ADDRESSES.0) {
        api.set_host(Some(ADDRESSES.1)).map_err(|_| refused())?;
    }
    Ok((api, workspace))
}

#[async_trait]
impl Site for BitbucketCloud {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            product: Product::BitbucketCloud,
            has_leads: false,
            shows_the_past: false,
            inactive_keep_groups: true,
            see_email: Capability::Otherwise(
                "Bitbucket shows none, so an account goes by the one that it was found by in the organization",
            ),
            find_by_email: Capability::Supported,
            create_account: Capability::NotPossible(GRANT),
            rename_account: Capability::NotPossible(organization::NO_USER_NAME),
            change_profile: Capability::NotPossible(organization::PROFILE),
            deactivate_account: Capability::Otherwise(
                "the account leaves its groups, since access to a workspace is given in Atlassian Administration",
            ),
            delete_account: Capability::NotPossible(REVOKE),
            create_group: Capability::Supported,
            rename_group: Capability::NotPossible(
                "a group of a workspace keeps the slug that its first name gave it",
            ),
            delete_group: Capability::Supported,
        }
    }

    async fn server_info(&self) -> Result<ServerInfo, SiteError> {
        let request = self.people.get(&["workspaces", &self.workspace]);
        let workspace: wire::Workspace = self.people.read("server_info", request).await?;
        let title = workspace.name.or(workspace.slug);
        Ok(ServerInfo { product: Product::BitbucketCloud, version: None, title, base_url: None })
    }

    async fn own_account(&self) -> Result<Account, SiteError> {
        let user: wire::User = self.people.read("own_account", self.people.get(&["user"])).await?;
        Ok(user.account(&self.own_email))
    }

    /// The groups are asked for as well: a token may lack the scope, and the organization may keep them.
    async fn may_administer(&self) -> Result<bool, SiteError> {
        let owns = self.owns_workspace().await?;
        self.organization.member_by_email(&self.own_email).await?;
        self.read_groups().await?;
        Ok(owns)
    }

    async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        self.organization.directories().await
    }

    async fn find_account(&self, by: &AccountQuery) -> Result<Option<Account>, SiteError> {
        match by {
            AccountQuery::Known(account) => self.member(&account.key, &account.username).await,
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

    async fn create_account(&self, _: &NewAccount) -> Result<Account, SiteError> {
        Err(SiteError::NotPossible(GRANT.to_owned()))
    }

    async fn update_account(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        self.update(account, update).await
    }

    async fn delete_account(&self, _: &AccountRef) -> Result<(), SiteError> {
        Err(SiteError::NotPossible(REVOKE.to_owned()))
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

    async fn list_members(&self, group: &str, _: PageStart) -> Result<Page<Account>, SiteError> {
        let members = self.members_of(group).await?;
        Ok(Page { items: members.into_iter().map(|user| user.account("")).collect(), next: None })
    }

    async fn list_groups(&self, _: PageStart) -> Result<Page<SiteGroup>, SiteError> {
        let groups = self.read_groups().await?;
        Ok(Page { items: groups.into_iter().map(SiteGroup::from).collect(), next: None })
    }

    async fn list_accounts(&self, page: PageStart) -> Result<Page<Account>, SiteError> {
        self.accounts(&page).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Result<(String, String), SiteError> {
        let (api, workspace) = api_and_workspace(&Url::parse(address).unwrap())?;
        Ok((api.to_string(), workspace))
    }

    #[test]
    fn address_of_a_workspace_leads_to_its_api() {
        let expected = ("https://api.bitbucket.org/".to_owned(), "acme".to_owned());
        assert_eq!(read("https://bitbucket.org/acme/"), Ok(expected.clone()));
        assert_eq!(read("https://api.bitbucket.org/acme"), Ok(expected));
        assert_eq!(read("http://127.0.0.1:9/%7B1-2%7D").unwrap().1, "{1-2}");
    }

    #[test]
    fn address_without_a_workspace_is_refused() {
        for address in ["https://bitbucket.org", "https://bitbucket.org/acme/repository"] {
            assert!(matches!(read(address), Err(SiteError::TargetRefused { .. })), "{address}");
        }
    }
}
