//! Calls about groups and who is in them: `/group`, `/groups/picker`, `/group/user`, `/group/member`.

use reqwest::Method;

use super::{JiraDataCenter, same_name, wire};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, Page, PageStart, SiteGroup};

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
        let request =
            self.get("groups/picker").query(&[("query", query), ("maxResults", &limit.to_string())]);
        self.read(operation, request).await
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
        let request = self.request(Method::POST, "group").json(&body);
        match self.send("create_group", request).await {
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
        let request = self.request(Method::DELETE, "group").query(&[("groupname", name)]);
        match self.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(SiteError::Rejected { status: 400, detail }) => match self.group_by_name(name).await? {
                None => Ok(()),
                Some(_) => Err(SiteError::Rejected { status: 400, detail }),
            },
            Err(error) => Err(error),
        }
    }

    /// 400 is the answer for a member that is in already and for any other mistake; 404 for an account or
    /// group that is gone, and for an account that was renamed behind our back. A look tells which.
    pub(super) async fn join(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        let Err(refusal) = self.post_member(group, &account.username).await else { return Ok(()) };
        match self.standing(group, account, &refusal).await? {
            Standing::Member => Ok(()),
            Standing::NoAccount => Err(SiteError::NotFound { detail: "the account is gone".to_owned() }),
            Standing::Renamed { username, .. } => self.post_member(group, &username).await,
            Standing::NotMember => Err(refusal),
        }
    }

    /// As [`Self::join`], the other way round.
    pub(super) async fn leave(&self, group: &str, account: &AccountRef) -> Result<(), SiteError> {
        let Err(refusal) = self.delete_member(group, &account.username).await else { return Ok(()) };
        match self.standing(group, account, &refusal).await? {
            Standing::NoAccount | Standing::NotMember => self.group_is_there(group, refusal).await,
            Standing::Renamed { username, member: true } => self.delete_member(group, &username).await,
            Standing::Renamed { .. } => Ok(()),
            Standing::Member => Err(refusal),
        }
    }

    /// After a 404 that may be the group's own: nobody is in a group that is gone, but the caller wants to
    /// know.
    async fn group_is_there(&self, group: &str, refusal: SiteError) -> Result<(), SiteError> {
        if matches!(refusal, SiteError::NotFound { .. }) && self.group_by_name(group).await?.is_none() {
            return Err(refusal);
        }
        Ok(())
    }

    async fn post_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let body = wire::GroupName { name: username.to_owned() };
        let request = self.request(Method::POST, "group/user").query(&[("groupname", group)]).json(&body);
        self.send("add_member", request).await.map(drop)
    }

    async fn delete_member(&self, group: &str, username: &str) -> Result<(), SiteError> {
        let query = [("groupname", group), ("username", username)];
        let request = self.request(Method::DELETE, "group/user").query(&query);
        self.send("remove_member", request).await.map(drop)
    }

    /// How the account stands to the group, after a refusal that can mean several things. Another refusal
    /// is passed on as it is.
    async fn standing(
        &self,
        group: &str,
        account: &AccountRef,
        refusal: &SiteError,
    ) -> Result<Standing, SiteError> {
        if !matches!(refusal, SiteError::Rejected { status: 400, .. } | SiteError::NotFound { .. }) {
            return Err(refusal.clone());
        }
        let Some(found) = self.account_by_key(&account.key).await? else { return Ok(Standing::NoAccount) };
        // A list that is cut short proves nothing: the refusal stands.
        let Some(groups) = found.groups else { return Err(refusal.clone()) };
        let member = groups.iter().any(|name| same_name(name, group));
        if !same_name(&found.username, &account.username) {
            return Ok(Standing::Renamed { username: found.username, member });
        }
        Ok(if member { Standing::Member } else { Standing::NotMember })
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
        let request = self.get("group/member").query(&[
            ("groupname", group),
            ("includeInactiveUsers", "true"),
            ("startAt", &offset.to_string()),
            ("maxResults", &limit.to_string()),
        ]);
        self.read(operation, request).await
    }
}

/// How an account stands to a group.
enum Standing {
    /// It is in it.
    Member,
    /// It is not in it.
    NotMember,
    /// There is no such account.
    NoAccount,
    /// It has another user name than we thought.
    Renamed { username: String, member: bool },
}
