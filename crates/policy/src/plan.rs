//! From desired and observed state to the changes between them, each with its reason.

use std::collections::BTreeSet;

use serde::Serialize;
use uuid::Uuid;

use crate::account::DesiredAccount;

mod action;
pub mod digest;
mod leads;
pub mod link;
mod membership;
mod steps;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use action::Action;
pub use leads::{Led, hand_over};

/// What we last knew of an account at the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub struct ObservedAccount {
    /// Its user name.
    pub username: String,
    /// Its display name.
    pub display_name: String,
    /// Its e-mail address, if the site shows it.
    pub email: Option<String>,
    /// Whether it may log in. Where deactivating means taking access away, whether that was not done.
    pub active: bool,
    /// Folded names of the groups that we know it to be in.
    pub groups: BTreeSet<String>,
    /// Folded names of the groups whose membership links gave or adopted.
    pub managed: BTreeSet<String>,
    /// Whether `groups` is the site's full answer. If not, a managed membership that is missing in it may
    /// or may not exist.
    pub groups_known: bool,
    /// Those of `groups` that the site shows and we did not see come about: it may show what was, so that they are asked
    /// for again where they are wanted.
    pub unproven: BTreeSet<String>,
    /// Whether it is never touched: our own account, or one that the admin names.
    pub protected: bool,
    /// Whether we created it, rather than finding it there.
    pub created_by_us: bool,
}

/// One step at the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// Why: a sentence for the admin.
    pub reason: String,
    /// The link that asks for it.
    pub link: Option<Uuid>,
}

/// Something that differs and stays so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Skipped {
    /// What is not done, such as `create`, `rename`, `group jira-administrators`.
    pub what: String,
    /// Why, in words.
    pub reason: String,
}

/// Everything between an observed account and a desired one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountPlan {
    /// The steps in their order: taking access away comes first.
    pub changes: Vec<Change>,
    /// What differs and is left alone, with the reason.
    pub not_done: Vec<Skipped>,
    /// Whether a step takes access away.
    pub removes_access: bool,
    /// Names of groups that the account is in as desired, seen at the site just now: from now on links
    /// manage these memberships.
    pub in_place: Vec<String>,
    /// Folded names of groups whose membership links no longer manage: it is gone from the site, or the
    /// rules let go of the group and leave its members.
    pub forgotten: Vec<String>,
}

/// Compares one account with what it should be; `observed` is `None` when the site has no such account.
///
/// Carrying out all changes makes the plan empty. Memberships are only taken away where links gave or
/// adopted them, or where every link that feeds the group has `keep_existing` off; those of protected groups
/// and everything about a protected account stay as they are.
pub fn account(desired: &DesiredAccount, observed: Option<&ObservedAccount>) -> AccountPlan {
    let mut plan = steps::steps(desired, observed);
    if observed.is_some_and(|account| account.protected) && !plan.changes.is_empty() {
        let reason = "the account is protected and never changed".to_owned();
        let not_done = vec![Skipped { what: "account".to_owned(), reason }];
        return AccountPlan { not_done, ..AccountPlan::default() };
    }
    plan.removes_access = plan.changes.iter().any(|change| change.action.removes_access());
    plan
}
