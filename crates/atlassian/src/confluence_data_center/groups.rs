//! Calls about groups and who is in them: `/group`, `/admin/group`, `/user/memberof`, `/user/{}/group/{}`.

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::accounts::PAGE;
use super::{ConfluenceDataCenter, wire};
use crate::connection::{addressable, all_pages, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, Page, PageStart, SiteGroup};

impl ConfluenceDataCenter {
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

    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<SiteGroup>, SiteError> {
        let request = self.connection.get(&["group", addressable(name)?]);
        match self.connection.read::<wire::Group>("find_group", request).await {
            Ok(group) if same_name(&group.name, name) => Ok(Some(group.into())),
            Ok(_) => Err(SiteError::Protocol { detail: "asked for one group, given another".to_owned() }),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn groups(&self, page: &PageStart) -> Result<Page<SiteGroup>, SiteError> {
        let Page { items, next } = self.page::<wire::Group>("list_groups", &["group"], &[], page).await?;
        Ok(Page { items: items.into_iter().map(SiteGroup::from).collect(), next })
    }

    pub(super) async fn members(&self, group: &str, page: &PageStart) -> Result<Page<Account>, SiteError> {
        self.people("list_members", &["group", addressable(group)?, "member"], page).await
    }

    /// All groups of an account; `None` when it is gone.
    pub(super) async fn groups_of(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        let query = [("key", account.key.as_str())];
        let read = async |start: PageStart| {
            self.page::<wire::Group>("account_groups", &["user", "memberof"], &query, &start).await
        };
        match all_pages(read).await {
            Ok(groups) => Ok(Some(groups.into_iter().map(|group| group.name).collect())),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What cannot be addressed afterwards is not made.
    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let body = wire::Group::named(addressable(name)?);
        let request = self.connection.request(Method::POST, &["admin", "group"]).json(&body);
        self.connection.send("create_group", request).await.map(drop)
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &["admin", "group", addressable(name)?]);
        match self.connection.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Puts an account into a group, or takes it out. That repeating it is harmless is unverified.
    pub(super) async fn member(
        &self,
        method: Method,
        operation: &'static str,
        group: &str,
        username: &str,
    ) -> Result<(), SiteError> {
        let path = ["user", addressable(username)?, "group", addressable(group)?];
        self.connection.send(operation, self.connection.request(method, &path)).await.map(drop)
    }
}
