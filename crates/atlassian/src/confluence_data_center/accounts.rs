//! Calls about accounts: `/user`, which reads by key, and `/admin/user`, which writes by user name.

use std::time::Duration;

use reqwest::Method;

use super::{ConfluenceDataCenter, wire};
use crate::connection::{addressable, random_password, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, AccountUpdate, NewAccount, Page, PageStart};

/// How many are asked for in any list; the site gives fewer where it has a cap.
pub(super) const PAGE: usize = 200;
/// How long the end of a deletion is waited for, between one look and the next.
const DELETION_LOOKS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1), Duration::from_secs(2)];

impl ConfluenceDataCenter {
    pub(super) async fn account_by_key(&self, key: &str) -> Result<Option<Account>, SiteError> {
        self.account("find_account_by_key", "key", key).await
    }

    pub(super) async fn account_by_username(&self, username: &str) -> Result<Option<Account>, SiteError> {
        match self.account("find_account_by_username", "username", username).await? {
            Some(account) if !same_name(&account.username, username) => {
                Err(SiteError::Protocol { detail: "asked for one account, given another".to_owned() })
            }
            found => Ok(found),
        }
    }

    async fn account(
        &self,
        operation: &'static str,
        parameter: &str,
        value: &str,
    ) -> Result<Option<Account>, SiteError> {
        if value.is_empty() {
            return Ok(None);
        }
        let request = self.connection.get(&["user"]).query(&[(parameter, value), ("expand", "status")]);
        match self.connection.read::<wire::Person>(operation, request).await {
            Ok(person) if person.is_nobody() => Ok(None),
            Ok(person) => person.try_into().map(Some),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn own(&self) -> Result<Account, SiteError> {
        let request = self.connection.get(&["user", "current"]).query(&[("expand", "status")]);
        let person: wire::Person = self.connection.read("own_account", request).await?;
        if person.is_anonymous() {
            let detail = "it takes us for a stranger".to_owned();
            return Err(SiteError::Unauthorized { captcha: false, detail });
        }
        person.try_into()
    }

    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        self.people("list_accounts", &["user", "list"], page).await
    }

    /// One page of a list of people.
    pub(super) async fn people(
        &self,
        operation: &'static str,
        path: &[&str],
        page: &PageStart,
    ) -> Result<Page<Account>, SiteError> {
        let Page { items, next } =
            self.page::<wire::Person>(operation, path, &[("expand", "status")], page).await?;
        let known = items.into_iter().filter(|person| !person.is_nobody());
        Ok(Page { items: known.map(Account::try_from).collect::<Result<_, _>>()?, next })
    }

    /// Confluence takes no capital letters in a user name, and no account without a password.
    pub(super) async fn create(&self, new: &NewAccount) -> Result<Account, SiteError> {
        let username = new.username.to_lowercase();
        let full_name = Some(new.display_name.as_str()).filter(|name| !name.trim().is_empty());
        let password = random_password();
        let body = wire::UserCreation {
            user_name: &username,
            full_name: full_name.unwrap_or(&username),
            email: new.email.as_deref(),
            password: &password,
            notify_via_email: false,
        };
        let request = self.connection.request(Method::POST, &["admin", "user"]).json(&body);
        let answer = self.connection.send("create_account", request).await?;
        match self.connection.parse::<wire::UserKey>(&answer) {
            Ok(made) => Ok(Account {
                key: made.user_key,
                display_name: full_name.unwrap_or(&username).to_owned(),
                username,
                email: new.email.clone(),
                active: true,
                groups: None,
            }),
            // It was made, and the answer is not the one of the vendor's description: look.
            Err(_) => self.account_by_username(&username).await?.ok_or_else(|| SiteError::Protocol {
                detail: "an account was made that cannot be found".to_owned(),
            }),
        }
    }

    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        if update.username.is_some() {
            return Err(SiteError::NotPossible(super::NO_RENAME.to_owned()));
        }
        let mut found = self.present(account).await?;
        if update.display_name.is_some() || update.email.is_some() {
            self.put_details(&found.username, update).await?;
            found.display_name = update.display_name.clone().unwrap_or(found.display_name);
            found.email.clone_from(&update.email);
        }
        let Some(active) = update.active else { return Ok(found) };
        let switch = if active { "enable" } else { "disable" };
        let path = ["admin", "user", addressable(&found.username)?, switch];
        let request = self.connection.request(Method::PUT, &path);
        self.connection
            .send(if active { "reactivate_account" } else { "deactivate_account" }, request)
            .await?;
        let after = self.present(account).await?;
        if after.active != active {
            return Err(SiteError::NotPossible(format!(
                "the site accepted to {switch} the account and did not; its directory may be read only"
            )));
        }
        Ok(Account { active, ..found })
    }

    /// The call that changes names and addresses is in the description of 9.x and 10.x, and not in the javadoc of
    /// 9.0: where it is missing, 405 or a web server's 404 says so.
    async fn put_details(&self, username: &str, update: &AccountUpdate) -> Result<(), SiteError> {
        let body =
            wire::UserUpdate { full_name: update.display_name.as_deref(), email: update.email.as_deref() };
        let path = ["admin", "user", addressable(username)?];
        let request = self.connection.request(Method::PUT, &path).json(&body);
        match self.connection.send("update_account", request).await {
            Ok(_) => Ok(()),
            Err(SiteError::Rejected { status: 405, .. }) => Err(SiteError::NotPossible(
                "this version of Confluence does not change names and e-mail addresses by REST".to_owned(),
            )),
            Err(error) => Err(error),
        }
    }

    /// The account, which must be there.
    ///
    /// Writes name an account by its user name, and that may be another person's by now: who has it is read just
    /// before, by the key.
    pub(super) async fn present(&self, account: &AccountRef) -> Result<Account, SiteError> {
        let found = self.account_by_key(&account.key).await?;
        found.ok_or_else(|| SiteError::NotFound { detail: "the account is gone".to_owned() })
    }

    /// Confluence accepts a deletion and carries it out later; the account is shown until then. Its end is waited
    /// for, but not for long: a deletion that was accepted is done.
    pub(super) async fn delete(&self, account: &AccountRef) -> Result<(), SiteError> {
        let Some(found) = self.account_by_key(&account.key).await? else { return Ok(()) };
        let path = ["admin", "user", addressable(&found.username)?];
        let request = self.connection.request(Method::DELETE, &path);
        match self.connection.send("delete_account", request).await {
            Ok(_) => {}
            Err(SiteError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        for wait in DELETION_LOOKS {
            if self.account_by_key(&account.key).await?.is_none() {
                break;
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }
}
