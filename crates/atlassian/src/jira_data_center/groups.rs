//! Calls about groups and who is in them: `/group`, `/groups/picker`, `/group/user`, `/group/member`.

use reqwest::Method;

use super::{JiraDataCenter, wire};
use crate::connection::same_name;
use crate::error::SiteError;
use crate::site::{Account, Page, PageStart, SiteGroup};

/// How many suggestions are asked for to find one group.
const FIND_PAGE: usize = 50;
/// How many groups are asked for in the list of all; Jira may give fewer (unverified).
const LIST_PAGE: usize = 10_000;
/// How many members are asked for; Jira gives at most 50 (unverified).
const MEMBER_PAGE: usize = 50;

impl JiraDataCenter {
    /// The picker matches parts of names and shows a limited number of them. When it was cut short without
    /// the one we look for, the group's members are asked for instead: 404 says that there is no such group.
    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<SiteGroup>, SiteError> {
        if name.is_empty() {
            return Ok(None);
        }
        let suggestions = self.suggestions("find_group", name, FIND_PAGE).await?;
        let n_shown = suggestions.groups.len();
        // When the total is not told, a full page may hide more.
        let complete = suggestions.total.map_or(n_shown < FIND_PAGE, |total| total <= n_shown);
        let found = suggestions.groups.into_iter().find(|group| same_name(&group.name, name));
        if found.is_some() || complete {
            return Ok(found.map(SiteGroup::from));
        }
        match self.member_page("find_group", name, 0, 1).await {
            Ok(_) => Ok(Some(SiteGroup { name: name.to_owned() })),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn suggestions(
        &self,
        operation: &'static str,
        query: &str,
        limit: usize,
    ) -> Result<wire::GroupSuggestions, SiteError> {
        let request = self
            .connection
            .get(&["groups", "picker"])
            .query(&[("query", query), ("maxResults", &limit.to_string())]);
        self.connection.read(operation, request).await
    }

    /// Jira pages no list of groups. What it shows at once is all or is refused: a list that silently lacks
    /// groups would be taken for the whole.
    pub(super) async fn groups(&self, page: &PageStart) -> Result<Page<SiteGroup>, SiteError> {
        if page.offset()? > 0 {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let suggestions = self.suggestions("list_groups", "", LIST_PAGE).await?;
        let n_shown = suggestions.groups.len();
        if let Some(total) = suggestions.total.filter(|&total| total > n_shown) {
            return Err(SiteError::NotPossible(format!("Jira shows {n_shown} of its {total} groups")));
        }
        Ok(Page { items: suggestions.groups.into_iter().map(SiteGroup::from).collect(), next: None })
    }

    /// 400 is the answer for a group that is there and for a name that cannot be: a look tells which.
    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let body = wire::GroupName { name: name.to_owned() };
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

    /// 400 is also the answer for a group that does not exist.
    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &["group"]).query(&[("groupname", name)]);
        match self.connection.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(SiteError::Rejected { status: 400, detail }) => match self.group_by_name(name).await? {
                None => Ok(()),
                Some(_) => Err(SiteError::Rejected { status: 400, detail }),
            },
            Err(error) => Err(error),
        }
    }

    pub(super) async fn post_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let body = wire::GroupName { name: username.to_owned() };
        let request = self
            .connection
            .request(Method::POST, &["group", "user"])
            .query(&[("groupname", group)])
            .json(&body);
        self.connection.send("add_member", request).await.map(drop)
    }

    pub(super) async fn delete_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let query = [("groupname", group), ("username", username)];
        let request = self.connection.request(Method::DELETE, &["group", "user"]).query(&query);
        self.connection.send("remove_member", request).await.map(drop)
    }

    pub(super) async fn members(&self, group: &str, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let answer = self.member_page("list_members", group, offset, MEMBER_PAGE).await?;
        let n_values = answer.values.len();
        // Jira counts positions, also those of members that it does not show.
        let step = answer.max_results.unwrap_or(n_values).max(n_values);
        let reached = offset + step;
        let last = answer.is_last.unwrap_or(match answer.total {
            Some(total) => reached >= total,
            None => n_values == 0,
        });
        if !last && step == 0 {
            return Err(SiteError::Protocol { detail: "a page of members leads nowhere".to_owned() });
        }
        let next = (!last).then(|| PageStart::at_offset(reached));
        Ok(Page { items: answer.values.into_iter().map(Account::from).collect(), next })
    }

    async fn member_page(
        &self,
        operation: &'static str,
        group: &str,
        offset: usize,
        limit: usize,
    ) -> Result<wire::MemberPage, SiteError> {
        let request = self.connection.get(&["group", "member"]).query(&[
            ("groupname", group),
            ("includeInactiveUsers", "true"),
            ("startAt", &offset.to_string()),
            ("maxResults", &limit.to_string()),
        ]);
        self.connection.read(operation, request).await
    }
}
