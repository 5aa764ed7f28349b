//! Calls about accounts: `/admin/users`.
//!
//! Everything names an account by its user name; the id, which a rename does not change, is only shown. So an account is
//! looked for under the name it had, then under every other, and before it is changed or deleted its id is compared.

use percent_encoding::percent_decode_str;
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::{BitbucketDataCenter, wire};
use crate::connection::answer::known_name;
use crate::connection::{all_pages, only_one_with_address, random_password, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, AccountUpdate, NewAccount, Page, PageStart, SiteDirectory};

/// How many are asked for in any list; Bitbucket gives at most 1,000 (unverified).
const PAGE: usize = 1_000;

impl BitbucketDataCenter {
    /// One page of a list.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        page: &PageStart,
    ) -> Result<Page<T>, SiteError> {
        let offset = page.offset()?;
        let bounds = [("start", offset.to_string()), ("limit", PAGE.to_string())];
        let request = self.connection.get(path).query(query).query(&bounds);
        self.connection.read::<wire::PageOf<T>>(operation, request).await?.into_page(offset)
    }

    /// Everything in a list that is as wanted.
    pub(super) async fn all<T: DeserializeOwned + Send>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        wanted: impl Fn(&T) -> bool + Send + Sync,
    ) -> Result<Vec<T>, SiteError> {
        let read = async |start: PageStart| {
            let mut page = self.page::<T>(operation, path, query, &start).await?;
            page.items.retain(&wanted);
            Ok(page)
        };
        all_pages(read).await
    }

    /// Bitbucket makes accounts in its internal directory.
    pub(super) async fn user_directories(&self) -> Result<Vec<SiteDirectory>, SiteError> {
        let path = ["admin", "user-directories"];
        let request = self.connection.get(&path);
        let found: wire::PageOf<wire::UserDirectory> =
            self.connection.read("list_directories", request).await?;
        Ok(found.into_page(0)?.items.into_iter().map(SiteDirectory::from).collect())
    }

    /// The first account in a list that is as wanted.
    async fn first(
        &self,
        operation: &'static str,
        filter: &str,
        wanted: impl Fn(&Account) -> bool + Send,
    ) -> Result<Option<Account>, SiteError> {
        let mut next = Some(PageStart::FIRST);
        while let Some(start) = next {
            let query = [("filter", filter)];
            let page = self.page::<wire::User>(operation, &["admin", "users"], &query, &start).await?;
            if let Some(found) = page.items.into_iter().map(Account::from).find(|account| wanted(account)) {
                return Ok(Some(found));
            }
            next = page.next;
        }
        Ok(None)
    }

    /// The filter finds parts of user names, display names and addresses, so what it finds is compared.
    pub(super) async fn account_by_username(&self, username: &str) -> Result<Option<Account>, SiteError> {
        if username.is_empty() {
            return Ok(None);
        }
        let named = |account: &Account| same_name(&account.username, username);
        self.first("find_account_by_username", username, named).await
    }

    pub(super) async fn account_by_email(&self, email: &str) -> Result<Option<Account>, SiteError> {
        if email.is_empty() {
            return Ok(None);
        }
        let has = |user: &wire::User| user.email().is_some_and(|address| same_name(address, email));
        let query = [("filter", email)];
        let found = self.all::<wire::User>("find_account_by_email", &["admin", "users"], &query, has).await?;
        Ok(only_one_with_address(found)?.map(Account::from))
    }

    /// Whoever is not found under the name of before was renamed or deleted: only the list of all tells which.
    pub(super) async fn known(&self, account: &AccountRef) -> Result<Option<Account>, SiteError> {
        match self.account_by_username(&account.username).await? {
            Some(found) if found.key == account.key => Ok(Some(found)),
            _ => self.first("find_account_by_id", "", |found| found.key == account.key).await,
        }
    }

    /// The account, which must be there.
    async fn present(&self, account: &AccountRef) -> Result<Account, SiteError> {
        let found = self.known(account).await?;
        found.ok_or_else(|| SiteError::NotFound { detail: "the account is gone".to_owned() })
    }

    /// Every answer tells who is asking (unverified), escaped where a header could not carry it.
    pub(super) async fn own(&self) -> Result<Account, SiteError> {
        let request = self.connection.get(&["application-properties"]);
        let answer = self.connection.send("own_account", request).await?;
        let name = known_name(&answer).ok_or_else(|| SiteError::Protocol {
            detail: "the site does not tell which account we use".to_owned(),
        })?;
        let name = percent_decode_str(name).decode_utf8_lossy();
        self.account_by_username(&name).await?.ok_or_else(|| SiteError::Protocol {
            detail: "the account that we use is not among the users".to_owned(),
        })
    }

    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        self.people("list_accounts", &["admin", "users"], &[], page).await
    }

    /// One page of a list of people.
    pub(super) async fn people(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        page: &PageStart,
    ) -> Result<Page<Account>, SiteError> {
        let Page { items, next } = self.page::<wire::User>(operation, path, query, page).await?;
        Ok(Page { items: items.into_iter().map(Account::from).collect(), next })
    }

    /// Everything stands in the query, also the password: nothing of a request's address is logged. The account gets no
    /// default group, which would give it a licence: settings decide. The answer has no body.
    pub(super) async fn create(&self, new: &NewAccount) -> Result<Account, SiteError> {
        let shown = Some(new.display_name.as_str()).filter(|name| !name.trim().is_empty());
        let password = random_password();
        let mut query = vec![
            ("name", new.username.as_str()),
            ("displayName", shown.unwrap_or(&new.username)),
            ("password", &password),
            ("addToDefaultGroup", "false"),
            ("notify", "false"),
        ];
        query.extend(new.email.as_deref().map(|email| ("emailAddress", email)));
        let request = self.connection.request(Method::POST, &["admin", "users"]).query(&query);
        self.connection.send("create_account", request).await?;
        self.account_by_username(&new.username).await?.ok_or_else(|| SiteError::Protocol {
            detail: "an account was made that cannot be found".to_owned(),
        })
    }

    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        let mut found = self.present(account).await?;
        if update.display_name.is_some() || update.email.is_some() {
            let body = wire::UserUpdate {
                name: &found.username,
                display_name: update.display_name.as_deref(),
                email: update.email.as_deref(),
            };
            let request = self.connection.request(Method::PUT, &["admin", "users"]).json(&body);
            let user: wire::User = self.connection.read("update_account", request).await?;
            found = user.into();
        }
        if let Some(username) = update.username.as_deref().filter(|&name| *name != found.username) {
            found = self.rename(&found, username).await?;
        }
        match update.active {
            Some(false) => {
                self.withdraw_permission(&found.username).await?;
                Ok(Account { active: false, ..found })
            }
            // A directory that is not Bitbucket's own may have deactivated it.
            Some(true) if !found.active => Err(SiteError::NotPossible(
                "Bitbucket's REST API cannot activate an account that its directory has deactivated"
                    .to_owned(),
            )),
            _ => Ok(found),
        }
    }

    /// What the status is for a name that is taken is unverified: whoever has it tells.
    async fn rename(&self, account: &Account, username: &str) -> Result<Account, SiteError> {
        let body = wire::UserRename { name: &account.username, new_name: username };
        let request = self.connection.request(Method::POST, &["admin", "users", "rename"]).json(&body);
        match self.connection.read::<wire::User>("rename_account", request).await {
            Ok(user) => Ok(user.into()),
            Err(SiteError::Rejected { status: 400, detail }) => {
                match self.account_by_username(username).await? {
                    Some(holder) if holder.key != account.key => Err(SiteError::AlreadyExists { detail }),
                    _ => Err(SiteError::Rejected { status: 400, detail }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Takes away the global permission that the account has by itself, if it has one.
    async fn withdraw_permission(&self, username: &str) -> Result<(), SiteError> {
        let path = ["admin", "permissions", "users"];
        let is_theirs = |held: &wire::PermittedUser| same_name(&held.user.name, username);
        let query = [("filter", username)];
        let held = self.all("find_permission", &path, &query, is_theirs).await?;
        if held.is_empty() {
            return Ok(());
        }
        let request = self.connection.request(Method::DELETE, &path).query(&[("name", username)]);
        match self.connection.send("withdraw_permission", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(not_a_conflict(error)),
        }
    }

    pub(super) async fn delete(&self, account: &AccountRef) -> Result<(), SiteError> {
        let Some(found) = self.known(account).await? else { return Ok(()) };
        let request =
            self.connection.request(Method::DELETE, &["admin", "users"]).query(&[("name", &found.username)]);
        match self.connection.send("delete_account", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(not_a_conflict(error)),
        }
    }
}

/// 409 to a deletion does not mean that a name is taken, but that one may not do this to oneself.
pub(super) fn not_a_conflict(error: SiteError) -> SiteError {
    match error {
        SiteError::AlreadyExists { detail } => SiteError::Rejected { status: 409, detail },
        error => error,
    }
}
