//! Finding the account at the site: by what the ledger knows, then by the link's match rule.

use atlassian::error::SiteError;
use atlassian::site::{Account, AccountQuery, AccountRef};
use policy::settings::MatchBy;
use store::accounts::{HeldAccount, OtherRow, SameAs};
use store::clock::Timestamp;
use store::entity::task;

use crate::connectors::ConnectedSite;
use crate::workplace::{Interruption, Workplace};

/// What is to be found.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// The task that asks.
    pub(crate) task: &'a task::Model,
    /// The ledger's row.
    pub(crate) held: &'a HeldAccount,
    /// The user name that the account should have.
    pub(crate) username: &'a str,
    /// The e-mail address that it should have.
    pub(crate) email: Option<&'a str>,
    /// How an account that is already there may be recognised, in order.
    pub(crate) match_by: &'a [MatchBy],
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// This account, with all its groups where the site shows them.
    Account(Account),
    /// An account that another row of the ledger has, of the same person.
    OtherRow(SameAs),
    /// The user name is that of another person's account.
    Taken(String),
    /// No rule finds one.
    Nothing,
}

/// Looks the account up.
pub(crate) async fn find(workplace: &Workplace, wanted: &Wanted<'_>) -> Result<Found, Interruption> {
    let connector = &workplace.connected.connector;
    let by_email = workplace.connected.names_by_email();
    for query in queries(wanted, &workplace.connected) {
        let mut account = match workplace.call(connector.find_account(&query)).await {
            Ok(Some(account)) => account,
            // A site too large to be searched for an address: nobody is recognised by it.
            Ok(None) | Err(Interruption::Site(SiteError::NotPossible(_)))
                if matches!(query, AccountQuery::Email(_)) =>
            {
                continue;
            }
            Ok(None) => continue,
            Err(interruption) => return Err(interruption),
        };
        if workplace.connected.hides_email() {
            let remembered = remembered_email(wanted, &account, &query);
            account.email = account.email.or(remembered);
        }
        // The site does not show that access was taken away before: the ledger remembers.
        if workplace.connected.withdraws_access() && is_withdrawn(wanted, &account) {
            account.active = false;
        }
        let same = SameAs::Key(account.key.clone());
        match workplace.tenant.accounts(workplace.site.id).other_row(wanted.held, &same).await? {
            OtherRow::None => {}
            OtherRow::SamePerson => return Ok(Found::OtherRow(same)),
            // People may share an address, and each has an account of their own.
            OtherRow::AnotherPerson if matches!(query, AccountQuery::Email(_)) && !by_email => continue,
            OtherRow::AnotherPerson => return Ok(Found::Taken(account.username)),
        }
        if matches!(query, AccountQuery::Email(_))
            && is_named_for_another(workplace, wanted, &account).await?
        {
            continue;
        }
        if account.groups.is_none() {
            let reference = AccountRef::of(&account);
            account.groups = match workplace.call(connector.account_groups(&reference)).await {
                Ok(groups) => groups,
                // Its groups are then what the ledger believes.
                Err(Interruption::Site(SiteError::NotPossible(_))) => None,
                Err(interruption) => return Err(interruption),
            };
        }
        return Ok(Found::Account(account));
    }
    Ok(Found::Nothing)
}

/// Until when an account that was not found may still show, since its creation is in doubt and the site may show what
/// was before.
pub(crate) fn may_show_until(workplace: &Workplace, held: &HeldAccount) -> Option<Timestamp> {
    let ledger = &held.account;
    let in_doubt = workplace.connected.capabilities.shows_the_past && ledger.created_by_us && ledger.in_doubt;
    let until = ledger.creation_asked_at.filter(|_| in_doubt)?.plus(workplace.engine.options.shown_within);
    (workplace.tenant.now() < until).then_some(until)
}

/// Whether the account is the one whose access was taken away instead of deactivating it.
fn is_withdrawn(wanted: &Wanted<'_>, account: &Account) -> bool {
    let ledger = &wanted.held.account;
    ledger.active == Some(false) && ledger.key.as_ref() == Some(&account.key)
}

/// The address that was last written to an account whose address the site does not show, or by which it was found.
fn remembered_email(wanted: &Wanted<'_>, account: &Account, query: &AccountQuery) -> Option<String> {
    let ledger = &wanted.held.account;
    match query {
        AccountQuery::Email(email) => Some(email.clone()),
        _ => ledger.email.clone().filter(|_| ledger.key.as_ref() == Some(&account.key)),
    }
}

/// Whether an account with the wanted address has the user name of another user of the directory, whose it
/// is by the stronger sign although nothing was done for that user yet.
async fn is_named_for_another(
    workplace: &Workplace,
    wanted: &Wanted<'_>,
    account: &Account,
) -> store::Result<bool> {
    if !wanted.match_by.contains(&MatchBy::Username) {
        return Ok(false);
    }
    let users = workplace.tenant.users(wanted.task.connection_id);
    let named = users.find_by_user_name(&account.username).await?;
    Ok(named.is_some_and(|user| wanted.held.claims.iter().all(|claim| claim.user_id != user.id)))
}

/// The questions in order. A key that is known is the identity; a user name under which a creation may
/// have succeeded comes before the one wanted now.
fn queries(wanted: &Wanted<'_>, connected: &ConnectedSite) -> Vec<AccountQuery> {
    let search = connected.email_search();
    let by_email = connected.names_by_email();
    let ledger = &wanted.held.account;
    let mut queries = Vec::new();
    if let Some(key) = &ledger.key {
        let known = AccountRef { key: key.clone(), username: ledger.username.clone() };
        queries.push(AccountQuery::Known(known));
    }
    if ledger.created_by_us && ledger.in_doubt {
        queries.push(AccountQuery::Username(ledger.username.clone()));
    }
    for rule in wanted.match_by {
        let query = match rule {
            // The identity is the key, asked above.
            MatchBy::Id => continue,
            MatchBy::Username if by_email => wanted.email.map(|email| AccountQuery::Email(email.to_owned())),
            MatchBy::Username => Some(AccountQuery::Username(wanted.username.to_owned())),
            // The other rules still hold.
            MatchBy::Email if !search.applies(wanted.task.last_error.as_deref()) => continue,
            MatchBy::Email => wanted.email.map(|email| AccountQuery::Email(email.to_owned())),
        };
        queries.extend(query.filter(|query| !queries.contains(query)));
    }
    queries
}
