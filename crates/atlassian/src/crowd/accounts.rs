//! Calls about users: `/user` and `/search`.
//!
//! A user is written whole, so it is read first. Names address users; the key, where the server tells it, says whether
//! it is the same one.

use reqwest::Method;

use super::{Crowd, wire};
use crate::connection::{all_pages, only_one_with_address, random_password, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, AccountUpdate, NewAccount, Page, PageStart};

/// How many are asked for in any list.
pub(super) const PAGE: usize = 1_000;

impl Crowd {
    async fn user(
        &self,
        operation: &'static str,
        parameter: &str,
        value: &str,
    ) -> Result<Option<wire::User>, SiteError> {
        if value.is_empty() {
            return Ok(None);
        }
        let request = self.connection.get(&["user"]).query(&[(parameter, value)]);
        match self.connection.read::<wire::User>(operation, request).await {
            Ok(user) => Ok(Some(user)),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn user_by_name(&self, name: &str) -> Result<Option<wire::User>, SiteError> {
        match self.user("find_account_by_username", "username", name).await? {
            Some(user) if !same_name(&user.name, name) => {
                Err(SiteError::Protocol { detail: "asked for one user, given another".to_owned() })
            }
            found => Ok(found),
        }
    }

    pub(super) async fn account_by_username(&self, username: &str) -> Result<Option<Account>, SiteError> {
        Ok(self.user_by_name(username).await?.map(Account::from))
    }

    /// Whoever is not found under the name of before was renamed or deleted; the key tells which. A server that knows
    /// no keys refuses the question, and there the name is all that there is.
    async fn known_user(&self, account: &AccountRef) -> Result<Option<wire::User>, SiteError> {
        let is_same = |user: &wire::User| Account::from(user.clone()).key == account.key;
        if let Some(user) = self.user_by_name(&account.username).await?.filter(is_same) {
            return Ok(Some(user));
        }
        if account.key == account.username.to_lowercase() {
            return Ok(None);
        }
        match self.user("find_account_by_key", "key", &account.key).await {
            Ok(found) => Ok(found.filter(is_same)),
            Err(SiteError::Rejected { status: 400, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn known(&self, account: &AccountRef) -> Result<Option<Account>, SiteError> {
        Ok(self.known_user(account).await?.map(Account::from))
    }

    pub(super) async fn account_by_email(&self, email: &str) -> Result<Option<Account>, SiteError> {
        if email.is_empty() {
            return Ok(None);
        }
        let escaped = email.replace('\\', "\\\\").replace('"', "\\\"");
        let restriction = format!("email = \"{escaped}\"");
        let has = |account: &Account| account.email.as_deref().is_some_and(|own| same_name(own, email));
        let read = async |start: PageStart| {
            let mut page = self.search("find_account_by_email", &restriction, &start).await?;
            // A part that is not full is the last.
            page.next = page.next.filter(|_| page.items.len() >= PAGE);
            page.items.retain(has);
            Ok(page)
        };
        only_one_with_address(all_pages(read).await?)
    }

    async fn search(
        &self,
        operation: &'static str,
        restriction: &str,
        page: &PageStart,
    ) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let request = self.connection.get(&["search"]).query(&[
            ("entity-type", "user"),
            ("expand", "user"),
            ("restriction", restriction),
            ("start-index", &offset.to_string()),
            ("max-results", &PAGE.to_string()),
        ]);
        let found: wire::Users = self.connection.read(operation, request).await?;
        Ok(wire::page(found.users, offset))
    }

    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        self.search("list_accounts", "", page).await
    }

    /// 400 is the answer for a name that is taken and for any other mistake: the user tells which.
    pub(super) async fn create(&self, new: &NewAccount) -> Result<Account, SiteError> {
        let shown = Some(new.display_name.as_str()).filter(|name| !name.trim().is_empty());
        let shown = shown.unwrap_or(&new.username);
        let user = wire::User::new(&new.username, shown, new.email.as_deref(), random_password());
        let request = self.connection.request(Method::POST, &["user"]).json(&user);
        match self.connection.send("create_account", request).await {
            Ok(_) => self.account_by_username(&new.username).await?.ok_or_else(|| SiteError::Protocol {
                detail: "a user was made that cannot be found".to_owned(),
            }),
            Err(SiteError::Rejected { status: 400, detail }) => {
                Err(match self.account_by_username(&new.username).await? {
                    Some(_) => SiteError::AlreadyExists { detail },
                    None => SiteError::Rejected { status: 400, detail },
                })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        let gone = || SiteError::NotFound { detail: "the user is gone".to_owned() };
        let mut user = self.known_user(account).await?.ok_or_else(gone)?;
        if update.display_name.is_some() || update.email.is_some() || update.active.is_some() {
            if let Some(display_name) = &update.display_name {
                user.rename_for_people(display_name);
            }
            user.email = update.email.clone().or(user.email);
            user.active = update.active.unwrap_or(user.active);
            let request = self.connection.request(Method::PUT, &["user"]).query(&[("username", &user.name)]);
            self.connection.send("update_account", request.json(&user)).await?;
        }
        if let Some(username) = update.username.as_deref().filter(|&name| *name != user.name) {
            self.rename(&user.name, username).await?;
            username.clone_into(&mut user.name);
        }
        if update.active.is_none() && update.username.is_none() {
            return Ok(user.into());
        }
        // Whether both were done is read back: a directory behind Crowd may have ignored them.
        let after = self.account_by_username(&user.name).await?.ok_or_else(gone)?;
        match update.active {
            Some(active) if after.active != active => Err(SiteError::NotPossible(
                "Crowd accepted to change whether the user is active, and its directory did not".to_owned(),
            )),
            _ => Ok(after),
        }
    }

    async fn rename(&self, name: &str, new_name: &str) -> Result<(), SiteError> {
        let body = wire::Rename { new_name };
        let request = self.connection.request(Method::POST, &["user", "rename"]).query(&[("username", name)]);
        match self.connection.send("rename_account", request.json(&body)).await {
            Ok(_) => Ok(()),
            Err(SiteError::Rejected { status: 400, detail }) if !same_name(name, new_name) => {
                Err(match self.account_by_username(new_name).await? {
                    Some(_) => SiteError::AlreadyExists { detail },
                    None => SiteError::Rejected { status: 400, detail },
                })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn delete(&self, account: &AccountRef) -> Result<(), SiteError> {
        let Some(user) = self.known_user(account).await? else { return Ok(()) };
        let request = self.connection.request(Method::DELETE, &["user"]).query(&[("username", &user.name)]);
        match self.connection.send("delete_account", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
