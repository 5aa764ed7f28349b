//! Calls about accounts: `/user` and `/user/search`.
//!
//! The key is an account's identity and never changes; the user name may. So every call that can takes the
//! key.

use reqwest::Method;

use super::{JiraDataCenter, wire};
use crate::connection::{only_one_with_address, same_name};
use crate::error::SiteError;
use crate::site::{Account, AccountRef, AccountUpdate, NewAccount, Page, PageStart};

/// How many search results are asked for to find one e-mail address: Jira's default, so no cap is lower.
const EMAIL_PAGE: usize = 50;
/// How many search results for one e-mail address are looked through.
const EMAIL_LIMIT: usize = 1000;
/// How many accounts are asked for in a list; Jira gives at most 1,000 (unverified).
const LIST_PAGE: usize = 1000;

impl JiraDataCenter {
    pub(super) async fn account_by_key(&self, key: &str) -> Result<Option<Account>, SiteError> {
        self.account("find_account_by_key", "key", key).await
    }

    pub(super) async fn account_by_username(&self, username: &str) -> Result<Option<Account>, SiteError> {
        let found = self.account("find_account_by_username", "username", username).await?;
        match found {
            Some(account) if !same_name(&account.username, username) => {
                Err(SiteError::Protocol { detail: "asked for one account, given another".to_owned() })
            }
            found => Ok(found),
        }
    }

