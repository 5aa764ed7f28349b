//! Calls about groups: `/1.0/groups/{workspace}`. A group goes by the slug that its first name gave it. Lists have no
//! pages.

use reqwest::Method;

use super::{BitbucketCloud, wire};
use crate::connection::{addressable, same_name};
use crate::error::SiteError;
use crate::site::AccountRef;

/// The group that administers a workspace as it is made.
const ADMINISTRATORS: &str = "administrators";

impl BitbucketCloud {
    /// All groups, without their members.
    pub(super) async fn read_groups(&self) -> Result<Vec<wire::Group>, SiteError> {
        let request = self.groups.get(&[&self.workspace]).query(&[("exclude_members", "true")]);
        self.groups.read_whole_list("list_groups", request).await
    }

    pub(super) async fn group_by_name(&self, name: &str) -> Result<Option<wire::Group>, SiteError> {
        let found = self.read_groups().await?.into_iter().find(|group| same_name(&group.name, name));
        match &found {
            Some(group) => self.slugs.remember(name, &group.slug),
            None => self.slugs.forget(name),
        }
        Ok(found)
    }

    /// What the site answered is looked at before it becomes part of an address.
    async fn slug(&self, name: &str) -> Result<String, SiteError> {
        let slug = if let Some(known) = self.slugs.of(name) {
            known
        } else {
            let no_group = || SiteError::NotFound { detail: format!("no group {name}") };
            self.group_by_name(name).await?.ok_or_else(no_group)?.slug
        };
        addressable(&slug)?;
        Ok(slug)
    }

    /// What a group is permitted by default is what repositories give to it, and for the workspace itself nothing tells
    /// (unverified): so those that may administer repositories are counted among them.
    pub(super) async fn administering(&self) -> Result<Vec<String>, SiteError> {
        let administers = |group: &wire::Group| {
            group.slug == ADMINISTRATORS || group.permission.as_deref() == Some("admin")
        };
        let groups = self.read_groups().await?.into_iter();
        Ok(groups.filter(administers).map(|group| group.name).collect())
    }

    async fn members_of_slug(&self, slug: &str) -> Result<Vec<wire::User>, SiteError> {
        let request = self.groups.get(&[&self.workspace, slug, "members"]);
        self.groups.read_whole_list("list_members", request).await
    }

    pub(super) async fn members_of(&self, name: &str) -> Result<Vec<wire::User>, SiteError> {
        let members = self.members_of_slug(&self.slug(name).await?).await;
        if matches!(members, Err(SiteError::NotFound { .. })) {
            self.slugs.forget(name);
        }
        members
    }

    /// No call tells the groups of an account, so those of the workspace are read. With all members that is one call;
    /// where the workspace is too large for one, which the vendor warns of, each group is read by itself.
    pub(super) async fn groups_of(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        if self.member(&account.key, &account.username).await?.is_none() {
            return Ok(None);
        }
        let has_account = |members: &[wire::User]| members.iter().any(|user| user.uuid == account.key);
        let whole = self.groups.get(&[&self.workspace]);
        match self.groups.read_whole_list::<wire::Group>("account_groups", whole).await {
            Ok(groups) if groups.iter().all(|group| group.members.is_some()) => {
                let own = |group: &wire::Group| group.members.as_deref().is_some_and(has_account);
                return Ok(Some(groups.into_iter().filter(own).map(|group| group.name).collect()));
            }
            Ok(_)
            | Err(
                SiteError::Unavailable { status: Some(502 | 504), .. }
                | SiteError::Timeout { .. }
                | SiteError::Protocol { .. },
            ) => {}
            Err(error) => return Err(error),
        }
        let mut names = Vec::new();
        for group in self.read_groups().await? {
            match self.members_of_slug(addressable(&group.slug)?).await {
                Ok(members) if has_account(&members) => names.push(group.name),
                Ok(_) | Err(SiteError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(names))
    }

    /// A name that is taken is refused with a status that is not documented, so a look tells. Two names may come to one
    /// slug: the second is refused as well, and is nobody's.
    pub(super) async fn make_group(&self, name: &str) -> Result<(), SiteError> {
        let request = self.groups.request(Method::POST, &[&self.workspace]).form(&[("name", name)]);
        match self.groups.read::<wire::Group>("create_group", request).await {
            Ok(group) => {
                self.slugs.remember(name, &group.slug);
                Ok(())
            }
            Err(
                refusal @ (SiteError::Rejected { status: 400 | 409, .. } | SiteError::AlreadyExists { .. }),
            ) => Err(match (self.group_by_name(name).await?, refusal) {
                (Some(_), refusal) => SiteError::AlreadyExists { detail: refusal.to_string() },
                (None, SiteError::AlreadyExists { detail }) => SiteError::NotPossible(format!(
                    "another group of the workspace has the slug that this name would have: {detail}"
                )),
                (None, refusal) => refusal,
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove_group(&self, name: &str) -> Result<(), SiteError> {
        let slug = match self.slug(name).await {
            Ok(slug) => slug,
            Err(SiteError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let request = self.groups.request(Method::DELETE, &[&self.workspace, &slug]);
        match self.groups.send("delete_group", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => {
                self.slugs.forget(name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn send_member(&self, slug: &str, account: &AccountRef, member: bool) -> Result<(), SiteError> {
        let path = [&self.workspace, slug, "members", addressable(&account.key)?];
        let (operation, request) = if member {
            // The call wants a body of JSON, and reads nothing from it.
            ("add_member", self.groups.request(Method::PUT, &path).json(&serde_json::json!({})))
        } else {
            ("remove_member", self.groups.request(Method::DELETE, &path))
        };
        self.groups.send_unread(operation, request).await
    }

    /// Makes the account a member, or no more. A refusal may mean that it is so already, or that the account or the group
    /// is gone: a look tells which.
    pub(super) async fn set_member(
        &self,
        name: &str,
        account: &AccountRef,
        member: bool,
    ) -> Result<(), SiteError> {
        let slug = self.slug(name).await?;
        let refusal = match self.send_member(&slug, account, member).await {
            Ok(()) => return Ok(()),
            Err(
                refusal @ (SiteError::Rejected { status: 400 | 409, .. }
                | SiteError::NotFound { .. }
                | SiteError::AlreadyExists { .. }),
            ) => refusal,
            Err(error) => return Err(error),
        };
        let members = match self.members_of_slug(&slug).await {
            Ok(members) => members,
            Err(SiteError::NotFound { .. }) => {
                return self.set_member_anew(name, &slug, account, member).await;
            }
            Err(error) => return Err(error),
        };
        if members.iter().any(|user| user.uuid == account.key) == member {
            return Ok(());
        }
        if member && self.member(&account.key, &account.username).await?.is_none() {
            return Err(SiteError::NotFound { detail: "the account is not in the workspace".to_owned() });
        }
        Err(refusal)
    }

    /// The group that we knew is gone, and there may be another of that name.
    async fn set_member_anew(
        &self,
        name: &str,
        former: &str,
        account: &AccountRef,
        member: bool,
    ) -> Result<(), SiteError> {
        self.slugs.forget(name);
        let slug = self.slug(name).await?;
        if slug == former {
            return Err(SiteError::NotFound { detail: format!("no group {name}") });
        }
        self.send_member(&slug, account, member).await
    }
}
