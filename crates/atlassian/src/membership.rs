//! Putting an account into a group and taking it out, where a refusal can mean several things.
//!
//! The products name an account by its user name in these calls, and answer the same status for a member that is in
//! already, for an account that is gone or was renamed behind our back, and for a group that is not there. A look
//! tells which.

use crate::error::SiteError;
use crate::site::{AccountQuery, AccountRef, Site};

use crate::connection::same_name;

/// Puts the account into the group; `put` makes the call for a user name.
pub(crate) async fn join<F, C>(
    site: &dyn Site,
    group: &str,
    account: &AccountRef,
    put: F,
) -> Result<(), SiteError>
where
    F: Fn(String) -> C + Send + Sync,
    C: Future<Output = Result<(), SiteError>> + Send,
{
    let Err(refusal) = put(account.username.clone()).await else { return Ok(()) };
    match standing(site, group, account, &refusal).await? {
        Standing::Member => Ok(()),
        Standing::NoAccount => Err(SiteError::NotFound { detail: "the account is gone".to_owned() }),
        Standing::Renamed { username, .. } => put(username).await,
        Standing::NotMember => Err(refusal),
    }
}

/// The other way round; `delete` makes the call for a user name.
pub(crate) async fn leave<F, C>(
    site: &dyn Site,
    group: &str,
    account: &AccountRef,
    delete: F,
) -> Result<(), SiteError>
where
    F: Fn(String) -> C + Send + Sync,
    C: Future<Output = Result<(), SiteError>> + Send,
{
    let Err(refusal) = delete(account.username.clone()).await else { return Ok(()) };
    match standing(site, group, account, &refusal).await? {
        // Nobody is in a group that is gone, but the caller wants to know.
        Standing::NoAccount | Standing::NotMember => {
            let may_be_gone = matches!(refusal, SiteError::NotFound { .. });
            if may_be_gone && site.find_group(group).await?.is_none() { Err(refusal) } else { Ok(()) }
        }
        Standing::Renamed { username, member: true } => delete(username).await,
        Standing::Renamed { .. } => Ok(()),
        Standing::Member => Err(refusal),
    }
}

/// How an account stands to a group.
enum Standing {
    /// It is in it.
    Member,
    /// It is not in it.
    NotMember,
    /// There is no such account.
    NoAccount,
    /// It has another user name than we thought.
    Renamed { username: String, member: bool },
}

/// A refusal that has one meaning only is passed on as it is.
async fn standing(
    site: &dyn Site,
    group: &str,
    account: &AccountRef,
    refusal: &SiteError,
) -> Result<Standing, SiteError> {
    let has_several_meanings = matches!(
        refusal,
        SiteError::Rejected { status: 400, .. }
            | SiteError::NotFound { .. }
            | SiteError::AlreadyExists { .. }
    );
    if !has_several_meanings {
        return Err(refusal.clone());
    }
    let Some(found) = site.find_account(&AccountQuery::Known(account.clone())).await? else {
        return Ok(Standing::NoAccount);
    };
    let groups = match found.groups {
        Some(groups) => groups,
        None => match site.account_groups(&AccountRef::of(&found)).await {
            Ok(Some(groups)) => groups,
            Ok(None) => return Ok(Standing::NoAccount),
            // A list that is cut short proves nothing: the refusal stands.
            Err(SiteError::NotPossible(_)) => return Err(refusal.clone()),
            Err(error) => return Err(error),
        },
    };
    let member = groups.iter().any(|name| same_name(name, group));
    if !same_name(&found.username, &account.username) {
        return Ok(Standing::Renamed { username: found.username, member });
    }
    Ok(if member { Standing::Member } else { Standing::NotMember })
}