    /// One account with its groups. A deleted one is absent.
    async fn account(
        &self,
        operation: &'static str,
        parameter: &str,
        value: &str,
    ) -> Result<Option<Account>, SiteError> {
        if value.is_empty() {
            return Ok(None);
        }
        let request = self.connection.get(&["user"]).query(&[(parameter, value), ("expand", "groups")]);
        match self.connection.read::<wire::User>(operation, request).await {
            Ok(user) if user.deleted => Ok(None),
            Ok(user) => Ok(Some(user.into())),
            Err(SiteError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Search matches the beginning of user name, display name or e-mail address, so what it finds is
    /// compared. A site that masks e-mail addresses finds nothing here.
    pub(super) async fn account_by_email(&self, email: &str) -> Result<Option<Account>, SiteError> {
        if email.is_empty() {
            return Ok(None);
        }
        let mut matches: Vec<Account> = Vec::new();
        let mut offset = 0;
        loop {
            let users = self.search("find_account_by_email", email, offset, EMAIL_PAGE).await?;
            let n_users = users.len();
            let candidates = users.into_iter().map(Account::from);
            matches.extend(
                candidates.filter(|account| {
                    account.email.as_deref().is_some_and(|address| same_name(address, email))
                }),
            );
            offset += n_users;
            if n_users < EMAIL_PAGE {
                break;
            }
            if offset >= EMAIL_LIMIT {
                let detail = format!("the search found {EMAIL_LIMIT} accounts and more");
                return Err(SiteError::Ambiguous { detail });
            }
        }
        // An account that moves between two pages is seen twice.
        matches.sort_by(|left, right| left.key.cmp(&right.key));
        matches.dedup_by(|left, right| left.key == right.key);
        only_one_with_address(matches)
    }

    async fn search(
        &self,
        operation: &'static str,
        text: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<wire::User>, SiteError> {
        let request = self.connection.get(&["user", "search"]).query(&[
            ("username", text),
            ("includeActive", "true"),
            ("includeInactive", "true"),
            ("startAt", &offset.to_string()),
            ("maxResults", &limit.to_string()),
        ]);
        let mut users: Vec<wire::User> = self.connection.read(operation, request).await?;
        if users.iter().any(|user| user.deleted) {
            return Err(SiteError::Protocol { detail: "the search shows deleted accounts".to_owned() });
        }
        users.truncate(limit);
        Ok(users)
    }

    /// Jira lists all accounts when searched for "." (unverified, and so checked: our own account must be
    /// among them). Jira may give fewer than asked for, so only an empty page is the last.
    pub(super) async fn accounts(&self, page: &PageStart) -> Result<Page<Account>, SiteError> {
        let offset = page.offset()?;
        let users = self.search("list_accounts", ".", offset, LIST_PAGE).await?;
        if users.is_empty() && offset == 0 {
            return Err(SiteError::NotPossible("this version of Jira does not list all accounts".to_owned()));
        }
        let next = (!users.is_empty()).then(|| PageStart::at_offset(offset + users.len()));
        Ok(Page { items: users.into_iter().map(Account::from).collect(), next })
    }

    /// No password is sent: Jira sets a random one. No application keys: the account takes no licence until
    /// a group gives it access (unverified).
    pub(super) async fn create(&self, new: &NewAccount) -> Result<Account, SiteError> {
        let body = wire::UserWrite {
            name: Some(&new.username),
            display_name: Some(&new.display_name),
            email_address: new.email.as_deref(),
            active: None,
            application_keys: Some(&[]),
        };
        let request = self.connection.request(Method::POST, &["user"]).json(&body);
        match self.connection.send("create_account", request).await {
            Ok(answer) => match self.connection.parse::<wire::User>(&answer) {
                Ok(user) if !user.deleted => Ok(user.into()),
                // It was made, and the body is not in the vendor's document: look.
                _ => self.account_by_username(&new.username).await?.ok_or_else(|| SiteError::Protocol {
                    detail: "an account was made that cannot be found".to_owned(),
                }),
            },
            Err(SiteError::Rejected { status: 400, detail }) => {
                Err(self.taken_or_rejected(&new.username, None, detail).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// 400 is the answer for a name that is taken and for any other mistake: the account tells which.
    async fn taken_or_rejected(
        &self,
        username: &str,
        own_key: Option<&str>,
        detail: String,
    ) -> Result<SiteError, SiteError> {
        let holder = self.account_by_username(username).await?;
        Ok(match holder {
            Some(holder) if Some(holder.key.as_str()) != own_key => SiteError::AlreadyExists { detail },
            _ => SiteError::Rejected { status: 400, detail },
        })
    }

    /// Which versions take `active` is unverified: some answer 400, some may ignore it. So the account is
    /// read back.
    pub(super) async fn update(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
    ) -> Result<Account, SiteError> {
        let body = wire::UserWrite {
            name: update.username.as_deref(),
            display_name: update.display_name.as_deref(),
            email_address: update.email.as_deref(),
            active: update.active,
            application_keys: None,
        };
        let request =
            self.connection.request(Method::PUT, &["user"]).query(&[("key", &account.key)]).json(&body);
        match self.connection.send("update_account", request).await {
            Ok(answer) if update.active.is_none() => match self.connection.parse::<wire::User>(&answer) {
                Ok(user) if user.key == account.key && !user.deleted => Ok(user.into()),
                _ => self.present(account).await,
            },
            Ok(_) => {
                let found = self.present(account).await?;
                match update.active {
                    Some(active) if found.active != active => {
                        Err(SiteError::NotPossible(ignored_active(active)))
                    }
                    _ => Ok(found),
                }
            }
            Err(SiteError::Rejected { status: 400, detail }) => self.refused(account, update, detail).await,
            Err(error) => Err(error),
        }
    }

    /// What a 400 to an update means: the state that was asked for may stand already.
    async fn refused(
        &self,
        account: &AccountRef,
        update: &AccountUpdate,
        detail: String,
    ) -> Result<Account, SiteError> {
        if let Some(username) = &update.username {
            let error = self.taken_or_rejected(username, Some(&account.key), detail.clone()).await?;
            if matches!(error, SiteError::AlreadyExists { .. }) {
                return Err(error);
            }
        }
        let only_active = AccountUpdate { active: update.active, ..AccountUpdate::default() };
        if let Some(active) = update.active
            && *update == only_active
        {
            let found = self.present(account).await?;
            if found.active == active {
                return Ok(found);
            }
        }
        // A message key, not a sentence: JRASERVER-36639, versions that do not know the field `active`.
        if detail == "error.no.value.found.to.be.changed" {
            return Err(SiteError::NotPossible(ignored_active(update.active.unwrap_or(false))));
        }
        Err(SiteError::Rejected { status: 400, detail })
    }

    /// The account, which must be there.
    async fn present(&self, account: &AccountRef) -> Result<Account, SiteError> {
        let found = self.account_by_key(&account.key).await?;
        found.ok_or_else(|| SiteError::NotFound { detail: "the account is gone".to_owned() })
    }

    pub(super) async fn delete(&self, account: &AccountRef) -> Result<(), SiteError> {
        let request = self.connection.request(Method::DELETE, &["user"]).query(&[("key", &account.key)]);
        match self.connection.send("delete_account", request).await {
            Ok(_) | Err(SiteError::NotFound { .. }) => Ok(()),
            Err(SiteError::Rejected { status: 400, detail }) => {
                match self.account_by_key(&account.key).await? {
                    None => Ok(()),
                    Some(_) => Err(SiteError::Rejected { status: 400, detail }),
                }
            }
            Err(error) => Err(error),
        }
    }
}

fn ignored_active(active: bool) -> String {
    let verb = if active { "reactivate" } else { "deactivate" };
    format!("this version of Jira, or the directory of the account, does not {verb} accounts by REST")
}
