//! Another user name for an account whose own is taken (`user_sync.username_if_taken`).

use atlassian::site::AccountQuery;
use policy::account::Claim;
use scim_protocol::fold;
use store::entity::{account, task};
use store::id::UserId;

use crate::account::claims_on;
use crate::links::SiteLink;
use crate::workplace::{Interruption, Workplace};

/// A name that is free in the ledger and at the site for the account of a user, whose own is `taken`; `None` where the
/// link's rule gives none. An account of a name that was only made up is never anybody's to take over, so the site is
/// asked for each.
pub(crate) async fn free_name(
    workplace: &Workplace,
    link: &SiteLink,
    user: UserId,
    taken: &str,
) -> Result<Option<String>, Interruption> {
    if link.settings.user_sync.username_if_taken.is_empty() || workplace.connected.names_by_email() {
        return Ok(None);
    }
    let users = workplace.tenant.users(link.row.connection_id);
    let Some(found) = users.find(user).await? else { return Ok(None) };
    let groups = users.holding_groups(&[user]).await?.remove(&user).unwrap_or_default();
    let accounts = workplace.tenant.accounts(workplace.site.id);
    for name in link.other_names(&found, &groups, taken) {
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
    Ok(claims.iter().any(|claim| claim.user_id != task.object_id && calls_it(claim, &row)))
}

/// Whether a claim asks for the account's present name, as far as its directory still has the user.
fn calls_it(claim: &Claim, row: &account::Model) -> bool {
    let user = claim.user.as_ref().filter(|_| claim.doubt.is_none());
    user.is_some_and(|user| fold(user.user_name.trim()) == row.username_folded)
}
