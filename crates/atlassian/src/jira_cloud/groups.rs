//! Calls about groups: `/group`. A name may change, so that groups go by identifiers.

use reqwest::Method;

use super::{JiraCloud, wire};
use crate::connection::same_name;
use crate::error::SiteError;
use crate::site::{Account, AccountRef, Page, PageStart, SiteGroup};

/// How many groups are asked for.
const PAGE: usize = 1_000;
/// How many members are asked for: the most that Jira gives.
const MEMBERS: usize = 50;

impl JiraCloud {
    async fn bulk(
        &self,
        operation: &'static str,
        query: &[(&str, &str)],
        page: &PageStart,
    ) -> Result<Page<wire::Group>, SiteError> {
        let offset = page.offset()?;
        let bounds = [("startAt", offset), ("maxResults", PAGE)];
        let request = self.connection.get(&["group", "bulk"]).query(query).query(&bounds);
        let found: wire::Listed<wire::Group> = self.connection.read(operation, request).await?;
        Ok(found.page(offset))
    }

    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<wire::Group>, SiteError> {
        if name.is_empty() {
            return Ok(None);
        }
        let found = self.bulk("find_group", &[("groupName", name)], &PageStart::FIRST).await?;
        let group = found.items.into_iter().find(|group| same_name(&group.name, name));
        match &group {
            Some(group) => self.group_ids.remember(name, &group.group_id),
            None => self.group_ids.forget(name),
        }
        Ok(group)
    }

    pub(super) async fn group_id(&self, name: &str) -> Result<Option<String>, SiteError> {
        match self.group_ids.of(name) {
            Some(id) => Ok(Some(id)),
            None => Ok(self.group_by_name(name).await?.map(|group| group.group_id)),
        }
    }

    /// Groups that give the administration of the organization or of the site.
    pub(super) async fn administering(&self) -> Result<Vec<String>, SiteError> {
        let mut names = Vec::new();
        for access in ["site-admin", "admin"] {
            let read = async |start| self.bulk("list_admin_groups", &[("accessType", access)], &start).await;
            names.extend(crate::connection::all_pages(read).await?.into_iter().map(|group| group.name));
        }
        Ok(names)
    }

    pub(super) async fn groups(&self, page: &PageStart) -> Result<Page<SiteGroup>, SiteError> {
        let Page { items, next } = self.bulk("list_groups", &[], page).await?;
        Ok(Page { items: items.into_iter().map(SiteGroup::from).collect(), next })
    }

    pub(super) async fn members(&self, name: &str, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let gone = || SiteError::NotFound { detail: format!("no group {name}") };
        let id = self.group_id(name).await?.ok_or_else(gone)?;
        let request = self.connection.get(&["group", "member"]).query(&[
            ("groupId", id.as_str()),
            ("includeInactiveUsers", "true"),
            ("startAt", &offset.to_string()),
            ("maxResults", &MEMBERS.to_string()),
        ]);
        let found: wire::Listed<wire::User> = self.connection.read("list_members", request).await?;
        let Page { items, next } = found.page(offset);
        Ok(Page { items: items.into_iter().map(|user| user.account("")).collect(), next })
    }

    /// 400 is the answer for a name that is taken and for any other mistake: a look tells which.
    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::POST, &["group"]).json(&wire::NewGroup { name });
        match self.connection.read::<wire::Group>("create_group", request).await {
            Ok(group) => {
                self.group_ids.remember(name, &group.group_id);
                Ok(())
            }
            Err(SiteError::Rejected { status: 400, detail }) => Err(match self.group_by_name(name).await? {
                Some(_) => SiteError::AlreadyExists { detail },
                None => SiteError::Rejected { status: 400, detail },
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let Some(id) = self.group_id(name).await? else { return Ok(()) };
        let request = self.connection.request(Method::DELETE, &["group"]).query(&[("groupId", &id)]);
        match self.connection.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => {
                self.group_ids.forget(name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn send_member(&self, id: &str, account: &AccountRef, member: bool) -> Result<(), SiteError> {
        let (operation, request) = if member {
            let body = wire::NewMember { account_id: &account.key };
            let request = self.connection.request(Method::POST, &["group", "user"]).query(&[("groupId", id)]);
            ("add_member", request.json(&body))
        } else {
            let query = [("groupId", id), ("accountId", &account.key)];
            ("remove_member", self.connection.request(Method::DELETE, &["group", "user"]).query(&query))
        };
        self.connection.send_unread(operation, request).await
    }

    /// Makes the account a member, or no more. A refusal may mean that it is so already, that the account or the group is
    /// gone, or that the group is another by now: a look tells which.
    pub(super) async fn set_member(
        &self,
        name: &str,
        account: &AccountRef,
        member: bool,
    ) -> Result<(), SiteError> {
        let no_group = || SiteError::NotFound { detail: format!("no group {name}") };
        let id = self.group_id(name).await?.ok_or_else(no_group)?;
        let refusal = match self.send_member(&id, account, member).await {
            Ok(()) => return Ok(()),
            Err(
                refusal @ (SiteError::Rejected { status: 400, .. }
                | SiteError::NotFound { .. }
                | SiteError::AlreadyExists { .. }),
            ) => refusal,
            Err(error) => return Err(error),
        };
        let Some(groups) = self.groups_of(account).await? else {
            return if member {
                Err(SiteError::NotFound { detail: "the account is gone".to_owned() })
            } else {
                Ok(())
            };
        };
        if groups.iter().any(|group| same_name(group, name)) == member {
            return Ok(());
        }
        self.group_ids.forget(name);
        match self.group_id(name).await? {
            Some(other) if other != id => self.send_member(&other, account, member).await,
            Some(_) => Err(refusal),
            None => Err(no_group()),
        }
    }
}
