//! Calls about users: `/Users`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{AtlassianCloud, wire};
use crate::connection::{addressable, all_pages, only_one_with_address, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, AccountUpdate, NewAccount, Page, PageStart};

/// How many are asked for in any list. The directory may give fewer; by itself it gives 100.
pub(super) const PAGE: usize = 1_000;

impl AtlassianCloud {
    async fn user_by_id(&self, id: &str) -> Result<Option<wire::User>, SiteError> {
        let request = self.connection.get(&["Users", addressable(id)?]);
        match self.connection.read("find_account_by_key", request).await {
            Ok(user) => Ok(Some(user)),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn account_by_id(&self, id: &str) -> Result<Option<Account>, SiteError> {
        let Some(user) = self.user_by_id(id).await? else { return Ok(None) };
        let account = user.account()?;
        if account.key != id {
            return Err(SiteError::Protocol { detail: "asked for one user, given another".to_owned() });
        }
        Ok(Some(account))
    }

    /// What a filter finds may be old: the user is read by its identifier.
    pub(super) async fn account_by_username(&self, username: &str) -> Result<Option<Account>, SiteError> {
        if username.is_empty() {
            return Ok(None);
        }
        let filter = format!("userName eq {}", wire::quoted(username));
        let request = self.connection.get(&["Users"]).query(&[("filter", filter)]);
        let found: wire::List<wire::User> = self.connection.read("find_account_by_username", request).await?;
        for user in found.resources {
            let listed = user.account()?;
            if let Some(account) = self.account_by_id(&listed.key).await?
                && same_name(&account.username, username)
            {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    /// The directory has no filter for addresses: all of it is read, and then the user that has it.
    pub(super) async fn account_by_email(&self, email: &str) -> Result<Option<Account>, SiteError> {
        if email.is_empty() {
            return Ok(None);
        }
        let has = |account: &Account| account.email.as_deref().is_some_and(|own| same_name(own, email));
        let read = async |start: PageStart| {
            let mut page = self.accounts(&start).await?;
            page.items.retain(has);
            Ok(page)
        };
        let mut found = all_pages(read).await?;
        // A user that moves between two pages is seen twice.
        found.sort_by(|left, right| left.key.cmp(&right.key));
        found.dedup_by(|left, right| left.key == right.key);
        match only_one_with_address(found)? {
            Some(listed) => Ok(self.account_by_id(&listed.key).await?.filter(has)),
            None => Ok(None),
        }
    }

    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let bounds = [("startIndex", offset + 1), ("count", PAGE)];
        let request = self.connection.get(&["Users"]).query(&bounds);
        let found: wire::List<wire::User> = self.connection.read_long("list_accounts", request).await?;
        let Page { items, next } = found.page(offset);
        let items = items.iter().map(wire::User::account).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { items, next })
    }

    /// An account that has the address already is joined with the new user, where the organization manages it.
    pub(super) async fn create(&self, new: &NewAccount) -> Result<Account, SiteError> {
        let Some(email) = new.email.as_deref().filter(|email| !email.trim().is_empty()) else {
            return Err(SiteError::NotPossible(
                "an account in the Cloud needs an e-mail address, and the directory's user has none"
                    .to_owned(),
            ));
        };
        let shown = Some(new.display_name.as_str()).filter(|name| !name.trim().is_empty());
        let body = wire::new_user(&new.username, shown.unwrap_or(&new.username), email);
        let request = self.connection.request(Method::POST, &["Users"]).json(&body);
        let user: wire::User = self.connection.read("create_account", request).await?;
        user.account()
    }

    /// Parts are changed where that is known to work. The address is not such a part (unverified): the user is read and
    /// written whole.
    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        let change = change(update);
        let path = ["Users", addressable(&account.key)?];
        let (method, body) = match &update.email {
            Some(email) => {
                let user = self.user_by_id(&account.key).await?;
                let user =
                    user.ok_or_else(|| SiteError::NotFound { detail: "the user is gone".to_owned() })?;
                (Method::PUT, user.readdressed(email, &change))
            }
            None => (Method::PATCH, wire::replace(&change)),
        };
        let request = self.connection.request(method, &path).json(&body);
        let user: wire::User = self.connection.read("update_account", request).await?;
        let after = user.account()?;
        if let Some(username) = update.username.as_deref().filter(|&name| !same_name(name, &after.username)) {
            return Err(SiteError::NotPossible(format!(
                "the directory accepted the user name {username} and kept {}",
                after.username
            )));
        }
        match update.active {
            Some(active) if after.active != active => Err(SiteError::NotPossible(
                "the directory accepted to change whether the user is active, and did not".to_owned(),
            )),
            _ => Ok(after),
        }
    }

    pub(super) async fn delete(&self, account: &AccountRef) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &["Users", addressable(&account.key)?]);
        match self.connection.send("delete_account", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What is to change besides the address.
fn change(update: &AccountUpdate) -> Vec<(&'static str, Value)> {
    let texts = [("userName", &update.username), ("displayName", &update.display_name)];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name, json!(value.as_ref()?))));
    texts.chain(update.active.map(|active| ("active", json!(active)))).collect()
}
