//! Calls about accounts: `/user`, `/users`. An account goes by its identifier; people are looked for by address.

use reqwest::Method;

use super::{JiraCloud, wire};
use crate::connection::{only_one_with_address, same_name};
use crate::error::SiteError;
use crate::organization;
use crate::site::{Account, AccountRef, AccountUpdate, NewAccount, Page, PageStart};

/// How many are asked for in a list of accounts.
const PAGE: usize = 1_000;
/// How many a search for one address is asked for.
const SEARCH: usize = 50;

impl JiraCloud {
    async fn user_by_id(&self, id: &str) -> Result<Option<wire::User>, SiteError> {
        let query = [("accountId", id), ("expand", "groups")];
        let request = self.connection.get(&["user"]).query(&query);
        match self.connection.read::<wire::User>("find_account_by_key", request).await {
            Ok(user) if user.account_id == id => Ok(Some(user)),
            Ok(_) => Err(SiteError::Protocol { detail: "asked for one account, given another".to_owned() }),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The account with that identifier, as it was last known. Whether the organization lets it in, Jira does not tell
    /// (unverified), so the organization is asked too. It also knows those whom Jira does not show, such as a person who
    /// has no access to a product yet (unverified).
    pub(super) async fn account_by_id(&self, id: &str, known_as: &str) -> Result<Option<Account>, SiteError> {
        let account = self.user_by_id(id).await?.map(|user| user.account(known_as));
        let Some(organization) = &self.organization else { return Ok(account) };
        let member = organization.member(id).await?;
        Ok(match account {
            Some(mut account) => {
                account.active &= member.is_none_or(|member| member.is_let_in());
                Some(account)
            }
            None => member.and_then(|member| member.account(known_as)),
        })
    }

    /// The organization knows every address; Jira only those that people show.
    pub(super) async fn account_by_email(&self, email: &str) -> Result<Option<Account>, SiteError> {
        if email.is_empty() {
            return Ok(None);
        }
        let id = match &self.organization {
            Some(organization) => organization.member_by_email(email).await?.map(|member| member.account_id),
            None => self.search(email).await?,
        };
        match id {
            Some(id) => self.account_by_id(&id, email).await,
            None => Ok(None),
        }
    }

    async fn search(&self, email: &str) -> Result<Option<String>, SiteError> {
        let query = [("query", email), ("maxResults", &SEARCH.to_string())];
        let request = self.connection.get(&["user", "search"]).query(&query);
        let mut found: Vec<wire::User> = self.connection.read("find_account_by_email", request).await?;
        let has = |user: &wire::User| user.email_address.as_deref().is_some_and(|own| same_name(own, email));
        found.retain(|user| user.is_person() && has(user));
        Ok(only_one_with_address(found)?.map(|user| user.account_id))
    }

    /// Persons only: apps and customers of a service desk are no members of the site.
    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let bounds = [("startAt", offset), ("maxResults", PAGE)];
        let request = self.connection.get(&["users", "search"]).query(&bounds);
        let found: Vec<wire::User> = self.connection.read("list_accounts", request).await?;
        // Accounts that we may not see are left out, so that only an empty page is the last.
        let next = (!found.is_empty()).then(|| PageStart::at_offset(offset + found.len()));
        let items = found.into_iter().filter(wire::User::is_person).map(|user| user.account("")).collect();
        Ok(Page { items, next })
    }

    pub(super) async fn groups_of(&self, account: &AccountRef) -> Result<Option<Vec<String>>, SiteError> {
        let request = self.connection.get(&["user", "groups"]).query(&[("accountId", &account.key)]);
        match self.connection.read_whole_list::<wire::Group>("account_groups", request).await {
            Ok(groups) => Ok(Some(groups.into_iter().map(|group| group.name).collect())),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Invites the person without access to a product: groups give that. Whoever has an account already keeps it; whether
    /// they had, the answer does not tell.
    pub(super) async fn invite(&self, new: &NewAccount) -> Result<Account, SiteError> {
        let Some(email) = new.email.as_deref().filter(|email| !email.trim().is_empty()) else {
            return Err(SiteError::NotPossible(
                "an account in the Cloud goes by its e-mail address, and the directory's user has none"
                    .to_owned(),
            ));
        };
        let id = match &self.organization {
            Some(organization) => organization.invite(email).await?,
            None => self.invite_by_site(email).await?,
        };
        let account = match id {
            Some(id) => self.account_by_id(&id, email).await?,
            None => self.account_by_email(email).await?,
        };
        account.ok_or_else(|| SiteError::Pending {
            detail: "the person is invited and not shown yet".to_owned(),
        })
    }

    /// The call is known to invite a person and to answer 400 all the same: then the person is looked for.
    async fn invite_by_site(&self, email: &str) -> Result<Option<String>, SiteError> {
        let body = wire::NewUser { email_address: email, products: [] };
        let request = self.connection.request(Method::POST, &["user"]).json(&body);
        match self.connection.read::<wire::User>("create_account", request).await {
            Ok(user) => Ok(Some(user.account_id)),
            Err(SiteError::Rejected { status: 400, detail }) => match self.search(email).await? {
                Some(id) => Ok(Some(id)),
                None if detail.contains("User not found") => Ok(None),
                None => Err(SiteError::Rejected { status: 400, detail }),
            },
            Err(error) => Err(error),
        }
    }

    /// The name and the address are the person's; whether the account is let in is the organization's.
    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        organization::check_update(update)?;
        let gone = || SiteError::NotFound { detail: "the account is gone".to_owned() };
        if let (Some(active), Some(organization)) = (update.active, &self.organization) {
            organization.let_in(&account.key, active).await?;
        }
        let mut after = self.account_by_id(&account.key, &account.username).await?.ok_or_else(gone)?;
        match (update.active, &self.organization) {
            (Some(true), _) if !after.active => Err(organization::deactivated_elsewhere()),
            (Some(false), Some(_)) if after.active => Err(SiteError::NotPossible(
                "the organization accepted to suspend the account, and shows it as active".to_owned(),
            )),
            // Without the organization's key, access is what its groups gave.
            (Some(false), None) => {
                after.active = false;
                Ok(after)
            }
            _ => Ok(after),
        }
    }

    /// The account leaves the site, and stays the person's.
    pub(super) async fn remove(&self, account: &AccountRef) -> Result<(), SiteError> {
        let removed = if let Some(organization) = &self.organization {
            organization.remove(&account.key).await
        } else {
            let query = [("accountId", &account.key)];
            let request = self.connection.request(Method::DELETE, &["user"]).query(&query);
            self.connection.send("delete_account", request).await.map(drop)
        };
        match removed {
            Ok(()) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
