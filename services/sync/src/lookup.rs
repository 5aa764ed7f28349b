//! Finding the account at the site: by what the ledger knows, then by the link's match rule.

use atlassian::error::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef};
use policy::settings::MatchBy;
use store::entity::account;

use crate::site::Workplace;

/// What is to be found.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The ledger's row.
    pub ledger: &'a account::Model,
    /// The user name that the account should have.
    pub username: &'a str,
    /// The e-mail address that it should have.
    pub email: Option<&'a str>,
    /// How an account that is already there may be recognised, in order.
    pub match_by: &'a [MatchBy],
}

/// Looks the account up, with all its groups. `None` when no rule finds one.
pub async fn find(workplace: &Workplace, wanted: &Wanted<'_>) -> Result<Option<Account>, SiteError> {
    for query in queries(wanted) {
        if let Some(mut account) = workplace.connected.connector.find_account(&query).await? {
            if account.groups.is_none() {
                let reference = AccountRef::of(&account);
                account.groups = workplace.connected.connector.account_groups(&reference).await?;
            }
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// The questions in order. A key that is known is the identity; a user name under which a creation may
/// have succeeded comes before the one wanted now.
fn queries(wanted: &Wanted<'_>) -> Vec<AccountQuery> {
    let mut queries = Vec::new();
    if let Some(key) = &wanted.ledger.key {
        queries.push(AccountQuery::Key(key.clone()));
    }
    if wanted.ledger.created_by_us && wanted.ledger.in_doubt {
        queries.push(AccountQuery::Username(wanted.ledger.username.clone()));
    }
    for rule in wanted.match_by {
        let query = match rule {
            // The identity is the key, asked above.
            MatchBy::Id => continue,
            MatchBy::Username => Some(AccountQuery::Username(wanted.username.to_owned())),
            MatchBy::Email => wanted.email.map(|email| AccountQuery::Email(email.to_owned())),
        };
        queries.extend(query.filter(|query| !queries.contains(query)));
    }
    queries
}
