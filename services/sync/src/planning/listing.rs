//! What a site shows when it is asked for everything: read once for a plan, and only as far as the plan needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use atlassian::error::SiteError;
use atlassian::site::{Account, PageStart};
use policy::settings::MatchBy;
use scim_protocol::fold;

use crate::connectors::ConnectedSite;

/// Pages that are read of one list: enough for 100,000 accounts at 50 a page.
const MAX_PAGES: usize = 2_000;

/// The lists of one site.
#[derive(Debug)]
pub(super) struct SiteListing {
    connected: Arc<ConnectedSite>,
    accounts: Option<AccountIndex>,
    groups: Option<BTreeSet<String>>,
    /// Calls made so far.
    pub(super) calls: u64,
}

/// Accounts by what they are recognised by.
#[derive(Debug, Default)]
struct AccountIndex {
    accounts: Vec<Account>,
    by_key: HashMap<String, usize>,
    by_username: HashMap<String, usize>,
    /// `None` for an address that several accounts have.
    by_email: HashMap<String, Option<usize>>,
}

impl SiteListing {
    pub(super) fn new(connected: Arc<ConnectedSite>) -> Self {
        Self { connected, accounts: None, groups: None, calls: 0 }
    }

    /// The account that the match rules recognise.
    pub(super) async fn recognise(
        &mut self,
        key: Option<&str>,
        username: &str,
        email: Option<&str>,
        match_by: &[MatchBy],
    ) -> Result<Option<Account>, SiteError> {
        let by_email = self.connected.names_by_email();
        let index = self.accounts().await?;
        let found = |position: Option<&usize>| position.map(|&at| index.accounts[at].clone());
        if let Some(account) = found(key.and_then(|key| index.by_key.get(key))) {
            return Ok(Some(account));
        }
        for rule in match_by {
            let account = match rule {
                MatchBy::Id => None,
                MatchBy::Username if !by_email => found(index.by_username.get(&fold(username))),
                MatchBy::Username | MatchBy::Email => {
                    let position = email.and_then(|email| index.by_email.get(&fold(email.trim())));
                    found(position.and_then(Option::as_ref))
                }
            };
            if account.is_some() {
                return Ok(account);
            }
        }
        Ok(None)
    }

    /// Whether an account of that name is there.
    pub(super) async fn has_account(&mut self, name: &str) -> Result<bool, SiteError> {
        Ok(self.accounts().await?.by_username.contains_key(&fold(name.trim())))
    }

    async fn accounts(&mut self) -> Result<&AccountIndex, SiteError> {
        if self.accounts.is_none() {
            let mut index = AccountIndex::default();
            let mut start = Some(PageStart::FIRST);
            for _ in 0..MAX_PAGES {
                let Some(from) = start.take() else { break };
                self.calls += 1;
                let page = self.connected.connector.list_accounts(from).await?;
                page.items.into_iter().for_each(|account| index.add(account));
                start = page.next;
            }
            whole(start.as_ref())?;
            self.accounts = Some(index);
        }
        Ok(self.accounts.get_or_insert_default())
    }

    /// Whether a group is there.
    pub(super) async fn has_group(&mut self, folded: &str) -> Result<bool, SiteError> {
        if self.groups.is_none() {
            let mut groups = BTreeSet::new();
            let mut start = Some(PageStart::FIRST);
            for _ in 0..MAX_PAGES {
                let Some(from) = start.take() else { break };
                self.calls += 1;
                let page = self.connected.connector.list_groups(from).await?;
                groups.extend(page.items.iter().map(|group| fold(group.name.trim())));
                start = page.next;
            }
            whole(start.as_ref())?;
            self.groups = Some(groups);
        }
        Ok(self.groups.as_ref().is_some_and(|groups| groups.contains(folded)))
    }

    /// Keys of the members of groups, by folded group name; a group that is not there has none.
    pub(super) async fn members(
        &mut self,
        groups: &BTreeMap<String, String>,
    ) -> Result<HashMap<String, BTreeSet<String>>, SiteError> {
        let mut members = HashMap::new();
        for (folded, name) in groups {
            if !self.has_group(folded).await? {
                continue;
            }
            let mut keys = BTreeSet::new();
            let mut start = Some(PageStart::FIRST);
            for _ in 0..MAX_PAGES {
                let Some(from) = start.take() else { break };
                self.calls += 1;
                match self.connected.connector.list_members(name, from).await {
                    Ok(page) => {
                        keys.extend(page.items.into_iter().map(|account| account.key));
                        start = page.next;
                    }
                    // It went while we were reading.
                    Err(SiteError::NotFound { .. }) => start = None,
                    Err(error) => return Err(error),
                }
            }
            whole(start.as_ref())?;
            members.insert(folded.clone(), keys);
        }
        Ok(members)
    }
}

/// Fails when a list goes on after all pages that are read: a plan of a part would tell of accounts to be made that stand
/// there.
fn whole(next: Option<&PageStart>) -> Result<(), SiteError> {
    match next {
        None => Ok(()),
        Some(_) => Err(SiteError::Protocol { detail: format!("a list has more than {MAX_PAGES} pages") }),
    }
}

impl AccountIndex {
    fn add(&mut self, account: Account) {
        let at = self.accounts.len();
        self.by_key.insert(account.key.clone(), at);
        self.by_username.insert(fold(account.username.trim()), at);
        if let Some(email) = &account.email {
            self.by_email.entry(fold(email.trim())).and_modify(|other| *other = None).or_insert(Some(at));
        }
        self.accounts.push(account);
    }
}
