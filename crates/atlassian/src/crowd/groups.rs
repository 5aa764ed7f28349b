//! Calls about groups and who is in them directly: `/group`, `/group/user/direct`, `/user/group/direct`.

use reqwest::Method;

use super::accounts::PAGE;
use super::{Crowd, wire};
use crate::connection::{all_pages, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, Page, PageStart, SiteGroup};

impl Crowd {
    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<SiteGroup>, SiteError> {
        if name.is_empty() {
            return Ok(None);
        }
        let request = self.connection.get(&["group"]).query(&[("groupname", name)]);
        match self.connection.read::<wire::Group>("find_group", request).await {
            Ok(group) if same_name(&group.name, name) => Ok(Some(group.into())),
            Ok(_) => Err(SiteError::Protocol { detail: "asked for one group, given another".to_owned() }),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn groups(&self, page: &PageStart) -> Result<Page<SiteGroup>, SiteError> {
        let query = [("entity-type", "group")];
        self.group_page("list_groups", &["search"], &query, page).await
    }

    async fn group_page(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        page: &PageStart,
    ) -> Result<Page<SiteGroup>, SiteError> {
        let offset = page.offset()?;
        let bounds = [("start-index", offset), ("max-results", PAGE)];
        let request = self.connection.get(path).query(query).query(&bounds);
        let found: wire::Groups = self.connection.read(operation, request).await?;
        Ok(wire::page(found.groups, offset))
    }

    /// All groups of a user; `None` when it is gone.
    pub(super) async fn groups_of(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        let query = [("username", account.username.as_str())];
        let read = async |start: PageStart| {
            let path = ["user", "group", "direct"];
            let mut page = self.group_page("account_groups", &path, &query, &start).await?;
            // A part that is not full is the last; asking once more would double the calls about a user.
            page.next = page.next.filter(|_| page.items.len() >= PAGE);
            Ok(page)
        };
        match all_pages(read).await {
            Ok(groups) => Ok(Some(groups.into_iter().map(|group| group.name).collect())),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn members(&self, group: &str, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let request = self.connection.get(&["group", "user", "direct"]).query(&[
            ("groupname", group),
            ("expand", "user"),
            ("start-index", &offset.to_string()),
            ("max-results", &PAGE.to_string()),
        ]);
        let found: wire::Users = self.connection.read("list_members", request).await?;
        Ok(wire::page(found.users, offset))
    }

    /// 400 is the answer for a group that is there and for any other mistake: a look tells which.
    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let body = wire::NewGroup { name, kind: "GROUP", active: true };
        let request = self.connection.request(Method::POST, &["group"]).json(&body);
        match self.connection.send("create_group", request).await {
            Ok(_) => Ok(()),
            Err(SiteError::Rejected { status: 400, detail }) => Err(match self.group_by_name(name).await? {
                Some(_) => SiteError::AlreadyExists { detail },
                None => SiteError::Rejected { status: 400, detail },
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &["group"]).query(&[("groupname", name)]);
        match self.connection.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn post_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let body = wire::UserName { name: username };
        let path = ["group", "user", "direct"];
        let request = self.connection.request(Method::POST, &path).query(&[("groupname", group)]).json(&body);
        self.connection.send("add_member", request).await.map(drop)
    }

    pub(super) async fn delete_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let query = [("groupname", group), ("username", username)];
        let request = self.connection.request(Method::DELETE, &["group", "user", "direct"]).query(&query);
        self.connection.send("remove_member", request).await.map(drop)
    }
}
