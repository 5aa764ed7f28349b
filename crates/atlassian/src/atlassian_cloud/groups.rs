//! Calls about groups and who is in them: `/Groups`.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::accounts::PAGE;
use super::{AtlassianCloud, wire};
use crate::connection::addressable;
use crate::error::SiteError;
use crate::site::{Account, AccountRef, Page, PageStart, SiteGroup};

/// Between looks at a group that must be there.
const WAITS: [Duration; 3] =
    [Duration::from_millis(250), Duration::from_millis(750), Duration::from_millis(1_500)];

impl AtlassianCloud {
    /// The filter compares names exactly, as far as is known; a group whose name differs in case is not found.
    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<wire::Group>, SiteError> {
        if name.is_empty() {
            return Ok(None);
        }
        let filter = format!("displayName eq {}", wire::quoted(name));
        let request = self.connection.get(&["Groups"]).query(&[("filter", filter)]);
        let found: wire::List<wire::Group> = self.connection.read_long("find_group", request).await?;
        let group = found.resources.into_iter().find(|group| group.is_called(name));
        match &group {
            Some(group) => self.group_ids.remember(name, &group.id),
            None => self.group_ids.forget(name),
        }
        Ok(group)
    }

    /// Asked of the directory once.
    pub(super) async fn group_id(&self, name: &str) -> Result<Option<String>, SiteError> {
        match self.group_ids.of(name) {
            Some(id) => Ok(Some(id)),
            None => Ok(self.group_by_name(name).await?.map(|group| group.id)),
        }
    }

    pub(super) async fn groups(&self, page: &PageStart) -> Result<Page<SiteGroup>, SiteError> {
        let offset = page.offset()?;
        let bounds = [("startIndex", offset + 1), ("count", PAGE)];
        let request = self.connection.get(&["Groups"]).query(&bounds);
        let found: wire::List<wire::Group> = self.connection.read_long("list_groups", request).await?;
        let Page { items, next } = found.page(offset);
        Ok(Page { items: items.into_iter().map(SiteGroup::from).collect(), next })
    }

    /// All members at once, as the directory shows them; each is read by itself, since a group has only their
    /// identifiers.
    pub(super) async fn members(&self, name: &str) -> Result<Page<Account>, SiteError> {
        let gone = || SiteError::NotFound { detail: format!("no group {name}") };
        let id = self.group_id(name).await?.ok_or_else(gone)?;
        let request = self.connection.get(&["Groups", addressable(&id)?]);
        let group: wire::Group = self.connection.read_long("list_members", request).await?;
        let mut items = Vec::with_capacity(group.members.len());
        for member in group.members {
            items.extend(self.account_by_id(&member.value).await?);
        }
        Ok(Page { items, next: None })
    }

    /// A group that another process made a moment ago shows after a while.
    async fn group_shown_soon(&self, name: &str) -> Result<Option<wire::Group>, SiteError> {
        for wait in WAITS {
            if let Some(group) = self.group_by_name(name).await? {
                return Ok(Some(group));
            }
            tokio::time::sleep(wait).await;
        }
        self.group_by_name(name).await
    }

    /// A name that is taken may be that of a group which was made by hand: no directory shows it, and none can fill it.
    /// Should it be one of ours all the same that does not show yet, the refusal is soon tried again.
    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.connection.request(Method::POST, &["Groups"]).json(&wire::new_group(name));
        match self.connection.read::<wire::Group>("create_group", request).await {
            Ok(group) => {
                self.group_ids.remember(name, &group.id);
                Ok(())
            }
            Err(SiteError::AlreadyExists { detail }) => Err(match self.group_shown_soon(name).await? {
                Some(_) => SiteError::AlreadyExists { detail },
                None => SiteError::Rejected {
                    status: 409,
                    detail: format!(
                        "the organization has a group {name:?} that is not this directory's; give the group another \
                         name by a mapping, or resolve the conflict in Atlassian Administration under \"Review \
                         groups\""
                    ),
                },
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let Some(id) = self.group_id(name).await? else { return Ok(()) };
        let request = self.connection.request(Method::DELETE, &["Groups", addressable(&id)?]);
        match self.connection.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => {
                self.group_ids.forget(name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a PATCH about one member. [`SiteError::NotFound`] when the group or the user is not there. The answer is the
    /// whole group, of which nothing is needed.
    pub(super) async fn change_members(
        &self,
        operation: &'static str,
        name: &str,
        account: &AccountRef,
        body: &Value,
    ) -> Result<(), SiteError> {
        let gone = || SiteError::NotFound { detail: format!("no group {name}") };
        let id = self.group_id(name).await?.ok_or_else(gone)?;
        let send = async |id: &str| {
            let request = self.connection.request(Method::PATCH, &["Groups", addressable(id)?]).json(body);
            self.connection.send_unread(operation, request).await
        };
        let refusal = match send(&id).await {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        // It may be the group or the user that is not there, and a group of that name another by now.
        if !matches!(refusal, SiteError::NotFound { .. } | SiteError::Rejected { status: 400, .. }) {
            return Err(refusal);
        }
        if self.account_by_id(&account.key).await?.is_none() {
            return Err(SiteError::NotFound { detail: "the user is gone".to_owned() });
        }
        if matches!(refusal, SiteError::Rejected { .. }) {
            return Err(refusal);
        }
        self.group_ids.forget(name);
        match self.group_id(name).await? {
            Some(other) if other != id => send(&other).await,
            _ => Err(gone()),
        }
    }
}
