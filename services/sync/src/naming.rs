//! Another user name for an account whose own is taken (`user_sync.username_if_taken`).

use atlassian::site::AccountQuery;
use store::accounts::{Acquired, GivenName};
use store::entity::task;
use store::id::UserId;

use crate::account::claims_on;
use crate::links::SiteLink;
use crate::workplace::{Interruption, Workplace};

/// Names that may be lost to colleagues in a row before the task waits its turn.
const RACES: usize = 20;

/// A name that is free in the ledger and at the site for the account of a user, whose own is `taken`; `None` where the
/// link's rule gives none. An account of a name that was only made up is never anybody's to take over, so the site is
/// asked for each.
pub(crate) async fn free_name(
    workplace: &Workplace,
    link: &SiteLink,
    user: UserId,
    taken: &str,
) -> Result<Option<String>, Interruption> {
    if workplace.connected.names_by_email() {
        return Ok(None);
    }
    let accounts = workplace.tenant.accounts(workplace.site.id);
    for name in link.other_names(&workplace.tenant, user, taken).await? {
        if accounts.of_name(&name).await?.is_some() {
            continue;
        }
        let query = AccountQuery::Username(name.clone());
        if workplace.call(workplace.connected.connector.find_account(&query)).await?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Takes an account under the name that the rule gives instead of one that is taken for good, if there is a rule. A name
/// that was free a moment ago may be a colleague's by now, who is worked on at the same time: then the next is taken.
pub(crate) async fn acquire_under_another(
    workplace: &Workplace,
    task: &task::Model,
    link: &SiteLink,
    taken: &str,
) -> Result<Acquired, Interruption> {
    let accounts = workplace.tenant.accounts(task.site_id);
    let (user, lease) = (UserId(task.object_id), workplace.engine.options.account_lease);
    for _ in 0..RACES {
        if !is_wanted_by_others(workplace, task, taken).await? {
            break;
        }
        let Some(given) = free_name(workplace, link, user, taken).await? else { break };
        let name = GivenName { name: &given, instead_of: taken };
        match accounts.acquire_under(user, task.connection_id, name, lease).await? {
            Acquired::Taken => {}
            acquired => return Ok(acquired),
        }
    }
    Ok(Acquired::Taken)
}

/// Whether somebody who has the account of that name wants it to be called so: otherwise it is about to be renamed, and
/// the name to become free.
pub(crate) async fn is_wanted_by_others(
    workplace: &Workplace,
    task: &task::Model,
    name: &str,
) -> store::Result<bool> {
    let accounts = workplace.tenant.accounts(task.site_id);
    let Some(row) = accounts.of_name(name).await? else { return Ok(false) };
    let page = accounts.of_ids(vec![row.id]).await?;
    let claims = claims_on(workplace, &page.claims, row.email.as_deref()).await?;
    let mut others = claims.iter().filter(|claim| claim.user_id != task.object_id);
    Ok(others.any(|claim| claim.calls_it(&row.username_folded)))
}
