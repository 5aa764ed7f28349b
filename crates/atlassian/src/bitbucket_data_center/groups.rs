//! Calls about groups and who is in them: `/admin/groups`, `/admin/permissions/groups`.

use reqwest::Method;

use super::accounts::not_a_conflict;
use super::{BitbucketDataCenter, wire};
use crate::connection::same_name;
use crate::error::SiteError;
use crate::site::{Account, AccountRef, Page, PageStart, SiteGroup};

impl BitbucketDataCenter {
    /// The filter finds parts of names, so what it finds is compared.
    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<SiteGroup>, SiteError> {
        if name.is_empty() {
            return Ok(None);
        }
        let query = [("filter", name)];
        let named = |group: &wire::Group| same_name(&group.name, name);
        let mut found = self.all("find_group", &["admin", "groups"], &query, named).await?;
        Ok(found.pop().map(SiteGroup::from))
    }

    pub(super) async fn groups(&self, page: &PageStart) -> Result<Page<SiteGroup>, SiteError> {
        let Page { items, next } =
            self.page::<wire::Group>("list_groups", &["admin", "groups"], &[], page).await?;
        Ok(Page { items: items.into_iter().map(SiteGroup::from).collect(), next })
    }

    /// Groups whose members administer the site.
    pub(super) async fn administering_groups(&self) -> Result<Vec<String>, SiteError> {
        let administers =
            |held: &wire::PermittedGroup| matches!(held.permission.as_str(), "ADMIN" | "SYS_ADMIN");
        let path = ["admin", "permissions", "groups"];
        let found = self.all("list_admin_groups", &path, &[], administers).await?;
        Ok(found.into_iter().map(|held| held.group.name).collect())
    }

    pub(super) async fn members(&self, group: &str, page: &PageStart) -> Result<Page<Account>, SiteError> {
        self.people("list_members", &["admin", "groups", "more-members"], &[("context", group)], page).await
    }

    /// All groups of an account; `None` when it is gone.
    pub(super) async fn groups_of(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        let path = ["admin", "users", "more-members"];
        let query = [("context", account.username.as_str())];
        match self.all::<wire::Group>("account_groups", &path, &query, |_| true).await {
            Ok(groups) => Ok(Some(groups.into_iter().map(|group| group.name).collect())),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::POST, &["admin", "groups"]).query(&[("name", name)]);
        self.connection.send("create_group", request).await.map(drop)
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &["admin", "groups"]).query(&[("name", name)]);
        match self.connection.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(not_a_conflict(error)),
        }
    }

    pub(super) async fn put_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let body = wire::GroupAndUsers { group, users: &[username] };
        let request = self.connection.request(Method::POST, &["admin", "groups", "add-users"]).json(&body);
        self.connection.send("add_member", request).await.map(drop)
    }

    pub(super) async fn delete_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let body = wire::UserPickerContext { context: group, item_name: username };
        let request = self.connection.request(Method::POST, &["admin", "groups", "remove-user"]).json(&body);
        self.connection.send("remove_member", request).await.map(drop)
    }
}
