//! Calls to the organization of a site in the Cloud: who is in its directory, invited, suspended, removed. An organization's key is
//! needed for them.

mod wire;

use reqwest::Method;

use crate::connection::{Connection, Dialect, addressable, only_one_with_address, same_name};
use crate::credentials::{Credentials, OrganizationKey};
use crate::error::SiteError;
use crate::http::{HttpClient, HttpSettings, target};
use crate::product::Product;
use crate::site::{AccountUpdate, SiteDirectory};

static ORGANIZATION: Dialect = Dialect {
    product: Product::JiraCloud,
    api: "admin/v2/orgs",
    answers_401_to_the_barred: false,
    errors: wire::errors,
};

/// Why a profile stays as it is.
pub(crate) const PROFILE: &str =
    "an Atlassian account's name and address are its person's, or of the SCIM directory that keeps it";
/// Why nobody is renamed.
pub(crate) const NO_USER_NAME: &str = "an Atlassian account has no user name and goes by its address";

/// Refuses to change what is the person's own: everything but whether the account is let in.
pub(crate) fn check_update(update: &AccountUpdate) -> Result<(), SiteError> {
    if update.display_name.is_some() || update.email.is_some() || update.username.is_some() {
        return Err(SiteError::NotPossible(PROFILE.to_owned()));
    }
    Ok(())
}

/// An account was to be active, and its person's Atlassian account is not.
pub(crate) fn deactivated_elsewhere() -> SiteError {
    SiteError::NotPossible(
        "the account is deactivated in Atlassian Administration, where alone it can be activated".to_owned(),
    )
}

/// The organization, with its key.
#[derive(Debug)]
pub(crate) struct Organization {
    connection: Connection,
    id: String,
    directory: String,
}

impl Organization {
    /// Its address is checked as the site's is. Its limits are its own, so it has a budget of its own.
    pub(crate) fn new(key: &OrganizationKey, http: &HttpSettings) -> Result<Self, SiteError> {
        target::check_url(&key.base_url, &http.allow_targets)?;
        addressable(&key.id)?;
        addressable(&key.directory_id)?;
        let client = HttpClient::new(http, &key.base_url, &std::sync::Arc::default())?;
        let credentials = Credentials::Bearer { token: key.api_key.clone() };
        let connection = Connection::new(&ORGANIZATION, client, &key.base_url, credentials);
        Ok(Self { connection, id: key.id.clone(), directory: key.directory_id.clone() })
    }

    fn users<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let mut path = vec![self.id.as_str(), "directories", &self.directory, "users"];
        path.extend(rest);
        path
    }

    /// All directories of the organization; the one that was named takes the accounts.
    pub(crate) async fn directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        let request = self.connection.get(&[&self.id, "directories"]);
        let found: wire::Directories = self.connection.read("list_directories", request).await?;
        let shown = found.data.into_iter().map(|directory| SiteDirectory {
            takes_accounts: Some(directory.directory_id == self.directory),
            name: directory.name.unwrap_or(directory.directory_id),
        });
        Ok(shown.collect())
    }

    async fn search(
        &self,
        operation: &'static str,
        search: &wire::MemberSearch<'_>,
    ) -> Result<Vec<wire::Member>, SiteError> {
        let request = self.connection.request(Method::POST, &self.users(&["search"])).json(search);
        let found: wire::Members = self.connection.read(operation, request).await?;
        Ok(found.data)
    }

    pub(crate) async fn member(&self, account: &str) -> Result<Option<wire::Member>, SiteError> {
        let search = wire::MemberSearch { account_ids: Some([account]), ..wire::MemberSearch::default() };
        let mut found = self.search("find_member", &search).await?;
        found.retain(|member| member.account_id == account);
        Ok(found.pop())
    }

    /// [`SiteError::Ambiguous`] when several have the address.
    pub(crate) async fn member_by_email(&self, email: &str) -> Result<Option<wire::Member>, SiteError> {
        let search = wire::MemberSearch { emails: Some([email]), ..wire::MemberSearch::default() };
        let mut found = self.search("find_member_by_email", &search).await?;
        found.retain(|member| member.email.as_deref().is_some_and(|own| same_name(own, email)));
        only_one_with_address(found)
    }

    /// Invites a person; the account's identifier, where the answer tells it.
    pub(crate) async fn invite(&self, email: &str) -> Result<Option<String>, SiteError> {
        let body = wire::Invitation { emails: [email], send_notification: false };
        let path = [self.id.as_str(), "users", "invite"];
        let request = self.connection.request(Method::POST, &path).json(&body);
        let invited: wire::Invited = self.connection.read("invite_account", request).await?;
        Ok(invited.data.into_iter().find_map(|user| user.id))
    }

    /// Lets the account in, or no more; roles and groups are kept.
    pub(crate) async fn let_in(&self, account: &str, active: bool) -> Result<(), SiteError> {
        let (operation, step) =
            if active { ("restore_account", "restore") } else { ("suspend_account", "suspend") };
        let request = self.connection.request(Method::POST, &self.users(&[addressable(account)?, step]));
        self.connection.send(operation, request).await.map(drop)
    }

    /// Removes the account from the directory.
    pub(crate) async fn remove(&self, account: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &self.users(&[addressable(account)?]));
        self.connection.send("remove_account", request).await.map(drop)
    }
}
