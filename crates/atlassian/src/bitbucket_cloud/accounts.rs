//! Calls about people: `/2.0/workspaces/{workspace}/members`. Who has an address, the organization tells.

use super::{BitbucketCloud, wire};
use crate::connection::addressable;
use crate::error::SiteError;
use crate::organization;
use crate::site::{Account, AccountRef, AccountUpdate, Page, PageStart};

impl BitbucketCloud {
    /// The member with that UUID or Atlassian account identifier.
    pub(super) async fn member(&self, id: &str, known_as: &str) -> Result<Option<Account>, SiteError> {
        let path = ["workspaces", &self.workspace, "members", addressable(id)?];
        match self.people.read::<wire::Membership>("find_account", self.people.get(&path)).await {
            Ok(membership) => Ok(Some(membership.user.account(known_as))),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A person who is in the organization and not in the workspace has no account here.
    pub(super) async fn account_by_email(&self, email: &str) -> Result<Option<Account>, SiteError> {
        if email.is_empty() {
            return Ok(None);
        }
        match self.organization.member_by_email(email).await? {
            Some(member) => self.member(&member.account_id, email).await,
            None => Ok(None),
        }
    }

    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let number = page.offset()? + 1;
        let path = ["workspaces", &self.workspace, "members"];
        let request = self.people.get(&path).query(&[("page", number)]);
        let found: wire::Paginated<wire::Membership> = self.people.read("list_accounts", request).await?;
        let next = found.next.is_some().then(|| PageStart::at_offset(number));
        let items = found.values.into_iter().map(|membership| membership.user.account("")).collect();
        Ok(Page { items, next })
    }

    /// Whether our own account is an owner, as Bitbucket calls an administrator of the workspace.
    pub(super) async fn owns_workspace(&self) -> Result<bool, SiteError> {
        let Some(own) = self.account_by_email(&self.own_email).await? else { return Ok(false) };
        let path = ["workspaces", &self.workspace, "permissions"];
        let query = format!(r#"permission="owner" AND user.uuid="{}""#, own.key);
        let request = self.people.get(&path).query(&[("q", query)]);
        let owners: wire::Paginated<wire::Membership> = self.people.read("may_administer", request).await?;
        Ok(owners.values.iter().any(|owner| owner.user.uuid == own.key))
    }

    /// Nothing of an account can be changed. One that is to be deactivated is told to be so, and leaves its groups.
    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        organization::check_update(update)?;
        let gone = || SiteError::NotFound { detail: "the account is not in the workspace".to_owned() };
        let mut after = self.member(&account.key, &account.username).await?.ok_or_else(gone)?;
        match update.active {
            Some(true) if !after.active => Err(organization::deactivated_elsewhere()),
            Some(false) => {
                after.active = false;
                Ok(after)
            }
            _ => Ok(after),
        }
    }
}
